"""Splits a job into prelude, candidate and tests, and joins them into a program: shared by languages with braces.

A candidate either continues the prelude's open function (a completion of a text prompt) or is a whole program that
repeats that function (a chat answer); `forms.py` has closed its braces before. It is a whole program if it defines the
entry point outside of any other function. Source is read with comments and strings blanked, so that neither can look
like code.

Guaranteed: a continuation is joined to its prelude without any change. Not guaranteed: this is not a parser; if it
cannot read a signature, a language falls back to joining the parts as they are.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace

from harness.datatypes import Tests
from harness.errors import DataError
from harness.execution.base import Job
from harness.execution.language import Program

_TEXTS = r"""//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\\n])*"|'(?:\\(?:u\{?\w+\}?|x\w+|.)|[^'\\\n])'"""
_C_LIKE = re.compile(_TEXTS, re.S)
# A slash begins a regular expression of JavaScript where no value is before it
_REGEX = (
    r"""(?:(?<=[(,=:\[!&|?{};])|(?<=[(,=:\[!&|?{};] )|(?<=return ))"""
    r"""/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/"""
)
_WITH_BACKTICKS = re.compile(_TEXTS + r"""|`(?:\\.|[^`\\])*`|'(?:\\.|[^'\\\n])*'|""" + _REGEX, re.S)
_RAW_TEXT = re.compile(r'R"(\w{0,16})\(.*?\)\1"', re.S)


@dataclass(frozen=True, slots=True)
class Parts:
    """A program in parts. `head` precedes the open function, `signature` is that function up to its brace.

    `body` is the candidate after the signature, or a whole program (`whole`). `closing` ends the open function if the
    tests' text begins with its closing brace; `tests` is without it, on the same lines.
    """

    head: str
    signature: str
    body: str
    whole: bool
    closing: str
    tests: str
    entry: str | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature: its declaration without the default value, and its name."""

    declared: str
    name: str


def whole_program(job: Job) -> str:
    """Return prelude and candidate as one program, for runs that read standard input."""
    prelude = job.tests.prelude
    return prelude + ("\n" if prelude and not prelude.endswith("\n") else "") + job.candidate + "\n"


def per_case(program: Program, tests: Tests) -> tuple[Program, ...]:
    """Return the program once for each stdin case, to be judged by what it prints."""
    return tuple(
        replace(program, stdin=case.stdin.encode(), expected=case.stdout, output=tests.output) for case in tests.cases
    )


def require_tests(tests: str) -> None:
    """Raise DataError for tests without any code."""
    if not tests.strip():
        raise DataError("the sample has no tests and no stdin cases: there is nothing to check")


def blanked(source: str, *, backticks: bool = False) -> str:
    """Return `source` with comments and strings replaced by blanks; its length and lines stay the same."""
    text = _RAW_TEXT.sub(_blank, source) if not backticks else source
    return (_WITH_BACKTICKS if backticks else _C_LIKE).sub(_blank, text)


def split(job: Job, definition: str, *, backticks: bool = False) -> Parts:
    """Split a job into parts. `definition` is a pattern of a function's definition, with `NAME` for its name.

    Raises DataError for tests without any code.
    """
    tests = job.tests
    require_tests(blanked(tests.tests, backticks=backticks))
    at = _open_function(tests.prelude, tests.entry_point, definition, backticks)
    head, signature = (tests.prelude, "") if at is None else (tests.prelude[:at], tests.prelude[at:])
    whole = defines(blanked(job.candidate, backticks=backticks), tests.entry_point, definition)
    text, closing = tests.tests, ""
    if signature and text.lstrip().startswith("}"):
        place = text.index("}")
        text, closing = text[:place] + " " + text[place + 1 :], "" if whole else "\n}"
    return Parts(head, signature, job.candidate, whole, closing, text, tests.entry_point)


def joined(parts: Parts) -> str:
    """Return the candidate's program without its tests: a whole program alone, a continuation after its prelude."""
    if parts.whole:
        return parts.body + "\n"
    before = parts.head + parts.signature
    return before + ("" if before.endswith("\n") or not before else "\n") + parts.body + "\n" + parts.closing + "\n"


def with_helpers(parts: Parts, definition: str, left_out: str, *, backticks: bool = False) -> Parts:
    """Add the functions that the prelude's head defines to a whole program that defines none of them.

    `left_out` is a pattern of the parts of the head that are not added, such as imports.
    """
    pattern = re.compile(definition.replace("NAME", r"([A-Za-z_$][\w$]*)"), re.M)
    head, body = (blanked(text, backticks=backticks) for text in (parts.head, parts.body))
    given = set(pattern.findall(head))
    if not parts.whole or not given or given & set(pattern.findall(body)):
        return parts
    kept = re.sub(left_out, _blank, parts.head, flags=re.M)
    return replace(parts, body=parts.body + "\n" + kept)


def line_of(text: str, at: int) -> int:
    """Return the number, from 1, of the line that contains position `at`."""
    return text.count("\n", 0, at) + 1


def identifiers(text: str) -> set[str]:
    """Return all identifiers in a text, including those in comments and strings."""
    return set(re.findall(r"[A-Za-z_]\w*", text))


def fresh(prefix: str) -> str:
    """Return an identifier that no program can guess."""
    return f"{prefix}_{secrets.token_hex(8)}"


def bracketed(masked: str, at: int) -> int | None:
    """Return where the bracket that opens at `at` closes, or None."""
    depth = 0
    for place in range(at, len(masked)):
        if masked[place] in "([{":
            depth += 1
        elif masked[place] in ")]}":
            depth -= 1
            if depth == 0:
                return place
    return None


def separated(text: str) -> list[str]:
    """Split at the commas outside of all brackets, angle brackets included."""
    pieces, depth, start = [], 0, 0
    for place, character in enumerate(text):
        if character in "([{<":
            depth += 1
        elif character in ")]}" or (character == ">" and text[place - 1 : place] != "-"):
            depth -= 1
        elif character == "," and depth == 0:
            pieces.append(text[start:place])
            start = place + 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


def _pattern(definition: str, name: str) -> re.Pattern[str]:
    return re.compile(definition.replace("NAME", re.escape(name)), re.M)


def _open_function(prelude: str, name: str | None, definition: str, backticks: bool) -> int | None:
    """The position of the function that the prelude leaves open; None if there is none."""
    if not name:
        return None
    masked = blanked(prelude, backticks=backticks)
    starts = [match.start() for match in _pattern(definition, name).finditer(masked)]
    if not starts:
        return None
    after = masked[starts[-1] :]
    opening = after.rfind("{")
    is_open = opening >= 0 and not after[opening + 1 :].strip() and after.count("{") - after.count("}") == 1
    return starts[-1] if is_open else None


def defines(masked: str, name: str | None, definition: str) -> bool:
    """Whether the function is defined where callers can reach it: at the top level or directly in a class."""
    if not name:
        return True
    for match in _pattern(definition, name).finditer(masked):
        before = masked[: match.start()]
        if before.count("{") - before.count("}") <= 1:
            return True
    return False
