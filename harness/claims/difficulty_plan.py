"""Before a run: where the test stops that uses the items' difficulty, by a simulation with a fixed seed.

Of models with an assumed score, which are right on easy items more often as `discrimination` of the difficulty page
says (`stats.control_variate_stop`). Reads pages only, no data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from harness.claims.difficulty import Difficulty, difficulty_for
from harness.claims.page import Claim
from harness.claims.planned_scores import ScorePlan, StopPlan
from harness.claims.published import bar_of
from harness.claims.sequential_test import levels_of
from harness.stats.control_variate import known_of
from harness.stats.control_variate_stop import Answers, Stopped, simulated, stopped
from harness.stats.exact_interval import Levels
from harness.stats.thresholds import Bar


@dataclass(frozen=True, slots=True)
class ControlPlan:
    """What the simulation needs of one task: the page's name, each item's figure, and the test.

    `figures` is empty where pages do not tell how many items have which: then no stop is predicted.
    """

    page: str
    figures: tuple[float, ...]
    slope: float
    discrimination: float
    bar: Bar
    levels: Levels

    def stop(self, truth: float) -> Stopped | None:
        """Where it stops if this is the score on these items; None where that is not predicted, or takes no sample."""
        size = len(self.figures)
        needed = self.bar.least_count(size) if size else 0
        if not 1 <= needed <= size:
            return None
        answers, figures = simulated(self.figures, round(truth * size), self.discrimination), self.figures
        if not self.bar.at_least:
            answers, figures = Answers(1 - answers.right, 1 - answers.figures), tuple(1 - one for one in figures)
        return stopped(answers, known_of(figures, self.slope), needed, self.levels)


def control_plan(claim: Claim, task: str, size: int) -> ControlPlan | None:
    """The simulation of one task; None where its test does not use the items' difficulty.

    Raises UnknownName or ConfigError for a page that the claim names and that is not there, is faulty, or lacks the
    task.
    """
    found = [difficulty_for(claim, one) for one in claim.test.tasks]
    own = found[claim.test.tasks.index(task)]
    if own is None or None in found:
        return None
    figures = tuple(_figures(own, size))
    page = own.page
    return ControlPlan(
        page.name, figures, page.slope, page.discrimination, bar_of(claim, size), levels_of(claim, len(found))
    )


def with_control(plan: ScorePlan, control: ControlPlan, least: int) -> ScorePlan:
    """The plan with the stop of the test that uses the items' difficulty; `least`: samples that a verdict waits for."""
    found = control.stop(plan.truth)
    if found is None:
        return replace(plan, items=None, needed_items=None)
    word = -1 if plan.word == "refuted" else 1
    stop = StopPlan(
        max(least, found.quantile(0.5)), max(least, found.quantile(0.8)), found.mean(least), found.share(word)
    )
    return replace(plan, items=stop, needed_items=stop.most)


def _figures(difficulty: Difficulty, size: int) -> Sequence[float]:
    """The figure of each item, with the mean where there is none; nothing for classes of items, or too many."""
    values = list(difficulty.solved.values())
    if difficulty.page.item is not None or len(values) > size:
        return ()
    return [*values, *([fmean(values)] * (size - len(values)))]
