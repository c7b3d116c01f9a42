"""The numbers of a question's text: where they are, how they are written, and what else in the text means a number.

Says for each numeral whether it may be replaced. Does not know what a number is used for.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal["integer", "decimal", "money", "percent"]

_NUMERAL = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\d.])\.\d+")
_TIME = re.compile(r"\s*(?::\d|(?:a\.?m\b|p\.?m\b|o['’]?clock))", re.IGNORECASE)
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
)
_AFTER_MONTH = re.compile(rf"\b{_MONTH}\.?\s*$")
_BEFORE_MONTH = re.compile(rf"\s+(?:of\s+)?{_MONTH}\b")
_YEARS = range(1600, 2101)
_BY_YEAR = re.compile(r"\b(?:in|since|by|year|until|from|of)\s+$", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:\b(?:number|room|grade|page|chapter|level|bus|route|class|day|week|part|no\.|step)\s+|#\s*)$", re.IGNORECASE
)
_UNIT_BEHIND = re.compile(r"(?:mph|k?m|kg|g|ml|l|cm|mm|ft|lbs?|oz|GB|MB)\b")

UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# Words that mean a number
CUES: Mapping[str, tuple[str, ...]] = {
    **{word: (str(value),) for value, word in enumerate(UNITS)},
    **{word: (str(10 * (place + 2)),) for place, word in enumerate(TENS)},
    **{"hundred": ("100",), "thousand": ("1000",), "million": ("1000000",), "dozen": ("12",), "score": ("20",)},
    **dict.fromkeys(("twice", "double", "doubled", "doubles", "couple", "pair", "pairs", "both", "second"), ("2",)),
    **dict.fromkeys(("half", "halves", "halved", "half-hour", "halfway"), ("2", "1/2")),
    **dict.fromkeys(("triple", "tripled", "triples", "thrice", "triplets"), ("3",)),
    **dict.fromkeys(("quadruple", "quadrupled"), ("4",)),
    **dict.fromkeys(("third", "thirds"), ("3", "1/3")),
    **dict.fromkeys(("quarter", "quarters"), ("4", "1/4", "25", ".25", "3")),
    **dict.fromkeys(("fourth", "fourths"), ("4", "1/4", "3")),
    **dict.fromkeys(("fifth", "fifths"), ("5", "1/5")),
    **dict.fromkeys(("sixth", "sixths"), ("6",)),
    **dict.fromkeys(("seventh", "eighth", "eighths"), ("7", "8")),
    **dict.fromkeys(("tenth", "tenths"), ("10", ".1")),
}
# Words that may bring a number into a calculation: units of a measure, and things that come in a known number
UNIT_CUES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("week", "weeks", "weekly", "daily"), ("7", "5", "52")),
    **dict.fromkeys(("weekend", "weekends"), ("2",)),
    **dict.fromkeys(("weekday", "weekdays"), ("5",)),
    **dict.fromkeys(("day", "days"), ("24", "7")),
    **dict.fromkeys(("hour", "hours", "hourly"), ("60", "24")),
    **dict.fromkeys(("minute", "minutes", "mph"), ("60",)),
    **dict.fromkeys(("seconds",), ("60",)),
    **dict.fromkeys(("month", "months", "monthly"), ("12", "30", "31", "4", "28")),
    **dict.fromkeys(("year", "years", "yearly", "annual", "annually", "annum"), ("12", "365", "52", "10", "366")),
    **dict.fromkeys(("decade", "decades"), ("10",)),
    **dict.fromkeys(("foot", "feet", "inch", "inches", "yard", "yards"), ("12", "3", "36")),
    **dict.fromkeys(("pound", "pounds", "ounce", "ounces"), ("16",)),
    **dict.fromkeys(("percent", "percentage"), ("100",)),
    **dict.fromkeys(("cent", "cents", "penny", "pennies", "dollar", "dollars"), ("100",)),
    **dict.fromkeys(("dime", "dimes"), ("10", ".1")),
    **dict.fromkeys(("nickel", "nickels"), ("5", ".05")),
    **dict.fromkeys(("gallon", "gallons", "quart", "quarts", "pint", "pints"), ("4", "2", "8", "16")),
    **dict.fromkeys(("meter", "meters", "km", "kilometers", "kg", "kilograms", "gram", "grams"), ("1000", "100")),
    **dict.fromkeys(("liter", "liters", "ml", "milliliters"), ("1000",)),
    **dict.fromkeys(("square",), ("4", "2")),
    **dict.fromkeys(("rectangle", "rectangular", "perimeter", "way", "round", "trip", "fence"), ("2",)),
    **dict.fromkeys(("triangle", "equilateral"), ("3", "2")),
    **dict.fromkeys(("twins", "siblings", "brothers", "parents", "couples", "duo"), ("2",)),
    **dict.fromkeys(("tricycle", "tricycles"), ("3",)),
    **dict.fromkeys(("average",), ("2", "3", "4", "5")),
}
# More than these would be absurd where the original is not
MOST_OF_UNIT = (
    (re.compile(r"\s*-?\s*hours?\b", re.IGNORECASE), 24),
    (re.compile(r"\s*-?\s*minutes?\b", re.IGNORECASE), 60),
    (re.compile(r"\s*-?\s*days?\b", re.IGNORECASE), 7),
    (re.compile(r"\s*-?\s*days?\b", re.IGNORECASE), 31),
    (re.compile(r"\s*-?\s*weeks?\b", re.IGNORECASE), 52),
    (re.compile(r"\s*-?\s*months?\b", re.IGNORECASE), 12),
    (re.compile(r"\s*-?\s*years?(?:\s+old|-old)\b", re.IGNORECASE), 99),
    (re.compile(r"\s*%|\s*percent", re.IGNORECASE), 99),
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A numeral at `start` of a text. `risky`: why it may not be replaced ("": it may); `most`: its largest value."""

    start: int
    text: str
    value: Fraction
    kind: Kind
    risky: str
    most: Fraction | None

    @property
    def end(self) -> int:
        """Behind its last character."""
        return self.start + len(self.text)


