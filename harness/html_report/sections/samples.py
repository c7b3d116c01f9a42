"""Samples: a table of all records with filters, and each sample with its prompt and the answers side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harness.analysis.selection import KINDS, Kind, each_score, failure_of, kinds_of
from harness.datatypes import Record
from harness.errors import RunFolderError
from harness.html_report.document import Material, ReportRun, Section
from harness.html_report.records import Block
from harness.html_report.rows import INTERESTS, SEED, Interest, Row, by_interest, rows_of
from harness.privacy import presentable_command
from harness.report.visible import visible_line
from harness.store import journal
from harness.store.run_folder import RECORDS

# Rows whose complete records are in memory at a time
BATCH = 16
KIND_NAMES: Mapping[Kind, str] = {
    "wrong": "wrong",
    "truncated": "truncated",
    "no_answer": "no answer extracted",
    "unread": "right answer not read",
    "unscored": "unscored",
}
INTEREST_NAMES: Mapping[Interest, str] = {
    "differ": "on which runs differ",
    "lost": "with an answer that is wrong, cut or unscored",
    "rest": "of the others",
}


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a filter."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Samples:
    """What the template shows: filters, the data element's content, and what is not in the page."""

    runs: tuple[str, ...]
    tasks: tuple[str, ...]
    scorers: tuple[str, ...]
    kinds: tuple[Option, ...]
    failures: tuple[str, ...]
    block: Markup
    compressed: bool
    total: int
    note: str


def build(material: Material) -> Section | None:
    """Show all samples that fit into the page. Raises RunFolderError for a journal that changed meanwhile."""
    if not material.with_records:
        return None
    rows = rows_of(material.runs)
    if not rows:
        return None
    tasks = tuple(dict.fromkeys(row.task for row in rows))
    labels = tuple(visible_line(run.label) for run in material.runs)
    names = tuple(visible_line(task) for task in tasks)
    first = {task: _picking_first(material.runs, task) for task in tasks}
    block = Block({"runs": labels, "tasks": names, "kinds": KIND_NAMES})
    taken: Counter[Interest] = Counter()
    for row, records in _complete(by_interest(rows), material.runs):
        if block.is_full:
            break
        block.add(row, records, tasks, first[row.task])
        taken[row.interest] += 1
    content, compressed = block.finish()
    note = _note(rows, taken, material.runs)
    data = Samples(labels, names, *_filters(rows), content, compressed, len(rows), note)
    return Section("samples", "Samples", "Every answer with its prompt, its score and the reason.", data)


def _complete(rows: Sequence[Row], runs: Sequence[ReportRun]) -> Iterator[tuple[Row, list[Record | None]]]:
    """Each row with its complete records, a few at a time: all of them would not fit in memory."""
    places = [_places(run.folder / RECORDS) for run in runs]
    for place, (run, at) in enumerate(zip(runs, places, strict=True)):
        if any(cell.request.key not in at for row in rows if (cell := row.cells[place])):
            raise RunFolderError(f"{run.folder / RECORDS}: changed while it was read; make the report again")
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        keys = [[cell.request.key for row in some if (cell := row.cells[run])] for run in range(len(runs))]
        read = [
            dict(zip(own, journal.at(run.folder / RECORDS, [at[key] for key in own]), strict=True))
            for run, at, own in zip(runs, places, keys, strict=True)
        ]
        for row in some:
            records = zip(row.cells, read, strict=True)
            yield row, [None if cell is None else own[cell.request.key] for cell, own in records]


def _places(path: Path) -> dict[str, int]:
    """Where the last record of each key begins in a journal whose records were checked when they were read."""
    places: dict[str, int] = {}
    offset = 0
    try:
        for line in journal.complete_lines(path):
            places[json.loads(line)["request"]["key"]] = offset
            offset += len(line)
    except (ValueError, KeyError, TypeError):
        raise RunFolderError(f"{path}: changed while it was read; make the report again") from None
    return places


def _picking_first(runs: Sequence[ReportRun], task: str) -> frozenset[str]:
    """The task's scorers whose extraction takes the first of several matches, as its page says."""
    facts: Any = next((run.manifest.tasks[task] for run in runs if task in run.manifest.tasks), {})
    return frozenset(
        str(entry.get("name", entry.get("by")))
        for entry in facts.get("page", {}).get("score", ())
        if isinstance(entry.get("extract"), Mapping) and entry["extract"].get("pick") == "first"
    )


def _filters(rows: Sequence[Row]) -> tuple[tuple[str, ...], tuple[Option, ...], tuple[str, ...]]:
    """The scorers, the kinds of answers and the failures that occur; the failures by their number."""
    scorers: dict[str, None] = {}
    kinds: set[Kind] = set()
    failures: Counter[str] = Counter()
    for record in (record for row in rows for record in row.cells if record is not None):
        for one in each_score(record) or (record,):
            scorers.update(dict.fromkeys(score.scorer for score in one.scores))
            kinds |= kinds_of(one)
            failures[failure_of(one)] += 1
    del failures[""]
    return (
        tuple(map(visible_line, scorers)),
        tuple(Option(kind, KIND_NAMES[kind]) for kind in KINDS if kind in kinds),
        tuple(visible_line(name) for name, _ in failures.most_common()),
    )


def _note(rows: Sequence[Row], taken: Counter[Interest], runs: Sequence[ReportRun]) -> str:
    """Which samples are not in the page, and how to see them; empty where all are in it."""
    if taken.total() == len(rows):
        return ""
    of = Counter(row.interest for row in rows)
    parts = [
        f"{'all ' if taken[kind] == of[kind] else f'{taken[kind]:,} of '}{of[kind]:,} {INTEREST_NAMES[kind]}"
        for kind in INTERESTS
        if of[kind]
    ]
    show = ["harness", "show", str(runs[0].folder), "--sample", "ID"]
    return (
        f"{taken.total():,} of {len(rows):,} samples are here: {'; '.join(parts)}. Where not all are, they were "
        f"chosen at random (seed {SEED}). `{presentable_command(show)}` prints any other."
    )
