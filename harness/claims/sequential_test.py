"""A claim tested while answers come in: samples in a seeded random order, and an end as soon as it is settled.

Answers are fed in that order and never in the order in which they arrive: several are in flight at once, short ones
come first, and short answers are not right as often as long ones. Guarantees, whenever one stops: a true sentence is
refuted with probability at most alpha, a false one supported with probability at most alpha. Of several tasks one
refutes `each` at alpha over their number; all must be supported, each at alpha. About a skill half of alpha goes to
the looks on the way and half to one exact test when all samples are used up; about a benchmark the end is certain.

Samples that a fault of the harness left unscored are passed over: the guarantees are then about the others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.claims.page import Claim
from harness.claims.published import bar_of
from harness.claims.verdict import Evidence, Ruling, combine
from harness.stats.hypothesis import HypothesisTest
from harness.stats.proportions import least_right
from harness.stats.sequential import BenchmarkTest, SkillTest, log_finite_mixture, log_mixture
from harness.stats.thresholds import Bar, count_test

Pair = tuple[str, str]
FIRST = 5
MOST = 64


def random_order(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    """Shuffle (task, sample id) pairs; the same pairs and seed give the same order, however they come."""
    order = sorted(pairs)
    random.Random(seed).shuffle(order)
    return order


@dataclass(slots=True)
class TaskTest:
    """One task's e-processes, with the values turned round for "at most". `state` stays once a line is crossed."""

    bar: Bar
    process: SkillTest | BenchmarkTest
    state: str = "open"
    highest: dict[str, float] = field(default_factory=lambda: {"refuted": 0.0, "supported": 0.0})

    @property
    def right(self) -> int:
        """Right answers, not turned round."""
        return self.process.right if self.bar.at_least else self.process.wrong

    def feed(self, value: float, lines: Mapping[str, float]) -> None:
        """Take the next value; `lines` are the ln of the e-values that refute and that support."""
        self.process.feed(value if self.bar.at_least else 1 - value)
        levels = {"refuted": self.process.log_against, "supported": self.process.log_for}
        if isinstance(self.process, BenchmarkTest) and self.process.certain:
            self.state = self.process.verdict
            return
        for word, level in levels.items():
            self.highest[word] = max(self.highest[word], level)
            if self.state == "open" and level >= lines[word]:
                self.state = word


