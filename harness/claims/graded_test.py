"""The sequential test of one model's score where values are no 0 or 1, or where samples are clustered.

As `sequential_test`: samples (or whole clusters) in a seeded random order are fed in that order, and the test stops
when the claim is settled. Bets on bounded values (`stats.bets`) take the place of right and wrong answers. Guarantees
at any stopping time: a true claim is refuted with probability at most alpha, a false one supported with probability at
most alpha. All of alpha is spent on the bets; there is no second test at the end. With several tasks one that decides
alone does so at alpha / number of tasks.

Samples that the harness could not score are left out, the others of their cluster are fed: the guarantees are then
about the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.claims.certainty import certain_text, overruling
from harness.claims.evidence_path import Steps
from harness.claims.interval_notes import differing_note, outside_note
from harness.claims.ordered_test import OrderedTest, SampleKey, log_bounds
from harness.claims.page import Claim
from harness.claims.published import bar_of, required_of
from harness.claims.test_choice import Kinds
from harness.claims.verdict import Crossing, Evidence, EvidencePath
from harness.stats.bets import SCORES, Fed, MeanTest, anytime_mean_interval
from harness.stats.hypothesis import HypothesisTest


@dataclass(slots=True)
class GradedPart:
    """One task's bets, with values inverted for "at most". `crossed` is the bound that was reached first.

    It becomes the state after `least` samples: a later verdict, so that the error rates hold. It is another one
    (`overruled`) only where later answers settle a claim about exactly these items for certain. Those that come after
    the state is settled are `held`, and are part of the test only if they do.
    """

    test: MeanTest
    at_least: bool
    least: int = 1
    crossed: str = "open"
    totals: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    steps: Steps = field(default_factory=Steps)
    overruled: Crossing | None = None
    held: list[tuple[float, int]] = field(default_factory=list)
    held_total: float = 0.0

    @property
    def state(self) -> str:
        """`refuted`, `supported` or `open`."""
        return self.crossed if self.least <= 1 or sum(self.counts) >= self.least else "open"

    @property
    def mean(self) -> float:
        """The mean value so far, not inverted."""
        return math.fsum(self.totals) / sum(self.counts)

    def feed(self, values: Sequence[float], bounds: Mapping[str, float], used: int) -> None:
        """Take the next cluster's values; `bounds`: ln of the e-values that decide; `used`: samples up to it."""
        total, count = math.fsum(values), len(values)
        self.totals.append(total)
        self.counts.append(count)
        self.test.feed(total if self.at_least else count - total, count)
        levels = {"refuted": self.test.log_against, "supported": self.test.log_for}
        self.steps.add(used, self.mean, levels["refuted"], levels["supported"])
        if self.test.certain:
            self.overruled = self.overruled or overruling(self.test.certain, self.crossed, used)
            self.crossed = self.test.certain
            return
        for word, level in levels.items():
            if self.crossed == "open" and level >= bounds[word]:
                self.crossed = word

    def hold(self, value: float, bounds: Mapping[str, float], used: int) -> None:
        """Take a value after the state is settled: all are fed once they make the opposite certain."""
        if self.test.certain:
            return
        self.held.append((value, used))
        self.held_total += value if self.at_least else 1 - value
        known = replace(self.test, n=self.test.n + len(self.held), total=self.test.total + self.held_total)
        if known.certain not in ("", self.crossed):
            for one, at in self.held:
                self.feed([one], bounds, at)
            self.held.clear()

    def result(self) -> HypothesisTest:
        """The p-values so far; 1 while a bound that was reached waits for `least` samples."""
        return HypothesisTest(1.0, 1.0) if self.state == "open" != self.crossed else self.test.test


class GradedTest(OrderedTest):
    """The sequential test of means of bounded values."""

    RULE = "bets"
    UNREACHED = "neither e-value was large enough"

    def __init__(self, claim: Claim, order: Sequence[SampleKey], sizes: Mapping[str, int], kinds: Kinds) -> None:
        """`sizes`: the number of items of each task; `order` may have fewer, in whole clusters.

        Raise ValueError for a bar at or beyond 0 or 1 of a skill, which no number of samples can test.
        """
        super().__init__(claim, order, sizes, kinds.units(order))
        self.alpha = claim.stats.alpha
        self.parts = {task: _part(claim, size, kinds.largest_of(task)) for task, size in sizes.items()}
        self.bounds = log_bounds(claim, len(sizes), self.alpha)

    def feed(self, task: str, values: Sequence[float]) -> None:
        """Take the values of a task's next cluster. Raises ValueError for one that is not from 0 to 1."""
        if self.parts[task].state == "open":
            self.parts[task].feed(values, self.bounds, self.used)
        elif self.parts[task].test.size is not None:
            (value,) = values
            self.parts[task].hold(value, self.bounds, self.used)

    def states(self) -> list[str]:
        """Each task's state."""
        return [part.state for part in self.parts.values()]

    def evidence(self, source: str, model: str, run_id: str | None) -> list[Evidence]:
        """The evidence of each task; intervals are valid at any stopping time."""
        found = []
        # Each end at the level of the test, which is one-sided
        confidence = 1 - 2 * self.alpha
        for task, part in self.parts.items():
            if not part.counts:
                continue
            size, largest = part.test.size, part.test.largest
            fed = Fed(tuple(part.totals), tuple(part.counts), SCORES, size, largest)
            low, high = anytime_mean_interval(fed, confidence)
            required, tested = required_of(self.claim), part.result()
            if part.state == "open" and sum(part.counts) != size:
                # A bound that was reached before `least` samples says nothing yet
                low, high = min(low, self.claim.bar), max(high, self.claim.bar)
            levels = (math.exp(-self.bounds["refuted"]), math.exp(-self.bounds["supported"]))
            differing = differing_note(low, high, required, tested, levels)
            clustered = (f"{len(part.counts)} groups of samples, drawn whole",) if largest > 1 else ()
            found.append(
                Evidence(
                    f"{task}: {model}",
                    source,
                    value=part.mean,
                    low=low,
                    high=high,
                    n=sum(part.counts),
                    method="bets, holds at any stop",
                    test=tested,
                    confidence=confidence,
                    notes=(*clustered, *differing, *outside_note(part.mean, low, high)),
                    run_id=run_id,
                    part=task,
                    required=required,
                )
            )
        return found

    @property
    def paths(self) -> tuple[EvidencePath, ...]:
        """How the evidence on each task changed up to now."""
        return tuple(
            replace(
                part.steps.path(task, len(self.order), self.used, self.bounds, required_of(self.claim)),
                overruled=part.overruled,
            )
            for task, part in self.parts.items()
        )

    def why(self, word: str) -> str:
        certain = {
            task: part.test.n == part.test.size
            for task, part in self.parts.items()
            if part.test.certain == part.state == word
        }
        if certain:
            return certain_text(certain)
        highest = [
            part.test.highest_against if word == "refuted" else part.test.highest_in_favour
            for part in self.parts.values()
            if part.state == word
        ]
        level, way = min(highest), "misses" if word == "refuted" else "reaches"
        size = f"{math.exp(level):.0f}" if level < math.log(1e6) else "more than a million"
        return (
            f"the evidence that the mean score {way} the threshold has an e-value of {size} "
            f"({math.exp(self.bounds[word]):.0f} is enough)"
        )


def _part(claim: Claim, size: int, largest: int) -> GradedPart:
    bar = bar_of(claim, size)
    value = bar.value if bar.at_least else 1 - bar.value
    test = MeanTest(value, SCORES, bar.size, bar.strict, largest)
    return GradedPart(test, bar.at_least, claim.stats.min_n)
