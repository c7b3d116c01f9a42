r"""Finds values in prose: numbers as people write them, fractions, LaTeX without delimiters, formulas; in order.

A value is a formula, a run of bare LaTeX (`\frac{5}{4}`), or a number: with sign, currency, groups of thousands
(commas, spaces, apostrophes), decimal point or comma, fraction, power of ten, percent or degree sign. Digits of other
scripts are read as digits. A number inside a word (`H2O`) is none. Every pass is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

from harness.scoring.extractors.latex import formulas

_CURRENCY = r"(?:\\?\$|[€£¥₹₽₩₺₫฿₦₱₪₴])"
_FRACTION_SIGNS = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_PLAIN = (
    r"(?:\d{1,3}(?:[\u00a0\u202f\u2009 ]\d{3})+(?!\d)(?:[.,]\d+)?|\d{1,3}(?:'\d{3})+(?:\.\d+)?"
    rf"|\d+(?:[.,]\d+)*[{_FRACTION_SIGNS}]?|\.\d+|[{_FRACTION_SIGNS}])"
)
_POWER = r"(?:\s?(?:×|x|\*)\s?10(?:\^\{?[-−+]?\d{1,5}\}?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|[eE][-+]?\d{1,5}(?![\w.]))"
_NUMBER = re.compile(
    rf"(?<![A-Za-z_\d])(?<!\d[.,])(?:(?<![\w)\]])[-−+])?(?:{_CURRENCY}\s?[-−]?)?"
    rf"(?P<number>{_PLAIN}(?:{_POWER}|\s\d{{1,4}}\s?/\s?\d{{1,4}}|(?:\s?[/^]\s?[-−]?{_PLAIN})+|:\d+)?)"
    rf"(?:\s?(?P<sign>\\?%|percent\b|°|\^?\\?\\circ\b)|\s?(?:[€£¥₹₽₩₺₫฿]|\$(?!\d)))?(?!(?:st|nd|rd|th)\b)"
)
_NEGATIVE = re.compile(rf"\s?(?:{_CURRENCY}\s?)?[-−]")
# "2. " or "3) " at the head of a line counts the lines
_LIST_MARK = re.compile(r"(?m)^[ \t]*\d{1,2}[.)][ \t]+(?=\S)")
_GROUP_SPACE = re.compile(r"(?<=\d)[\u00a0\u202f\u2009 '](?=\d{3}(?!\d))")
_DECIMAL_COMMA = re.compile(r"-?(?:\d{4,}|0),\d+")
_TWO_PLACES = re.compile(r"-?\d+,\d{1,2}")
_PRICE = re.compile(rf"[%€£¥₹₽₩₺₫฿]|{_CURRENCY}")
_RUN = re.compile(
    r"(?:\\(?:text\w{0,6}|mathrm|operatorname|begin|end)\s*\{[^{}]{0,100}\}|\\[A-Za-z]+|\\[\\,;:!{} ]"
    r"|[\d.,{}()\[\]^_+\-*/=|!&\sπ√∞]|(?<![A-Za-z])[A-Za-z](?![A-Za-z]))+"
)
_COMMAND = re.compile(r"[π√∞]|\\(?!text|begin|end|quad|qquad|left\b|right\b)[A-Za-z]+")
_NAME = re.compile(
    r"\(?\\?[A-Za-z]\w*'?(?:_\{?\w+\}?)?(?:\s?\(\s?[a-zA-Z](?:,\s?[a-zA-Z])*\s?\))?(?:\s?,\s?[A-Za-z])*\)?"
    r"|\\(?:triangle|angle|overline|vec|mathbf|mathcal|mathrm)\b.{0,20}"
)


class Value(NamedTuple):
    """A value in a text: where it is, and how it is written without its delimiters."""

    start: int
    end: int
    text: str
    kind: Literal["formula", "latex", "number"]

    @property
    def is_name(self) -> bool:
        """Whether it only names something: `k`, `f(x)`, `PQRS`."""
        return self.kind == "formula" and _NAME.fullmatch(self.text) is not None


def with_western_digits(text: str) -> str:
    """Return the text with the decimal digits of every script as 0 to 9, and the Arabic separators as `.` and `,`."""
    if text.isascii():
        return text
    changed: dict[str, str | int | None] = {
        sign: str(unicodedata.decimal(sign)) for sign in set(text) if not sign.isascii() and sign.isdecimal()
    }
    if any("٠" <= sign <= "٩" or "۰" <= sign <= "۹" for sign in changed):
        changed |= {"٫": ".", "٬": ","}
    return text.translate(str.maketrans(changed)) if changed else text


def values(text: str) -> list[Value]:
    """Return the values of a text, in order. White space, list marks and words between them are none."""
    found = [Value(one.start, one.end, one.content, "formula") for one in formulas(text)]
    rest = blanked(text, found)
    if any(sign in rest for sign in "\\π√∞"):
        runs = [run for match in _RUN.finditer(rest) if (run := _latex(match)) is not None]
        found += runs
        rest = blanked(rest, runs)
    rest = _LIST_MARK.sub(lambda mark: " " * len(mark.group()), rest)
    for match in _NUMBER.finditer(rest):
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        found.append(Value(start, match.end(), _plain(match), "number"))
    return sorted(found)


def numbers(text: str) -> list[str]:
    """Return the numbers of a text as written, without currency and percent signs: "$70,000." gives "70,000"."""
    return [_written(match) for match in _NUMBER.finditer(text)]


def _written(number: re.Match[str]) -> str:
    negative = _NEGATIVE.match(number.group()) is not None
    return ("-" if negative else "") + number.group("number")


def blanked(text: str, taken: Sequence[Value]) -> str:
    """Return the text with spaces in the place of values."""
    parts, at = [], 0
    for value in sorted(taken):
        parts += [text[at : value.start], " " * (value.end - value.start)]
        at = value.end
    return "".join([*parts, text[at:]])


def _plain(match: re.Match[str]) -> str:
    """Write a number without spaces between its thousands, with a point where its comma can only be a decimal one."""
    number = _GROUP_SPACE.sub("", _written(match))
    if _DECIMAL_COMMA.fullmatch(number) or (_TWO_PLACES.fullmatch(number) and _PRICE.search(match.group())):
        number = number.replace(",", ".")
    sign = match.group("sign") or ""
    return number.replace("−", "-") + ("%" if sign.endswith(("%", "percent")) else sign)


def _latex(match: re.Match[str]) -> Value | None:
    """Trim a run of LaTeX signs to its last expression: balanced brackets, and what is behind its last `=`."""
    run = match.group()
    depth, start, best = 0, 0, (0, 0)
    for at, sign in enumerate(run):
        if sign in "{([":
            depth += 1
        elif sign in "})]":
            depth -= 1
        elif sign != "=" or depth:
            continue
        if depth < 0 or sign == "=":
            best = (start, at) if sign != "=" and _COMMAND.search(run, start, at) else best
            depth, start = max(depth, 0), at + 1
    if depth == 0 and _COMMAND.search(run, start):
        best = start, len(run)
    text = run[slice(*best)]
    lead = len(text) - len(text.lstrip(" \n\t,.!*&"))
    text = text.strip().lstrip(",.!*& \n").rstrip(" ,.!*&+-\\\n")
    if not text:
        return None
    begin = match.start() + best[0] + lead
    return Value(begin, begin + len(text), text, "latex")
