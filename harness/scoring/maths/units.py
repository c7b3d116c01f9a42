r"""Units, currencies, percent and scale words behind or before a number: `12 m/s`, `€5`, `\text{72 clips}`, `20\%`.

A unit is dropped, a scale word multiplies (`12 \text{ million}` is 12,000,000). Words of a kind that change a
value (`5 more`, `5 less than x`) and mathematical names (`5 theta`) are no units: the text then stays as it is, and
equals no plain number. Two known units that differ (`5` hours, `5` minutes) make two answers unequal; a unit that is
missing, or a noun that is no unit, is not looked at, as in the graders of MATH and GSM8K.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal

# what a unit measures with: aliases, the first being the name
_KNOWN = (
    "m meter meters metre metres mtr",
    "cm centimeter centimeters centimetre centimetres cms",
    "mm millimeter millimeters millimetre millimetres",
    "dm decimeter decimeters decimetre decimetres",
    "km kilometer kilometers kilometre kilometres kms",
    "nm nanometer nanometers nanometre nanometres",
    "um micrometer micrometers micron microns",
    "in inch inches",
    "ft foot feet",
    "yd yard yards",
    "mi mile miles",
    "g gram grams gm gms gramme grammes",
    "kg kilogram kilograms kilo kilos kgs",
    "mg milligram milligrams",
    "ton tons tonne tonnes",
    "lb lbs pound pounds",
    "oz ounce ounces",
    "s sec secs second seconds",
    "ms millisecond milliseconds",
    "min mins minute minutes",
    "h hr hrs hour hours",
    "day days",
    "week weeks",
    "month months",
    "yr yrs year years",
    "L l liter liters litre litres",
    "mL ml milliliter milliliters millilitre millilitres",
    "gal gallon gallons",
    "qt quart quarts",
    "pint pints",
    "cup cups",
    "degree degrees deg",
    "rad radian radians",
    "N newton newtons",
    "J joule joules",
    "kJ kilojoule kilojoules",
    "W watt watts",
    "kW kilowatt kilowatts",
    "MW megawatt megawatts",
    "kWh",
    "V volt volts",
    "A amp amps ampere amperes",
    "ohm ohms",
    "Pa pascal pascals",
    "kPa kilopascal kilopascals",
    "atm",
    "Hz hertz",
    "kHz kilohertz",
    "MHz megahertz",
    "GHz gigahertz",
    "K kelvin",
    "C celsius",
    "F fahrenheit",
    "mol mole moles",
    "cal calorie calories",
    "kcal kilocalorie kilocalories",
    "acre acres",
    "ha hectare hectares",
    "rpm",
    "dollar dollars usd bucks",
    "cent cents",
    "euro euros eur",
    "gbp",
    "yen jpy",
    "rupee rupees inr rs",
    "yuan rmb cny",
    "won krw",
    "krone kr sek nok dkk",
    "peso pesos",
    "ruble rubles rouble roubles rub",
    "franc francs chf",
    "penny pennies pence",
    "dime dimes",
    "nickel nickels",
    "quarter quarters",
)
_NAMES = {alias: line.split()[0] for line in _KNOWN for alias in line.split()}
# several units in one word
_NAMES |= {"mph": "mi h", "kmph": "km h", "kph": "km h", "kmh": "km h", "cc": "cm", "sqft": "ft", "bpm": "min"}
# one letter is more often a variable: a unit only where nothing speaks against it
_LETTERS = frozenset(name for name in _NAMES if len(name) == 1)
# no units by themselves, but part of one; and short words that are no variables
_FILLERS = frozenset(("square", "squared", "sq", "cubic", "cubed", "cu", "of", "the", "a", "an", "in", "as", "at"))
_ORDINALS = frozenset(("th", "st", "nd", "rd", "pt"))
_CURRENCY = {
    "$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee", "₽": "ruble", "₩": "won", "¢": "cent",
    "₪": "shekel", "₫": "dong", "₴": "hryvnia", "₺": "lira", "₦": "naira", "₱": "peso", "฿": "baht", "₡": "colon",
}  # fmt: skip
_CURRENCY_COMMANDS = {
    "pounds": "£", "euro": "€", "EUR": "€", "yen": "¥", "cent": "¢", "rupee": "₹", "textdollar": "$", "texteuro": "€",
    "textsterling": "£", "textyen": "¥", "textcent": "¢",
}  # fmt: skip
_SCALES = {
    "hundred": 10**2, "hundreds": 10**2, "thousand": 10**3, "thousands": 10**3, "million": 10**6, "millions": 10**6,
    "billion": 10**9, "billions": 10**9, "trillion": 10**12, "trillions": 10**12, "quadrillion": 10**15, "mn": 10**6,
    "bn": 10**9, "mln": 10**6, "mio": 10**6, "bln": 10**9, "mrd": 10**9, "dozen": 12, "dozens": 12,
    "lakh": 10**5, "lakhs": 10**5, "crore": 10**7, "crores": 10**7,
    "millionen": 10**6, "milliarden": 10**9, "mil": 10**3, "mille": 10**3, "millones": 10**6, "milhões": 10**6,
    "milioni": 10**6, "milliards": 10**9, "тысяч": 10**3, "тысячи": 10**3, "тысяча": 10**3, "миллион": 10**6,
    "миллиона": 10**6, "миллионов": 10**6, "миллиард": 10**9, "миллиардов": 10**9, "万": 10**4, "萬": 10**4,
    "亿": 10**8, "億": 10**8, "千": 10**3, "百万": 10**6, "만": 10**4, "억": 10**8, "लाख": 10**5, "करोड़": 10**7,
    "हज़ार": 10**3, "लक्ष": 10**5, "হাজার": 10**3, "লক্ষ": 10**5, "কোটি": 10**7, "ألف": 10**3, "مليون": 10**6,
}  # fmt: skip
_PERCENT = frozenset(("percent", "percentage", "pct", "percents"))
_MATHS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau"
    " upsilon phi varphi chi psi omega sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp sqrt"
    " cbrt root infinity inf infty mod modulo choose factorial factorials max min gcd lcm abs floor ceil"
)
# Words that make another value of the number, or another statement
_VALUE_WORDS = (
    "and or not to through until between over under plus minus than above below least most half halves third thirds"
    " fourth fourths fifth fifths sixth sixths seventh eighth eighths ninth tenth tenths hundredth hundredths"
    " thousandth thousandths raised power divided multiplied by if when where except base score double triple"
    " twice negative equals equal is are was zero one two three four five six seven eight nine ten eleven twelve"
    " twenty thirty forty fifty sixty seventy eighty ninety"
)
_NO_UNITS = frozenset(_VALUE_WORDS.split()) | frozenset(_MATHS.split()) - {"sec", "min"}

_BOX = r"\\(?:text(?:rm|bf|it|normal|sf|tt)?|mathrm|mathbf|mathit|mathsf|mbox|hbox|operatorname)\s*\{([^{}]*)\}"
_BOXED = re.compile(_BOX)
# in another script: what is written in ASCII is mathematics
_NO_WORD = re.compile(r"[\\^_=<>{}\d≈–‰‱]")
_PART_OF_SCALE = re.compile(r"[a-z]+illionths?")
_BOXED_CURRENCY = re.compile(r"\\(?:text|mathrm)\s*\{\s*(\\?[$€£¥₹₽₩¢])\s*\}\s*(?=[\d-])")
_POWER = re.compile(r"\^\s*(?:\{\s*-?\d\s*\}|-?\d)|(?<=[A-Za-z])-?[23](?![\d.])")
_DEGREE = re.compile(r"\^\s*(?:\{\s*\\circ\s*\}|\\circ)|\^\s*(?:\{\s*o\s*\}|o(?![A-Za-z]))|\\degree\b|\\textdegree\b")
_PER_CENT = re.compile(r"\\?%|\bper\s+cent\b")
_SPLIT = re.compile(r"[\s/*.()\-{},~]+|\\cdot\b|\\times\b|\\,|\\ ")
_WORD = re.compile(r"[A-Za-z][A-Za-z']*|[€£¥₹₽₩¢₪₫₴₺₦₱฿₡]|\$|\\Omega|\\mu")
_NUMBER = r"[-+]?\s*(?:\d+(?:\.\d*)?|\.\d+)"
# what may precede a unit: a number, or a formula of numbers only
_FORMULA = r"(?:\\(?:frac|sqrt|pi|cdot|times|left|right)(?![A-Za-z])|[\d.+\-*/^(){}\[\]\s]|\\,)+"
_BEHIND = re.compile(
    rf"(?P<value>{_FORMULA}(?<=[\d)}}\]i.]))\s*(?P<unit>(?:\\[a-zA-Z ,;]|[A-Za-z$%^]|[^\x00-\x7f]).*)", re.DOTALL
)
_BOX_BEHIND = re.compile(
    rf"(?P<value>.*[^\s,;:=(])\s*(?P<unit>{_BOX}\s*(?:(?:\^\s*(?:\{{\d\}}|\d))|/|\s|{_BOX})*)", re.DOTALL
)
_CURRENCY_BEFORE = re.compile(
    r"(?P<sign>-\s*)?(?:(?:[A-Z]{1,3})?\\?(?P<mark>[$€£¥₹₽₩¢₪₫₴₺₦₱฿₡])|(?P<code>USD|EUR|GBP|JPY|INR|CNY|RMB|CHF|Rs\.?))\s*(?P<value>[-\d.\\(].*)",
    re.DOTALL,
)
_PERCENT_BEHIND = re.compile(r"(?P<value>.*[\d)}])\s*(?:\\?%|\bper cent\b)", re.DOTALL)


# one or two letters that are no known unit may be variables
_SHORTEST_NOUN = 3
_LONGEST_WORD = 30
# longer than any number that is read here: nothing is rounded
_EXACT = Context(prec=10_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """A text without its unit; `unit` names the known ones in it, `percent` whether it was so many percent."""

    text: str
    unit: frozenset[str] = frozenset()
    percent: bool = False


def measured(text: str, *, lenient: bool) -> Measured:
    """Split a text into value and unit; where no unit is found it stays whole.

    `lenient` takes one letter behind a number for a unit (`5 m`), which in a right answer is a variable.
    """
    text = _commands(text)
    unit: frozenset[str] = frozenset()
    if found := _CURRENCY_BEFORE.fullmatch(text):
        mark = found["mark"]
        unit = frozenset({_CURRENCY[mark] if mark else _NAMES.get(found["code"].lower().rstrip("."), found["code"])})
        text = (found["sign"] or "").strip() + found["value"].strip()
    if found := _PERCENT_BEHIND.fullmatch(text):
        return Measured(found["value"].strip(), unit, percent=True)
    for pattern in (_BEHIND, _BOX_BEHIND):
        found = pattern.fullmatch(text)
        read = _unit(found["unit"], lenient=lenient, number=pattern is _BEHIND) if found else None
        if found and read is not None:
            names, scale, percent = read
            kept = found["value"].strip()
            if scale != 1:
                kept = _times(kept, scale)
            return Measured(kept, unit | names, percent)
    return Measured(text, unit)


def _times(text: str, scale: int) -> str:
    bare = text.replace(" ", "")
    return (
        f"{_EXACT.multiply(Decimal(bare), Decimal(scale)):f}"
        if re.fullmatch(_NUMBER, bare)
        else rf"({text}) \times {scale}"
    )


def clash(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether both name units and none of them is the same."""
    return bool(one and other and not one & other)


