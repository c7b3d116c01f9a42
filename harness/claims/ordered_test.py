"""What every sequential test of one model's score does: takes answers in a seeded random order, and stops when settled.

Answers are fed in that order, never in the order of arrival: several requests run at once, short answers arrive first,
and are not right as often as long ones.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from harness.claims.page import Claim
from harness.claims.verdict import Evidence, EvidencePath, Ruling

SampleKey = tuple[str, str]
FIRST = 5
MOST = 64


def limit_text(limit: int | None, total: int) -> str:
    """What ended a test whose budget is used up."""
    return f"stopped at the limit of {limit} of {total} samples"


def random_order(pairs: Sequence[SampleKey], seed: int) -> list[SampleKey]:
    """Shuffle (task, sample id) pairs; the same pairs and seed give the same order, whatever order they come in."""
    order = sorted(pairs)
    random.Random(seed).shuffle(order)
    return order


def too_few_text(scored: Mapping[str, int], claim: Claim) -> str:
    """The tasks with fewer scored samples than `stats.min_n`, below which there is no verdict; empty for none."""
    least = claim.stats.min_n
    few = [f"{task} has {n}" for task, n in scored.items() if n < least]
    return f"a verdict needs {least} scored samples of each task (stats.min_n): {', '.join(few)}" if few else ""


def log_bounds(claim: Claim, tasks: int, alpha: float) -> dict[str, float]:
    """The ln of the e-values that refute and support on one task: alpha is shared out where one of them decides."""
    many, one = math.log(tasks / alpha), -math.log(alpha)
    by_one = claim.test.aggregate == "any"
    return {"refuted": one if by_one else many, "supported": many if by_one else one}


class OrderedTest(ABC):
    """Tests a claim on samples in random order, as far as their answers are known; stops when it is settled.

    `RULE` names the stopping rule in `claim.json`, `UNREACHED` says what is missing at the end. `limit` is the most
    samples to request, None for all: only a budget, because looks that it set would spend alpha anew with each larger
    one. Answers beyond it that are known count. `choice_note`: why the claim does not get a test that would take fewer
    samples; mostly empty.
    """

    RULE: str
    UNREACHED: str
    limit: int | None = None
    choice_note: str = ""

    def __init__(
        self,
        claim: Claim,
        order: Sequence[SampleKey],
        sizes: Mapping[str, int],
        units: Sequence[Sequence[SampleKey]] | None = None,
    ) -> None:
        """`sizes`: the number of items of each task; `order` may have fewer.

        `units`: the order as clusters that are fed whole; None where every sample is one of its own.
        """
        self.claim, self.order, self.sizes = claim, list(order), dict(sizes)
        self.used = self.unscored = 0
        # Samples with a score, of each task
        self.scored = dict.fromkeys(self.sizes, 0)
        self._units = [[key] for key in self.order] if units is None else [list(unit) for unit in units]
        self._next = 0

    def advance(self, values: Mapping[SampleKey, float | None]) -> None:
        """Feed the clusters all of whose answers are known, in order; None is an unscored one.

        Raises ValueError for a value that the test cannot take.
        """
        while self._next < len(self._units) and not self.settled:
            unit = self._units[self._next]
            if any(key not in values for key in unit):
                return
            self._next, self.used = self._next + 1, self.used + len(unit)
            scored = [value for key in unit if (value := values[key]) is not None]
            self.unscored += len(unit) - len(scored)
            if scored:
                self.scored[unit[0][0]] += len(scored)
                self.feed(unit[0][0], scored)
            else:
                self.miss(unit)

    @property
    def settled(self) -> str:
        """`refuted`, `supported`, or nothing yet."""
        states = self.states()
        by_one, by_all = ("supported", "refuted") if self.claim.test.aggregate == "any" else ("refuted", "supported")
        if by_one in states:
            return by_one
        return by_all if all(state == by_all for state in states) else ""

    def next_samples(self) -> list[SampleKey]:
        """The samples to request next, in whole clusters: few at first, then half as many as were used."""
        room = min(MOST, max(FIRST, self.used // 2))
        left = len(self.order) if self.limit is None else self.limit - self.used
        found: list[SampleKey] = []
        for unit in self._units[self._next :] if not self.settled else ():
            if len(found) >= room or len(found) + len(unit) > left:
                break
            found += unit
        return found

    @property
    def too_few(self) -> str:
        """Which tasks are used up with fewer samples than the claim wants for a verdict; empty if none is."""
        return too_few_text(self.scored, self.claim)

    @property
    def at_limit(self) -> bool:
        """Whether only the limit keeps the test from going on."""
        return not self.settled and self.used < len(self.order) and not self.next_samples()

    def open_ruling(self, needed: int | None = None) -> Ruling:
        """The ruling while samples are left; `needed`: how many more would settle it, where that is known."""
        n, total = self.used - self.unscored, len(self.order)
        missing = f", {self.unscored} unscored" if self.unscored else ""
        if self.at_limit:
            return Ruling("inconclusive", f"{limit_text(self.limit, total)}: not settled by {n}{missing}", needed)
        return Ruling("inconclusive", f"not settled after {n} of {total} samples{missing}", needed)

    @abstractmethod
    def feed(self, task: str, values: Sequence[float]) -> None:
        """Take the values of a task's next cluster; `used` counts them already. Raises ValueError for wrong ones."""

    def miss(self, unit: Sequence[SampleKey]) -> None:
        """Take a cluster without any score; most tests are about the others alone."""
        return None

    @abstractmethod
    def states(self) -> list[str]:
        """`refuted`, `supported` or `open` for each task."""

    def ruling(self) -> Ruling:
        """The ruling on the samples fed so far."""
        word, n, total = self.settled, self.used - self.unscored, len(self.order)
        if word:
            left = f"after {n} of {total} samples; {total - self.used} were not needed"
            return Ruling("refuted" if word == "refuted" else "supported", f"{self.why(word)}, {left}")
        return self.open_ruling(self.more()) if self.used < total else self.at_end()

    def at_end(self) -> Ruling:
        """The ruling with all samples used and nothing settled."""
        if few := self.too_few:
            return Ruling("inconclusive", few)
        missing = f", {self.unscored} of them unscored" if self.unscored else ""
        return Ruling(
            "inconclusive", f"all {len(self.order)} samples are used up{missing}, and {self.UNREACHED}", self.more()
        )

    def more(self) -> int | None:
        """About how many more samples would settle it; None where that is not known."""
        return None

    @abstractmethod
    def why(self, word: str) -> str:
        """What settled it."""

    @abstractmethod
    def evidence(self, source: str, model: str, run_id: str | None) -> list[Evidence]:
        """The evidence of each task; intervals are valid at any stopping time."""

    @property
    @abstractmethod
    def paths(self) -> tuple[EvidencePath, ...]:
        """How the evidence on each task changed up to now."""