def numerals(text: str) -> list[Numeral]:
    """Return the numerals of a text, in order."""
    return [_numeral(text, found) for found in _NUMERAL.finditer(text)]


def _numeral(text: str, found: re.Match[str]) -> Numeral:
    before, after = text[: found.start()], text[found.end() :]
    written = found.group()
    value = Fraction(written.replace(",", ""))
    if after.lstrip().startswith("%") or re.match(r"\s*percent\b", after, re.IGNORECASE):
        kind: Kind = "percent"
    elif re.search(r"[$€£]\s*$", before):
        kind = "money"
    else:
        kind = "decimal" if "." in written else "integer"
    caps = [Fraction(most) for unit, most in MOST_OF_UNIT if unit.match(after) and value <= most]
    return Numeral(found.start(), written, value, kind, _risk(before, after, value, kind), min(caps, default=None))


def _risk(before: str, after: str, value: Fraction, kind: Kind) -> str:
    """Why a numeral may not be replaced."""
    if _TIME.match(after) or re.search(r"\d:$", before):
        return "clock times"
    if _AFTER_MONTH.search(before) or _BEFORE_MONTH.match(after):
        return "dates"
    if value in _YEARS and kind == "integer" and _BY_YEAR.search(before):
        return "dates"
    if re.match(r"\s?/\s?\d", after) or re.search(r"\d\s?/\s?$", before):
        return "fractions"
    if _ORDINAL.match(after):
        return "ordinal numbers"
    # A unit behind a numeral (30mph, 5kg) is no name
    in_word = re.match(r"[A-Za-z_]", after) and not _UNIT_BEHIND.match(after)
    if in_word or re.search(r"[A-Za-z_]-?$", before):
        return "names with numbers"
    if re.match(r"\s?[-–]\s?\d", after) or re.search(r"\d\s?[-–]\s?$", before):
        return "ranges"
    if re.search(r"(?:^|[\s(])[-−]$", before):
        return "negative numbers"
    if _LABEL.search(before):
        return "numbers that are names"
    return ""


def implied(text: str) -> frozenset[Fraction]:
    """The numbers that words of a text, and its fractions, may bring into a calculation."""
    words = re.findall(r"[a-z]+(?:-[a-z]+)?", text.lower())
    parts = [part for word in words for part in {word, *word.split("-")}]
    found = {Fraction(value) for word in parts for value in CUES.get(word, ())}
    for word in words:
        tens, _, unit = word.partition("-")
        if tens in TENS and unit in UNITS:
            found.add(Fraction(10 * (TENS.index(tens) + 2) + UNITS.index(unit)))
    for tens, unit in itertools.pairwise(words):
        if tens in TENS and unit in UNITS[1:10]:
            found.add(Fraction(10 * (TENS.index(tens) + 2) + UNITS.index(unit)))
    for above, below in re.findall(r"(\d+)\s?/\s?(\d+)", text):
        if int(below):
            share = Fraction(int(above), int(below))
            found |= {Fraction(int(above)), Fraction(int(below)), share, 1 - share}
    return frozenset(found)


def implied_by_units(text: str) -> frozenset[Fraction]:
    """The numbers that a calculation may have because of a unit in the text, such as 60 because of hours."""
    words = re.findall(r"[a-z]+", text.lower())
    found = {Fraction(value) for word in words for value in UNIT_CUES.get(word, ())}
    return frozenset(found | ({Fraction(100)} if "%" in text or "percent" in words else set()))
