"""The paired drop of changed questions as a table, and as rows for JSON. Computes no number."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.analysis.changed_questions import ChangedTask
from harness.analysis.drops import Drop, DropDifference
from harness.analysis.number_sizes import NumberSizes
from harness.report.comparison import INTERVALS, TESTS, signed_interval_text, signed_text
from harness.report.left_out import left_out_text
from harness.report.tables import UNKNOWN, Column, Row, Table, p_text
from harness.stats.paired_drop import T_TEST, TWO_WAY

STUDENT = "Student's t"
ALL_INTERVALS = {**INTERVALS, TWO_WAY: f"clustered by sample and by story, {STUDENT}"}
ALL_TESTS = {**TESTS, T_TEST: "Student's t of the clustered standard error"}


def drop_table(drops: Sequence[Drop], tasks: Sequence[ChangedTask], warnings: Sequence[str] = ()) -> Table:
    """Return a row per task, run and kind of changed question; `drops` is not empty."""
    several = len({each.run for each in drops}) > 1
    columns = (
        Column("Task", number=False, key=True),
        *((Column("Run", number=False, key=True),) if several else ()),
        Column("Variants are", number=False, key=True),
        Column("Metric", number=False),
        Column("Original"),
        Column("Changed"),
        Column("Drop"),
        Column("95 % interval"),
        Column("p"),
        Column("p (Holm)"),
        Column("n"),
        Column("n changed"),
        Column("All right"),
        Column("A/A drop"),
        Column("A/A interval"),
        Column("A/A p"),
    )
    rows = tuple(Row(_cells(each, several)) for each in drops)
    return Table("What changed questions cost", columns, rows, (*_legend(drops), *_facts(tasks)), tuple(warnings))


def difference_table(found: Sequence[DropDifference]) -> Table:
    """Return a row per task and kind: the drop of one run minus that of the baseline; `found` is not empty."""
    columns = (
        Column("Task", number=False, key=True),
        Column("Run", number=False, key=True),
        Column("Variants are", number=False),
        Column("Difference of drops"),
        Column("95 % interval"),
        Column("p"),
        Column("n"),
    )
    rows = tuple(
        Row(
            (
                each.task,
                each.b,
                each.kind,
                signed_text(each.test.difference),
                signed_interval_text(each.test.low, each.test.high),
                p_text(each.test.p),
                str(each.test.n),
            )
        )
        for each in found
    )
    note = (
        f"Drop of the run minus drop of {found[0].a}, on the samples of both; p: sign-flip permutation, not adjusted."
    )
    return Table(f"Drops compared with {found[0].a}", columns, rows, (note,))


def drop_document(drops: Sequence[Drop], tasks: Sequence[ChangedTask]) -> list[dict[str, Any]]:
    """Return the rows for JSON, with the facts of each task's changed questions."""
    facts = {each.changed: {**asdict(each)} for each in tasks}
    return [{**asdict(each), "questions": facts.get(each.changed_task)} for each in drops]


def drops_csv(drops: Sequence[Drop]) -> str:
    """Return the rows as CSV with a heading, unrounded; the test and the control have a prefix."""
    page = io.StringIO()
    rows = [_flat(asdict(each)) for each in drops]
    writer = csv.DictWriter(
        page, fieldnames=list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return page.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}_{name}": inner for name, inner in value.items()}
        elif value is not None:
            flat[key] = value
    return flat


def difference_document(found: Sequence[DropDifference]) -> list[dict[str, Any]]:
    """Return the rows for JSON."""
    return [asdict(each) for each in found]


def _cells(each: Drop, several: bool) -> tuple[str, ...]:
    control = each.control
    return (
        each.task,
        *((each.run,) if several else ()),
        each.kind,
        f"{each.scorer}/{each.metric}" if each.scorer else each.metric,
        f"{each.original:.3f}",
        f"{each.changed:.3f}",
        signed_text(each.test.difference),
        signed_interval_text(each.test.low, each.test.high),
        p_text(each.test.p),
        p_text(each.p_family),
        str(each.test.n),
        str(each.variants),
        f"{each.all_right:.3f}",
        UNKNOWN if control is None else signed_text(control.difference),
        UNKNOWN if control is None else signed_interval_text(control.low, control.high),
        UNKNOWN if control is None else p_text(control.p),
    )


def _legend(drops: Sequence[Drop]) -> tuple[str, ...]:
    methods = dict.fromkeys(ALL_INTERVALS.get(each.test.method, each.test.method) for each in drops)
    tests = dict.fromkeys(ALL_TESTS.get(each.test.test, each.test.test) for each in drops)
    return (
        "Drop: the score of the original questions minus the mean score of their changed variants, sample by sample. "
        "All right: the share of samples of which every variant is right. A drop with a p (Holm) of .05 or less shows "
        "that the score depends on these questions' own words or numbers, not why; one with a larger p may be chance.",
        f"p: {', '.join(tests)}; Holm over {len(drops)}. Intervals: {_methods_text(list(methods))}.",
        *_control_legend(drops),
    )


def _control_legend(drops: Sequence[Drop]) -> tuple[str, ...]:
    """What the control compares, by which test, and how its p is read; nothing where there is none."""
    controls = [each.control for each in drops if each.control is not None]
    if not controls:
        return ()
    tests = dict.fromkeys(ALL_TESTS.get(each.test, each.test) for each in controls)
    methods = dict.fromkeys(ALL_INTERVALS.get(each.method, each.method) for each in controls)
    return (
        "A/A: the first variant minus the second of the same samples, about 0 but for chance. "
        f"A/A p ({', '.join(tests)}, not adjusted): how often chance alone gives a difference as large or larger. One "
        "control in twenty has a p of .05 or below for nothing; one far below says that the draws are not alike, and "
        f"then the drop is not to be trusted. A/A intervals: {_methods_text(list(methods))}.",
    )


def _methods_text(methods: Sequence[str]) -> str:
    """Ways to make intervals, with Student's t named once."""
    of_t = [each for each in methods if each.endswith(STUDENT)]
    if len(of_t) < 2:
        return "; ".join(methods)
    kinds = [each.removesuffix(STUDENT).removesuffix(", ") or "unclustered" for each in of_t]
    return "; ".join([f"{STUDENT} ({', '.join(kinds)})", *(each for each in methods if each not in of_t)])


def _facts(tasks: Sequence[ChangedTask]) -> tuple[str, ...]:
    lines = []
    for each in tasks:
        sizes = [
            f"{what} {_sizes(own)}"
            for what, own in (("numbers", each.numbers), ("answers", each.answers))
            if own is not None
        ]
        if sizes:
            lines.append(f"Sizes in {each.changed}: {'; '.join(sizes)}.")
        if left_out := left_out_text(each.left_out, each.kept, each.task):
            lines.append(f"{left_out[0].upper()}{left_out[1:]}.")
    return tuple(lines)


def _sizes(own: NumberSizes) -> str:
    return (
        f"{own.digits_before:.2f} digits in the originals, {own.digits_after:.2f} changed "
        f"(Kolmogorov-Smirnov distance {own.distance:.2f}, n {own.n})"
    )
