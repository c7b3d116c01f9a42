"""The stopping rule of runs made before boundaries were exact, so that they are judged as they were.

Two e-processes with uniform mixtures (`stats.sequential`) and Ville's bound 1 / alpha. For a claim about a skill half
of alpha is spent on the sequential test and half on one exact test when all samples are used up; for one about a
benchmark the end is certain. With several tasks under `each`, one task refutes at alpha / number of tasks; all must be
supported, each at alpha. No new run stops by it: `sequential_test` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.claims.evidence_path import Steps
from harness.claims.ordered_test import OrderedTest, SampleKey, log_bounds
from harness.claims.page import Claim
from harness.claims.published import bar_of, required_of
from harness.claims.verdict import Evidence, EvidencePath, Ruling, combine
from harness.stats.hypothesis import HypothesisTest
from harness.stats.proportions import least_right
from harness.stats.sequential import BenchmarkTest, SkillTest, log_finite_mixture, log_mixture
from harness.stats.thresholds import Bar, count_test


@dataclass(slots=True)
class EValueTask:
    """One task's e-processes, with values inverted for "at most". `state` does not change once a bound is crossed."""

    bar: Bar
    process: SkillTest | BenchmarkTest
    bounds: Mapping[str, float]
    state: str = "open"
    highest: dict[str, float] = field(default_factory=lambda: {"refuted": 0.0, "supported": 0.0})
    steps: Steps = field(default_factory=Steps)

    @property
    def right(self) -> int:
        """Right answers, not inverted."""
        return self.process.right if self.bar.at_least else self.process.wrong

    def feed(self, value: float, used: int) -> None:
        """Take the next value; `used`: samples of all tasks up to it."""
        self.process.feed(value if self.bar.at_least else 1 - value)
        levels = {"refuted": self.process.log_against, "supported": self.process.log_for}
        self.steps.add(used, self.right / self.process.n, levels["refuted"], levels["supported"])
        if isinstance(self.process, BenchmarkTest) and self.process.certain:
            self.state = self.process.verdict
            return
        for word, level in levels.items():
            self.highest[word] = max(self.highest[word], level)
            if self.state == "open" and level >= self.bounds[word]:
                self.state = word


class EValueTest(OrderedTest):
    """A sequential test of the earlier kind."""

    RULE = "e-values"
    UNREACHED = "neither e-value was large enough"

    def __init__(self, claim: Claim, order: Sequence[SampleKey], sizes: Mapping[str, int]) -> None:
        """`sizes`: the number of items of each task; `order` may have fewer.

        Raise ValueError for a bar at or beyond 0 or 1, which no number of samples can test.
        """
        super().__init__(claim, order, sizes)
        self.alpha = claim.stats.alpha * (1.0 if claim.test.about == "benchmark" else 0.5)
        self.bounds = log_bounds(claim, len(sizes), self.alpha)
        self.tests = {task: _task_test(bar_of(claim, size), self.alpha, self.bounds) for task, size in sizes.items()}

    def feed(self, task: str, values: Sequence[float]) -> None:
        """Take the next value of a task; its samples are no clusters."""
        (value,) = values
        self.tests[task].feed(value, self.used)

    def states(self) -> list[str]:
        """Each task's state."""
        return [test.state for test in self.tests.values()]

    def at_end(self) -> Ruling:
        """The ruling with all samples used: half of alpha is left for an exact test of a skill."""
        n = self.used - self.unscored
        if self.claim.test.about == "skill" and n:
            tests = [test for test in self._final() if test is not None]
            final = combine(tests, self.claim.test.aggregate, self.alpha)
            return Ruling(final.word, f"all {n} samples used, exact test at the end: {final.rule}", final.needed)
        return super().at_end()

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

    def why(self, word: str) -> str:
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


def _task_test(bar: Bar, alpha: float, bounds: Mapping[str, float]) -> EValueTask:
    value = bar.value if bar.at_least else 1 - bar.value
    if bar.size is None:
        return EValueTask(bar, SkillTest(value, alpha), bounds)
    must = least_right(min(1.0, max(0.0, value)), bar.size)
    must += bar.strict and abs(must - value * bar.size) < 1e-9
    process = BenchmarkTest(min(1.0, must / bar.size), bar.size, alpha)
    return EValueTask(
        bar, process, bounds, process.verdict if process.certain and process.verdict != "open" else "open"
    )


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
