"""A run going by, on stderr: a status line with rate and time left, or a plain line now and then without a terminal.

`--quiet` shows nothing of it; `--verbose` each task by itself, and how long each phase took.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from harness.cli.interrupts import leave_to_the_run
from harness.cli.loudness import Loudness
from harness.cli.rate import Rate, duration_text, rate_text
from harness.cli.replica_lines import ReplicaLines
from harness.cli.screen import status_line
from harness.cli.status import width_of
from harness.datatypes import Completion, Refusal
from harness.report.folding import NAMED, few
from harness.report.left_out import left_out_text
from harness.report.visible import visible_line
from harness.report.wrapping import broken

if TYPE_CHECKING:
    from harness.catalog import Task
    from harness.datatypes import Record
    from harness.engines.base import EngineFacts, Watched
    from harness.execution.base import Sandbox

LINE_SECONDS = 60.0
WAIT_LINE_SECONDS = 10.0
# How often it is looked whether a line is due
LOOK_SECONDS = 1.0
# A bar is drawn where it leaves the words their space
LEAST_BAR, LONGEST_BAR = 8, 20
CUT_OFF = ("length", "window")
# How prompts reach a server, with what makes them
WAYS = {
    "exact": "exact, by the tokenizer's chat template",
    "chat": "chat, by the server's chat template",
    "text": "text, by the server's tokenizer",
}


class Progress:
    """A Watcher that shows. Use as a context manager, so that the terminal is left clean."""

    def __init__(self, loudness: Loudness = Loudness.normal, *, live: bool = True) -> None:
        """Nothing is shown before the first call. `live` false: plain lines on a terminal too."""
        self._loudness = loudness
        self._status = status_line()
        self._live = live and self._status.live
        self._total = self._done = self._failed = self._truncated = 0
        self._rate: Rate | None = None
        self._planned = False
        self._task = ""
        self._spoke = 0.0
        # What is waited for, since when, and the kind of it that a plain line showed last
        self._waits = self._kind = ""
        self._since = self._waited = time.monotonic()

        self._replicas: ReplicaLines | None = None
        self._speaking = threading.Lock()
        self._left = threading.Event()

    def __enter__(self) -> Progress:
        """Begin. Lines come by the clock, also while no request ends."""
        threading.Thread(target=self._go_on, name="progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the status line away."""
        self._left.set()
        self._phase("")
        self._status.clear()

    def planned(self, facts: EngineFacts, tasks: Sequence[Task], folder: Path, sandbox: Sandbox | None) -> None:
        """Show what will run, with its settings."""
        leave_to_the_run()
        self._planned = True
        requests = sum(len(task.requests) for task in tasks)
        self._say(f"{facts.model}: {engine_text(facts)}")
        settings = ", ".join(f"{key}={value}" for key, value in facts.generation.items() if value is not None)
        if settings:
            line = f"generation: {settings}"
            for part in broken(line, width_of(sys.stderr), rest="  ") if sys.stderr.isatty() else [line]:
                self._say(part)
        if facts.end_tokens:
            self._say(
                f"answers end with {' or '.join(map(repr, facts.end_tokens))}, the task's stop strings, or max_tokens"
            )
        for note in facts.notes:
            self._say(f"note: {note}")
        for line in task_lines(tasks, folded=self._loudness is not Loudness.verbose):
            self._say(line)
        if sandbox is not None:
            self._say(
                f"programs run in the sandbox {sandbox.level!r}{f': {sandbox.caution}' if sandbox.caution else ''}"
            )
        self._say(f"{requests} requests -> {folder}")

    def started(self, total: int, known: int) -> None:
        """Begin to count; answers that are there already are not part of the rate."""
        self._phase("")
        self._waits = ""
        self._total, self._done = total, known
        self._spoke = time.monotonic()
        self._rate = Rate(self._spoke)
        if known:
            self._say(f"resuming: {known} of {total} already answered")
        self._refresh()

    def recorded(self, record: Record) -> None:
        """Move on by one: an answer, or a request that failed."""
        self._count(record)
        self._line_if_due()

    def watching(self, engine: Watched) -> None:
        """Show what the engine's copies of the model do from now on."""
        self._replicas = ReplicaLines(engine)
        engine.watch(self._say)

    def waiting(self, text: str) -> None:
        """Show what the run waits for in the status line; without a terminal as a plain line, now and then."""
        now = time.monotonic()
        kind = _kind(text)
        if kind != _kind(self._waits):
            self._phase(text)
        self._waits = text
        if self._live:
            self._refresh()
        # A wait is shown once, though its seconds go down, and again if it lasts
        elif text and (kind != self._kind or now - self._waited >= WAIT_LINE_SECONDS):
            self._kind, self._waited = kind, now
            # One line for all tasks that are bound, not one for each
            line = text if self._rate is not None else text.partition(": ")[0]
            if self._planned or self._loudness is Loudness.verbose:
                self._say(line)
            elif self._loudness is Loudness.normal:
                # Before the plan is complete an error is likely, and it should be the only line
                self._status.say_later(visible_line(line))

    def line(self, width: int) -> str:
        """The status line of at most `width` cells: the least important parts are left out."""
        now = time.monotonic()
        if self._rate is None and not self._waits:
            return ""
        if self._rate is None:
            seconds = now - self._since
            return f"{self._waits} ({duration_text(seconds)})" if seconds >= 1 else f"{self._waits} ..."
        parts = self._parts(now)
        while len(parts) > 1 and len(", ".join(parts)) > width:
            parts.pop()
        text = ", ".join(parts)
        bar = min(width - len(text) - 1, LONGEST_BAR)
        return f"{self._bar(bar)} {text}" if bar >= LEAST_BAR else text

    def _parts(self, now: float) -> list[str]:
        """What is known, the most important first."""
        parts = [f"{self._done}/{self._total} answers"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._rate is not None and (rate := self._rate.per_second(now)) is not None:
            left = max(0, self._total - self._done - self._failed) / rate
            parts += [rate_text(rate), f"about {duration_text(left)} left"]
        if self._waits:
            parts.append(self._waits)
        if self._replicas is not None:
            parts += self._replicas.parts(now)
        if self._truncated:
            parts.append(f"{self._truncated} truncated")
        if self._task:
            parts.append(self._task)
        return parts

    def _go_on(self) -> None:
        while not self._left.wait(LOOK_SECONDS):
            if self._rate is not None:
                self._line_if_due()

    def _line_if_due(self) -> None:
        """Without a terminal a line now and then; with `--verbose` one for each replica too."""
        verbose = self._replicas is not None and self._loudness is Loudness.verbose
        if self._live and not verbose:
            return
        with self._speaking:
            now = time.monotonic()
            if now - self._spoke < LINE_SECONDS:
                return
            self._spoke = now
        if not self._live:
            self._say(", ".join(self._parts(now)))
        if self._replicas is not None and verbose:
            for line in self._replicas.lines():
                self._say(line)

    def _bar(self, cells: int) -> str:
        full = cells * (self._done + self._failed) // max(1, self._total)
        done, rest = ("━", "─") if (getattr(sys.stderr, "encoding", None) or "").lower().startswith("utf") else "#-"
        return done * full + rest * (cells - full)

    def _count(self, record: Record) -> None:
        reply = record.reply
        if isinstance(reply, Refusal) and reply.failure.ours:
            self._failed += 1
        else:
            self._done += 1
        if isinstance(reply, Completion) and reply.finish in CUT_OFF:
            self._truncated += 1
        if self._rate is not None:
            self._rate.ended(time.monotonic())
        self._task = record.request.task

    def _phase(self, text: str) -> None:
        """A phase ends, and the next one begins; how long it took is shown with `--verbose`."""
        now = time.monotonic()
        if self._waits and self._loudness is Loudness.verbose:
            self._say(f"{now - self._since:.1f} s: {_kind(self._waits)}")
        self._since = now

    def _refresh(self) -> None:
        if self._live and self._loudness is not Loudness.quiet:
            self._status.show(self.line)

    def _say(self, line: str) -> None:
        if self._loudness is not Loudness.quiet:
            print(visible_line(line), file=sys.stderr, flush=True)


def _kind(text: str) -> str:
    """What is waited for, without how far it is: `binding 12 tasks: 3/12 gsm8k` and the next task are one kind."""
    return re.sub(r"(?<=waiting )\d+ s ", "", re.sub(r"\(.*\d.*\)", "", text.partition(": ")[0]))


def task_lines(tasks: Sequence[Task], *, folded: bool) -> Iterator[str]:
    """How each task is run, a line each; of many tasks a line for all that are prompted alike."""
    alike: dict[str, list[Task]] = {}
    for task in tasks:
        alike.setdefault(_protocol(task) if folded and len(tasks) > NAMED else task.name, []).append(task)
    for own in alike.values():
        samples, total = sum(len(task.samples) for task in own), sum(task.total for task in own)
        part = f" of {total}" if samples < total else ""
        names = own[0].name if len(own) == 1 else f"{len(own)} tasks ({few([task.name for task in own])})"
        yield f"{names}: {samples}{part} samples, {_protocol(own[0])}"
        yield from (
            f"{task.name}: {left_out_text(task.not_changed(), len(task.samples))}" for task in own if task.not_changed()
        )


def engine_text(facts: EngineFacts) -> str:
    """An engine in a few words: where and in which precision the model runs, and how it gets its prompts."""
    way = facts.generation.get("prompts")
    if way in WAYS:
        served = f", served as {facts.dtype}" if facts.dtype else ""
        plain = way == "exact" and facts.style == "text"
        return f"{facts.engine} engine{served}; prompts: {'exact, by the tokenizer' if plain else WAYS[way]}"
    place = ", ".join(str(part) for part in (facts.device, facts.dtype) if part)
    return f"{facts.engine} engine{f' on {place}' if place else ''}, {facts.style} prompts"


def _protocol(task: Task) -> str:
    """How a task is prompted, in a few words: what must agree before its score may be compared with another."""
    shots = f"{task.fingerprint['shots']} shots"
    sampling = task.page.sampling
    if task.page.ask == "loglikelihood" or sampling is None:
        return f"{task.style}, {shots}, log-likelihood"
    how = "greedy" if sampling.temperature == 0 else f"temperature {sampling.temperature:g}, top_p {sampling.top_p:g}"
    repeats = f", {task.page.repeats} times each" if task.page.repeats > 1 else ""
    return f"{task.style}, {shots}, {how}, at most {sampling.max_tokens} tokens{repeats}"
