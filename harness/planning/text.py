"""A plan as tables and as JSON; computes nothing but sums of what it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.cost.tables import dollars
from harness.planning.budget import shown, time_text, tokens_text
from harness.planning.document import Line, PlannedRun
from harness.report.tables import UNKNOWN, Column, Row, Table

TASK = Column("Task", number=False, key=True)
COSTS = (
    Column("Model", number=False, key=True),
    TASK,
    Column("Samples"),
    Column("Tokens in"),
    Column("Tokens out"),
    Column("Time"),
    Column("Dollars"),
)
GOALS = {
    "largest": "the largest of the tasks' differences is made as small as it can be",
    "mean": "the mean of the tasks' differences is made as small as it can be",
    "suite": "the difference of the mean over all tasks is made as small as it can be",
}


def tables(plan: PlannedRun, *, tried: bool = False) -> tuple[Table, ...]:
    """What is run and what it shows, then what it costs. `tried`: `--try` was given, and need not be advised."""
    return (_decisions(plan) if plan.kind == "claim" else _tasks(plan), _costs(plan, tried=tried))


def document(plan: PlannedRun) -> dict[str, Any]:
    """Everything, unrounded."""
    values = asdict(plan)
    for line, row in zip(plan.lines, values["lines"], strict=True):
        row |= {
            "tokens_in": line.tokens_in,
            "tokens_out": line.tokens_out,
            "seconds": line.seconds,
            "dollars": line.dollars,
        }
    return values


def _tasks(plan: PlannedRun) -> Table:
    paired = plan.sees == "difference"
    heading = "Smallest difference" if paired else "Interval +-"
    rows = [
        Row(
            (
                choice.task,
                str(choice.samples) if choice.samples else "left out",
                str(choice.total),
                _share(choice.sees),
                choice.spread_from,
            )
        )
        for choice in plan.tasks
    ]
    if plan.suite_sees is not None:
        kept = plan.kept
        whole = (str(sum(one.samples for one in kept)), str(sum(one.total for one in kept)), _share(plan.suite_sees))
        rows.append(Row(("mean of tasks", *whole, ""), overall=True))
    shows = (
        "Smallest difference: the true one that the paired test of the two models shows with 80 % power, at 5 %."
        if paired
        else "Interval +-: half the 95 % interval of the score (Wilson for 0/1) that is to be expected."
    )
    if len(plan.models) > 2:
        shows += " Of the two models that differ most, each pair by itself."
    notes = [shows]
    if plan.goal is not None and len(plan.kept) > 1:
        goal = GOALS[plan.goal] if paired else GOALS[plan.goal].replace("difference", "interval")
        notes.append(f"Samples: {goal} (--goal), with at least {plan.min_n} of each task (--min-n).")
    notes += _capped(plan)
    notes += [f"{choice.task} is left out: {choice.why}." for choice in plan.tasks if not choice.samples]
    columns = (TASK, Column("Samples"), Column("Of"), Column(heading), Column("Spread from", number=False, free=True))
    title = f"{plan.what}, {' and '.join(plan.models)}, for at most {plan.limit.text}"
    return Table(title, columns, tuple(rows), tuple(notes))


def _decisions(plan: PlannedRun) -> Table:
    totals = {choice.task: choice.total for choice in plan.tasks}
    rows = [
        Row(
            (
                one.claim,
                one.task,
                one.against,
                str(one.samples),
                str(totals[one.task]),
                f"{100 * one.chance:.0f}",
                f"{100 * one.whole:.0f}",
            )
        )
        for one in plan.decisions
    ]
    beliefs = dict.fromkeys(one.assumed for one in plan.decisions)
    notes = [
        "Settled %: the chance that so many samples refute or support it, over the scores believed possible; with all: "
        "with every sample.",
        # It is the power of one test at the end; a path's is lower, and takes minutes to compute for pairs
        "Both are for one test at the end, as after harness run --plan. harness claim check --plan looks after every "
        "sample: it often needs fewer, but as a rule settles less with as many (such as 28 % in place of 46 %).",
        *(f"Believed: {belief}." for belief in beliefs),
        *(f"{choice.task} is left out: {choice.why}." for choice in plan.tasks if not choice.samples),
        *_only_refuted(plan),
        *_capped(plan),
        *(
            f"Stand-in: {' and '.join(one.models)} settles nothing about {one.about}; {one.claim} does not mention it."
            for one in plan.stand_ins
        ),
        *(f"Not planned: {line}" for line in plan.aside),
    ]
    columns = (
        Column("Claim", number=False, key=True),
        TASK,
        Column("Tested", number=False),
        Column("Samples"),
        Column("Of"),
        Column("Settled %"),
        Column("With all %"),
    )
    return Table(f"{plan.what}, for at most {plan.limit.text}", columns, tuple(rows), tuple(notes))


def _capped(plan: PlannedRun) -> list[str]:
    """Tasks with fewer samples than were asked for."""
    return [
        f"{choice.task} has {choice.total} samples, fewer than the {plan.min_n} of --min-n."
        for choice in plan.tasks
        if choice.total < plan.min_n
    ]


def _only_refuted(plan: PlannedRun) -> list[str]:
    """Claims of several tests of which some do not run."""
    without: dict[str, list[str]] = {}
    for one in plan.decisions:
        if not one.samples:
            without.setdefault(one.claim, []).append(one.task)
    return [
        f"{claim} must hold on each task: without {', '.join(dict.fromkeys(tasks))} it can be refuted, not supported."
        for claim, tasks in without.items()
        if any(one.claim == claim and one.samples for one in plan.decisions)
    ]


def _costs(plan: PlannedRun, *, tried: bool) -> Table:
    rows = [Row((line.cost.model, line.cost.task, *_cells([line]))) for line in plan.lines]
    paid = any(line.cost.dollars for line in plan.lines)
    if len(plan.lines) > 1:
        start = math.fsum(plan.starts[name] for name in plan.models)
        rows.append(Row(("all", "", *_cells(plan.lines, start)), overall=True))
    notes = []
    advice = "" if tried else "; --try 16 runs 16 samples of each task first"
    if any(line.cost.bound for line in plan.lines):
        notes.append(
            f"<: with every answer as long as its task allows, because no finished run here tells its length{advice}."
        )
    timeless = list(dict.fromkeys(line.cost.model for line in plan.lines if line.cost.seconds is None))
    if timeless:
        notes.append(f"Time of {', '.join(timeless)} is not known: no finished run here tells{advice}.")
    begun = [f"{name} {time_text(plan.starts[name])}" for name in plan.models if plan.starts[name]]
    if begun:
        notes.append(f"The sum of the times includes loading and scoring, as in earlier runs: {', '.join(begun)}.")
    if paid:
        notes.append("Dollars: list prices for uncached input; the dearest price of today.")
    notes += _sources(plan)
    left = plan.limit.amount - plan.used
    notes.append(
        f"Expected: {shown(plan.used, plan.limit.unit)} of {shown(plan.limit.amount, plan.limit.unit)}"
        f"{', every sample of every task' if left > 0 and _whole(plan) else ''}."
    )
    return Table("", COSTS, tuple(rows), tuple(notes))


def _whole(plan: PlannedRun) -> bool:
    return all(choice.samples == choice.total for choice in plan.tasks)


def _sources(plan: PlannedRun) -> list[str]:
    """Where tokens and seconds are from, a line for all tasks that share it."""
    by_text: dict[str, list[str]] = {}
    for line in plan.lines:
        time = f"; time: {line.cost.seconds_from}" if line.cost.seconds_from else ""
        by_text.setdefault(f"{line.cost.tokens_from}{time}", []).append(f"{line.cost.model} on {line.cost.task}")
    return [f"Tokens of {', '.join(names)}: {text}." for text, names in by_text.items()]


def _cells(lines: Sequence[Line], start: float = 0.0) -> tuple[str, ...]:
    bound = any(line.cost.bound for line in lines)
    seconds = [line.seconds for line in lines]
    paid = [line.dollars for line in lines]
    read = [line.tokens_in for line in lines]
    return (
        str(sum(line.samples for line in lines)),
        tokens_text(math.fsum(one or 0 for one in read)) if None not in read else UNKNOWN,
        ("<" if bound else "") + tokens_text(math.fsum(line.tokens_out for line in lines)),
        time_text(math.fsum(one or 0 for one in seconds) + start) if None not in seconds else UNKNOWN,
        UNKNOWN
        if None in paid or not any(paid)
        else ("<" if bound and any(paid) else "") + dollars(math.fsum(one or 0 for one in paid)),
    )


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def shows(plan: PlannedRun) -> list[str]:
    """What the plan is expected to show, a line for each task or test, for readers of its file."""
    if plan.kind == "claim":
        return [
            f"{one.claim} on {one.task} {one.against}: settled with chance {one.chance:.2f}" for one in plan.decisions
        ]
    what = "smallest difference" if plan.sees == "difference" else "95 % interval +-"
    return [f"{choice.task}: {what} {_share(choice.sees)}" for choice in plan.kept]
