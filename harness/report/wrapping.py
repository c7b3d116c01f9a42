"""Lines of text that fit a terminal: wrapped between words, or shortened with an ellipsis. Widths are in cells."""

from __future__ import annotations

ELLIPSIS = "..."
# A word longer than the line is broken behind one of these, if it has one
SEPARATORS = "/-_.,;:?&=#@"


def cells_wide(text: str) -> int:
    """How many cells of a terminal a text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Return the lines of one paragraph, each at most `width` cells.

    The first line begins with `first`, the others with `rest`; either is dropped where it leaves no space for text.
    """
    begin, rest = (prefix if cells_wide(prefix) < width else "" for prefix in (first, rest))
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and cells_wide(begin + line) + 1 + cells_wide(word) > width:
            lines.append(begin + line)
            begin, line = rest, ""
        line = f"{line} {word}" if line else word
        while cells_wide(begin + line) > width:
            head = _head(line, width - cells_wide(begin))
            lines.append(begin + head)
            begin, line = rest, line[len(head) :]
    return [*lines, (begin + line).rstrip() if line else begin.rstrip()]


def broken(line: str, width: int, *, rest: str = "") -> list[str]:
    """Return one line of a text as lines of at most `width` cells, broken at spaces; all other spacing is kept.

    The second and later lines begin with `rest`, which is dropped where it leaves no space for text.
    """
    rest = rest if cells_wide(rest) < width else ""
    lines = []
    while cells_wide(line) > width:
        head = _fitting(line, width)
        # Not in the indentation, and behind the whole word where the next sign is the space
        at = len(head) if line[len(head)] == " " else head.rfind(" ")
        if not head[: max(at, 0)].strip():
            at = len(head)
        lines.append(line[:at])
        line = rest + line[at:].removeprefix(" ")
    return [*lines, line]


def _head(word: str, width: int) -> str:
    """As much of a word as fits, broken behind a separator if there is one."""
    fitting = _fitting(word, width)
    at = max(fitting.rfind(sign) for sign in SEPARATORS) + 1
    return fitting[:at] if at > 1 else fitting


def shortened(text: str, width: int) -> str:
    """Return the text in one line of at most `width` cells: what is left out is at its end, behind an ellipsis."""
    line = " ".join(text.split())
    if cells_wide(line) <= width:
        return line
    if width <= len(ELLIPSIS):
        return _fitting(line, width)
    head = _fitting(line, width - len(ELLIPSIS))
    # Between words, where that does not cost half of the text
    at = head.rfind(" ") if line[len(head)] != " " else len(head)
    return (head[:at] if at > len(head) // 2 else head).rstrip() + ELLIPSIS


def _fitting(text: str, width: int) -> str:
    """The longest beginning of at most `width` cells; at least one character."""
    if text.isascii():
        return text[: max(1, width)]
    end = 1
    while end < len(text) and cells_wide(text[: end + 1]) <= width:
        end += 1
    return text[:end]
