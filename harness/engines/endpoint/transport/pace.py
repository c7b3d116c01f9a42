"""How many requests one server gets at once: grown while that helps, cut when the server says that it is too much.

Pure arithmetic on times that the caller passes in (seconds of any clock); no network and no waiting here.
"""

from __future__ import annotations

FIRST_LIMIT = 8
# A round is full if so much of the limit was in use
FULL = 0.8
# Growth that gains less than this is not worth the load
LEAST_GAIN = 0.05
# Rounds without a gain before growth stops, and rounds after which it is tried again
FLAT_ROUNDS, REST_ROUNDS = 2, 12
# A round is at least so long, in seconds: the speed of a shorter one is mostly noise
SHORTEST_ROUND = 0.5
CUT_REFUSED, CUT_TIMEOUT = 0.5, 0.7
SHORTEST_BETWEEN_CUTS = 5.0


class Pace:
    """The limit of one URL: doubles per clean and full round up to the first cut, then grows by an eighth.

    A round lasts until `limit` requests that were sent in it were accepted by the server (their answer began), so that
    long answers do not hold up growth. It is clean if nothing was refused or timed out.
    """

    def __init__(self, cap: int) -> None:
        """`cap` is the most that may run at once."""
        self._cap = cap
        self._limit = float(min(FIRST_LIMIT, cap))
        self._doubles = True
        self._cut_after = float("-inf")
        self._best = 0.0
        self._flat = 0
        self._rested = 0
        self._before = self._limit
        self._round = -1
        self.in_flight = 0
        self._sent = self._accepted = self._most = self._tokens = 0
        self._begin(0.0)

    @property
    def limit(self) -> int:
        """Most requests at once, now; at least 1."""
        return max(1, int(self._limit))

    @property
    def round(self) -> int:
        """The number of the present round; a request keeps that of the round it was sent in."""
        return self._round

    def sent(self, now: float) -> int:
        """A request is on its way; return its round."""
        if not self._sent:
            self._round_began = now
        self._sent += 1
        self.in_flight += 1
        self._most = max(self._most, self.in_flight)
        return self._round

    def accepted(self, number: int, now: float) -> None:
        """The server began to answer a request of round `number`."""
        if number != self._round:
            return
        self._accepted += 1
        self._end_round(now)

    def progressed(self, tokens: int) -> None:
        """So many tokens came."""
        self._tokens += tokens

    def ended(self) -> None:
        """A request has its outcome."""
        self.in_flight -= 1

    def refused(self, now: float, wait: float) -> None:
        """The server said that it is too much, and to wait `wait` seconds."""
        self._cut(CUT_REFUSED, now, wait)

    def timed_out(self, now: float) -> None:
        """A request got no answer in its time, or its connection broke."""
        self._cut(CUT_TIMEOUT, now, 0.0)

    def _cut(self, factor: float, now: float, wait: float) -> None:
        """Cut once: what was in flight at the first refusal is refused too, and says nothing new."""
        if now >= self._cut_after:
            self._limit = max(1.0, self._limit * factor)
            self._cut_after = now + max(SHORTEST_BETWEEN_CUTS, wait)
            self._doubles = False
            self._before = self._limit
            self._best, self._flat, self._rested = 0.0, 0, 0
        self._begin(now)

    def _end_round(self, now: float) -> None:
        seconds = now - self._round_began
        if self._accepted < self.limit or seconds < SHORTEST_ROUND:
            return
        full = self._most >= FULL * self.limit
        speed = self._tokens / seconds
        if full and self._worth_growing(speed):
            self._before = self._limit
            self._limit = min(self._cap, self._limit * 2 if self._doubles else self._limit + max(1, self._limit / 8))
        self._begin(now)

    def _worth_growing(self, speed: float) -> bool:
        """Whether the last growth paid, else it is taken back; after a rest one more is tried: the answers may have
        changed.
        """
        if speed >= self._best * (1 + LEAST_GAIN):
            self._best, self._flat, self._rested = speed, 0, 0
            return True
        self._flat += 1
        if self._flat < FLAT_ROUNDS:
            return False
        self._limit = self._before
        self._rested += 1
        if self._rested < REST_ROUNDS:
            return False
        # A trial that gains nothing ends sooner than the first time
        self._best, self._flat, self._rested = speed, FLAT_ROUNDS - 1, 0
        return True

    def _begin(self, now: float) -> None:
        self._round += 1
        self._round_began = now
        self._sent = self._accepted = self._most = self._tokens = 0
