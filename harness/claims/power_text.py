"""What a claim takes, as tables: one a benchmark. Computes no number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.tables import UNKNOWN, Column, Row, Table

if TYPE_CHECKING:
    from harness.claims.planning import GapPlan, ScorePlan
    from harness.claims.power import Power

POWER = 0.8


def power_table(power: Power) -> Table:
    """Return the table of one task."""
    return _scores(power) if power.scores else _gaps(power)


def _scores(power: Power) -> Table:
    columns = (
        Column("If the truth is", number=False, key=True),
        Column("it should be", number=False),
        Column("n about the skill"),
        Column("n about these items"),
        Column(f"Chance with all {power.size}" if power.size else "Chance with all"),
    )
    rows = tuple(Row(_score_cells(plan)) for plan in power.scores)
    notes = [
        "n is for one decision with the error rate of the claim and a chance of 80 % to reach it.",
        "About the skill: would other such problems go the same way? About these items: what is their score?",
    ]
    if power.size:
        poor = [f"{plan.truth:g}" for plan in power.scores if plan.power is not None and plan.power < POWER]
        if poor:
            notes.append(f"All {power.size} items cannot tell a skill of {', '.join(poor)} from {power.bar:g}.")
    return Table(f"{power.claim} on {power.task}: {power.relation} {power.bar:g}", columns, rows, tuple(notes))


def _score_cells(plan: ScorePlan) -> tuple[str, ...]:
    return (
        f"{plan.truth:g}",
        plan.word,
        _count(plan.needed_skill),
        _count(plan.needed_items),
        UNKNOWN if plan.power is None else f"{100 * plan.power:.0f} %",
    )


def _gaps(power: Power) -> Table:
    columns = (
        Column("If the difference is", number=False, key=True),
        Column("it should be", number=False),
        Column("n unpaired"),
        Column("n paired, usual"),
        Column("n paired, siblings"),
    )
    rows = tuple(Row(_gap_cells(plan)) for plan in power.gaps)
    size = f"{power.task} has {power.size} items." if power.size else f"How many items {power.task} has is not known."
    notes = (
        f"n is for one comparison, the other model at {power.rate:g}, with a chance of 80 % to reach the word.",
        "Paired: both models asked the same samples, their answers correlated at 0.5 (usual) or 0.7 (siblings).",
        size,
    )
    shift = f" by {power.bar:g}" if power.bar else ""
    return Table(f"{power.claim} on {power.task}: {power.relation}{shift}", columns, rows, notes)


def _gap_cells(plan: GapPlan) -> tuple[str, ...]:
    return (f"{plan.gap:+g}", plan.word, *map(_count, plan.needed))


def _count(n: int | None) -> str:
    return UNKNOWN if n is None else str(n)
