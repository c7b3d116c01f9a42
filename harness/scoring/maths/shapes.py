r"""What kind of thing an answer is, so that two kinds are not mixed up: a set, a tuple, an equation, a time, a word.

math-verify reads `\{1,2\}` and `(1,2)` alike, drops `\ldots`, ignores the base of `4210_5`, divides `10:30`, takes
the right-hand side of any equation for its value, and writes `R` as `r`. The functions here keep these apart.
"""

from __future__ import annotations

import re
from math import gcd

_OPENING = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_TOKEN = re.compile(r"\\.|.", re.DOTALL)
DOTS = re.compile(r"\\(?:ldots|dots[bcimo]?|cdots|vdots)(?![A-Za-z])|\.{3,}")
# a symbol that no answer holds: math-verify drops dots, so that 1, 2, ..., n would be 1, 2, n
_DOTS_SYMBOL = r"\Upsilon_{0}"
_BASED = re.compile(
    r"([0-9][0-9A-Fa-f]*)\s*_\s*"
    r"(?:\{\s*(?:\\text\s*)?[({]*\s*([a-z0-9]+)\s*[)}]*\s*\}|\\text\s*\{([a-z]+)\}|(\d+))"
)
_BASED_WORDS = re.compile(r"([0-9][0-9A-Fa-f]*)[\s,(]*(?:\\text\s*\{)?[\s(]*(?:in )?base[\s-]*(\d+|[a-z]+)[\s)}]*")
_BASES = {
    "two": 2, "binary": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "octal": 8, "nine": 9,
    "ten": 10, "decimal": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "hexadecimal": 16,
}  # fmt: skip
_RATIO = re.compile(r"\d+(?:\s*:\s*\d+)+")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?::[0-5]\d)?\s*(?:\\text\s*\{)?\s*([AaPp])?\.?(?:[Mm])?\.?\s*\}?")
_TEXT = re.compile(r"\\(?:text[a-z]*|mbox|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}")
_WORDS = re.compile(r"[A-Za-z][A-Za-z'’ ,-]*[A-Za-z.]")
_SHORT_WORDS = frozenset(("yes", "no", "true", "odd", "even", "none"))
_LETTERS_ONLY = 4

_SUBSCRIPT = re.compile(r"_\s*(?:\{[^{}]*\}|[A-Za-z0-9])|'+")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_APPLICATION = re.compile(
    r"(\\?[A-Za-z]+|\\operatorname\s*\{[A-Za-z]+\})(?:_\s*(?:\{[^{}]*\}|\w)|')*(?:\^\s*(?:\{[^{}]*\}|\d))?\s*"
    r"(\(.*\)|\[.*\])"
)
_UNKNOWNS = frozenset("abcdkmnrstxyz")
# a number of what these are applied to: \sin 2x, \angle ABC, \binom{n}{2}, \sum_{k=1}^{3} k
_OPERATORS = re.compile(
    r"\\(?:sin|cos|tan|cot|sec|csc|ln|log|lg|exp|arcsin|arccos|arctan|angle|overline|vec|lim|sum|prod|int|iint|binom|max|min"
    r"|gcd|det|deg|dim|triangle|hat|operatorname|text|mathrm|mbox|Pr|lfloor|lceil|left\\lfloor|left\\lceil)(?![A-Za-z])"
)


def is_name(side: str) -> bool:
    r"""Tell whether a left-hand side names a value: `x`, `AB`, `f(3)`, `\text{Total}`, `x+y`, `3+2`; not `2x+3`."""
    side = side.strip()
    if not side or _OPERATORS.match(side) or _is_application(side):
        return True
    bare = _SUBSCRIPT.sub("", side)
    if is_constant(bare):
        return True
    return not re.search(r"[\d^]|\\sqrt|\\pm", bare) and not bare.startswith("-")


def is_constant(side: str) -> bool:
    """Tell whether a text holds no letters but those of numbers and operators."""
    return not re.search(
        "[A-Za-z]", re.sub(r"\\(?:frac|sqrt|cdot|times|pi|left|right|div|binom)(?![A-Za-z])", "", side)
    )


def _is_application(side: str) -> bool:
    """Tell `f(x+1)` from the product `x(x+1)`: an unknown is applied to numbers only."""
    found = _APPLICATION.fullmatch(side)
    return found is not None and (found[1] not in _UNKNOWNS or found[2].strip("()[]").isdigit())


