"""The sequential test of one model's score on exactly a benchmark's items, with their difficulty as a control variate.

As `sequential_test`: samples in a seeded random order are fed in that order, and the test stops when the claim is
settled. The e-processes of `stats.control_variate`, which take out how easy the items drawn so far were, take the place
of the boundaries of counts. Guarantees at any stopping time, whatever the difficulties are: a true claim is refuted
with probability at most alpha, a false one supported with probability at most alpha. With several tasks one that
decides alone does so at alpha / number of tasks.

A sample that the harness could not score was drawn, and its figure is known: it counts as right in what refutes and as
wrong in what supports. To skip it would leave its figure among those of the items left, which are then easier or harder
than their mean says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.claims.certainty import certain_text, certain_word, overruling
from harness.claims.difficulty import TaskFigures
from harness.claims.evidence_path import Steps
from harness.claims.interval_notes import outside_note
from harness.claims.ordered_test import OrderedTest, SampleKey
from harness.claims.page import Claim
from harness.claims.published import bar_of, required_of
from harness.claims.sequential_test import levels_of
from harness.claims.verdict import Crossing, Evidence, EvidencePath
from harness.stats.bets import p_of
from harness.stats.control_variate import CountTest, Difficulties, known_of
from harness.stats.control_variate_interval import Drawn, items_interval
from harness.stats.exact_interval import Levels
from harness.stats.hypothesis import HypothesisTest
from harness.stats.thresholds import Bar


@dataclass(slots=True)
class DifficultyPart:
    """One task's e-processes, with right and wrong exchanged for "at most". `crossed`: the bound reached first.

    It becomes the state after `least` samples: a later verdict, so that the error rates hold. It is another one only
    where the answers that came after it settle the claim for certain (`certain`), from sample `certain_at` on.
    """

    bar: Bar
    known: Difficulties
    needed: int
    levels: Levels
    least: int = 1
    crossed: str = "open"
    certain_at: int = 0
    right: int = 0
    answers: list[float | None] = field(default_factory=list)
    figures: list[float] = field(default_factory=list)
    steps: Steps = field(default_factory=Steps)
    highest: dict[str, float] = field(default_factory=lambda: {"refuted": 0.0, "supported": 0.0})
    _test: CountTest | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Settle a claim that the benchmark's size alone settles."""
        size = self.known.size
        if not 0 < self.needed <= size:
            self.crossed = "refuted" if self.needed > size else "supported"
            return
        self._test = CountTest(self.known, self.needed)

    @property
    def n(self) -> int:
        """Samples fed that have a score."""
        return sum(x is not None for x in self.answers)

    @property
    def state(self) -> str:
        """`refuted`, `supported` or `open`."""
        return (self.certain or self.crossed) if self.least <= 1 or self.n >= self.least else "open"

    @property
    def bounds(self) -> dict[str, float]:
        """The ln of the e-values that refute and that support."""
        return {"refuted": -math.log(self.levels.upper), "supported": -math.log(self.levels.lower)}

    @property
    def counted(self) -> int:
        """What counts for the claim: right answers, or wrong ones where the score must be at most the bar."""
        return self.right if self.bar.at_least else self.n - self.right

    @property
    def certain(self) -> str:
        """`refuted` or `supported` once the items left cannot change the result; else empty."""
        return certain_word(self.counted, self.known.size - self.n, self.needed)

    @property
    def overruled(self) -> Crossing | None:
        """What is certain, and from which sample of all tasks on, if the bound that was reached first is wrong."""
        return overruling(self.certain, self.crossed, self.certain_at)

    def feed(self, value: float | None, figure: float, used: int) -> None:
        """Take the next answer, None for an unscored one, and its item's figure; `used`: samples of all tasks up to it.

        Raises ValueError unless the answer is 0 or 1.
        """
        if value not in (0, 1, None):
            raise ValueError(f"this test is for values of 0 or 1, not {value}")
        self.right += int(value or 0)
        x, d = (value, figure) if self.bar.at_least else (None if value is None else 1 - value, 1 - figure)
        self.answers.append(x)
        self.figures.append(d)
        if self.certain and not self.certain_at:
            self.certain_at = used
        now = {"refuted": 0.0, "supported": 0.0}
        if self._test is not None:
            self._test.feed(x, d)
            now = {"refuted": self._test.log_against, "supported": self._test.log_for}
        if self.n:
            self.steps.add(used, self.right / self.n, now["refuted"], now["supported"])
        for word, level in now.items():
            if self.crossed == "open":
                self.highest[word] = max(self.highest[word], level)
        if self.crossed == "open":
            self.crossed = next((word for word, level in now.items() if level >= self.bounds[word]), "open")

    def p_values(self) -> HypothesisTest:
        """The p-values so far, valid at any stop; they end with the crossing, and are 1 while it waits for `least`."""
        if self.state != "open" and self.overruled:
            return HypothesisTest(float(self.state != "refuted"), float(self.state != "supported"))
        if self.state == "open" != self.crossed:
            return HypothesisTest(1.0, 1.0)
        return HypothesisTest(p_of(self.highest["refuted"]), p_of(self.highest["supported"]))

    def interval(self) -> tuple[float, float]:
        """The score's interval, which holds at any stop and has the bar in it just while the test is open."""
        if not 0 < self.needed <= self.known.size:
            return 0.0, 1.0
        size = self.known.size
        if self.overruled or self.n == size:
            low, high = self.counted / size, (self.counted + size - self.n) / size
        else:
            drawn = Drawn(tuple(self.answers), tuple(self.figures))
            low, high = items_interval(self.known, drawn, self.levels, self.needed)
        if self.state == "open" and self.n < size:
            # A bound that was reached before `least` samples says nothing yet
            low, high = min(low, (self.needed - 1) / size), max(high, self.needed / size)
        return (low, high) if self.bar.at_least else (1 - high, 1 - low)


