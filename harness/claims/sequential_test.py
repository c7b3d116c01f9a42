"""The sequential test of a claim: samples in a seeded random order, and a stop as soon as the claim is settled.

Answers are fed in that order, never in the order of arrival: several requests run at once, short answers arrive first,
and are not right as often as long ones. Guarantees at any stopping time: a true claim is refuted with probability at
most alpha, a false one supported with probability at most alpha. With several tasks under `each`, one task refutes at
alpha / number of tasks; all must be supported, each at alpha. For a claim about a skill, half of alpha is spent on the
sequential test and half on one exact test when all samples are used up; for one about a benchmark the end is certain.

Samples that the harness could not score are skipped: the guarantees are then about the others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.claims.evidence_path import Steps
from harness.claims.page import Claim
from harness.claims.published import bar_of, required_of
from harness.claims.verdict import Evidence, EvidencePath, Ruling, combine
from harness.stats.hypothesis import HypothesisTest
from harness.stats.proportions import least_right
from harness.stats.sequential import BenchmarkTest, SkillTest, log_finite_mixture, log_mixture
from harness.stats.thresholds import Bar, count_test

SampleKey = tuple[str, str]
FIRST = 5
MOST = 64


def random_order(pairs: Sequence[SampleKey], seed: int) -> list[SampleKey]:
    """Shuffle (task, sample id) pairs; the same pairs and seed give the same order, whatever order they come in."""
    order = sorted(pairs)
    random.Random(seed).shuffle(order)
    return order


@dataclass(slots=True)
class TaskTest:
    """One task's e-processes, with values inverted for "at most". `state` does not change once a bound is crossed."""

    bar: Bar
    process: SkillTest | BenchmarkTest
    state: str = "open"
    highest: dict[str, float] = field(default_factory=lambda: {"refuted": 0.0, "supported": 0.0})
    steps: Steps = field(default_factory=Steps)

    @property
    def right(self) -> int:
        """Right answers, not inverted."""
        return self.process.right if self.bar.at_least else self.process.wrong

    def feed(self, value: float, bounds: Mapping[str, float], used: int) -> None:
        """Take the next value; `bounds`: ln of the e-values that refute and that support; `used`: samples up to it."""
        self.process.feed(value if self.bar.at_least else 1 - value)
        levels = {"refuted": self.process.log_against, "supported": self.process.log_for}
        self.steps.add(used, self.right / self.process.n, levels["refuted"], levels["supported"])
        if isinstance(self.process, BenchmarkTest) and self.process.certain:
            self.state = self.process.verdict
            return
        for word, level in levels.items():
            self.highest[word] = max(self.highest[word], level)
            if self.state == "open" and level >= bounds[word]:
                self.state = word


