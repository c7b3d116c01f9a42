"""What a probe found as a table, and what it will cost as lines. Computes nothing.

The word "contaminated" is used in one place: after an order test whose adjusted p is below the level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.report.tables import UNKNOWN, Column, Row, Table
from harness.results import BY_HEART, ORDER, ProbeCost, ProbeFinding, ProbeTest

COLUMNS = (
    Column("Task", number=False, key=True),
    Column("Test", number=False, key=True),
    Column("n"),
    Column("Effect"),
    Column("p"),
    Column("p adjusted"),
    Column("p control"),
    Column("Reading", number=False),
)
# What each test is made on as a control
CONTROLS: Mapping[ProbeTest, str] = {
    ORDER: "the same rows in an order drawn here (order)",
    BY_HEART: "two re-phrasings of the same rows (by heart)",
}


def probe_table(findings: Sequence[ProbeFinding], level: float, notes: Sequence[str] = ()) -> Table:
    """The findings of one command; `notes` come below those that explain the columns."""
    rows = tuple(
        Row(
            (
                one.task,
                one.test,
                str(one.n) if one.n else UNKNOWN,
                _effect(one),
                p_text(one.p_value),
                p_text(one.p_adjusted),
                p_text(one.p_control),
                _word(one),
            ),
        )
        for one in findings
    )
    return Table("", COLUMNS, rows, (*_columns(findings, level), *notes), tuple(_warnings(findings)))


def p_text(value: float | None) -> str:
    """A p-value with two significant digits; never 0."""
    if value is None:
        return UNKNOWN
    return f"{value:.2g}" if value >= 0.001 else f"{value:.1e}"


def _effect(one: ProbeFinding) -> str:
    return UNKNOWN if one.statistic is None else effect_text(one.test, one.statistic)


def effect_text(test: ProbeTest, value: float) -> str:
    """A statistic with its unit."""
    return f"{value:+.3f} nats" if test == ORDER else f"{100 * value:+.1f} %"


def _word(one: ProbeFinding) -> str:
    if one.refused:
        return "not tested"
    if one.control_failed:
        return "no reading"
    if one.significant:
        return "contaminated" if one.test == ORDER else "known by heart"
    return "no evidence"


def _columns(findings: Sequence[ProbeFinding], level: float) -> list[str]:
    tests = {one.test for one in findings if not one.refused}
    lines = []
    if ORDER in tests:
        lines.append(
            "order: how much likelier a row is behind the row that was published before it, in nats; p is the share of "
            "random orders that are preferred as much. n: pairs of neighbours."
        )
    if BY_HEART in tests:
        lines.append(
            "by heart: exact continuations of the published rows, less those of the same rows with other names, per "
            "point; exact sign-flip test. n: rows."
        )
    if tests:
        lines.append(
            f"p adjusted: Holm over all tests here; below {level:g} a test has found something, and says so falsely in "
            f"at most {100 * level:g} % of commands. p control: the same test where there is nothing to find: "
            f"{' and '.join(CONTROLS[test] for test in CONTROLS if test in tests)}."
        )
    for one in findings:
        if not one.refused and not one.significant and not one.control_failed and one.least is not None:
            seen = f"{one.least:.3f} nats a row" if one.test == ORDER else f"{100 * one.least:.1f} % of the points"
            lines.append(f"{one.task}, {one.test}: with 80 % power it finds an effect of {seen}.")
    return lines


def _warnings(findings: Sequence[ProbeFinding]) -> list[str]:
    lines = [f"{one.task}, {one.test}: not tested: {one.refused}" for one in findings if one.refused]
    for one in findings:
        if one.control_failed:
            lines.append(
                f"{one.task}, {one.test}: no reading: the control, which has nothing to find, has p "
                f"{p_text(one.p_control)}; try another --seed"
            )
        if one.unanswered:
            lines.append(f"{one.task}, {one.test}: {one.unanswered} parts were left out: the engine refused requests")
    return lines


def task_lines(
    task: str, rows: int, total: int, requests: Mapping[ProbeTest, int], refused: Mapping[ProbeTest, str]
) -> list[str]:
    """One task before it is tested: how many requests each test has, or why it has none."""
    tests = [
        f"  {test:8}  not tested: {refused[test]}" if test in refused else f"  {test:8}  {count} requests"
        for test, count in requests.items()
    ]
    return [f"{task}: {f'{rows} rows' if rows == total else f'the first {rows} of {total} rows'}", *tests]


def cost_lines(cost: ProbeCost) -> list[str]:
    """What a probe takes, before it begins."""
    if not cost.requests:
        return ["cost: none; no test can be made"]
    tokens = "unknown" if cost.tokens_in is None else f"{cost.tokens_in:,}"
    parts = [f"{cost.requests} requests, {tokens} tokens in, at most {cost.tokens_out_at_most:,} out"]
    if cost.seconds_at_most is not None:
        parts.append(f"roughly {_duration(cost.seconds_at_most)}")
    if cost.dollars_at_most is not None:
        parts.append(f"${cost.dollars_at_most:.2f} at most")
    lines = [f"cost: {', '.join(parts)}"]
    if cost.tokens_unshared and cost.tokens_in and cost.tokens_of_orders:
        lines.append(
            f"shared beginnings are computed once: {cost.tokens_unshared:,} tokens without that; "
            f"{cost.tokens_of_orders:,} for 100 shuffles of the whole sets"
        )
    return lines


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
