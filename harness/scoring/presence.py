r"""Whether a completion states a right answer, in a form that extraction may have passed over.

Looked through is where answers are stated: the last line, and lines that announce one ("answer", `\boxed`, "####",
"A:"). In the whole text a right number is there by chance, as a step of wrong sums: on recorded GSM8K, SVAMP and
mathematics answers that a separate parser had read without fault, in 6 to 24 % of all, in those lines in 0 to 3 %.

A number is found by value (72, 72.0, $72 and 7.2e1 are the same; 172 and 72.5 are not), any other text as written,
between word boundaries, with white space and case left aside. Words of three letters or fewer are not looked for.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?"
# No part of a longer number, a name or a version
_NUMBER = re.compile(rf"(?<![\w.,])[-−+]?{_DIGITS}(?!\w|[.,]\d)")
_GOLD_NUMBER = re.compile(rf"\s*[$€£]?\s*([-−+]?)\s*[$€£]?({_DIGITS})\s*%?\s*")
_ANNOUNCES = re.compile(r"\banswers?\b|\\boxed|####|^\s*A:", re.IGNORECASE)
_SHORT_WORD = re.compile(r"[^\W\d_]{1,3}")
# Characters of a completion that are looked through, from its end
MOST = 100_000


def is_stated(gold: str, text: str) -> bool:
    """Whether the right answer `gold` is stated in `text`; False where it may well be there by chance."""
    lines = [line for line in text[-MOST:].split("\n") if re.search(r"\w", line)]
    stated = "\n".join([*filter(_ANNOUNCES.search, lines[:-1]), *lines[-1:]])
    number = _number_of(gold)
    if number is not None:
        return any(_value(written) == number for written in _NUMBER.findall(stated))
    wanted = " ".join(gold.split())
    if not wanted or _SHORT_WORD.fullmatch(wanted):
        return False
    return _pattern(wanted).search(" ".join(stated.split())) is not None


def _number_of(gold: str) -> Decimal | None:
    match = _GOLD_NUMBER.fullmatch(gold)
    return _value(match[1] + match[2]) if match else None


def _value(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", "").replace("−", "-"))
    except InvalidOperation:
        return None


@lru_cache(maxsize=4096)
def _pattern(wanted: str) -> re.Pattern[str]:
    before = r"(?<!\w)" if re.match(r"\w", wanted) else ""
    after = r"(?!\w)" if re.search(r"\w$", wanted) else ""
    return re.compile(before + re.escape(wanted) + after, re.IGNORECASE)
