r"""Numbers in every usual writing: `1,000`, `1\,000`, `1 000`, `11 5/6`, `3e8`, `0.\overline{3}`, `0.333...`.

`joined` and `exact` rewrite numbers inside a text; `value` reads a text that is one number and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

# Two numbers of which one is a decimal are equal where they agree to six decimals (math-verify's convention), and
# to five digits, so that 0.0000001 is not 0.0000002.
DECIMALS = Fraction(1, 2_000_000)
DIGITS = Fraction(1, 100_000)
# a power of ten beyond this is left to algebra
_MOST_POWER = 400

_COMMA_GROUPS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?!,?\d)")
_INDIAN_GROUPS = re.compile(r"(?<![\d.,])\d{1,2}(?:,\d{2})+,\d{3}(?!,?\d)")
_SPACE_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d,])(?! \d)")
_MARK_GROUPS = re.compile(r"(?<![\d.,'_])\d{1,3}(?:(?:'\d{3})+|(?:_\d{3})+)(?![\d'_])")
# 11,\! 111 and 1{,}000 in LaTeX: the comma is no separator of a list
_LATEX_GROUPS = re.compile(r"(?<=\d)\s*(?:,\\[!,]|\{\s*(?:,|\\,)\s*\}|\\,)\s*(?=\d{3}(?!\d))")
_EUROPEAN = re.compile(
    r"(?<![\d.,])\d{1,3}(?:\.\d{3}| \d{3})+,\d+(?![\d.,])|(?<![\d.,])\d{1,3}(?:\.\d{3}){2,}(?![\d.,])"
)
_BRACKETED = re.compile(r"((?:\(|\[|\\\{)[^()\[\]]*(?:\)|\]|\\\}))")

_DOTS = r"(?:\\ldots|\\dots[bcim]?|\\cdots|\.{2,})"
_REPEATING = re.compile(
    r"(?P<whole>\d*)\.(?P<start>\d*)"
    r"(?:\\(?:overline|bar|dot)\s*(?:\{\s*(?P<bar>\d+)\s*\}|(?P<one>\d))|\((?P<bracket>\d+)\))"
    r"(?P<more>(?:\d*\\dot\s*(?:\{\s*\d\s*\}|\d))?)(?:\s*" + _DOTS + r")?(?![\d.])"
)
_ENDLESS = re.compile(r"(?P<whole>\d*)\.(?P<digits>\d{2,60})\s*" + _DOTS)
_E_NOTATION = re.compile(r"(?<![A-Za-z\d.\\])(\d+(?:\.\d+)?|\.\d+)[eE]([+-]?\d{1,4})(?![\d.A-Za-z])")
_TIMES = r"(?:\\times|\\cdot|\*|[xX])"
_TIMES_TEN = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)|(?<=\d)\s+[xX]\s+(?=\d)")

_SIGN = r"(?P<sign>[-+]?)\s*"
_PLAIN = re.compile(_SIGN + r"(?P<digits>\d+\.?\d*|\.\d+)")
_FRACTION = re.compile(
    _SIGN + r"(?:(?P<whole>\d+)\s*)??"
    r"(?:\\frac\s*(?:\{\s*(?P<a>-?\d+)\s*\}|(?P<a1>\d))\s*(?:\{\s*(?P<b>-?\d+)\s*\}|(?P<b1>\d))"
    r"|(?<!\d)(?P<over>\d+)\s*/\s*(?P<under>\d+))"
)
_MIXED = re.compile(r"(?<![\d.,/^_{])(\d+)\s*(?:\s|\\ |\\,)\s*(\d+)\s*/\s*(\d+)(?![\d/.])")
_FRONT = r"(?P<front>\d{1,60}(?:\.\d{0,60})?|\.\d{1,60})"
_POWER = re.compile(_SIGN + rf"(?:{_FRONT}\s*{_TIMES}\s*)?10\s*\^\s*(?:\{{\s*(?P<n>[-+]?\d+)\s*\}}|(?P<n1>\d+))")


_SPELT = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20",
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """A rational number; `decimal` where it was written with a decimal point, and so may be rounded."""

    number: Fraction
    decimal: bool

    def equals(self, other: Value) -> bool:
        """Exactly; where one is a decimal, to six decimals and five digits."""
        if self.number == other.number:
            return True
        if not (self.decimal or other.decimal):
            return False
        apart = abs(self.number - other.number)
        return apart <= DECIMALS and apart <= DIGITS * max(abs(self.number), abs(other.number))

    def hundredth(self) -> Value:
        """The value of that many percent."""
        return Value(self.number / 100, self.decimal)


def joined(text: str) -> str:
    r"""Drop what separates thousands: `1,000`, `1,00,000`, `1 000`, `1'000`, `1.000,5`; of LaTeX see `without_marks`.

    A comma inside brackets separates elements, unless other commas there have a space: `(1,234)` is a pair, and so
    is `(1,000, 2,000)`.
    """
    text = _MARK_GROUPS.sub(lambda number: re.sub("['_]", "", number.group()), text)
    text = _EUROPEAN.sub(lambda number: re.sub("[. ]", "", number.group()).replace(",", "."), text)
    if "," in text:
        # every second part is a pair of brackets with nothing but numbers and formulas inside
        text = "".join(
            part
            if at % 2 and ", " not in part
            else _COMMA_GROUPS.sub(_without_commas, _INDIAN_GROUPS.sub(_without_commas, part))
            for at, part in enumerate(_BRACKETED.split(text))
        )
    return _SPACE_GROUPS.sub(lambda number: number.group().replace(" ", ""), text)


def spelt(text: str) -> str:
    """Write a number that is spelt out in English, up to ninety-nine, in digits; any other text as it is."""
    tens, _, ones = text.lower().partition("-")
    if not ones:
        return _SPELT.get(tens, text)
    if tens in _SPELT and ones in _SPELT and int(_SPELT[tens]) >= 20 and 0 < int(_SPELT[ones]) < 10:
        return str(int(_SPELT[tens]) + int(_SPELT[ones]))
    return text


def without_marks(text: str) -> str:
    r"""Drop LaTeX's own separators of thousands: `11,\! 111`, `1{,}000`, `1\,000`."""
    return _LATEX_GROUPS.sub("", text)


