"""Reads the fenced blocks out of Markdown as models really write it. Line by line, linear in the text.

Taken: backticks or tildes, three or more; any indentation; an opening fence at the end of a line of prose; a
block on one line; a closing fence behind the last statement; a fence with a language where the block before
was never closed; a last block that was never closed because the answer was cut. With `in_strings`, a fence inside a
text in three quotes that is closed later (a docstring with an example) is part of the block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SIGNS = "`~"
_QUOTES = ('"""', "'''")
# What may begin a string of three quotes, or hide quotes: a comment, a short string
_QUOTED = re.compile(r"""\"{3}|'{3}|\#.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")

# A fence in a comment of Python
_COMMENT = re.compile(r"#+\s*(?:`{3,}|~{3,})\w*")


@dataclass(slots=True)
class Block:
    """One fenced block. `language` is the first word after the fence, lower case, or empty."""

    language: str
    lines: list[str] = field(default_factory=list)
    closed: bool = False
    # the quotes of the string that the lines so far leave open
    quotes: str = ""

    @property
    def code(self) -> str:
        """The text of the block, with its own indentation and without blank lines at either end."""
        lines = self.lines
        first, last = 0, len(lines)
        while first < last and not lines[first].strip():
            first += 1
        while first < last and not lines[last - 1].strip():
            last -= 1
        return "\n".join(lines[first:last])


@dataclass(frozen=True, slots=True)
class _Fence:
    sign: str
    length: int
    indent: int
    before: str
    after: str


def blocks(text: str, *, in_strings: bool = False) -> tuple[str, list[Block]]:
    """Return the prose before the first fence, and the blocks in order."""
    head: list[str] = []
    found: list[Block] = []
    inside: _Fence | None = None
    lines = text.split("\n")
    quoted = in_strings and ('"""' in text or "'''" in text)
    last = {quotes: _last_with(lines, quotes) if quoted else -1 for quotes in _QUOTES}
    for number, line in enumerate(lines):
        if inside is not None and number < last.get(found[-1].quotes, -1):
            found[-1].lines.append(_outdent(line, inside.indent))
            found[-1].quotes = _open_quotes(line, found[-1].quotes)
        elif inside is None:
            fence = _fence(line) if "```" in line or "~~~" in line else None
            if fence is None or not _opens(fence):
                if not found:
                    head.append(line)
                continue
            if fence.before.strip() and not found:
                head.append(fence.before)
            found.append(Block(_language(fence.after)))
            if fence.sign * fence.length in fence.after:
                _fill_one_line(found[-1], fence)
            else:
                inside = fence
        else:
            inside = _inner(line, inside, found, in_strings)
            if inside is not None and quoted:
                found[-1].quotes = _open_quotes(line, found[-1].quotes)
    return "\n".join(head), found


def _last_with(lines: list[str], quotes: str) -> int:
    return max((number for number, line in enumerate(lines) if quotes in line), default=-1) + 1


def _open_quotes(line: str, open_: str) -> str:
    """Return the quotes of the string that is open behind a line of Python."""
    if not open_ and '"""' not in line and "'''" not in line:
        return ""
    at = 0
    while True:
        if open_:
            end = line.find(open_, at)
            if end < 0:
                return open_
            at, open_ = end + 3, ""
        found = _QUOTED.search(line, at)
        if found is None:
            return ""
        at = found.end()
        open_ = found.group() if found.group() in _QUOTES else ""


def _inner(line: str, inside: _Fence, found: list[Block], in_strings: bool) -> _Fence | None:
    """Take one line of an open block; return the fence that is open after it."""
    if inside.sign * 3 not in line:
        found[-1].lines.append(_outdent(line, inside.indent) if inside.indent else line)
        return inside
    marker = inside.sign * inside.length
    stripped = line.strip()
    if in_strings and _COMMENT.fullmatch(stripped):
        found[-1].lines.append(_outdent(line, inside.indent))
        return inside
    if stripped.startswith(marker):
        after = stripped.lstrip(inside.sign).strip()
        found[-1].closed = True
        if after and len(after.split()) == 1 and after.isascii():
            # the model forgot to close, and opens the next block
            found.append(Block(_language(after)))
            return inside
        return None
    if stripped.endswith(marker):
        found[-1].lines.append(_outdent(line.rstrip().rstrip(inside.sign), inside.indent))
        found[-1].closed = True
        return None
    found[-1].lines.append(_outdent(line, inside.indent))
    return inside


def _fence(line: str) -> _Fence | None:
    places = [(line.find(sign * 3), sign) for sign in _SIGNS]
    at, sign = min((place for place in places if place[0] >= 0), default=(-1, ""))
    if at < 0:
        return None
    rest = line[at:].lstrip(sign)
    before = line[:at]
    indent = at if not before.strip() else len(before) - len(before.lstrip())
    return _Fence(sign, len(line) - at - len(rest), indent, before, rest.strip())


def _opens(fence: _Fence) -> bool:
    """Tell whether a fence outside any block opens one; in the middle of a sentence it must end the line."""
    one_line = fence.sign * fence.length in fence.after
    return not fence.before.strip() or one_line or len(fence.after.split()) <= 1


def _fill_one_line(block: Block, fence: _Fence) -> None:
    inner = fence.after[: fence.after.index(fence.sign * fence.length)]
    words = inner.split(maxsplit=1)
    if len(words) == 2 and words[0].lower() in ("python", "py", "python3"):
        block.language, inner = words[0].lower(), words[1]
    else:
        block.language = ""
    block.lines.append(inner.strip())
    block.closed = True


def _language(info: str) -> str:
    word = info.split(maxsplit=1)[0] if info.split() else ""
    return word.strip("{}.").lower()


def _outdent(line: str, indent: int) -> str:
    """Remove up to `indent` columns of white space: what the fence itself was indented by."""
    spaces = len(line) - len(line.lstrip(" \t"))
    return line[min(spaces, indent) :]