class Walk:
    """Goes along the random order as far as answers are known, and stops where the claim is settled."""

    def __init__(self, claim: Claim, order: Sequence[Pair], sizes: Mapping[str, int]) -> None:
        """`sizes`: the items of each task, of which `order` may hold fewer.

        Raise ValueError for a bar at or beyond 0 or 1, which no sample can be held against.
        """
        self.claim, self.order, self.sizes = claim, list(order), dict(sizes)
        self.used = self.unscored = 0
        self.alpha = claim.stats.alpha * (1.0 if claim.test.about == "benchmark" else 0.5)
        self.tests = {task: _task_test(bar_of(claim, size), self.alpha) for task, size in sizes.items()}
        many, one = math.log(len(sizes) / self.alpha), -math.log(self.alpha)
        each = claim.test.aggregate != "any"
        self.lines = {"refuted": many if each else one, "supported": one if each else many}

    def advance(self, values: Mapping[Pair, float | None]) -> None:
        """Feed the answers that are known, in order; None is an unscored one. Raises ValueError unless 0 or 1."""
        while self.used < len(self.order) and not self.settled and self.order[self.used] in values:
            pair = self.order[self.used]
            value = values[pair]
            self.used += 1
            if value is None:
                self.unscored += 1
            else:
                self.tests[pair[0]].feed(value, self.lines)

    @property
    def settled(self) -> str:
        """`refuted`, `supported`, or nothing yet."""
        states = [test.state for test in self.tests.values()]
        loud, quiet = ("supported", "refuted") if self.claim.test.aggregate == "any" else ("refuted", "supported")
        if loud in states:
            return loud
        return quiet if all(state == quiet for state in states) else ""

    def next_pairs(self) -> list[Pair]:
        """The samples to ask next: few at first, then half as many as were used, so that few are asked in vain."""
        if self.settled:
            return []
        return self.order[self.used : self.used + min(MOST, max(FIRST, self.used // 2))]

    def ruling(self) -> Ruling:
        """Rule on what was fed so far."""
        n, total, word = self.used - self.unscored, len(self.order), self.settled
        spared = f"after {n} of {total} samples; {total - self.used} were not needed"
        if word:
            return Ruling("refuted" if word == "refuted" else "supported", f"{self._why(word)}, {spared}")
        if self.used < total:
            return Ruling("inconclusive", f"not settled {spared.partition(';')[0]}", total - self.used)
        if self.claim.test.about == "skill" and n:
            tests = [test for test in self._final() if test is not None]
            final = combine(tests, self.claim.test.aggregate, self.alpha)
            return Ruling(final.word, f"all {n} samples used, exact test at the end: {final.rule}", final.needed)
        return Ruling("inconclusive", f"all {total} samples are used up, {self.unscored} of them unscored")

    def evidence(self, source: str, model: str, run_id: str | None) -> list[Evidence]:
        """What each task showed; intervals hold whenever one stopped."""
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
                )
            )
        return found

    def _why(self, word: str) -> str:
        certain = [
            task
            for task, test in self.tests.items()
            if isinstance(test.process, BenchmarkTest) and test.process.certain and test.state == word
        ]
        if certain:
            return f"whatever the rest of {', '.join(certain)} would be, the score cannot change sides"
        levels = [test.highest[word] for test in self.tests.values() if test.state == word]
        better, worse = ("misses", "reaches") if word == "refuted" else ("reaches", "misses")
        times, line = _odds(min(levels)), math.exp(self.lines[word])
        return (
            f"the answers fit a score that {better} the bar {times} times better than one that {worse} it "
            f"(the line is {line:.0f})"
        )

    def _final(self) -> list[HypothesisTest | None]:
        return [
            count_test(test.right, test.process.n, test.bar, self.alpha).test if test.process.n else None
            for test in self.tests.values()
        ]


def error_rates(claim: Claim) -> str:
    """What the stopping rule promises, in words."""
    alpha = f"{100 * claim.stats.alpha:g} %"
    return (
        f"A true sentence is refuted at most {alpha} of the time, a false one supported at most {alpha}, however early"
    )


def anytime_interval(right: int, wrong: int, size: int | None = None, confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval of the share that holds at all times at once, so whenever one stops.

    All shares that neither e-process of `sequential` refutes at (1 - confidence) / 2; with `size`, of a benchmark's
    own score, drawn without replacement. Source: Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86:1-27.
    """
    line = math.log(2 / (1 - confidence))
    if size is not None:
        least = _first_true(lambda k: log_finite_mixture(wrong, right, size - k, size) < line, right, size - wrong)
        most = size - _first_true(
            lambda k: log_finite_mixture(right, wrong, size - k, size) < line, wrong, size - right
        )
        return least / size, most / size
    return _edge(wrong, right, line), 1 - _edge(right, wrong, line)


def _task_test(bar: Bar, alpha: float) -> TaskTest:
    value = bar.value if bar.at_least else 1 - bar.value
    if bar.size is None:
        return TaskTest(bar, SkillTest(value, alpha))
    must = least_right(min(1.0, max(0.0, value)), bar.size)
    must += bar.strict and abs(must - value * bar.size) < 1e-9
    process = BenchmarkTest(min(1.0, must / bar.size), bar.size, alpha)
    return TaskTest(bar, process, process.verdict if process.certain and process.verdict != "open" else "open")


def _edge(right: int, wrong: int, line: float) -> float:
    """1 minus the largest share that "p >= share" is not refuted for; 0 if none is."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        refuted = log_mixture(right, wrong, 1 - middle) >= line
        low, high = (middle, high) if refuted else (low, middle)
    return low


def _first_true(holds: object, first: int, last: int) -> int:
    """The smallest whole number from `first` on for which `holds`, which stays true; `last` at the latest."""
    assert callable(holds)
    while first < last:
        middle = (first + last) // 2
        if holds(middle):
            last = middle
        else:
            first = middle + 1
    return first


def _odds(level: float) -> str:
    return f"{math.exp(level):.0f}" if level < math.log(1e6) else "more than a million"
