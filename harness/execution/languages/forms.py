"""Normalizes the forms in which a completion is stored to the one that a language joins with its tests.

A completion of a prompt that leaves a function open is stored as a body, a body with the closing brace, the whole
function, or the whole function without its last brace (cut by a stop string that begins with it). The number of braces
that are open at its end shows which form it is.

Guaranteed: a completion whose braces fit none of the forms is left unchanged, and `misfit` returns why. An unfinished
part after a finished function (cut at the limit on tokens) is removed. Not guaranteed: this counts braces (`end` in
Lua and Ruby) outside of strings and comments; it is not a parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.execution.base import Job
from harness.execution.languages import assembly


@dataclass(frozen=True, slots=True)
class Shape:
    """How a language opens and closes functions.

    `masked` blanks strings and comments; `net` counts what a masked text opens and does not close; `defines` returns
    whether a masked program defines a function by name; `definition` is a pattern of its definition, with `NAME`.
    """

    masked: Callable[[str], str]
    defines: Callable[[str, str], bool]
    definition: str
    net: Callable[[str], int] = lambda masked: masked.count("{") - masked.count("}")
    closer: str = "}"


@dataclass(frozen=True, slots=True)
class _Balance:
    """The braces of a completion and its prompt: the prompt leaves `opened` open, the completion itself `net`."""

    candidate: str
    opened: int
    net: int
    whole: bool
    closed_by_tests: bool

    @property
    def fits(self) -> bool:
        if self.whole:
            # A method may be followed by the braces of its class, or lack both those and its own
            return -self.opened < self.net <= self.opened
        return -self.opened <= self.net <= 0


def normalized(job: Job, shape: Shape) -> Job:
    """Return the job with its candidate closed as its language expects.

    A whole program gets all its braces. A continuation gets all that its prompt opened, except the last one if the
    tests' text begins with it. If no entry point is named, it is the function that the prompt leaves open.
    """
    if not job.tests.entry_point and (name := _opened_by(job.tests.prelude, shape)):
        job = replace(job, tests=replace(job.tests, entry_point=name))
    balance = _balance(job, shape)
    if balance is None or not balance.fits:
        return job
    wanted = 0 if balance.whole else balance.opened if balance.closed_by_tests else 0
    level = balance.net + (0 if balance.whole else balance.opened)
    candidate = balance.candidate
    if level > wanted:
        candidate = candidate.rstrip("\n") + f"\n{shape.closer}" * (level - wanted) + "\n"
    for _ in range(wanted - level):
        kept = candidate.rstrip()
        if not kept.endswith(shape.closer):
            # statements are behind the finished function: it is the tests' text that has one too many
            return _closed_already(job, shape) if level == 0 else job
        candidate = kept.removesuffix(shape.closer)
    return job if candidate == job.candidate else replace(job, candidate=candidate)


def _closed_already(job: Job, shape: Shape) -> Job:
    """Return the job with tests that do not begin with the end of the prompt's function."""
    text = job.tests.tests.replace(shape.closer, " " * len(shape.closer), 1)
    return replace(job, tests=replace(job.tests, tests=text))


def closed(job: Job, shape: Shape) -> Job:
    """Return the job with a candidate that needs no closing by the tests' text, which then begins with none."""
    tests = job.tests
    opens = shape.net(shape.masked(tests.prelude)) > 0
    if opens and not tests.cases and tests.tests.lstrip().startswith(shape.closer):
        job = _closed_already(job, shape)
    return normalized(job, shape)


def misfit(job: Job, shape: Shape) -> str:
    """Return why a completion has none of the known forms; empty if it has one or the prompt leaves nothing open."""
    balance = _balance(job, shape)
    if balance is None or balance.fits:
        return ""
    kind = "whole function" if balance.whole else "continuation of the prompt's function"
    missing = f"leaves {balance.net} open" if balance.net > 0 else f"closes {-balance.net} more than it opens"
    word = "braces" if shape.closer == "}" else f"`{shape.closer}`"
    return f"the completion has no known form: as a {kind} it {missing} ({word}); it may be cut, or lack its beginning"


