"""Prices: "60% cheaper", "half the price of GPT-4o", "$0.14 per million tokens", "0,27 € per million input tokens"."""

from __future__ import annotations

import re

from harness.claims.drafting.clauses import is_hedged, numbers, whose
from harness.claims.drafting.found import Context, Found, not_measured
from harness.claims.drafting.names import mentions, price_pages_of
from harness.claims.drafting.quantities import fraction_before, plain_number
from harness.claims.drafting.sentences import Sentence

COST = re.compile(
    r"\b(?:cost(?:s|ing)?|price(?:s|d)?|pricing|cheaper|inexpensive|affordable|dollars?|cents?|euros?|yuan|"
    r"per[- ]token|token prices?|spend|undercut\w*|EUR|GBP|CNY|RMB|USD)\b|[$€£¥]",
    re.IGNORECASE,
)
# The price of making a model, or of a company, is none of using it
NOT_OF_TOKENS = re.compile(
    r"\b(?:train(?:ed|ing)?|develop(?:ed|ment)?|stock|shares?|valuation|billion|invest\w*|fund\w*|revenue|"
    r"salar\w+|hardware|"
    r"subscription|profit|computational costs)\b",
    re.IGNORECASE,
)
DEAR = re.compile(
    r"\b(?:cheaper|undercut\w*|less|lower|reduction|reduc\w+|saving\w*|discount|drop|cut(?:s|ting)?|off|decrease|below)\b",
    re.I,
)
_BEFORE = r"(?:(?P<{0}_before>US\$|[$€£¥]|USD|EUR|GBP|CNY|RMB)\s?)"
_AFTER = (
    r"(?:\s?(?P<{0}_after>[$€£¥]|USD|EUR|GBP|CNY|RMB|(?:US )?dollars?|cents?|euros?|(?:British )?pounds?|pence|p|yuan)"
    r"(?![A-Za-z]))"
)
_AMOUNT = r"(?P<{0}>(?<![\d.,])\d+(?:[.,]\d{{1,4}})?)(?![\d])"
_PRICE = rf"{_BEFORE}?{_AMOUNT}{_AFTER}?"
# A million, or a thousand; without one of them no price of tokens is read
_PER = (
    r"[*_`]*\s*(?:per|/|for(?: (?:a|each|every))?)\s*(?:one\s)?(?:1\s?)?(?P<unit>million|M|1M|MTok|thousand|K|1K)\s*"
    r"(?P<side>input|output|prompt|completion)?\s*tokens?"
)
ABSOLUTE = re.compile(_PRICE.format("price") + _PER, re.IGNORECASE)
# "$0.40 / $1.20 per 1M tokens (in / out)"
PAIR = re.compile(
    _PRICE.format("first")
    + r"(?P<in>\s+in(?:put)?)?\s*(?:/|and|,|\|)\s*"
    + _PRICE.format("second")
    + r"(?P<out>\s+out(?:put)?)?"
    + _PER.replace("(?P<side>input|output|prompt|completion)?", "(?P<sides>input\\s?(?:/|and)\\s?output)?")
    + r"(?P<order>\s*\(?\s*in(?:put)?\s?(?:/|and|,)\s?out(?:put)?\b)?",
    re.IGNORECASE,
)
CURRENCIES = {
    "$": "US dollars", "us$": "US dollars", "usd": "US dollars", "dollar": "US dollars", "us dollar": "US dollars",
    "cent": "US cents", "€": "euros", "eur": "euros", "euro": "euros", "£": "pounds", "gbp": "pounds",
    "pound": "pounds", "british pound": "pounds", "pence": "pence", "p": "pence", "¥": "yuan or yen", "cny": "yuan",
    "rmb": "yuan", "yuan": "yuan",
}  # fmt: skip
# "GPT-4o costs about 14 times as much"
DEARER = re.compile(r"\bcosts? (?:\w+ )?(\d+(?:[.,]\d+)?)\s?(?:x|×|times) (?:as much|more|the price)", re.IGNORECASE)
# The price of another provider for the same weights
RESOLD = re.compile(r"\b(?:hosts?|providers?|resellers?|clouds?) (?:\w+ )?(?:offers?|sells?|charges?|asks?)\b", re.I)
# What a customer, a company or a buyer pays in all is no price of tokens
BILLS = re.compile(
    r"\b(?:support|operat\w+|our|their|labou?r|staff|marketing|monthly|yearly|annual) (?:\w+ )?"
    r"(?:costs?|bills?|spend\w*)\b",
    re.IGNORECASE,
)
OF_TOKENS = re.compile(r"\btokens?\b|\bundercut|\bAPI\b|\bcheaper\b|\b(?:list )?pric\w+|\binference\b", re.IGNORECASE)
BOTH = re.compile(
    r",? (?:\(?in and out\b|\(?input and output\b|for both\b|both ways|in both directions)",
    re.IGNORECASE,
)
TRAINED = re.compile(r"[$€£¥]\s?\d[\d.,]*\s*(?:million|billion|M|B)\b", re.IGNORECASE)


