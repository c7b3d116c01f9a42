"""Where every number comes from: what differs between the runs, then all that their manifests say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from harness.html_report.document import Material, ReportRun, Section
from harness.html_report.facts import OWN, SHORT, Fact, Protocol, protocols, run_facts, templates, when
from harness.privacy import presentable_command
from harness.report.tables import UNKNOWN, Column, Row, Table
from harness.store.manifest import package_versions

LEAD = "The model files, settings, data and versions behind each number, from the run folders."
HEADINGS = (
    *("Task", "Samples", "Prompt", "Shots", "Template", "Decoding", "Scorer and extractor", "Metrics", "Repeats"),
    *("Data", "Revision", "Data digest", "Requests digest"),
)
LONG = ("Decoding", "Scorer and extractor", "Data")
ALL = "all"
# For readers who are new to the field; the methods as the notes of the scores name them
WORDS = (
    ("interval", "the range that contains the true score in 95 of 100 such evaluations; wide with few samples"),
    (
        "wilson, t, clustered, jackknife, ratio",
        "ways to compute an interval: of shares of right answers, of other "
        "means, of samples that belong together, of scores of a whole corpus, and of perplexities",
    ),
    ("macro, micro", "the mean over tasks: each task counts the same, or each sample does"),
    ("significant", "a difference larger than chance alone would explain (p below 0.05)"),
    ("Holm", "a correction of p: of many comparisons, some look significant by chance"),
    ("pass@k", "the chance that at least one of k answers to a problem is right"),
    ("truncated", "the answer was cut off at the token limit, so it may lack its result"),
    ("no answer", "no result could be read out of what the model wrote"),
    ("stand-in", "another model, judged in place of one that could not be run; it decides nothing about that one"),
)


@dataclass(frozen=True, slots=True)
class RunProvenance:
    """All facts about one run."""

    label: str
    series: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """The prompt section of a task page, by its digest."""

    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """`differences` is None for one run; `made`: how the report itself was made; `words`: the terms of the page."""

    differences: Table | None
    runs: tuple[RunProvenance, ...]
    protocols: Table
    templates: tuple[Template, ...]
    made: tuple[Fact, ...]
    words: tuple[Fact, ...] = tuple(Fact(name, meaning) for name, meaning in WORDS)


def build(material: Material) -> Section | None:
    """Show where the runs come from; always there."""
    runs = tuple(RunProvenance(run.label, series, run_facts(run)) for series, run in enumerate(material.runs))
    texts = {digest: text for run in material.runs for digest, text in templates(run).items()}
    made = (
        Fact("version", f"harness {package_versions().get('harness', UNKNOWN)}"),
        Fact("command", presentable_command(material.command)),
        Fact("date", when(material.made.timestamp())),
    )
    return Section(
        "provenance",
        "Provenance",
        LEAD,
        Provenance(
            differences=_differences(material.runs, runs) if len(runs) > 1 else None,
            runs=runs,
            protocols=_protocols(material.runs),
            templates=tuple(Template(digest, text) for digest, text in texts.items()),
            made=made,
        ),
    )


def _differences(runs: Sequence[ReportRun], known: Sequence[RunProvenance]) -> Table:
    """A row for each fact that not all runs share, protocols of common tasks among them."""
    columns = (Column("Differs", False, True), *(Column(run.label, number=False, free=True) for run in runs))
    values = [{fact.name: fact.value for fact in run.facts if fact.name not in OWN} for run in known]
    for run, own in zip(runs, values, strict=True):
        own.update(_common(run, runs))
    names = dict.fromkeys(name for own in values for name in own)
    rows = tuple(
        Row((name, *(_short(name, own.get(name, UNKNOWN)) for own in values)))
        for name in names
        if len({own.get(name) for own in values}) > 1
    )
    notes = () if rows else ("Nothing in the manifests differs but the times of the runs.",)
    return Table("What differs between the runs", columns, rows, notes)


def _common(run: ReportRun, runs: Sequence[ReportRun]) -> dict[str, str]:
    """The protocol of each task that all runs have, field by field."""
    everywhere = set.intersection(*(set(other.manifest.identity.tasks) for other in runs))
    return {
        f"{own.task}: {heading.lower()}": str(getattr(own, field.name))
        for own in protocols(run)
        if own.task in everywhere
        for field, heading in zip(fields(Protocol)[1:], HEADINGS[1:], strict=True)
    }


def _short(name: str, value: str) -> str:
    return value[:SHORT] if name.startswith("digest of") else value


def _protocols(runs: Sequence[ReportRun]) -> Table:
    """A row for each task and protocol, with the runs that share it."""
    found: dict[Protocol, list[str]] = {}
    for run in runs:
        for own in protocols(run):
            found.setdefault(own, []).append(run.label)
    order = {task: place for place, task in enumerate(dict.fromkeys(own.task for own in found))}
    rows = tuple(
        Row((own.task, ALL if len(labels) == len(runs) else ", ".join(labels), *_cells(own)))
        for own, labels in sorted(found.items(), key=lambda item: order[item[0].task])
    )
    return Table("Protocol of each task", _columns(), rows)


def _columns() -> tuple[Column, ...]:
    return (
        Column("Task", False, True),
        Column("Runs", False),
        *(Column(name, False, free=name in LONG) for name in HEADINGS[1:]),
    )


def _cells(own: Protocol) -> tuple[str, ...]:
    return tuple(str(getattr(own, field.name)) for field in fields(own)[1:])
