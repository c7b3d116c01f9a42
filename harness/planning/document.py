"""What a plan says: tasks and samples, what they will show, and what they are expected to cost. Types only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.planning.budget import Limit
from harness.planning.costs import SampleCost
from harness.stats.allocation import Goal

# What a task's `sees` is: the smallest difference of two models, or half an interval of one model's score
Sees = Literal["difference", "interval"]


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A task: `samples` of `total` (0: it is left out, `why`). `sees` with these samples; None where it sees nothing.

    `spread_from`: what the spread of its scores was taken from.
    """

    task: str
    total: int
    samples: int
    sees: float | None
    spread_from: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A test of a claim on a task: its chance to be settled by `samples`, and by the whole task.

    `against`: the threshold, or the other model; `assumed`: the prior of the true scores.
    """

    claim: str
    task: str
    against: str
    samples: int
    chance: float
    whole: float
    assumed: str


@dataclass(frozen=True, slots=True)
class StandIns:
    """Models that a claim does not mention, in place of one that it does: they settle nothing `about` that one."""

    claim: str
    about: str
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A model on a task: its samples, and what a sample costs."""

    samples: int
    cost: SampleCost

    @property
    def seconds(self) -> float | None:
        """Expected seconds, without the start of the run."""
        return None if self.cost.seconds is None else self.samples * self.cost.seconds

    @property
    def dollars(self) -> float | None:
        """Expected US dollars."""
        return None if self.cost.dollars is None else self.samples * self.cost.dollars

    @property
    def tokens_in(self) -> float | None:
        """Expected tokens of the prompts."""
        return None if self.cost.tokens_in is None else self.samples * self.cost.tokens_in

    @property
    def tokens_out(self) -> float:
        """Expected tokens of the answers, the most allowed where the cost is a bound."""
        return self.samples * self.cost.tokens_out


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A plan. `what`: the claim, suite or tasks; `starts`: seconds of each model beside its answers.

    `used` of the budget, with the starts where it is time. `suite_sees`: the smallest difference of the means over all
    tasks. `aside`: claims that no plan can settle, with the reason.
    """

    what: str
    kind: Literal["suite", "claim"]
    limit: Limit
    sees: Sees
    goal: Goal | None
    min_n: int
    seed: int
    models: tuple[str, ...]
    tasks: tuple[TaskChoice, ...]
    decisions: tuple[Decision, ...]
    lines: tuple[Line, ...]
    starts: dict[str, float]
    used: float
    suite_sees: float | None = None
    aside: tuple[str, ...] = ()
    stand_ins: tuple[StandIns, ...] = ()

    @property
    def kept(self) -> list[TaskChoice]:
        """The tasks that run."""
        return [choice for choice in self.tasks if choice.samples]
