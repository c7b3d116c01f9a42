"""Licence and availability: "released under the MIT licence", "open source", "available on Hugging Face"."""

from __future__ import annotations

import re

from harness.claims.drafting.clauses import is_denied, is_hedged, whose
from harness.claims.drafting.found import Context, Found, not_measured
from harness.claims.drafting.sentences import Sentence

LICENCES = {
    r"\bMIT\b(?! (?:Technology|researchers|professor|Press|study))": "MIT",
    r"(?i:Apache)(?:[- ]?(?:License|Licence))?[ ,-]*(?:v(?:ersion)? ?)?2(?:\.0)?": "Apache-2.0",
    r"\bCC[- ]BY(?:-NC|-SA|-ND)*(?:[- ]4\.0)?": "",
    r"Llama (?:\d(?:\.\d)? )?(?:Community )?Licen[sc]e": "llama",
    r"Gemma (?:Terms|licen[sc]e)": "gemma",
}
OPEN = re.compile(r"\bopen[- ](?:source[sd]?|sourcing|weights?|licen[sc]e[d]?)\b", re.IGNORECASE)
PLACES = re.compile(r"Hugging ?Face|ModelScope|\bOllama\b|GitHub|Kaggle", re.IGNORECASE)
GIVEN = re.compile(
    r"\b(?:available|availability|releas\w*|download\w*|publish\w*|host\w*|access\w*|found|offered|weights)\b", re.I
)
LICENCE_WORD = re.compile(r"\blicen[sc](?:e[ds]?|ing)\b", re.IGNORECASE)
# The licence of something beside the weights
OF_CODE = re.compile(r"[- ]licen[sc]ed (?:\w+ )?(?:code|scripts?|source|repo\w*|demo)\b", re.IGNORECASE)
# The head of a model card
STATED = re.compile(r"^licen[sc]e:\s*([\w.-]+)", re.IGNORECASE)
LICENCE_NAMES = {"mit": "MIT", "apache-2.0": "Apache-2.0"}
# The kind of model, beside another's price or the market, is no statement that this one is open
ASIDE = re.compile(
    r"\b(?:when|if|for|other|any|most|many|leading|existing|best|previous|such) (?:an? |the )?(?:\w+ )?open[- ]", re.I
)


RESTRICTED = re.compile(
    r"(?:\bnot|n['’]t)\b.{0,40}\bopen|research (?:use |purposes )?only|only for research|non-?commercial|prohibit\w*",
    re.IGNORECASE,
)
_OWN = r"\b(?:[Ww]eights|[Mm]odel|[Cc]ode|[Cc]heckpoints?|[Ee]verything) (?:is|are) (?:fully |all )?"
UNDER = rf"(?:under (?:an? |the )?|{_OWN})"
NAMED = re.compile(r"\bunder (?:an? |the )?((?:[A-Z][\w.-]+ ){1,4}Licen[sc]e|[A-Z]{2,}[\w.-]*(?= licen[sc]e))\b")


def named_licence(text: str) -> str:
    """The licence that a sentence names, "" if none."""
    if (stated := STATED.match(text)) is not None:
        # The full stop is the sentence's: "License: MIT." is MIT
        named = stated[1].rstrip(".-")
        return LICENCE_NAMES.get(named.casefold(), named)
    for pattern, name in LICENCES.items():
        match = re.search(pattern, text)
        if match and OF_CODE.match(text, match.end()):
            continue
        if match and (LICENCE_WORD.search(text) or OPEN.search(text) or re.search(f"{UNDER}{pattern}", text)):
            denied = is_denied(text, match.start(), words=4)
            return "" if denied else name or match.group().replace(" ", "-").upper()
    return found[1] if (found := NAMED.search(text)) else ""


def find(sentence: Sentence, context: Context) -> list[Found]:
    """What can be downloaded, and under which licence; a licence that the article does not name is not assumed."""
    text = sentence.text
    if equals := named_licence(text):
        if is_hedged(text, _licence_place(text)) or whose(text, _licence_place(text), context.subject) == "other":
            return []
        reading = f"The weights of {context.subject} can be downloaded under {equals}."
        return [_fact(sentence, equals, reading)]
    if RESTRICTED.search(text) and (LICENCE_WORD.search(text) or OPEN.search(text)):
        why = "the sentence restricts the use and names no licence: write it as `fact: licence` with `equals`"
        return [not_measured(sentence, "restricted", f"The licence of {context.subject} restricts its use.", why)]
    placed = PLACES.search(text)
    opened = OPEN.search(text)
    if opened and (ASIDE.search(text) or is_denied(text, opened.start()) or is_hedged(text, opened.start())):
        opened = None
    if placed and (not GIVEN.search(text) or is_hedged(text, placed.start()) or is_denied(text, placed.start())):
        placed = None
    if not placed and not opened:
        return []
    where = f" on {placed.group()}" if placed else ""
    if context.licence:
        reading = f"The weights of {context.subject} can be downloaded{where} under {context.licence}, named elsewhere."
        return [_fact(sentence, context.licence, reading, assumed=("test.equals",))]
    reading = f"The weights of {context.subject} can be downloaded{where}."
    why = (
        "the article names no licence: add `fact: licence` with `equals`, and what `harness models inspect MODEL` "
        "shows as `evidence`"
    )
    return [not_measured(sentence, "open", reading, why)]


def _licence_place(text: str) -> int:
    """Where the licence is named."""
    match = LICENCE_WORD.search(text)
    return match.start() if match else len(text)


def _fact(sentence: Sentence, equals: str, reading: str, assumed: tuple[str, ...] = ()) -> Found:
    return Found(
        sentence, "open", reading, {"test": {"fact": "licence", "equals": equals}, "relation": "fact"}, assumed
    )
