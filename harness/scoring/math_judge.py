"""Decides mathematical equality with math-verify, in child processes that are killed at their deadline.

Guarantees: `equal` returns within a bounded time whatever the model wrote (deadline x 3: once, once more in a
fresh process, once for the right answer alone), never raises for the answer, and may be called from any thread. A
child sees no variable of this process's environment, has bounded memory, and ends by itself if this process
dies.

Does not guarantee that an undecided pair is unequal: `None` means that no verdict was reached. `maths.reading` brings
both sides into one writing and decides what needs no algebra; `maths.algebra` lists where math-verify is guarded. An
unsimplified 4+1 equals 5; 20 % equals 20 and 0.2.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.scoring.maths.reading import Verdict, compared

# An honest comparison takes milliseconds, the slowest seen in MATH about a second on a loaded core.
DEADLINE_SECONDS = 6.0
# Importing math-verify takes a second; on a machine that swaps, very much longer.
START_SECONDS = 90.0
# The longest answer in MATH-500 has 53 characters. Longer ones are compared as text only.
MOST_CHARS = 2000
# A completion in which math-verify searches; of a longer one, the end.
MOST_CHARS_SEARCHED = 100_000

TIMEOUT = "timeout"
CRASH = "crash"
GOLD_TIMEOUT = "gold_timeout"
NO_JUDGE = "no_judge"
# Reasons for a missing verdict that are faults of the harness.
OUR_REASONS = frozenset({GOLD_TIMEOUT, NO_JUDGE})

_BOOT = "import sys; sys.path.append(sys.argv[1]); from harness.scoring.math_worker import main; main()"


class ProcessMathJudge:
    """A `MathJudge` with one child process, started at the first comparison that needs algebra.

    Callers from several threads take turns; one judge a thread lets none wait for another's hostile answer.
    """

    def __init__(self, *, seconds: float = DEADLINE_SECONDS) -> None:
        """`seconds` bounds one comparison."""
        self._child = _Child(seconds)
        self._turn = threading.Lock()

    def equal(self, gold: str, answer: str) -> tuple[bool | None, str]:
        """Return (verdict, how it was reached); the verdict is None for the reasons named in this module."""
        if len(gold) > MOST_CHARS or len(answer) > MOST_CHARS:
            return gold.strip() == answer.strip(), "too_long"
        compared_texts = compared(gold, answer)
        if isinstance(compared_texts, Verdict):
            return compared_texts.equal, compared_texts.decided
        return self._by_algebra(compared_texts)

    def found_equal(self, solution: str, completion: str) -> tuple[bool | None, str]:
        """As `equal`, of the answers that math-verify itself finds in two texts, without our readings of either."""
        with self._turn:
            return _decide(self._child, [(solution, completion[-MOST_CHARS_SEARCHED:])], whole=True)

    def _by_algebra(self, pairs: list[tuple[str, str]]) -> tuple[bool | None, str]:
        with self._turn:
            return _decide(self._child, pairs)

    def close(self) -> None:
        """End the child, even in the middle of a comparison; safe to call twice."""
        self._child.close()
        with self._turn:
            self._child.end()

    def __enter__(self) -> ProcessMathJudge:
        """Serve as a context that closes the judge."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the judge."""
        self.close()


def _decide(child: _Child, pairs: list[tuple[str, str]], *, whole: bool = False) -> tuple[bool | None, str]:
    reason = ""
    # the second try is in a fresh process: the first may have been slow for another answer's sake
    for _ in range(2):
        verdict, reason = child.compare(pairs, whole=whole)
        if verdict is not None:
            return verdict, "math_verify"
        if reason == NO_JUDGE:
            return None, reason
        child.end()
    readable, unread = child.compare(pairs, whole=whole, readable=True)
    if readable is not None:
        return None, reason
    return None, NO_JUDGE if unread == NO_JUDGE else GOLD_TIMEOUT


class _Child:
    """One process, one comparison at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def compare(
        self, pairs: list[tuple[str, str]], *, whole: bool = False, readable: bool = False
    ) -> tuple[bool | None, str]:
        """Return whether a pair is equal, or with `readable` whether the right answers parse; else (None, reason).

        `whole`: the texts are searched for their answers.
        """
        if self._process is None or self._process.poll() is not None:
            self.end()
            if self._closed or not self._start():
                self.end()
                return None, NO_JUDGE
        request = {"pairs": pairs, "whole": whole, "readable": readable, "seconds": self._seconds}
        reply, expired = self._exchange(json.dumps(request), self._seconds)
        if reply is None:
            return None, TIMEOUT if expired else CRASH
        return bool(reply["verdict"]), ""

    def close(self) -> None:
        """Kill the process from any thread, and start no other."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> None:
        """Kill the process, if there is one, and wait for its end."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with suppress(OSError):
            process.communicate()

    def _start(self) -> bool:
        root = str(Path(__file__).resolve().parents[2])
        kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
        try:
            self._process = subprocess.Popen(
                # -P: a file in the user's folder must not be taken for a module of the worker's
                [sys.executable, "-P", "-c", _BOOT, root],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # a fixed hash seed: the order of sets must not change a verdict
                env={**kept, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
                text=True,
                encoding="utf-8",
                errors="surrogatepass",
                # Ctrl-C is for the run, which closes the judge in its own order
                start_new_session=True,
            )
        except OSError:
            return False
        reply, _ = self._exchange("", START_SECONDS)
        return reply is not None

    def _exchange(self, line: str, seconds: float) -> tuple[dict[str, Any] | None, bool]:
        """Send a line (none at the start) and wait for one; return it and whether time ran out first."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return None, False
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()
        try:
            if line:
                process.stdin.write(line + "\n")
                process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = ""
        finally:
            timer.cancel()
            timer.join()
        if not answer.endswith("\n"):
            # dead, or about to be: reap it, so that the next comparison starts a new one
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
            return None, expired.is_set()
        reply: dict[str, Any] = json.loads(answer)
        return reply, False
