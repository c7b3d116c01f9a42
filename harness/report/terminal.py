"""A table on a terminal, as wide as it is; plain aligned text where the output is no terminal.

The widest layout that fits is taken: one table; the same without the columns in which no row has anything; with
headings on two lines and free text shortened (with an ellipsis); several tables of the same rows below each other, key
columns in each; a list per row. Figures and names are never shortened and never wrapped inside a table. Text from tasks
and models is shown as it is, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.report.tables import Column, Row, Table, picked
from harness.report.visible import visible_line
from harness.report.wrapping import cells_wide, shortened, wrapped

if TYPE_CHECKING:
    from rich.console import Console

GAP = 2
# Free text is shortened to this many cells before a table is cut in parts
SHORTEST_TEXT = 24
Line = tuple[str, str]


def print_table(table: Table, console: Console) -> None:
    """Print title, rows, notes and warnings to `console`."""
    from rich.text import Text

    table = _visible(table)
    if not console.is_terminal:
        for line in plain_lines(table):
            console.print(Text(line), soft_wrap=True, highlight=False)
        return
    rule = "─" if console.encoding.lower().startswith("utf") else "-"
    for line, style in terminal_lines(table, console.width, rule):
        console.print(Text(line, style=style), soft_wrap=True, highlight=False)


def _visible(table: Table) -> Table:
    """The table with no character that a terminal would obey, each cell on one line."""
    return Table(
        visible_line(table.title),
        tuple(replace(column, heading=visible_line(column.heading)) for column in table.columns),
        tuple(replace(row, cells=tuple(map(visible_line, row.cells))) for row in table.rows),
        tuple(map(visible_line, table.notes)),
        tuple(map(visible_line, table.warnings)),
    )


def terminal_lines(table: Table, width: int, rule: str = "─") -> Iterator[Line]:
    """Yield the lines of a table, each at most `width` cells, with the name of its style."""
    if table.title:
        yield from ((line, "bold") for line in wrapped(table.title, width))
        yield "", ""
    for place, part in enumerate(_parts(table, width)):
        if place:
            yield "", ""
        yield from _listed(table, width) if part is None else _drawn(part, rule)
    if table.notes or table.warnings:
        yield "", ""
    for note in table.notes:
        yield from ((line, "dim") for line in wrapped(note, width))
    for warning in table.warnings:
        yield from ((line, "yellow") for line in wrapped(warning, width, first="! ", rest="  "))


def plain_lines(table: Table) -> Iterator[str]:
    """Yield the table as lines of plain text, columns aligned by the cells they take on a screen."""
    if table.title:
        yield table.title
        yield ""
    grid = [tuple(column.heading for column in table.columns), *_shown_cells(table)]
    widths = _widths(table)
    yield from (_aligned(cells, widths, table.columns) for cells in grid)
    if table.notes or table.warnings:
        yield ""
    yield from table.notes
    yield from (f"warning: {warning}" for warning in table.warnings)


def _parts(table: Table, width: int) -> Sequence[Table | None]:
    """The tables to draw below each other; a None for a table that no cut makes narrow enough."""
    if _wide(table) <= width:
        return [table]
    table = _with_short_overall(_without_blank_columns(table))
    if _wide(table) <= width:
        return [table]
    stacked = replace(table, columns=tuple(_stacked(column) for column in table.columns))
    if _wide(stacked) <= width:
        return [stacked]
    narrow = _shortened(stacked, width)
    if _wide(narrow) <= width:
        return [narrow]
    groups = _cut(narrow, width)
    # A part has more space for its free text than the whole table had
    return [_shortened(picked(stacked, group), width) for group in groups] or [None]


def _without_blank_columns(table: Table) -> Table:
    """The table without the columns of figures that no row has: nothing is unscored, or no engine counted tokens."""
    kept = [
        i
        for i, column in enumerate(table.columns)
        if column.key or not column.number or any(row.cells[i] != column.blank for row in table.rows)
    ]
    return picked(table, kept) if table.rows else table


def _with_short_overall(table: Table) -> Table:
    """The table with the suite's name no longer than those of its tasks: one that is made of theirs fits nowhere.

    The title has the whole name.
    """
    longest = max((cells_wide(row.cells[0]) for row in table.rows if not row.overall), default=0)
    width = max(longest, SHORTEST_TEXT)
    return replace(
        table,
        rows=tuple(
            replace(row, cells=(shortened(row.cells[0], width), *row.cells[1:])) if row.overall else row
            for row in table.rows
        ),
    )


def _cut(table: Table, width: int) -> list[list[int]]:
    """The columns of each part, as few parts as can be; none where one column does not fit beside the key columns."""
    keys = [i for i, column in enumerate(table.columns) if column.key]
    groups: list[list[int]] = []
    for i, column in enumerate(table.columns):
        if column.key:
            continue
        if groups and _wide(picked(table, sorted([*groups[-1], i]))) <= width:
            groups[-1] = sorted([*groups[-1], i])
        elif _wide(picked(table, sorted([*keys, i]))) <= width:
            groups.append(sorted([*keys, i]))
        else:
            return []
    return groups


def _shortened(table: Table, width: int) -> Table:
    """The table with its free text as short as it must be to fit, though not below SHORTEST_TEXT."""
    free = [i for i, column in enumerate(table.columns) if column.free]
    widths = _widths(table)
    spare = width - (_wide(table) - sum(widths[i] for i in free))
    # The longest gives way first
    room = {i: widths[i] for i in free}
    while free and sum(room.values()) > spare:
        longest = max(free, key=lambda i: room[i])
        if room[longest] <= SHORTEST_TEXT:
            break
        room[longest] -= 1
    rows = (
        replace(row, cells=tuple(shortened(c, room[i]) if i in room else c for i, c in enumerate(row.cells)))
        for row in table.rows
    )
    return replace(table, rows=tuple(rows))


def _stacked(column: Column) -> Column:
    """The heading broken once, at the space that makes it narrowest."""
    heading = column.heading
    breaks = [i for i, sign in enumerate(heading) if sign == " "]
    if not breaks:
        return column
    at = min(breaks, key=lambda i: max(cells_wide(heading[:i]), cells_wide(heading[i + 1 :])))
    return replace(column, heading=f"{heading[:at]}\n{heading[at + 1 :]}")


def _drawn(table: Table, rule: str) -> Iterator[Line]:
    widths = _widths(table)
    headings = [column.heading.split("\n") for column in table.columns]
    high = max(len(lines) for lines in headings)
    for place in range(high):
        # One-line headings are level with the last line of the others
        own = [([""] * (high - len(lines)) + lines)[place] for lines in headings]
        yield _aligned(own, widths, table.columns), "bold"
    line = rule * _wide(table)
    yield line, "dim"
    for place, (row, cells) in enumerate(zip(table.rows, _shown_cells(table), strict=True)):
        if row.overall and place:
            yield line, "dim"
        yield _aligned(cells, widths, table.columns), _style(row)


def _listed(table: Table, width: int) -> Iterator[Line]:
    """Each row as its first cell, then every other cell behind its heading, as many on a line as fit."""
    for row in table.rows:
        yield from ((line, _style(row) or "bold") for line in wrapped(row.cells[0], width))
        line = ""
        for column, cell in zip(table.columns[1:], row.cells[1:], strict=True):
            pair = f"{column.heading}: {cell}"
            if line and cells_wide(line) + GAP + cells_wide(pair) > width:
                yield line, _style(row)
                line = ""
            *whole, line = wrapped(pair, width, first=line + " " * GAP, rest="    ")
            yield from ((one, _style(row)) for one in whole)
        if line:
            yield line, _style(row)


def _aligned(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    padded = []
    for cell, width, column in zip(cells, widths, columns, strict=True):
        blank = " " * (width - cells_wide(cell))
        padded.append(blank + cell if column.number else cell + blank)
    return (" " * GAP).join(padded).rstrip()


def _widths(table: Table) -> list[int]:
    return [
        max(cells_wide(line) for line in (*column.heading.split("\n"), *(row.cells[i] for row in table.rows)))
        for i, column in enumerate(table.columns)
    ]


def _wide(table: Table) -> int:
    return sum(_widths(table)) + GAP * (len(table.columns) - 1)


def _shown_cells(table: Table) -> Iterator[tuple[str, ...]]:
    """The cells of each row; a name that rows share only on the first of them."""
    above = None
    for row in table.rows:
        name = row.cells[0]
        yield ("", *row.cells[1:]) if name == above and not row.overall else row.cells
        above = name


def _style(row: Row) -> str:
    return "bold" if row.overall else ("" if row.primary else "dim")
