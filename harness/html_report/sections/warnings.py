"""What a reader must know before reading on: the warnings of all runs, one line a kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.html_report.document import Material, Section

LEAD = "Read these first: they say where a number may not mean what it seems to."
# Not the digits of a name, such as gsm8k or pass@10
NUMBER = re.compile(r"(?<![\w@./-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w-]|\.\d)")
EXAMPLE = re.compile(r" \(.*\)", re.DOTALL)
# Runs or tasks named in a line
NAMED = 3


@dataclass(frozen=True, slots=True)
class WarningKind:
    """Warnings that differ in numbers or examples alone: where they are, what they share, and all of them.

    `text` has the range of each number that differs, and an example only where all have the same.
    """

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
    return NUMBER.sub("#", _head(text))


def _head(text: str) -> str:
    return text.partition(" (")[0]


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
    text = _shared([text for _, text in found])
    # What is said above already is not said again for each place
    lines = tuple(where if own == text else f"{where}: {own}" for where, own in found)
    return WarningKind(len(found), named, text, lines)


def _shared(texts: Sequence[str]) -> str:
    """The text of all, a number that differs as its range; without what is in parentheses where that differs."""
    for alike in (texts, [EXAMPLE.sub("", text) for text in texts], [f"{_head(text)} …" for text in texts]):
        if len({NUMBER.sub("#", text) for text in alike}) == 1:
            break
    ranges = iter([_range(numbers) for numbers in zip(*map(NUMBER.findall, alike), strict=True)])
    return NUMBER.sub(lambda _: next(ranges), alike[0])


def _range(numbers: Sequence[str]) -> str:
    ordered = sorted(numbers, key=lambda number: float(number.replace(",", "")))
    return ordered[0] if ordered[0] == ordered[-1] else f"{ordered[0]} to {ordered[-1]}"
