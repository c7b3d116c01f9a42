"""The sequential test of a claim: samples in a seeded random order, and a stop as soon as the claim is settled.

The largest number of samples is known, so the boundaries are exact
(`stats.exact_stopping`). Guarantees at any stopping time: a true claim is refuted with probability at most alpha, a
false one supported with probability at most alpha. With several tasks under `each`, one task refutes at alpha / number
of tasks; all must be supported, each at alpha. For a claim about a skill the last sample is one of the looks that share
alpha; for one about a benchmark the end is certain.

Samples that the harness could not score are skipped: the guarantees are then about the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.claims.certainty import certain_text, certain_word, overruling
from harness.claims.evidence_path import CountSteps
from harness.claims.interval_notes import outside_note
from harness.claims.ordered_test import OrderedTest, SampleKey
from harness.claims.page import Claim
from harness.claims.path_text import required_text
from harness.claims.published import bar_of, required_of
from harness.claims.verdict import Crossing, Evidence, EvidencePath, probability_text
from harness.stats.exact_interval import Levels, items_interval, stopping_interval
from harness.stats.exact_stopping import Rule, items_rule, skill_rule
from harness.stats.hypothesis import HypothesisTest
from harness.stats.thresholds import Bar, count_test


class TaskTest:
    """One task's rule, with right and wrong exchanged for "at most".

    `crossed` is the bound reached first, after `crossed_at` samples. It becomes the state after `least` samples,
    which makes the verdict later, so that the error rates hold. It is another one only where the answers that came
    after it settle a claim about exactly these items for certain (`certain`), from sample `certain_at` on.
    """

    def __init__(self, bar: Bar, looks: int, levels: Levels, least: int = 1) -> None:
        """`looks`: samples of this task that may be used; `levels`: alpha of supporting (lower) and refuting (upper).

        Raise ValueError for a bar at or beyond 0 or 1 of a skill.
        """
        self.bar, self.levels, self.looks, self.least = bar, levels, looks, least
        self.rights: list[int] = []
        self.steps = CountSteps()
        self.crossed, self.crossed_at, self.certain_at = "open", 0, 0
        self.rule = self._rule()

    @property
    def state(self) -> str:
        """`refuted`, `supported` or `open`."""
        return (self.certain or self.crossed) if self.least <= 1 or self.n >= self.least else "open"

    @property
    def certain(self) -> str:
        """`refuted` or `supported` once the items left cannot change the result; else empty."""
        return "" if self.bar.size is None else certain_word(self.counted, self._left, self._needed(self.bar.size))

    @property
    def overruled(self) -> Crossing | None:
        """What is certain, and from which sample of all tasks on, if the bound that was reached first is wrong."""
        return overruling(self.certain, self.crossed, self.certain_at)

    @property
    def n(self) -> int:
        """Samples fed."""
        return len(self.rights)

    @property
    def counted(self) -> int:
        """What counts for the claim: right answers, or wrong ones where the score must be at most the bar."""
        return self.rights[-1] if self.rights else 0

    @property
    def right(self) -> int:
        """Right answers."""
        return self.counted if self.bar.at_least else self.n - self.counted

    def feed(self, value: float, used: int) -> None:
        """Take the next value; `used`: samples of all tasks up to it. Raises ValueError unless it is 0 or 1."""
        if value not in (0, 1):
            raise ValueError(f"this test is for values of 0 or 1, not {value}")
        self.rights.append(self.counted + int(value if self.bar.at_least else 1 - value))
        n = self.n
        if self.certain and not self.certain_at:
            self.certain_at = used
        if self.rule is None:
            self.steps.add(used, self.right / n, 0.0, 1.0)
            return
        low, high = self.rule.refuting.most[n] / n, 1 - self.rule.supporting.most[n] / n
        edges = (low, high) if self.bar.at_least else (1 - high, 1 - low)
        self.steps.add(used, self.right / n, *edges)
        if self.crossed == "open":
            self.crossed = self.rule.word(n, self.counted)
            if self.crossed != "open":
                self.crossed_at = n

    def p_values(self) -> HypothesisTest:
        """The p-values of refuting and of supporting; 1 where the test was not settled so, and samples are left."""
        # One that waits for `least` samples has none
        ended = self.n == self.looks and (self.crossed == "open" or self.crossed_at == self.n >= self.least)
        against, in_favour = ended or self.state == "refuted", ended or self.state == "supported"
        if self.rule is None or not self.n:
            return HypothesisTest(1.0, 1.0)
        if self.state != "open" and self.overruled:
            return HypothesisTest(float(self.state != "refuted"), float(self.state != "supported"))
        # Of the crossing, where there was one: the counts after it are no part of the test
        n = self.n if self.state == "open" else self.crossed_at
        counted = self.rights[n - 1]
        return HypothesisTest(
            self.rule.refuting.p_value(n, counted) if against else 1.0,
            self.rule.supporting.p_value(n, n - counted) if in_favour else 1.0,
        )

    def at_crossing(self) -> str:
        """How many answers were right when the bound was reached."""
        counted = self.rights[self.crossed_at - 1]
        return f"{counted if self.bar.at_least else self.crossed_at - counted} of {self.crossed_at}"

    def interval(self) -> tuple[float, float]:
        """The score's interval, which holds at any stop and has the bar in it just while the test is open."""
        if self.rule is None:
            return 0.0, 1.0
        if self.bar.size is None:
            ends = stopping_interval(self.rights, self.looks, self.levels, self._share)
            misses = meets = self._share
        else:
            size, needed = self.bar.size, self._needed(self.bar.size)
            if self.overruled or self.n == size:
                ends = self.counted / size, (self.counted + self._left) / size
            else:
                ends = items_interval(self.rights, self.looks, self.levels, needed, size)
            misses, meets = (needed - 1) / size, needed / size
        if self.state == "open" and self.n != self.bar.size:
            # A bound that was reached before `least` samples says nothing yet
            ends = min(ends[0], misses), max(ends[1], meets)
        if self.bar.at_least:
            return ends
        low, high = 1 - ends[1], 1 - ends[0]
        # An end just beyond the bar stays there when it is rounded
        if ends[1] < self._share:
            low = max(low, math.nextafter(self.bar.value, 1))
        if ends[0] > self._share:
            high = min(high, math.nextafter(self.bar.value, 0))
        return low, high

    @property
    def _left(self) -> int:
        """Items without a score so far."""
        return (self.bar.size or 0) - self.n

    @property
    def _share(self) -> float:
        """The share that must count for the claim."""
        return self.bar.value if self.bar.at_least else 1 - self.bar.value

    def _needed(self, size: int) -> int:
        """How many items must count for the claim."""
        return self.bar.least_count(size)

    def _rule(self) -> Rule | None:
        """The rule; None where the benchmark's size alone settles the claim."""
        alphas = self.levels.upper, self.levels.lower
        if self.bar.size is None:
            return skill_rule(self._share, self.looks, *alphas)
        needed = self._needed(self.bar.size)
        if 0 < needed <= self.bar.size:
            return items_rule(needed, self.bar.size, self.looks, *alphas)
        self.crossed = "supported" if not needed else "refuted"
        return None


