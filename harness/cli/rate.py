"""How fast requests end, and how long the rest takes at that rate."""

from __future__ import annotations

from collections import deque

# The rate is of the last so many seconds: a run goes on from a generation to log-likelihoods, and a server recovers
WINDOW_SECONDS = 120.0
MARK_SECONDS = 1.0


class Rate:
    """Counts what ends from `start` (seconds of a clock) on. What was there before is not counted."""

    def __init__(self, start: float) -> None:
        """Begin at a time."""
        self._ended = 0
        self._marks = deque([(start, 0)])

    def ended(self, now: float) -> None:
        """Count one more."""
        self._ended += 1
        if now - self._marks[-1][0] >= MARK_SECONDS:
            self._marks.append((now, self._ended))

    def per_second(self, now: float) -> float | None:
        """The rate over the window that ends now; None before anything has ended in it."""
        while len(self._marks) > 1 and now - self._marks[1][0] >= WINDOW_SECONDS:
            self._marks.popleft()
        since, before = self._marks[0]
        count, seconds = self._ended - before, now - since
        return count / seconds if count and seconds > 0 else None


def rate_text(per_second: float) -> str:
    """A rate with three digits: per second, or where that is below 1, per minute or hour."""
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        rate = per_second * seconds
        if rate >= 1 or unit == "h":
            break
    digits = 0 if rate >= 100 else 1 if rate >= 10 else 2
    return f"{rate:.{digits}f}/{unit}"


def duration_text(seconds: float) -> str:
    """A time in two units at most."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