def unboxed(text: str) -> str:
    r"""Write `\text{72 clips}` as `72 clips`, where the whole text is one such box."""
    found = _BOXED.fullmatch(text.strip())
    return found.group(1).strip() if found else text


def _commands(text: str) -> str:
    for command, mark in _CURRENCY_COMMANDS.items():
        if "\\" + command in text:
            text = re.sub(rf"\\{command}(?![A-Za-z])\s*", mark, text)
    return _BOXED_CURRENCY.sub(r"\1", text).replace(r"\$", "$")


def _unit(text: str, *, lenient: bool, number: bool) -> tuple[frozenset[str], int, bool] | None:
    """Read what follows a value: (known units, scale, percent), None where it is no unit."""
    text, degrees = _DEGREE.subn(" degree ", text)
    text = _PER_CENT.sub(" percent ", _POWER.sub("", text))
    names: set[str] = set()
    scale = 1
    percent = False
    fillers = 0
    # every second piece is the inside of a \\text{...}
    words = [(word, at % 2 == 1) for at, piece in enumerate(_BOXED.split(text)) for word in _SPLIT.split(piece) if word]
    for word, boxed in words:
        low = word.lower()
        foreign = not word.isascii() and not _NO_WORD.search(word)
        if not (foreign or _WORD.fullmatch(word)) or low in _NO_UNITS or len(word) > _LONGEST_WORD:
            return None
        if _PART_OF_SCALE.fullmatch(low):
            return None
        known = _NAMES.get(word) or (_NAMES.get(low) if len(low) > 1 else None)
        if low in _SCALES:
            scale *= _SCALES[low]
        elif low == "percent" or low in _PERCENT:
            percent = True
        elif word in _CURRENCY or word == r"\Omega":
            names.add(_CURRENCY.get(word, "ohm"))
        elif known and (word not in _LETTERS or boxed or degrees or lenient or len(words) > 1):
            names.update(known.split())
        elif low in _FILLERS:
            fillers += 1
        elif foreign:
            continue
        elif (low not in _ORDINALS and len(low) < _SHORTEST_NOUN - boxed) or not (boxed or number):
            return None
    return (frozenset(names), scale, percent) if len(words) > fillers else None