class SequentialTest(OrderedTest):
    """The test that stops at exact boundaries."""

    # How `claim.json` names the rule that stopped a run
    RULE = "exact boundaries"
    UNREACHED = "neither bound was reached"

    def __init__(self, claim: Claim, order: Sequence[SampleKey], sizes: Mapping[str, int]) -> None:
        """`sizes`: the number of items of each task; `order` may have fewer.

        Raise ValueError for a bar at or beyond 0 or 1, which no number of samples can test.
        """
        super().__init__(claim, order, sizes)
        self.levels = levels_of(claim, len(sizes))
        looks = {task: sum(name == task for name, _ in self.order) for task in sizes}
        self.tests = {
            task: TaskTest(bar_of(claim, size), looks[task], self.levels, claim.stats.min_n)
            for task, size in sizes.items()
            if looks[task]
        }

    def feed(self, task: str, values: Sequence[float]) -> None:
        """Take the next value of a task; its samples are no clusters."""
        (value,) = values
        self.tests[task].feed(value, self.used)

    def states(self) -> list[str]:
        """Each task's state; one without a sample stays open."""
        return [self.tests[task].state if task in self.tests else "open" for task in self.sizes]

    def more(self) -> int | None:
        """About how many more samples would settle a claim about a skill, at the scores so far; None if unknown."""
        if self.claim.test.about != "skill" or not all(test.n for test in self.tests.values()):
            return None
        needed = [
            count_test(test.right, test.n, test.bar, self.claim.stats.alpha).test.needed
            for test in self.tests.values()
            if test.state == "open"
        ]
        return None if None in needed else max((one for one in needed if one is not None), default=None)

    def evidence(self, source: str, model: str, run_id: str | None) -> list[Evidence]:
        """The evidence of each task; intervals are valid at any stopping time."""
        found = []
        for task, test in self.tests.items():
            if not test.n:
                continue
            low, high = test.interval()
            found.append(
                Evidence(
                    f"{task}: {model}",
                    source,
                    value=test.right / test.n,
                    low=low,
                    high=high,
                    confidence=self.levels.confidence,
                    n=test.n,
                    method="all items" if test.n == test.bar.size else "holds at any stop",
                    test=test.p_values(),
                    notes=outside_note(test.right / test.n, low, high),
                    run_id=run_id,
                    part=task,
                    required=required_of(self.claim),
                )
            )
        return found

    @property
    def paths(self) -> tuple[EvidencePath, ...]:
        """How the score of each task lay to its bounds up to now."""
        return tuple(
            replace(
                test.steps.path(task, len(self.order), self.used, required_of(self.claim)), overruled=test.overruled
            )
            for task, test in self.tests.items()
        )

    def why(self, word: str) -> str:
        reached = {task: test for task, test in self.tests.items() if test.state == word}
        certain = {task: test.bar.size == test.n for task, test in reached.items() if test.certain == word}
        if certain:
            return certain_text(certain)
        met, one = required_text(required_of(self.claim), difference=False), len(self.sizes) == 1
        level = self.levels.upper if word == "refuted" else self.levels.lower
        counts = [f"{test.at_crossing()}{'' if one else f' ({task})'}" for task, test in reached.items()]
        both = [test.p_values() for test in reached.values()]
        p = max(test.p_against if word == "refuted" else test.p_for for test in both)
        unless = "" if word == "refuted" else "not "
        return (
            f"{' and '.join(counts)} are right; if the score were {unless}{met}, the test would end as {word} this "
            f"early with probability {probability_text(p)}, and ever with at most {100 * level:.3g} %"
        )


def levels_of(claim: Claim, tasks: int) -> Levels:
    """Alpha of supporting (lower) and of refuting (upper) for each of so many tasks: it is shared where one decides."""
    one, shared = claim.stats.alpha, claim.stats.alpha / tasks
    return Levels(shared, one) if claim.test.aggregate == "any" else Levels(one, shared)


def error_rates(claim: Claim) -> str:
    """The error rates of the stopping rule, in words."""
    alpha = f"{100 * claim.stats.alpha:g} %"
    return (
        f"Error rates hold at any stopping time: a true claim is refuted with probability at most {alpha}, "
        f"a false one supported with at most {alpha}"
    )
