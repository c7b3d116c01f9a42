r"""A right answer and a given one, brought into one writing and compared as far as that needs no algebra.

`compared` returns a verdict, or the questions that algebra must answer: pairs of LaTeX texts of which one must be
equal. It decides the same text, numbers, words, bases, times, ratios and units, and refuses what math-verify takes
for equal though it is not (see `shapes`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from math import gcd

from harness.scoring.maths import plain, shapes, signs
from harness.scoring.maths.numbers import Value, exact, joined, spelt, value, without_marks
from harness.scoring.maths.units import clash, measured, unboxed

# The patterns here may take time that grows with the square of a text, and run in the process that must not wait: a
# longer text goes to the child as it is. The longest right answer in MATH has 160 characters.
MOST_CHARS_READ = 400

_SPACE = r"(?:\\[,;: ]|\\q?quad(?![A-Za-z])|\\displaystyle(?![A-Za-z])|~|\s)"
_SPACE_BEFORE = re.compile(rf"\A{_SPACE}+")
# a lone backslash at the end is what is left of "\ " once the white space around an answer is gone
_SPACE_BEHIND = re.compile(rf"(?<![\s~])(?:{_SPACE}|\\)++\Z")
# MATH writes 11,\! 111 for 11,111; read as it is, it is the set of 11 and 111
_THOUSANDS = re.compile(r"(?<=\d)(?:,\\[!,]|\{,\})\s*(?=\d{3})")
# chat models write the sign, which math-verify does not read
_ROOT = re.compile(r"√\s?(\d+|[A-Za-z]|\([^()]*\)|\{[^{}]*\})")

_STYLE = re.compile(
    r"\\(?:displaystyle|textstyle|limits|nolimits|mathstrut|strut|rm|bf|it)(?![A-Za-z])"
    r"|\\(?:text[a-z]*|mathrm|mathbf|mbox)\s*\{\s*\}|\\(?:left|right|[bB]igg?[lrm]?)(?![A-Za-z])\.?|\\phantom\s*\{[^{}]*\}|\\hspace\*?\s*\{[^{}]*\}"
)
_WHITE = re.compile(r"(?:(?<!\\)\\[,;: >]|\\q?quad(?![A-Za-z])|\\(?:thin|med|thick)space(?![A-Za-z])|~|\s)+")
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_ONE_LETTER = re.compile(r"\\(?:mathrm|text|operatorname|mathit)\s*\{\s*([eidπ])\s*\}")
_COMMAND_OF_SLASHES = re.compile(r"\\\\(?=[a-zA-Z])")
_ROW_END = re.compile(r"(?<!\\)\\(?=[-\d])")
_MODULUS = re.compile(r"\s*(?:\\pmod\s*(\{[^{}]*\}|\w+)|\(\s*\\?(?:mod|bmod|text\s*\{\s*mod\s*\})\s*(\w+)\s*\))\s*\Z")
_OPTION = re.compile(r"\A\([A-Ea-e]\)\s*(?=-?\s*[\d.\\])|\A\\text\s*\{\s*\([A-Ea-e]\)\s*\}\s*(?=\S)")
_AND = re.compile(r",?\s*(?:\\text[a-z]*\s*\{\s*,?\s*(?:and|or)\s*\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z]))\s*")
_HEDGE = re.compile(
    r"\A(?:(?:approximately|approx\.?|about|roughly|around|exactly|nearly|almost|only|just)\s+|[~≈=:]\s*)+(?=[\d\\$€£(.-])",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:[A-Za-z]{3,}|\\text\s*\{[^{}]*[A-Za-z]{3}[^{}]*\})(?:\s+[A-Za-z]+){0,4}\s*:\s+(?=[\d\\$€£(.-])"
)
_END = re.compile(r"(?<![.,;:\s])\s*[.,;:]\Z")
_DECIMAL_COMMA = re.compile(r"([-+]?\d+),(\d+)")
_IMAGINARY = re.compile(r"(?<=\d)i(?![A-Za-z])")
_LOOSE_SPACE = re.compile(r"(?<=[^\d\s,])\s+|\s+(?=[^\d\s])|(?<=,)\s+(?!\d{3}(?!\d))")
_UNKNOWN = re.compile(r"[a-z]")
_ANGLES = re.compile(r"\\langle\s*(.*)\\rangle", re.DOTALL)


# a value and its approximations: nothing that is right has more
_MOST_READINGS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """Equal or not, and what decided it."""

    equal: bool
    decided: str


@dataclass(frozen=True, slots=True)
class _Side:
    """One way of reading an answer."""

    text: str
    unit: frozenset[str]
    percent: bool
    number: Value | None


def compared(gold: str, answer: str) -> Verdict | list[tuple[str, str]]:
    """Decide without algebra, or return the pairs of LaTeX of which one has to be equal."""
    left, right = tidied(gold), tidied(answer)
    if not left or not right:
        return Verdict(False, "empty")
    # a list that is written with spaces is one without them too, though 100,200 alone is a number
    if left == right or (", " in left and left.replace(" ", "") == right.replace(" ", "")):
        return Verdict(True, "same_text")
    if max(len(left), len(right)) > MOST_CHARS_READ:
        return [(left, right)]
    left, right = canonical(left), canonical(right)
    if _tight(left) == _tight(right):
        return Verdict(True, "same_text")
    verdict = _by_kind(left, right)
    if verdict is not None:
        return verdict
    return _by_value(left, right)


def tidied(text: str) -> str:
    r"""Drop what is around an answer: `$...$`, `\(...\)`, `{...}`, `**...**`, LaTeX spaces, a final full stop."""
    # runs of white space would be searched again and again
    text = " ".join(text.split()).strip("*").strip()
    for opening, closing in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        if len(text) > len(opening + closing) and text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)].strip()
            break
    text = _THOUSANDS.sub(",", text if text.endswith("..") else text.removesuffix(".")).replace(r"\!", "")
    text = _SPACE_BEFORE.sub("", _SPACE_BEHIND.sub("", text))
    text = _ROOT.sub(lambda root: rf"\sqrt{{{root.group(1).strip('(){}')}}}", text)
    if _is_one_group(text):
        text = text[1:-1].strip()
    return text.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac")


def _is_one_group(text: str) -> bool:
    """Tell whether the brace that opens the text closes at its very end."""
    depth = 0
    for token in re.finditer(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token.group(), 0)
        if depth <= 0:
            return text.startswith("{") and token.end() == len(text)
    return False


def canonical(text: str) -> str:
    r"""Write a tidied answer in LaTeX without style, in ASCII, with single spaces and numbers in one piece."""
    text = signs.in_latex(text)
    if any(name in text for name in ("matrix", "array", "cases")):
        # data that lost one backslash of a row's end
        text = _ROW_END.sub(r"\\\\", text)
    else:
        text = _COMMAND_OF_SLASHES.sub(r"\\", text)
    text = without_marks(text)
    text = _WHITE.sub(" ", _FRACTION.sub(r"\\frac", _STYLE.sub("", text)))
    text = _ONE_LETTER.sub(r"\1", text)
    text = joined(spelt(unboxed(_END.sub("", text.strip()))))
    text = _OPTION.sub("", _LABEL.sub("", _HEDGE.sub("", text)))
    if angles := _ANGLES.fullmatch(text):
        text = f"({angles.group(1)})"
    return text


def _tight(text: str) -> str:
    return _LOOSE_SPACE.sub("", text)


def _by_kind(gold: str, answer: str) -> Verdict | None:
    """Decide words, bases, times and ratios, and what is of two kinds."""
    gold_words, answer_words = shapes.words(gold), shapes.words(answer)
    if gold_words and answer_words:
        if gold_words == answer_words or sorted(gold_words) != sorted(answer_words) or "\\text" in gold + answer:
            return Verdict(gold_words == answer_words, "words")
        return None
    found = [match for match in (_MODULUS.search(gold), _MODULUS.search(answer)) if match]
    moduli = [(match[1] or match[2]).strip(" {}") for match in found]
    if len(moduli) == 2 and moduli[0] != moduli[1]:
        return Verdict(False, "modulus")
    gold_base, answer_base = shapes.based(gold), shapes.based(answer)
    if gold_base and answer_base:
        return Verdict(gold_base == answer_base, "base")
    if gold_base or answer_base:
        # a base that is left out, as a unit may be
        digits = [
            base[0] if base else text.lower().lstrip("0") for base, text in ((gold_base, gold), (answer_base, answer))
        ]
        return Verdict(digits[0] == digits[1], "base")
    gold_time, answer_time = shapes.clock(gold), shapes.clock(answer)
    if gold_time and answer_time:
        return Verdict(gold_time == answer_time, "time")
    if any(time and not shapes.ratio(other) for time, other in ((gold_time, answer), (answer_time, gold))):
        hours, minutes = (gold_time or answer_time or "").split(":")
        # 7:32 may be a ratio; 10:30 or 7:05 would not be written so
        if gcd(int(hours), int(minutes)) > 1 or minutes.startswith("0"):
            return Verdict(False, "time")
    gold_ratio, answer_ratio = shapes.ratio(gold), shapes.ratio(answer)
    if gold_ratio and answer_ratio:
        return Verdict(gold_ratio == answer_ratio, "ratio")
    if max(len(gold_ratio or ()), len(answer_ratio or ())) > 2:
        return Verdict(False, "ratio")
    return None


def _by_value(gold: str, answer: str) -> Verdict | list[tuple[str, str]]:
    """Compare the values: every reading of the one with every reading of the other."""
    gold, answer = (_AND.sub(", ", _MODULUS.sub("", text).replace(r"\equiv", "=")) for text in (gold, answer))
    golds, answers = _without_names(gold, answer)
    if not golds or not answers:
        return Verdict(False, "equation")
    left = [_side(text, lenient=False) for text in golds]
    right = [_side(text, lenient=True) for text in answers]
    questions: list[tuple[str, str]] = []
    decided = "numbers"
    for one, other in product(left, right):
        if clash(one.unit, other.unit):
            decided = "units"
            continue
        one, other = _with_decimal_comma(one, other), _with_decimal_comma(other, one)
        if one.number is not None and other.number is not None:
            if _numbers_equal(one, other):
                return Verdict(True, "numbers")
            continue
        if one.text == other.text:
            return Verdict(True, "same_text")
        if _differ_in_shape(one, other):
            decided = "shape"
            continue
        questions += _questions(one, other)
    return questions or Verdict(False, decided)


def _differ_in_shape(one: _Side, other: _Side) -> bool:
    """Tell a set from a tuple, a list from one number (math-verify reads 1, 1 as the set of 1), dots from none."""
    if shapes.mixed_up(one.text, other.text):
        return True
    if bool(shapes.DOTS.search(one.text)) != bool(shapes.DOTS.search(other.text)):
        return True
    number, rest = (one, other.text) if one.number is not None else (other, one.text)
    return number.number is not None and not shapes.brackets(rest) and len(shapes.split(rest, ",")) > 1


def _questions(gold: _Side, answer: _Side) -> list[tuple[str, str]]:
    """What algebra compares: the texts as they are; where one is in percent, its hundredth part too."""
    apart = shapes.cases_apart(gold.text) | shapes.cases_apart(answer.text)
    left, right = (shapes.renamed(shapes.with_dots(_IMAGINARY.sub(" i", side.text)), apart) for side in (gold, answer))
    pairs = [(left, right)]
    if gold.percent != answer.percent:
        hundredth = r"\frac{{{}}}{{100}}"
        pairs.append((hundredth.format(left), right) if gold.percent else (left, hundredth.format(right)))
    return pairs


def _numbers_equal(gold: _Side, answer: _Side) -> bool:
    one, other = gold.number, answer.number
    if one is None or other is None:
        return False
    if gold.percent == answer.percent:
        return one.equals(other)
    percent, plain_one = (one, other) if gold.percent else (other, one)
    # "what percent" is answered by 20 and by 20 %, not by 2000 %; and 0.2 % is not 0.2
    if abs(plain_one.number) >= 1 and percent.equals(plain_one):
        return True
    whole = abs(plain_one.number) > 1 and plain_one.number.denominator == 1
    return percent.hundredth().equals(plain_one) and (gold.percent or not whole)


def _side(text: str, *, lenient: bool) -> _Side:
    """Take off the unit and write the rest in LaTeX; of a list, each element."""
    elements = shapes.split(text, ",")
    found = [measured(element, lenient=lenient) for element in elements]
    unit = frozenset[str]().union(*(each.unit for each in found))
    percent = all(each.percent for each in found)
    rest = [_latex(each.text) for each in found]
    return _Side(", ".join(rest), unit, percent, value(rest[0]) if len(rest) == 1 else None)


def _latex(text: str) -> str:
    text = exact(text)
    # dots behind a single number mean that there is more of it, or close the sentence
    text = re.sub(rf"(?<=\d)\s*(?:{shapes.DOTS.pattern})\s*\Z", "", text) if "," not in text else text
    return _WHITE.sub(" ", plain.in_latex(text)).strip()


def _with_decimal_comma(side: _Side, other: _Side) -> _Side:
    """Read `1,22` as 1.22 where the other is a decimal: as a list it could not be equal."""
    found = _DECIMAL_COMMA.fullmatch(side.text.replace(", ", ","))
    if side.number is not None or found is None or other.number is None or not other.number.decimal:
        return side
    text = f"{found[1]}.{found[2]}"
    return _Side(text, side.unit, side.percent, value(text))


def _without_names(gold: str, answer: str) -> tuple[list[str], list[str]]:
    """Drop what only names the value (`x =`) from the one where the other has no such thing; [] where it is no name."""
    gold, answer = gold.replace(r"\approx", "≈"), answer.replace(r"\approx", "≈")
    if ";" in gold or ";" in answer:
        # systems of equations: p=5,q=2;p=7,q=2
        return [gold.replace("≈", r"\approx")], [answer.replace("≈", r"\approx")]
    gold_names, answer_names = "=" in gold, "=" in answer
    if gold_names and answer_names:
        ours, theirs = (shapes.split(text, "=") for text in (gold, answer))
        single = all(
            len(parts) == 2 or len(shapes.split(text, ",")) == 1 for parts, text in ((ours, gold), (theirs, answer))
        )
        if (
            single
            and min(len(ours), len(theirs)) > 1
            and _tight(ours[0]) == _tight(theirs[0])
            and shapes.is_name(ours[0])
        ):
            return _readings(ours[-1]), _readings(theirs[-1])
        return [gold.replace("≈", r"\approx")], [answer.replace("≈", r"\approx")]
    return _readings(gold), _readings(answer)


def _readings(text: str) -> list[str]:
    r"""The value of `x = 5`, `3 = x`, `x=1, y=2`, `n=1,2,3`; of `\frac13 \approx 0.33` both. Empty for an equation."""
    if "≈" in text:
        parts = shapes.split(text, "≈")
        if len(parts) > 1:
            named = (
                bool(parts[0]) and "=" not in parts[0] and not shapes.is_constant(parts[0]) and shapes.is_name(parts[0])
            )
            kept = parts[1:] if named or not parts[0] else parts
            return [reading for part in kept[:_MOST_READINGS] for reading in _readings(part)]
    if "=" not in text:
        return [text]
    elements = shapes.split(text, ",")
    names = [element.partition("=")[0].strip() for element in elements if "=" in element]
    # x=1, y=2 is a point, x=1, x=2 two values
    is_point = len(elements) == len(names) > 1 and len(set(names)) == len(names) and all(map(_UNKNOWN.fullmatch, names))
    if is_point:
        elements = [element for _, element in sorted(zip(names, elements, strict=True))]
    values = [_value_of(element) for element in elements]
    if None in values:
        return []
    together = ", ".join(each for each in values if each is not None)
    return [f"({together})" if is_point else together]


def _value_of(element: str) -> str | None:
    parts = shapes.split(element, "=")
    if len(parts) == 1:
        return element
    if shapes.is_constant(parts[0]):
        if shapes.is_constant(parts[-1]):
            return parts[-1]
        return parts[0] if len(parts) == 2 and shapes.is_name(parts[1]) and len(parts[1]) < 3 else None
    return parts[-1] if shapes.is_name(parts[0]) else None
