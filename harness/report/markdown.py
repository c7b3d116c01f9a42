"""A table as Markdown (the pipe tables of GitHub), for `table.md` and for pasting into an issue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from harness.report.tables import Table
from harness.report.visible import visible_line

ENTITY = re.compile(r"&(?=#?\w+;)")
MENTION = re.compile(r"@(?=\w)")


def markdown(table: Table) -> str:
    """Return the table with its title, notes and warnings; ends with a line break."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Table) -> Iterator[str]:
    if table.title:
        yield f"## {safe(table.title)}"
        yield ""
    yield _row(safe(column.heading) for column in table.columns)
    yield _row("---:" if column.number else ":---" for column in table.columns)
    for row in table.rows:
        yield _row(f"**{cell}**" if row.overall else cell for cell in map(safe, row.cells))
    if table.notes:
        yield ""
        yield from (f"{safe(note)}  " for note in table.notes)
    if table.warnings:
        yield ""
        yield from (f"- **Warning:** {safe(warning)}" for warning in table.warnings)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def safe(text: str) -> str:
    """Return the text for one line or cell of GitHub's Markdown, which shows it as it is.

    A name like `pass_at_k` is no emphasis; a name of a stranger is no link, tag, entity or mention of a person.
    """
    for sign in "\\|*_<`":
        text = text.replace(sign, f"\\{sign}")
    text = text.replace("](", "]\\(").replace("~~", "\\~\\~")
    text = MENTION.sub("&#64;", ENTITY.sub("&amp;", text))
    return visible_line(" ".join(text.split()))