def _balance(job: Job, shape: Shape) -> _Balance | None:
    tests = job.tests
    if tests.cases or not tests.entry_point:
        return None
    prelude = shape.masked(tests.prelude)
    opened = shape.net(prelude)
    if opened < 1 or not shape.defines(prelude, tests.entry_point):
        return None
    masked = shape.masked(job.candidate)
    whole = shape.defines(masked, tests.entry_point)
    candidate = job.candidate
    end = _end_of_function(masked, tests.entry_point, shape, whole=whole)
    if end is not None and shape.net(masked[end:]) > 0:
        candidate, masked = candidate[:end], masked[:end]
    closed_by_tests = tests.tests.lstrip().startswith(shape.closer)
    return _Balance(candidate, opened, shape.net(masked), whole, closed_by_tests)


def _opened_by(prelude: str, shape: Shape) -> str:
    """The name of the function that a prompt leaves open, empty if there is none."""
    masked = shape.masked(prelude)
    if shape.net(masked) < 1:
        return ""
    matches = list(re.finditer(shape.definition.replace("NAME", r"([A-Za-z_$][\w$]*)"), masked, re.MULTILINE))
    return next((name for name in matches[-1].groups() if name), "") if matches else ""


def _end_of_function(masked: str, entry: str, shape: Shape, *, whole: bool) -> int | None:
    """The position after the entry point's closing brace; None if it is not closed, or the language has no braces."""
    if shape.closer != "}":
        return None
    at = 0
    if whole:
        match = re.search(shape.definition.replace("NAME", re.escape(entry)), masked, re.MULTILINE)
        if match is None:
            return None
        at = masked.find("{", match.end() - 1)
        if at < 0:
            return None
    depth = 0 if whole else 1
    for place in re.finditer(r"[{}]", masked[at:]):
        depth += 1 if place.group() == "{" else -1
        if depth == 0:
            return at + place.end()
    return None


def braces(definition: str, *, backticks: bool = False) -> Shape:
    """Return the shape of a language with comments and strings as in C."""
    return Shape(
        masked=lambda source: assembly.blanked(source, backticks=backticks),
        defines=lambda masked, name: assembly.defines(masked, name, definition),
        definition=definition,
    )


_SCRIPT = re.compile(r"""(?:^|(?<=\s))\#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.S | re.M)
_SHELL = re.compile(r"""(?:^|(?<=[\s;]))\#[^\n]*|\\.|"(?:\\.|[^"\\])*"|'[^']*'|\$\{\#""", re.S | re.M)
_PHP = re.compile(r"""(?://|\#)[^\n]*|/\*.*?(?:\*/|\Z)|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.S)
_LUA = re.compile(r"""--\[\[.*?\]\]|--[^\n]*|\[\[.*?\]\]|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)


def script(kind: str, function: str) -> Shape:
    """Return the shape of a script language; `function` is a pattern of a definition, with its name in a group."""
    texts = {"bash": _SHELL, "php": _PHP, "lua": _LUA}.get(kind, _SCRIPT)
    net = {"lua": _lua_net, "ruby": _ruby_net}.get(kind)

    def masked(source: str) -> str:
        return texts.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)

    def defines(text: str, name: str) -> bool:
        return any(name in match.groups() for match in re.finditer(function, text, re.MULTILINE))

    definition = re.sub(r"\((?!\?)(?:[^()\\]|\\.)*\)", "NAME", function)
    if net is None:
        return Shape(masked, defines, definition)
    return Shape(masked, defines, definition, net, "end")


def _lua_net(masked: str) -> int:
    return len(re.findall(r"\b(?:function|if|do)\b", masked)) - len(re.findall(r"\bend\b", masked))


_RUBY_OPENS = re.compile(
    r"^[ \t]*(?:def|class|module|begin|case|if|unless|while|until|for)\b(?![^\n]*\bend\b[ \t]*$)"
    r"|=[ \t]*(?:if|unless|case|begin)\b|\bdo\b[ \t]*(?:\|[^|\n]*\|)?[ \t]*$",
    re.MULTILINE,
)


def _ruby_net(masked: str) -> int:
    # `while x do` opens once; a definition on one line (`def f(x) = x`) has no end, `...; end` closes itself
    loops = re.compile(r"^([ \t]*(?:while|until|for)\b[^\n]*?)\bdo\b[ \t]*$", re.MULTILINE).sub(r"\1", masked)
    endless = len(re.findall(r"^[ \t]*def [^\n=]*\)\s*=[^=~>\n]", loops, re.MULTILINE))
    lines = re.sub(r"^[^\n]*\b(?:def|if|case|begin|do|class)\b[^\n]*[;\s]end[ \t]*$", "", loops, flags=re.MULTILINE)
    return len(_RUBY_OPENS.findall(lines)) - endless - len(re.findall(r"\bend\b", lines))
