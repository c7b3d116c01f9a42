"""Whether a right answer is in a completion's text, wherever it is: a reader would have found it, extraction did not.

Careful rather than complete. A number is found by value (72, 72.0, $72 and 7.2e1 are one; 172 and 72.5 are not), any
other text as it is written, between word boundaries, with white space and case left aside. Single letters and one-word
golds such as "no" are in most texts by chance and are not looked for.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

# A number as people write it: grouped by commas or not, with decimals and exponent; no part of a longer one or a name
_NUMBER = re.compile(
    r"(?<![\w.,])(?<!\d\s/)[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?(?![\w]|[.,]\d)"
)
_GOLD_NUMBER = re.compile(
    r"\s*[$€£]?\s*([-−+]?)\s*[$€£]?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)\s*%?\s*"
)
# Golds shorter than this, that are no numbers, are in many texts by chance
SHORTEST = 4
# Characters of a completion that are looked through
MOST = 100_000


def is_present(gold: str, text: str) -> bool:
    """Tell whether the right answer `gold` is in `text`; False where it cannot be told from chance."""
    text = text[:MOST]
    number = _number_of(gold)
    if number is not None:
        return any(_value(found) == number for found in _NUMBER.findall(text))
    wanted = " ".join(gold.split())
    if len(wanted) < SHORTEST:
        return False
    return _pattern(wanted).search(" ".join(text.split())) is not None


def _number_of(gold: str) -> Decimal | None:
    found = _GOLD_NUMBER.fullmatch(gold)
    return _value(found[1] + found[2]) if found else None


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