def _without_commas(number: re.Match[str]) -> str:
    return number.group().replace(",", "")


def exact(text: str) -> str:
    r"""Write repeating decimals, mixed numbers and `3e8` so that nothing is lost: `0.\overline{3}` as `\frac{3}{9}`."""
    text = _REPEATING.sub(_repeating, text)
    text = _ENDLESS.sub(_endless, text)
    text = _E_NOTATION.sub(lambda found: rf"{found.group(1)} \times 10^{{{int(found.group(2))}}}", text)
    text = _TIMES_TEN.sub(r" \\times ", text)
    return _MIXED.sub(r"\1\\frac{\2}{\3}", text)


def _repeating(found: re.Match[str]) -> str:
    if found["bracket"] and not found["whole"]:
        return found.group()
    block = found["bar"] or found["one"] or found["bracket"]
    # 0.\dot{1}4285\dot{7}: from the first dot to the last
    block += "".join(sign for sign in found["more"] if sign.isdigit())
    return _as_fraction(found["whole"], found["start"], block)


def _endless(found: re.Match[str]) -> str:
    """Read 0.333... as a third: the digits end with a block that is there twice (one digit: three times, or alone)."""
    digits = found["digits"]
    for length in range(1, len(digits) // 2 + 1):
        block = digits[-length:]
        times = 0
        while digits.endswith(block * (times + 1)):
            times += 1
        if times >= (3 if length == 1 and len(digits) > 2 else 2):
            return _as_fraction(found["whole"], digits[: len(digits) - length * times], block)
    # not seen to repeat: a decimal that goes on
    return f"{found['whole']}.{digits}"


def _as_fraction(whole: str, start: str, block: str) -> str:
    scale = 10 ** len(start)
    below = scale * (10 ** len(block) - 1)
    above = int(whole + start or "0") * (10 ** len(block) - 1) + int(block)
    return rf"\frac{{{above}}}{{{below}}}"


def value(text: str) -> Value | None:
    r"""Read a text that is one number: `-3`, `2.50`, `3/4`, `\frac34`, `2\frac{1}{2}`, `3 \times 10^{8}`; else None."""
    if found := _PLAIN.fullmatch(text):
        return Value(_signed(found, Fraction(found["digits"].rstrip("."))), "." in found["digits"].rstrip("."))
    if found := _FRACTION.fullmatch(text):
        above, below = (int(found[name] or found[one] or found[plain]) for name, one, plain in _PARTS)
        if below == 0:
            return None
        whole = int(found["whole"] or 0)
        if whole and (above < 0 or below < 0):
            return None
        return Value(_signed(found, whole + Fraction(above, below)), decimal=False)
    if found := _POWER.fullmatch(text):
        power = int(found["n"] or found["n1"])
        if abs(power) > _MOST_POWER:
            return None
        front = found["front"] or "1"
        return Value(_signed(found, Fraction(front.rstrip(".")) * Fraction(10) ** power), "." in front)
    return None


_PARTS = (("a", "a1", "over"), ("b", "b1", "under"))


def _signed(found: re.Match[str], number: Fraction) -> Fraction:
    return -number if found["sign"] == "-" else number
