"""What a reader must know before reading on: the warnings of all runs, one line a kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.html_report.document import Material, Section

LEAD = "Read these first: they say where a number may not mean what it seems to."
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Runs or tasks named in a line
NAMED = 3


@dataclass(frozen=True, slots=True)
class WarningKind:
    """Warnings that differ in numbers or examples alone: the first of them, where they are, and all of them."""

    count: int
    where: str
    text: str
    lines: tuple[str, ...]


def build(material: Material) -> Section | None:
    """Fold the warnings of all runs; None where there is none."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for where, text in _all(material):
        kinds.setdefault(_kind(text), []).append((where, text))
    folded = tuple(_folded(found) for found in kinds.values())
    return Section("warnings", "Warnings", LEAD, folded) if folded else None


def _kind(text: str) -> str:
    """What warnings of one kind share: no numbers, and no example in parentheses."""
    return NUMBER.sub("#", text.partition(" (")[0])


def _all(material: Material) -> Iterator[tuple[str, str]]:
    """Each warning with its place: run, and task where it is of one."""
    for run in material.runs:
        tasks = {estimate.task for estimate in run.estimates}
        for line in dict.fromkeys(run.warnings):
            head, colon, rest = line.partition(": ")
            if colon and head in tasks:
                yield f"{run.label}, {head}", rest
            else:
                yield run.label, line


def _folded(found: list[tuple[str, str]]) -> WarningKind:
    places = list(dict.fromkeys(where for where, _ in found))
    named = "; ".join(places[:NAMED]) + (f"; and {len(places) - NAMED} more" if len(places) > NAMED else "")
    first = found[0][1]
    # What is said above already is not said again for each place
    lines = tuple(where if text == first else f"{where}: {text}" for where, text in found)
    return WarningKind(len(found), named, first, lines)
