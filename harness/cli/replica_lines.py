"""What an engine's copies of the model do, in words: short for a progress line, one line each with `--verbose`."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from statistics import median

from harness.cli.rate import duration_text, rate_text
from harness.engines.base import ReplicaState, Watched
from harness.report.folding import few

# A replica is slow at less than this share of the usual rate, once it has worked for so many seconds
SLOW_SHARE, SLOW_AFTER = 0.5, 60.0
SILENT_SECONDS = 60.0
# Tokens a second are of at least so long
RATE_SECONDS = 2.0


class ReplicaLines:
    """Reads the state of an engine while it answers; from any thread."""

    def __init__(self, engine: Watched) -> None:
        """Nothing is read yet."""
        self._engine = engine
        self._lock = threading.Lock()
        # Time and tokens of all replicas, at the beginning of the time that the rate is of, and at its latest look
        self._marks: list[tuple[float, int]] = []

    def parts(self, now: float) -> list[str]:
        """Rows, tokens a second, and which replicas are slow, silent or gone; empty before anything runs."""
        states = self._engine.replicas()
        live = [one for one in states if one.alive]
        if not live:
            return []
        rows = sum(one.rows for one in live)
        parts = []
        if len(states) > 1:
            gone = len(states) - len(live)
            parts.append(f"{len(live)} replica{'s' * (len(live) > 1)}{f' ({gone} lost)' if gone else ''}")
        if rows:
            parts.append(f"{rows} row{'s' * (rows > 1)}")
        if (rate := self._tokens_per_second(states, now)) is not None:
            parts.append(f"{rate_text(rate).removesuffix('/s')} tokens/s" if rate >= 1 else "0 tokens/s")
        if slow := _slow(live):
            parts.append(f"slow: {few([one.place for one in slow])}")
        silent = max(live, key=lambda one: one.silent if one.state == "working" else 0)
        if len(states) > 1 and silent.state == "working" and silent.silent >= SILENT_SECONDS:
            parts.append(f"no answer for {duration_text(silent.silent)}: {silent.place}")
        return parts

    def lines(self) -> Iterator[str]:
        """A line for each replica, of an engine that has several."""
        states = self._engine.replicas()
        for one in states if len(states) > 1 else ():
            rate = f", {rate_text(one.done / one.seconds)}" if one.done and one.seconds else ""
            last = f", the last {duration_text(one.silent)} ago" if one.done and one.alive else ""
            rows = f"{one.rows} rows, " if one.alive else ""
            yield f"replica {one.name} on {one.place} {_state(one)}: {rows}{one.done} answers{rate}{last}"

    def _tokens_per_second(self, states: Sequence[ReplicaState], now: float) -> float | None:
        if any(one.tokens is None for one in states if one.alive):
            return None
        with self._lock:
            self._marks.append((now, sum(one.tokens or 0 for one in states)))
            while len(self._marks) > 2 and now - self._marks[1][0] >= RATE_SECONDS:
                self._marks.pop(0)
            (since, before), (_, after) = self._marks[0], self._marks[-1]
        return (after - before) / (now - since) if now - since >= RATE_SECONDS and after >= before else None


def _state(one: ReplicaState) -> str:
    return f"is {one.state}" if one.alive else one.state


def _slow(live: Sequence[ReplicaState]) -> list[ReplicaState]:
    rated = [(one.done / one.seconds, one) for one in live if one.seconds >= SLOW_AFTER]
    if len(rated) < 3:
        return []
    usual = median(rate for rate, _ in rated)
    return [one for rate, one in rated if rate < SLOW_SHARE * usual]