class SequentialTest:
    """Tests a claim on samples in random order, as far as their answers are known; stops when it is settled."""

    def __init__(self, claim: Claim, order: Sequence[SampleKey], sizes: Mapping[str, int]) -> None:
        """`sizes`: the number of items of each task; `order` may have fewer.

        Raise ValueError for a bar at or beyond 0 or 1, which no number of samples can test.
        """
        self.claim, self.order, self.sizes = claim, list(order), dict(sizes)
        self.used = self.unscored = 0
        self.alpha = claim.stats.alpha * (1.0 if claim.test.about == "benchmark" else 0.5)
        self.tests = {task: _task_test(bar_of(claim, size), self.alpha) for task, size in sizes.items()}
        many, one = math.log(len(sizes) / self.alpha), -math.log(self.alpha)
        each = claim.test.aggregate != "any"
        self.bounds = {"refuted": many if each else one, "supported": one if each else many}

    def advance(self, values: Mapping[SampleKey, float | None]) -> None:
        """Feed the answers that are known, in order; None is an unscored one. Raises ValueError unless 0 or 1."""
        while self.used < len(self.order) and not self.settled and self.order[self.used] in values:
            pair = self.order[self.used]
            value = values[pair]
            self.used += 1
            if value is None:
                self.unscored += 1
            else:
                self.tests[pair[0]].feed(value, self.bounds, self.used)

    @property
    def settled(self) -> str:
        """`refuted`, `supported`, or nothing yet."""
        states = [test.state for test in self.tests.values()]
        by_one, by_all = ("supported", "refuted") if self.claim.test.aggregate == "any" else ("refuted", "supported")
        if by_one in states:
            return by_one
        return by_all if all(state == by_all for state in states) else ""

    def next_samples(self) -> list[SampleKey]:
        """The samples to request next: few at first, then half as many as were used, so that few are wasted."""
        if self.settled:
            return []
        return self.order[self.used : self.used + min(MOST, max(FIRST, self.used // 2))]

    def ruling(self) -> Ruling:
        """The ruling on the samples fed so far."""
        n, total, word = self.used - self.unscored, len(self.order), self.settled
        progress = f"after {n} of {total} samples; {total - self.used} were not needed"
        if word:
            return Ruling("refuted" if word == "refuted" else "supported", f"{self._why(word)}, {progress}")
        if self.used < total:
            return Ruling("inconclusive", f"not settled {progress.partition(';')[0]}", total - self.used)
        if self.claim.test.about == "skill" and n:
            tests = [test for test in self._final() if test is not None]
            final = combine(tests, self.claim.test.aggregate, self.alpha)
            return Ruling(final.word, f"all {n} samples used, exact test at the end: {final.rule}", final.needed)
        return Ruling("inconclusive", f"all {total} samples are used up, {self.unscored} of them unscored")

    def evidence(self, source: str, model: str, run_id: str | None) -> list[Evidence]:
        """The evidence of each task; intervals are valid at any stopping time."""
        found = []
        for task, test in self.tests.items():
            right, n = test.right, test.process.n
            if not n:
                continue
            size = test.bar.size
            low, high = anytime_interval(right, n - right, size)
            e_values = {word: math.exp(-min(700.0, level)) for word, level in test.highest.items()}
            p = {word: min(1.0, e_values[word]) for word in e_values}
            found.append(
                Evidence(
                    f"{task}: {model}",
                    source,
                    value=right / n,
                    low=low,
                    high=high,
                    n=n,
                    method="holds at any stop",
                    test=HypothesisTest(p["refuted"], p["supported"]),
                    run_id=run_id,
                    part=task,
                    required=required_of(self.claim),
                )
            )
        return found

    @property
    def paths(self) -> tuple[EvidencePath, ...]:
        """How the evidence on each task changed up to now."""
        return tuple(
            test.steps.path(task, len(self.order), self.used, self.bounds, required_of(self.claim))
            for task, test in self.tests.items()
        )

    def _why(self, word: str) -> str:
        certain = [
            task
            for task, test in self.tests.items()
            if isinstance(test.process, BenchmarkTest) and test.process.certain and test.state == word
        ]
        if certain:
            return f"the remaining items of {', '.join(certain)} cannot change the result"
        levels = [test.highest[word] for test in self.tests.values() if test.state == word]
        likelier, other = ("misses", "reaches") if word == "refuted" else ("reaches", "misses")
        odds, bound = _odds(min(levels)), math.exp(self.bounds[word])
        return (
            f"the answers are {odds} times likelier (e-value) if the score {likelier} the threshold than if it "
            f"{other} it ({bound:.0f} is enough)"
        )

    def _final(self) -> list[HypothesisTest | None]:
        return [
            count_test(test.right, test.process.n, test.bar, self.alpha).test if test.process.n else None
            for test in self.tests.values()
        ]


def error_rates(claim: Claim) -> str:
    """The error rates of the stopping rule, in words."""
    alpha = f"{100 * claim.stats.alpha:g} %"
    return (
        f"Error rates hold at any stopping time: a true claim is refuted with probability at most {alpha}, "
        f"a false one supported with at most {alpha}"
    )


def anytime_interval(right: int, wrong: int, size: int | None = None, confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval of the share that is valid at all stopping times at once (a confidence sequence).

    All shares that neither e-process of `sequential` refutes at (1 - confidence) / 2; with `size`, of a benchmark's
    own score, drawn without replacement. Source: Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86:1-27.
    """
    bound = math.log(2 / (1 - confidence))
    if size is not None:
        least = _first_true(lambda k: log_finite_mixture(wrong, right, size - k, size) < bound, right, size - wrong)
        most = size - _first_true(
            lambda k: log_finite_mixture(right, wrong, size - k, size) < bound, wrong, size - right
        )
        return least / size, most / size
    return _edge(wrong, right, bound), 1 - _edge(right, wrong, bound)


def _task_test(bar: Bar, alpha: float) -> TaskTest:
    value = bar.value if bar.at_least else 1 - bar.value
    if bar.size is None:
        return TaskTest(bar, SkillTest(value, alpha))
    must = least_right(min(1.0, max(0.0, value)), bar.size)
    must += bar.strict and abs(must - value * bar.size) < 1e-9
    process = BenchmarkTest(min(1.0, must / bar.size), bar.size, alpha)
    return TaskTest(bar, process, process.verdict if process.certain and process.verdict != "open" else "open")


def _edge(right: int, wrong: int, bound: float) -> float:
    """1 minus the largest share that "p >= share" is not refuted for; 0 if none is."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        refuted = log_mixture(right, wrong, 1 - middle) >= bound
        low, high = (middle, high) if refuted else (low, middle)
    return low


def _first_true(holds: Callable[[int], bool], first: int, last: int) -> int:
    """The smallest whole number from `first` on for which `holds`, which stays true; `last` at the latest."""
    while first < last:
        middle = (first + last) // 2
        if holds(middle):
            last = middle
        else:
            first = middle + 1
    return first


def _odds(level: float) -> str:
    return f"{math.exp(level):.0f}" if level < math.log(1e6) else "more than a million"
