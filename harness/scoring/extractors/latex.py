r"""Finds LaTeX in running text: balanced `\boxed{...}`, formulas between `$`, `$$`, `\(`, `\[`. One pass each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

_TOKEN = re.compile(r"\\{1,2}(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
_BOX = re.compile(r"\\{1,2}(?:boxed|fbox)\s*\{")
_BARE_BOX = re.compile(r"\\(?:boxed|fbox) +([^\s{}$\\.,;]+)")
# "put it in \boxed{answer}" quotes the request and is no answer
_PLACEHOLDER = re.compile(
    r"(?i)(?:\\(?:text|mathrm|textbf|mathbf)\s*\{)?[\s\[<({_.*]*(?:(?:your|the|my)?\s*(?:final|correct)?\s*"
    r"(?:answer|result|solution|number|value)(?:\s*here)?|\\[lc]?dots|\.\.\.|…|\?+|_+|\\_)?[\s\]>)}_.*]*"
)
# Between two boxes that are one answer: signs of LaTeX, a connector, at most a few words; no end of a sentence.
_GAP = 80
_GAP_LATEX = re.compile(r"\\q?quad\b|\\[,;:! ()\[\]]|\\(?:text|mathrm|textbf)\s*\{|[{}$~*]|\s+")
_WORD = r"(?: ?\(?[^\W\d_]+\)?)"
_CONNECTED = re.compile(
    rf"(?i){_WORD}{{0,4}} ?(?:[,;](?: (?:and|or)\b)?|\b(?:and|or|und|oder|et|ou|y|e|o|и|или)\b|[和或、&])"
    rf"{_WORD}{{0,3}}(?: ?[A-Za-z]\w{{0,9}}(?: ?\([a-z]\))? ?=)? ?"
)
_TURNS = re.compile(
    r"(?i)\b(?:not|no|nor|so|thus|hence|then|therefore|but|wait|actually|rather|instead|answer|is|was|means|sorry|maybe|"
    r"wrong|correct\w*|right|final\w*|i|we)\b"
)
_DENIED = re.compile(r"(?i)(?:\bnot|n't|\bnever)\s*(?:\\[(\[]|\$)*\s*\Z")

_RATIO = re.compile(
    r"(?P<sign>-)?(?:(?P<whole>\d{1,30})?\s?\\[dtc]?frac\{(?P<a>\d{1,30})\}\{(?P<b>\d{1,30})\}"
    r"|(?P<p>\d{1,3}(?:,\d{3}){1,9}|\d{1,30}(?:\.\d{1,30})?)(?:/(?P<q>\d{1,30}))?\s?(?P<percent>\\?%)?)"
)
# A formula longer than this is not an answer, and an answer is near the end: two bounds that keep the search
# short where delimiters never close.
_FORMULA = 1000
TAIL = 50_000
_FORMULAS = re.compile(
    rf"\$\$(?P<display>[^$]{{1,{_FORMULA}}})\$\$"
    rf"|\\\[(?P<bracket>.{{1,{_FORMULA}}}?)\\\]"
    rf"|\\\((?P<round>.{{1,{_FORMULA}}}?)\\\)"
    rf"|(?<![\\$])\$(?P<inline>(?:\\.|[^$\\\n]){{1,{_FORMULA}}})\$(?!\d)",
    re.DOTALL,
)
_COMMAND_OR_TEXT = re.compile(
    r"\\(?:begin|end)\s*\{[^{}]*\}(?:\{[^{}]*\})?|\\(?:text\w{0,6}|mathrm|mbox|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+"
)
_PROSE = re.compile(
    r"(?<![A-Za-z])(?!(?:and|or|sin|cos|tan|log|exp|mod|gcd|lcm|max|min|sqrt)\b)[A-Za-z]{2,}(?![A-Za-z(])"
)
_UNFINISHED = re.compile(r"[-+*/=(<,]\Z")


class Span(NamedTuple):
    """A formula in a text: where it starts and ends with its delimiters, and what is between them."""

    start: int
    end: int
    content: str


def last_boxed(text: str) -> str | None:
    """Return the content of `last_box`, None where there is none."""
    box = last_box(text)
    return box.content if box else None


def last_box(text: str) -> Span | None:
    r"""Return what the last `\boxed` or `\fbox` holds; boxes that a connector joins are one answer, "a, b".

    Braces must balance; `\{` and `\}` are text, not braces. The old form without braces (`\boxed 5`) counts where
    there is no other. Placeholders (`\boxed{answer}`) and what is denied ("not \boxed{5}") are no answers.
    """
    first = min((at for at in (text.find(r"\boxed"), text.find(r"\fbox")) if at >= 0), default=None)
    if first is None:
        return None
    boxes = [box for box in _outer_boxes(text, first) if not _PLACEHOLDER.fullmatch(box.content)]
    while len(boxes) > 1 and _DENIED.search(text[max(boxes[-1].start - 20, 0) : boxes[-1].start]):
        boxes.pop()
    if not boxes:
        bare = [one for one in _BARE_BOX.finditer(text) if not _PLACEHOLDER.fullmatch(one.group(1))]
        return Span(bare[-1].start(), bare[-1].end(), bare[-1].group(1)) if bare else None
    parts = [boxes[-1].content]
    for before, after in zip(reversed(boxes[:-1]), reversed(boxes), strict=False):
        if not _one_answer(text[before.end : after.start]) or len(parts) > 20:
            break
        if not any(same_number(before.content, part) for part in parts):
            parts.insert(0, before.content)
    return Span(boxes[-1].start, boxes[-1].end, ", ".join(parts))


def without_placeholders(text: str) -> str:
    r"""Return the text without the boxes that hold no answer, as `\boxed{\text{answer}}`."""
    parts, at = [], 0
    for box in _outer_boxes(text, 0) if r"\boxed" in text or r"\fbox" in text else ():
        if _PLACEHOLDER.fullmatch(box.content):
            parts.append(text[at : box.start])
            at = box.end
    return "".join([*parts, text[at:]])


def formulas(text: str) -> list[Span]:
    r"""Return the formulas of a text, in order; an amount of money between two `$` is none."""
    found: list[Span] = []
    at = 0
    while (match := _FORMULAS.search(text, at)) is not None:
        content = match.group(match.lastgroup or 0).strip()
        if content and (match.lastgroup != "inline" or _is_formula(match.group("inline"))):
            found.append(Span(match.start(), match.end(), content))
            at = match.end()
        else:
            # the closing sign may open the next formula
            at = match.start() + 1
    return found


def same_number(one: str, other: str) -> bool:
    r"""Say whether two texts are the same, or the same number as `3/4`, `\frac{3}{4}`, `0.75` and `75\%` are."""
    left, right = _number(one), _number(other)
    return one == other or (left is not None and left == right)


def _number(text: str) -> Fraction | None:
    found = _RATIO.fullmatch(text)
    if found is None:
        return None
    above, below = found.group("a") or found.group("p"), found.group("b") or found.group("q") or "1"
    value = Fraction(above.replace(",", ""))
    if not Fraction(below):
        return None
    value = int(found.group("whole") or 0) + value / Fraction(below) / (100 if found.group("percent") else 1)
    return -value if found.group("sign") else value


def _outer_boxes(text: str, first: int) -> list[Span]:
    """Return the boxes that are in no other box, in order; boxes inside them are written as plain groups."""
    outer: list[Span] = []
    for box in sorted(_boxes(text, first), key=lambda box: box.start):
        if not outer or box.start >= outer[-1].end:
            outer.append(box)
        elif outer[-1].content == text[box.start : box.end]:
            outer[-1] = outer[-1]._replace(content=box.content)
    return [box._replace(content=_BOX.sub("{", box.content)) for box in outer]


def _boxes(text: str, first: int) -> Iterator[Span]:
    opened: list[tuple[int, int] | None] = []
    for token in _TOKEN.finditer(text, first):
        sign = token.group()
        if sign == "{":
            opened.append(None)
        elif sign == "}":
            box = opened.pop() if opened else None
            if box is not None and (content := text[box[1] : token.start()].strip()):
                yield Span(box[0], token.end(), content)
        elif sign.endswith("{") and len(sign) > 2:
            opened.append((token.start(), token.end()))


def _one_answer(between: str) -> bool:
    if len(between) > _GAP:
        return False
    plain = re.sub(r"\s+", " ", _GAP_LATEX.sub(" ", between))
    if not plain.strip():
        return "\n" not in between
    return bool(_CONNECTED.fullmatch(plain.rstrip() + " ")) and not _TURNS.search(plain)


def _is_formula(inside: str) -> bool:
    content = inside.strip()
    if not content or _UNFINISHED.search(content):
        return False
    words = _PROSE.findall(_COMMAND_OR_TEXT.sub(" ", content))
    lower = [word for word in words if word.islower()]
    # "$5 and then $": money opens without a space and goes on in prose
    return len(lower) < 2 and not (lower and (content[0].isdigit() or inside != content))
