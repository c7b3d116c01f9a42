"""A comparison of runs as a table, as rows for JSON and CSV, and its discordant samples side by side.

Computes no number. Only the tables round; the document has numbers as computed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.report.tables import UNKNOWN, Column, Row, Table, p_text
from harness.results import Comparison, metric_text

COMPARISON_SCHEMA = 2
# Discordant samples shown per task in a table; the JSON has all
MOST_SAMPLES = 20
# Longest answer shown beside another
ANSWER = 40
TESTS = {"mcnemar": "McNemar's exact test", "sign_flip": "sign-flip permutation"}
INTERVALS = {
    "bonett_price": "Bonett-Price",
    "t": "Student's t",
    "clustered": "clustered, Student's t",
    "wilson": "Wilson",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A comparison with its finding: better, worse, or not shown."""

    comparison: Comparison
    word: str


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One sample on which two runs differ: value and answer of each."""

    task: str
    a: str
    b: str
    sample_id: str
    value_a: float
    value_b: float
    answer_a: str
    answer_b: str


def comparison_table(
    findings: Sequence[Finding], warnings: Sequence[str], explanations: Sequence[tuple[str, str]] = ()
) -> Table:
    """Return one row per task and run compared with the baseline; `findings` is not empty.

    `explanations` of a difference, each with the run's label, are notes below the rows.
    """
    baseline = findings[0].comparison.a
    several = len({finding.comparison.b for finding in findings}) > 1
    new = "New" if several else findings[0].comparison.b
    columns = (
        Column("Task", number=False, key=True),
        *((Column("Run", number=False, key=True),) if several else ()),
        Column(baseline),
        Column(new),
        Column("Difference"),
        Column("95 % interval"),
        Column("p"),
        Column("p (Holm)"),
        Column("Finding", number=False),
        Column("n"),
        Column("Wins"),
        Column("Losses"),
        Column("Detectable diff."),
        Column("n needed"),
    )
    rows = tuple(Row(_cells(finding, several)) for finding in findings)
    against = f"{len({f.comparison.b for f in findings})} runs" if several else new
    notes = (
        *legend([finding.comparison for finding in findings]),
        *(f"May explain a difference{_of(run, several)}: {text}" for run, text in explanations),
    )
    return Table(f"{against} compared with {baseline}", columns, rows, notes, tuple(warnings))


def sample_tables(rows: Sequence[SampleRow]) -> tuple[Table, ...]:
    """Return a table per task and run of the samples on which they differ, at most MOST_SAMPLES of each."""
    by_pair: dict[tuple[str, str, str], list[SampleRow]] = {}
    for row in rows:
        by_pair.setdefault((row.task, row.a, row.b), []).append(row)
    tables = []
    for (task, a, b), own in by_pair.items():
        columns = (
            Column("Sample", number=False, key=True),
            Column(a, number=False, free=True),
            Column(b, number=False, free=True),
        )
        shown = tuple(
            Row(
                (
                    row.sample_id,
                    _sample(row.value_a, row.answer_a),
                    _sample(row.value_b, row.answer_b),
                )
            )
            for row in own[:MOST_SAMPLES]
        )
        hidden = len(own) - len(shown)
        notes = (f"{hidden} more in --format json --samples",) if hidden else ()
        tables.append(Table(f"{task}: {len(own)} samples on which {a} and {b} differ", columns, shown, notes))
    return tuple(tables)


def comparison_document(
    runs: Sequence[Mapping[str, Any]],
    findings: Sequence[Finding],
    protocol: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
    samples: Sequence[SampleRow] | None = None,
    explanations: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return the document: runs (baseline first), a row per comparison, protocol fields that differ, warnings.

    `explanations`: what may explain the differences of a run, besides its model.
    `samples`: only with --samples.
    """
    document: dict[str, Any] = {
        "schema": COMPARISON_SCHEMA,
        "runs": [dict(run) for run in runs],
        "rows": [{**asdict(finding.comparison), "finding": finding.word} for finding in findings],
        "protocol": [dict(field) for field in protocol],
        "explanations": [{"run": run, "text": text} for run, text in explanations],
        "warnings": list(warnings),
    }
    if samples is not None:
        document["samples"] = [asdict(row) for row in samples]
    return document


def document_text(document: Mapping[str, Any]) -> str:
    """Return the document as JSON text. Raises ValueError for NaN and infinity, which JSON does not have."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def rows_csv(document: Mapping[str, Any]) -> str:
    """Return the document's rows as CSV with a heading, unrounded, unknown left empty."""
    page = io.StringIO()
    writer = csv.DictWriter(page, fieldnames=list(document["rows"][0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(document["rows"])
    return page.getvalue()


def _cells(finding: Finding, several: bool) -> tuple[str, ...]:
    c = finding.comparison
    return (
        c.task,
        *((c.b,) if several else ()),
        f"{c.value_a:.3f}",
        f"{c.value_b:.3f}",
        signed_text(c.difference),
        signed_interval_text(c.low, c.high),
        p_text(c.p),
        p_text(c.p_family),
        finding.word,
        str(c.n),
        str(c.wins),
        str(c.losses),
        UNKNOWN if c.detectable is None else f"{c.detectable:.3f}",
        UNKNOWN if c.needed is None else str(c.needed),
    )


def _of(run: str, several: bool) -> str:
    return f" of {run}" if several else ""


def legend(comparisons: Sequence[Comparison], *, needed: bool = True) -> tuple[str, ...]:
    """Return what the columns mean, and which metrics, tests and intervals these comparisons have; not for none.

    `needed`: there is a column of the n needed.
    """
    metrics = dict.fromkeys(f"{c.task} {metric_text(c.scorer, c.metric)}" for c in comparisons)
    intervals = dict.fromkeys(INTERVALS.get(c.method, c.method) for c in comparisons)
    tests = dict.fromkeys(TESTS.get(c.test, c.test) for c in comparisons)
    return (
        f"Difference: {'run' if len({c.b for c in comparisons}) > 1 else comparisons[0].b} minus {comparisons[0].a}, "
        f"on samples that both scored. Metrics: {', '.join(metrics)}.",
        f"p: {', '.join(tests)}; Holm over {len(comparisons)}; significant at p (Holm) <= 0.05. "
        f"Intervals ({', '.join(intervals)}) are not adjusted for several comparisons.",
        "Detectable diff.: the smallest true difference that n samples detect with 80 % power."
        + (
            " n needed: samples to detect a true difference as large as the observed one with 80 % power."
            if needed
            else ""
        )
        + (
            f" {'Both are' if needed else 'It is'} exact for McNemar's test."
            if "mcnemar" in {c.test for c in comparisons}
            else ""
        ),
    )


def signed_text(number: float) -> str:
    """A difference: three decimals with a sign."""
    return f"{number:+.3f}"


def signed_interval_text(low: float, high: float) -> str:
    """The interval of a difference."""
    return f"[{low:+.3f}, {high:+.3f}]"


def _sample(value: float, answer: str) -> str:
    text = " ".join(answer.split())
    return f"{value:g}  {text if len(text) <= ANSWER else text[: ANSWER - 3] + '...'}".rstrip()