def split(text: str, marks: str) -> list[str]:
    r"""Split at any of `marks` that is outside of all brackets and braces; `\{` opens like `{`."""
    parts, depth, start, at = [], 0, 0, 0
    for token in _TOKEN.finditer(text):
        sign = token.group()
        depth += _OPENING.get(sign[-1], 0)
        if depth == 0 and sign in marks and not _is_relation(text, token.start()):
            parts.append(text[start : token.start()])
            start = token.end()
        at = token.end()
    return [part.strip() for part in [*parts, text[start:at]]]


def _is_relation(text: str, at: int) -> bool:
    """Tell whether the `=` there is part of `<=`, `>=` or `!=`."""
    return text[at] == "=" and at > 0 and text[at - 1] in "<>!:"


def brackets(text: str) -> str:
    r"""Return the pair of brackets around the whole text (`()`, `\{\}`, `(]` ...), empty where there is none."""
    opening = text[:2] if text.startswith(r"\{") else text[:1]
    closing = text[-2:] if text.endswith(r"\}") else text[-1:]
    if opening not in ("(", "[", r"\{") or closing not in (")", "]", r"\}"):
        return ""
    depth = 0
    last = len(text) - len(closing)
    for token in _TOKEN.finditer(text):
        depth += _OPENING.get(token.group()[-1], 0)
        if depth == 0:
            return opening + closing if token.start() == last else ""
    return ""


def mixed_up(gold: str, answer: str) -> bool:
    """Tell whether one is a set in braces and the other a tuple or an interval, of more than one element."""
    kinds = {brackets(gold), brackets(answer)}
    if r"\{\}" not in kinds or not kinds & {"()", "[]", "(]", "[)"}:
        return False
    other = gold if brackets(gold) != r"\{\}" else answer
    return len(split(other[1:-1], ",")) > 1


def with_dots(text: str) -> str:
    """Write dots as a symbol of their own."""
    return DOTS.sub(lambda _: _DOTS_SYMBOL, text)


def based(text: str) -> tuple[str, int] | None:
    r"""Read `4210_{5}`, `4210_\text{five}` or `4210 (base 5)` as digits and base."""
    found = _BASED.fullmatch(text) or _BASED_WORDS.fullmatch(text)
    if found is None:
        return None
    base = next(group for group in found.groups()[1:] if group)
    number = _BASES.get(base) or (int(base) if base.isdigit() and len(base) < 3 else 0)
    return (found.group(1).lower().lstrip("0") or "0", number) if number > 1 else None


def ratio(text: str) -> tuple[int, ...] | None:
    """Read `2:4:6` as (1, 2, 3)."""
    if not _RATIO.fullmatch(text):
        return None
    parts = [int(part) for part in text.split(":")]
    shared = gcd(*parts)
    return tuple(part // shared for part in parts) if shared else None


def clock(text: str) -> str | None:
    """Read `10:30 p.m.` as a time of day; a ratio whose second part has two digits reads alike."""
    found = _CLOCK.fullmatch(text)
    return f"{int(found[1])}:{found[2]}" if found else None


def words(text: str) -> str | None:
    r"""Read `\text{Evelyn}`, `no solution` or `odd` as words, in lower case; None where it may be mathematics."""
    bare = _TEXT.sub(r" \1 ", text).strip().strip(".!").strip()
    if not _WORDS.fullmatch(bare):
        return None
    letters = re.sub("[^a-z]", "", bare.lower())
    if "\\text" in text or "\\mbox" in text or len(letters) >= _LETTERS_ONLY or letters in _SHORT_WORDS:
        return letters if len(letters) > 1 else None
    return None


def cases_apart(text: str) -> frozenset[str]:
    """Letters that a text uses both in upper and in lower case, as `R` and `r`: math-verify takes them for one."""
    bare = _COMMAND.sub(" ", _TEXT.sub(" ", text))
    letters = set(re.findall("[A-Za-z]", bare))
    return frozenset(letter for letter in letters if letter.isupper() and letter.lower() in letters)


def renamed(text: str, letters: frozenset[str]) -> str:
    """Give the upper-case `letters` a name of their own."""
    if not letters:
        return text
    pattern = re.compile(rf"\\[A-Za-z]+|([{''.join(sorted(letters))}])(?!_)")
    return pattern.sub(lambda found: f"{found[1]}_{{0}}" if found[1] else found.group(), text)