def find(sentence: Sentence, context: Context) -> list[Found]:
    """Savings relative to other models, prices per token, and costs of training (which nothing here measures)."""
    text = sentence.text
    if not COST.search(text):
        return []
    if NOT_OF_TOKENS.search(text) and not re.search(r"per[- ](?:\w+ )?token|tokens?\b", text, re.IGNORECASE):
        if TRAINED.search(text) and re.search(r"\btrain", text, re.IGNORECASE):
            why = "what training cost cannot be measured from outside"
            return [not_measured(sentence, "training-cost", f"{text.rstrip('.')}.", why)]
        return []
    ratio, bound = _ratio(text)
    found = _absolute(sentence, context)
    if ratio is not None and (OF_TOKENS.search(text) or (context.compared_in(text) and not BILLS.search(text))):
        found.append(_saving(sentence, context, ratio, bound))
    return found


def _absolute(sentence: Sentence, context: Context) -> list[Found]:
    """Each price of a million tokens in the sentence; "in and out" is both sides."""
    text, found = context.own_part(sentence.text), []
    if RESOLD.search(text):
        return []
    if (
        (pair := PAIR.search(text)) is not None
        and (pair["sides"] or pair["order"] or (pair["in"] and pair["out"]))
        and _is_own(text, pair, context)
    ):
        prices = ((pair, "first", "input"), (pair, "second", "output"))
        return [one for match, name, side in prices for one in _price(sentence, context, match, name, side)]
    for match in ABSOLUTE.finditer(text):
        if not _is_own(text, match, context):
            continue
        stated = (match["side"] or "").casefold()
        sides = [{"prompt": "input", "completion": "output"}.get(stated, stated or "input")]
        if not stated and BOTH.match(text[match.end() :]):
            sides = ["input", "output"]
        for side in sides:
            found += _price(sentence, context, match, "price", side)
    return found


def _is_own(text: str, match: re.Match[str], context: Context) -> bool:
    return not is_hedged(text, match.start()) and whose(text, match.start(), context.subject) != "other"


def _price(sentence: Sentence, context: Context, match: re.Match[str], name: str, side: str) -> list[Found]:
    """The price of a million tokens; in another currency than dollars nothing here compares it."""
    # Of a pair the second may have the only sign
    signs = [
        match[f"{one}_{place}"]
        for one in (name, "second", "first")
        if f"{one}_before" in match.groupdict()
        for place in ("before", "after")
    ]
    sign = next((one for one in signs if one), "").casefold()
    currency = CURRENCIES.get(sign) or CURRENCIES.get(sign.removesuffix("s"))
    if currency is None:
        return []
    amount = float(plain_number(match[name])) * (1000 if match["unit"].casefold() in ("thousand", "k", "1k") else 1)
    if currency in ("US cents", "pence"):
        amount, currency = amount / 100, {"US cents": "US dollars", "pence": "pounds"}[currency]
    written = f"{round(amount, 9):g}" if amount != float(plain_number(match[name])) else plain_number(match[name])
    reading = f"A million {side} tokens of {context.subject} cost {written} {currency}."
    if currency != "US dollars":
        why = f"prices here are in US dollars: convert {written} {currency} at a day's rate, and write it as a fact"
        return [not_measured(sentence, f"price-{side}", reading, why)]
    keys = {"test": {"fact": f"{side}_price", "equals": written}, "relation": "fact"}
    return [Found(sentence, f"price-{side}", reading, keys, ("subject.revision",), "prices change: state the date")]


def _ratio(text: str) -> tuple[float | None, str]:
    """The share of the other's price that is claimed, and how it is bounded."""
    for noun in ("price", "cost", "costs", "prices", r"what\b.{1,40}?\bcosts?"):
        if (found := fraction_before(text, noun)) is not None and found[0] is not None:
            return found[0], ""
    if (found := fraction_before(text, "as much")) is not None and found[0] is not None:
        return found[0], ""
    if (dearer := DEARER.search(text)) is not None and mentions(text[: dearer.start()]):
        return round(1 / float(plain_number(dearer[1])), 6), ""
    for one in numbers(text):
        around = text[max(0, one.start - 45) : one.end + 45]
        if BILLS.search(around):
            continue
        if one.kind == "percent" and DEAR.search(around) and COST.search(around) and 0 < one.share < 1:
            return round(1 - one.share, 6), one.bound
        if one.kind == "percent" and re.match(r"\s*of the (?:price|cost)", text[one.end :]):
            return one.share, one.bound
        if (
            one.kind == "times"
            and one.value > 1
            and re.search(r"cheaper|less expensive|lower (?:cost|price)", around, re.I)
        ):
            return round(1 / one.value, 6), one.bound
    return None, ""


def _saving(sentence: Sentence, context: Context, ratio: float, bound: str) -> Found:
    stated = context.compared_in(sentence.text)
    compared = tuple(stated or context.others)
    priced = [one for one in compared if price_pages_of(one.name)]
    named = " and ".join(one.written for one in compared) or "the models that it is compared with"
    best = " at best" if bound == "most" else ""
    reading = f"A token of {context.subject} costs at most {100 * ratio:g} %{best} of what it costs at {named}."
    mine = price_pages_of(context.subject)
    if not mine or not priced:
        lacking = context.subject if not mine else named
        why = f"there is no page in configs/prices for {lacking}: write one, then `relation: ratio<=` with `prices`"
        return not_measured(sentence, "cheaper", reading, why)
    keys = {"test": {"metric": "dollars per token"}, "relation": "ratio<=", "threshold": ratio}
    assumed = ("subject.prices", *(() if stated else ("comparators",)))
    return Found(sentence, "cheaper", reading, keys, assumed, comparators=tuple(priced))
