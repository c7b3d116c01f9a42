"""What a model is made of: kinds of attention, experts, parameters, and the length of its context."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from harness.claims.drafting.clauses import is_denied, is_hedged, whose
from harness.claims.drafting.found import Context, Found
from harness.claims.drafting.names import mentions, same_model
from harness.claims.drafting.quantities import plain_number
from harness.claims.drafting.sentences import Sentence, TableRow

# Pattern -> the fact of `harness models inspect`, its value, and the end of the claim's id
KINDS: dict[str, tuple[str, str, str, str]] = {
    r"multi-?head latent attention|(?-i:\bMLA\b)": ("attention", "MLA", "mla", "multi-head latent attention"),
    r"grouped[- ]query attention|(?-i:\bGQA\b)": ("attention", "GQA", "gqa", "grouped-query attention"),
    r"multi-?query attention|(?-i:\bMQA\b)": ("attention", "MQA", "mqa", "multi-query attention"),
    r"mixture[- ]of[- ]experts|(?-i:\bMoE\b)": ("mixture_of_experts", "yes", "moe", "a mixture of experts"),
    r"\bdense (?:[\w-]+ )?(?:model|transformer|architecture)\b": (
        "mixture_of_experts",
        "no",
        "dense",
        "dense: it has no experts",
    ),
}
_PART = r"(?:a )?(?:small |tiny )?(?:fraction|part|subset|portion)"
FRACTION = re.compile(rf"activat\w+ only {_PART}|(?:only )?{_PART} of (?:its|the) (?:total )?parameters", re.IGNORECASE)
_COUNT = r"(?<![\d.,])(?P<{0}>\d+(?:[.,]\d+)?)[\s-]*(?P<{0}_unit>billion|trillion|million|B|T|M)\b"
ACTIVE = (
    re.compile(
        _COUNT.format("active") + r"(?:[- ]param(?:eter)?s?)?\s*(?:are |is |being )?(?:active|activated)", re.IGNORECASE
    ),
    re.compile(r"\bactiv(?:e|ated) param(?:eter)?s?\s*\**:[\s*]*" + _COUNT.format("active"), re.IGNORECASE),
    re.compile(r"activat(?:es|ing) (?:only |just |about )?" + _COUNT.format("active"), re.IGNORECASE),
)
TOTAL = (
    re.compile(_COUNT.format("total") + r"[- ](?:total )?param(?:eter)?s?\b", re.IGNORECASE),
    re.compile(_COUNT.format("total") + r" total\b(?! tokens)", re.IGNORECASE),
    # "**Parameters:** 7.6B"
    re.compile(
        r"(?<!active )(?<!activated )(?<!embedding )\b(?:total )?param(?:eter)?s(?: count)?\s*\**:[\s*]*"
        + _COUNT.format("total"),
        re.IGNORECASE,
    ),
)
_SIZE = r"(?P<size{0}>\d+(?:[.,]\d+)*|\bone(?= million| thousand))\s*(?P<unit{0}>K|k|M|million|thousand)?"
CONTEXT = re.compile(
    _SIZE.format("") + r"[- ]?tokens?(?:[- ]long)?\s*(?:of )?(?:context|window|in (?:a single|one) prompt)|"
    r"(?:context (?:window|length)|window) (?:of|up to|reaching|:)\s*(?:up to )?" + _SIZE.format("2") + "|"
    r"(?P<size3>\d+)(?P<unit3>K|k|M)[- ](?:context|ctx)|"
    r"[Cc]ontext (?:window|length) (?:of [\w.-]+ )?(?:was |is |has been |now )?"
    r"(?:raised|increased|extended|double[ds]|expanded|grown|grows|goes|rises) (?:from \d+[KkM]? (?:tokens )?)?to "
    + _SIZE.format("5")
    + "|"
    r"(?:documents?|inputs?|prompts?|texts?) (?:of )?up to " + _SIZE.format("4") + r" tokens|"
    r"context of (?:up to )?" + _SIZE.format("7") + r" tokens|"
    r"[Cc]ontext(?: (?:[Ww]indow|[Ll]ength|[Ss]ize))?(?: \(tokens\))?\s*\**:[\s*]*(?:up to )?" + _SIZE.format("6")
)
SIZES = ("size", "size2", "size3", "size4", "size5", "size6", "size7")
UNITS = {"b": 10**9, "billion": 10**9, "t": 10**12, "trillion": 10**12, "m": 10**6, "million": 10**6}
UNITS |= {"k": 1000, "thousand": 1000}
DENIED = re.compile(
    r"(?:\b(?:no|not|without)|n['’]t)\s+(?:(?:be|use|have|employ) )?(?:an? |any |the )?(?:[\w-]+ )?$", re.IGNORECASE
)
ASIDE = re.compile(r"\b(?:instead of|rather than|unlike|than)\s+(?:an? |any |the |other )?(?:[\w-]+ )?$", re.IGNORECASE)
# A number of parameters behind these is a limit, not a model's
LIMIT = re.compile(
    r"(?:\b(?:above|below|under|over|(?<!no less )(?<!no fewer )(?<!no more )than|"
    r"models (?:with|of)|up to|between|between .* and)|"
    r"\d\s?[BM]?(?: to| and|-|–))\s*$",
    re.IGNORECASE,
)
AT_LEAST = re.compile(r"\b(?:at least|no (?:less|fewer) than|a minimum of)\s*$", re.IGNORECASE)
AT_MOST = re.compile(r"\b(?:at most|no more than|a maximum of)\s*$", re.IGNORECASE)
# The first cell of a row that states what a model is made of
FACT_ROW = re.compile(r"param|context|attention|architecture|experts", re.IGNORECASE)
# A smaller number before "context" is no window
LEAST_WINDOW = 1000


def find(sentence: Sentence, context: Context) -> list[Found]:
    """Facts that a model's config states."""
    text = sentence.text
    found = _kinds(sentence, context)
    if FRACTION.search(text):
        reading = f"A token uses at most half of the parameters of {context.subject}."
        found.append(_fact(sentence, "fraction-active", reading, "active_share", at_most=0.5))
    found += [
        _parameters(sentence, context, name, match)
        for patterns, name in ((TOTAL, "total"), (ACTIVE, "active"))
        for match in [next((own for pattern in patterns for own in _own(pattern, text, context)), None)]
        if match is not None
    ]
    return found + _window(sentence, context)


