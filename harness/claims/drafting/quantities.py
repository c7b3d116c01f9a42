"""Numbers in a sentence, with what bounds them: "nearly 90%", "over 40", "2x", "by 10 points", "half"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["percent", "points", "times", "number"]
Bound = Literal["", "about", "over", "least", "most", "under"]
# The words before (or after) a number that say how it is meant
BOUNDS: dict[Bound, str] = {
    "about": (
        r"nearly|almost|about|around|roughly|approximately|approaching|close to|near|some|circa|just (?:under|shy of)|"
        r"~|≈"
    ),
    "over": (
        r"over|more than|above|exceed(?:s|ing)?|upwards of|greater than|north of|beyond|surpass(?:es|ing)|(?<![-=])>"
    ),
    "least": r"at least|a minimum of|no less than|≥|>=",
    "most": r"up to|at most|as much as|as many as|a maximum of|no more than|≤|<=",
    "under": r"less than|under|below|fewer than|<",
}
WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12,
}  # fmt: skip
PARTS = {
    "third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "twentieth": 20, "hundredth": 100,
}  # fmt: skip
FRACTIONS = {
    "half": 1 / 2,
    **{rf"(?:a|one)[- ]{part}": 1 / number for part, number in PARTS.items()},
    "two[- ]thirds": 2 / 3,
    "three[- ]quarters": 3 / 4,
    "a fraction": None,
}
_BEFORE = "|".join(f"(?P<{name}>(?<![a-z])(?:{words}))" for name, words in BOUNDS.items() if name)
_NUMBER = re.compile(
    rf"(?:(?:{_BEFORE})\s*(?:an?\s+(?:impressive|stunning|remarkable)\s+)?)?"
    r"(?<![\w.,$€£/-])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+,\d{1,2}|\d+(?:\.\d+)?)(?P<plus>\+)?(?:\s*(?P<unit>"
    r"%|percent(?:age)?(?:\s+points?)?|per cent|pp\b|points?\b|x\b|×|times\b|-?fold\b))?"
    r"(?![\w]|[.,]\d)",
    re.IGNORECASE,
)
_TIMES = re.compile(
    r"(?P<twice>twice|doubles?|two times)|(?P<thrice>triples?|three times)|(?P<order>an order of magnitude)",
    re.IGNORECASE,
)


# "88 out of 100 tasks": a share, for a benchmark that counts what is solved
_OUT_OF = re.compile(
    r"(?<![\w.,])(?P<right>\d{1,5}) (?:out )?of (?:the |its |all )?(?P<all>\d{2,5}) (?:\w+ )?"
    r"(?:tasks|problems|questions|items|exercises)\b",
    re.IGNORECASE,
)
# "Nine in ten questions", "at least four out of five Python puzzles": said in steps of a tenth at best
_COUNT = r"one|two|three|four|five|six|seven|eight|nine|ten|hundred|\d{1,2}"
_IN_WORDS = re.compile(
    rf"(?:(?:{_BEFORE})\s*)?(?<![\w.,-])(?P<right>{_COUNT}) (?:in|out of|of)(?: every)? "
    r"(?P<all>three|four|five|ten|5|10)\b"
    r"(?=(?: (?!and\b|or\b)[\w+-]+){0,3} (?:tasks|problems|questions|items|exercises|puzzles)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number: `value` as written (90 of "90 %"), kind and bound, its offsets, `decimals` as printed (tens: -1)."""

    value: float
    kind: Kind
    bound: Bound
    start: int
    end: int
    decimals: int = 0

    @property
    def share(self) -> float:
        """The value of a percentage, or of points, as a share."""
        return round(self.value / 100, 6)


def _bound(match: re.Match[str]) -> Bound:
    for name in BOUNDS:
        if match[name]:
            return name
    return ""


def quantities(text: str) -> list[Quantity]:
    """The numbers of a sentence, in its order; not those inside names and words ("GPT-4o", "H100")."""
    found = []
    for match in _NUMBER.finditer(text):
        unit = (match["unit"] or "").casefold()
        kind: Kind = "number"
        if "point" in unit or unit == "pp":
            kind = "points"
        elif unit == "%" or unit.startswith("per"):
            kind = "percent"
        elif unit:
            kind = "times"
        digits = plain_number(match["number"])
        bound = _bound(match)
        if match["plus"] and not bound:
            bound = "over"
        found.append(Quantity(float(digits), kind, bound, match.start(), match.end(), len(digits.partition(".")[2])))
    for match in _OUT_OF.finditer(text):
        right, every = int(match["right"]), int(match["all"])
        if right <= every:
            found = [one for one in found if not match.start() <= one.end - 1 < match.end()]
            decimals = 0 if every == 100 else 1
            found.append(Quantity(round(100 * right / every, decimals), "percent", "", *match.span(), decimals))
    for match in _IN_WORDS.finditer(text):
        right, every = (int(WORDS.get(match[one].casefold(), 0) or match[one]) for one in ("right", "all"))
        if right <= every:
            found = [one for one in found if not match.start() <= one.end - 1 < match.end()]
            found.append(Quantity(round(100 * right / every), "percent", _bound(match), *match.span(), -1))
    for match in _TIMES.finditer(text):
        value = 2.0 if match["twice"] else 3.0 if match["thrice"] else 10.0
        if not any(one.start <= match.start() < one.end for one in found):
            found.append(Quantity(value, "times", "", match.start(), match.end()))
    return sorted(found, key=lambda one: one.start)


def plain_number(written: str) -> str:
    """The digits of a number with a decimal point: a comma before three digits parts thousands, else decimals."""
    thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", written)
    return written.replace(",", "" if thousands else ".")


def fraction_before(text: str, noun: str) -> tuple[float | None, int] | None:
    """A fraction of a noun ("half the price", "a tenth of the cost"): its value (None for "a fraction"), and place."""
    for words, value in FRACTIONS.items():
        match = re.search(rf"(?<![a-z]){words}\s+(?:of\s+)?(?:the\s+)?(?:\w+\s+)?{noun}", text, re.IGNORECASE)
        if match:
            return value, match.start()
    return None