class DifficultyTest(OrderedTest):
    """The sequential test of scores on exactly these items, whose difficulty is known."""

    RULE = "difficulty"
    UNREACHED = "neither e-value was large enough"

    def __init__(
        self,
        claim: Claim,
        order: Sequence[SampleKey],
        sizes: Mapping[str, int],
        figures: Mapping[str, TaskFigures],
    ) -> None:
        """`figures`: of all items of each task. Raises ValueError for a claim about a skill, or an item without one."""
        super().__init__(claim, order, sizes)
        if claim.test.about != "benchmark":
            raise ValueError("the mean difficulty of all problems of a skill is not known")
        if missing := [task for task, size in sizes.items() if len(figures[task].values) != size]:
            raise ValueError(f"not every item of {missing[0]} has a figure")
        self.figures = dict(figures)
        levels, least = levels_of(claim, len(sizes)), claim.stats.min_n
        self.parts = {task: _part(bar_of(claim, size), figures[task], levels, least) for task, size in sizes.items()}

    def feed(self, task: str, values: Sequence[float]) -> None:
        """Take the next value of a task; its samples are no clusters."""
        (value,) = values
        ((_, sample),) = self._units[self._next - 1]
        self.parts[task].feed(value, self.figures[task].values[sample], self.used)

    def miss(self, unit: Sequence[SampleKey]) -> None:
        """Take a sample without a score."""
        ((task, sample),) = unit
        self.parts[task].feed(None, self.figures[task].values[sample], self.used)

    def states(self) -> list[str]:
        """Each task's state."""
        return [part.state for part in self.parts.values()]

    def evidence(self, source: str, model: str, run_id: str | None) -> list[Evidence]:
        """The evidence of each task; intervals are valid at any stopping time."""
        found = []
        for task, part in self.parts.items():
            if not part.n:
                continue
            low, high = part.interval()
            value = part.right / part.n
            found.append(
                Evidence(
                    f"{task}: {model}",
                    source,
                    value=value,
                    low=low,
                    high=high,
                    confidence=part.levels.confidence,
                    n=part.n,
                    method="all items" if part.n == part.known.size else "difficulty, holds at any stop",
                    test=part.p_values(),
                    notes=(control_text(self.figures[task]), *outside_note(value, low, high)),
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
            replace(
                part.steps.path(task, len(self.order), self.used, part.bounds, required_of(self.claim)),
                overruled=part.overruled,
            )
            for task, part in self.parts.items()
        )

    def why(self, word: str) -> str:
        reached = {task: part for task, part in self.parts.items() if part.state == word}
        certain = {task: part.n == part.known.size for task, part in reached.items() if part.certain == word}
        if certain:
            return certain_text(certain)
        task, part = min(reached.items(), key=lambda one: one[1].highest[word])
        level, way = part.highest[word], "misses" if word == "refuted" else "reaches"
        size = f"{math.exp(level):.0f}" if level < math.log(1e6) else "more than a million"
        return (
            f"with the items' difficulty ({self.figures[task].page}) taken into account, the evidence that the score "
            f"{way} the threshold has an e-value of {size} ({math.exp(part.bounds[word]):.0f} is enough)"
        )


def control_text(figures: TaskFigures) -> str:
    """Which difficulties were used, in words, and of how many items they are."""
    facts = [f"the share of {figures.models} models that solved each"] if figures.models else []
    if figures.with_own is not None:
        facts.append(f"of {figures.with_own} of {len(figures.values)} items (the others have the mean)")
    between = "".join(f", {fact}" for fact in facts) + "," * bool(facts)
    return f"the items' difficulty from {figures.page}{between} is a control variate"


def _part(bar: Bar, figures: TaskFigures, levels: Levels, least: int) -> DifficultyPart:
    values = list(figures.values.values())
    known = known_of(values if bar.at_least else [1 - one for one in values], figures.slope)
    return DifficultyPart(bar, known, bar.least_count(known.size), levels, least)