def find_in_row(row: TableRow, context: Context) -> list[Found]:
    """Facts in a row of a model card's table: "Context length | 32K", of the subject's column where it has several."""
    if not row.cells or len(row.header) != len(row.cells) or FACT_ROW.search(row.cells[0]) is None:
        return []
    own = [place for place in range(1, len(row.header)) if same_model(row.header[place], context.subject)]
    places = [1] if len(row.cells) == 2 and not mentions(row.header[1]) else own[:1]
    stated = [replace(row.row, text=f"{row.cells[0]}: {row.cells[place]}") for place in places]
    return [replace(one, sentence=row.row) for sentence in stated for one in find(sentence, context)]


def _kinds(sentence: Sentence, context: Context) -> list[Found]:
    text, found = sentence.text, []
    for pattern, (fact, value, slug, words) in KINDS.items():
        match = re.search(pattern, text, re.IGNORECASE)
        if match is None or is_hedged(text, match.start()) or whose(text, match.start(), context.subject) == "other":
            continue
        before = text[: match.start()]
        if DENIED.search(before) and slug == "moe":
            found.append(_fact(sentence, "no-moe", f"{context.subject} does not use {words}.", fact, equals="no"))
        elif not DENIED.search(before) and not ASIDE.search(before):
            verb = "is" if slug == "dense" else "uses"
            found.append(_fact(sentence, slug, f"{context.subject} {verb} {words}.", fact, equals=value))
    return found


def _own(pattern: re.Pattern[str], text: str, context: Context) -> list[re.Match[str]]:
    """The numbers of parameters that are the subject's."""
    return [match for match in pattern.finditer(text) if _is_own(text, match, context)]


def _is_own(text: str, match: re.Match[str], context: Context) -> bool:
    """Whether a number of parameters is the subject's, and no limit, plan or denial."""
    start = match.start()
    if LIMIT.search(text[:start]) or is_hedged(text, start) or is_denied(text, start):
        return False
    after = [one for one in context.compared_in(text) if match.end() <= one.start <= match.end() + 12]
    return not after and whose(text, start, context.subject) != "other"


def _parameters(sentence: Sentence, context: Context, name: str, match: re.Match[str]) -> Found:
    written = plain_number(match[name])
    value, unit = Decimal(written), UNITS[match[f"{name}_unit"].casefold()]
    # Half a unit of the last digit that is printed, to both sides: a smaller model is not one of so many parameters
    half = Decimal(5).scaleb(-len(written.partition(".")[2]) - 1)
    words = "in all" if name == "total" else "active for a token"
    before = sentence.text[: match.start()]
    low: float | None = float((value - half) * unit)
    high: float | None = float((value + half) * unit)
    how = ", rounded"
    if AT_LEAST.search(before):
        low, high, how = float(value * unit), None, " or more"
    elif AT_MOST.search(before):
        low, high, how = None, float(value * unit), " or fewer"
    reading = f"{context.subject} has {written} {match[f'{name}_unit']} parameters {words}{how}."
    return _fact(sentence, f"{name}-parameters", reading, f"{name}_parameters", at_least=low, at_most=high)


def _window(sentence: Sentence, context: Context) -> list[Found]:
    match = CONTEXT.search(sentence.text)
    if match is None or is_hedged(sentence.text, match.start()) or is_denied(sentence.text, match.start()):
        return []
    if whose(sentence.text, match.start(), context.subject) == "other":
        return []
    number = next(match[name] for name in SIZES if match[name])
    unit = next((match[name] for name in (name.replace("size", "unit") for name in SIZES) if match[name]), "")
    tokens = int(float(number.replace(",", "").replace("one", "1")) * UNITS.get(unit.casefold(), 1))
    if tokens < LEAST_WINDOW:
        return []
    keys = {"test": {"fact": "context_window", "equals": str(tokens)}, "relation": "fact"}
    reading = f"{context.subject} reads {tokens:,} tokens."
    return [Found(sentence, "context-window", reading, keys, ("test.equals",), "128K may be 128,000 or 131,072")]


def _fact(
    sentence: Sentence,
    slug: str,
    reading: str,
    fact: str,
    *,
    equals: str | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Found:
    stated = {"equals": equals, "at_least": at_least, "at_most": at_most}
    given = {key: value for key, value in stated.items() if value is not None}
    test = {"fact": fact, **given}
    assumed = tuple(f"test.{key}" for key in given if key != "equals")
    return Found(sentence, slug, reading, {"test": test, "relation": "fact"}, assumed)
