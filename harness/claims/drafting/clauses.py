"""Parts of a sentence: its clauses, whose sentence it is, and what is only planned, doubted or denied.

English by its words alone: where these leave the subject open, nothing is read out of a sentence.
"""

from __future__ import annotations

import re
from typing import Literal

from harness.claims.drafting.names import Mention, mentions, same_model
from harness.claims.drafting.quantities import Quantity, quantities

# What joins two statements, each with a relation and models of its own
_JOINT = re.compile(
    r"[;:]|,? (?:but|while|whilst|though|although|whereas|yet)\b|, and (?:is|has|was|can|it|its)\b", re.IGNORECASE
)
# A plan or a doubt reaches up to one of these
_STOP = re.compile(r"[;:]|, (?:but|and|while|though|although|whereas)\b|\. ", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:plan(?:s|ned)? to|expect(?:s|ed|ing)?|could|might|(?-i:may)(?! be used)|will|would|hop(?:es?|ing) to|"
    r"aim(?:s|ing)? to|"
    r"(?:trained|designed|built|meant|tuned) to|"
    r"target(?:s|ing)|rumou?r\w*|forward-looking|if|whether|yet to|promis\w+)\b|['’]ll\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"(?:\b(?:not(?! (?:only|just|merely|simply))|never|cannot|fail(?:s|ed|ing)? to)\b|n['’]t\b)",
    re.IGNORECASE,
)
# The article's model under another word, or an object: a model named behind these is not whom the sentence is about
_INDIRECT = re.compile(
    r"\b(?:it|its|this|they|their|we|our|(?:the|this|that) (?:[\w.-]+ ){0,2}(?:model|thing|one|system|release)|"
    r"than|versus|vs|against|unlike|like|compared|competitive|rivals?|(?:out-?perform|outscor|surpass|match|beat|trail|"
    r"exceed|outclass|overt[ao]k|equal)\w*|edg\w+ (?:out|past)|ahead|behind|below|par|comparable|"
    r"lo(?:ses|st|sing) (?:out )?to|"
    r"(?:price|cost|size|performance|quality|level|half) (?:of|that)|preferred|as)\b",
    re.IGNORECASE,
)
_OURS = re.compile(r"\bours?\b", re.IGNORECASE)
# "MMLU: 63.4 (GPT-4o: 74.3)": another model's number beside the subject's
_ASIDE = re.compile(r"\d\s*%?\s*\($")
# A sentence that begins so is about another maker's model, named or not
_RIVAL = re.compile(
    r"[\"“]?(?:Rivals?|Competitors?|Competing (?:lab|firm|company|start-?up)s?)\s+(?-i:[A-Z])", re.IGNORECASE
)
_PRONOUN = re.compile(r"\b(?:it|this|they|we|the (?:\w+ )?(?:model|thing))\b", re.IGNORECASE)
Whose = Literal["subject", "other", "open"]


def pieces(text: str, verb: re.Pattern[str]) -> list[tuple[int, int]]:
    """Offsets of the statements of a sentence, where each has a relation (`verb`) of its own."""
    joint = re.compile(
        rf"(?:,? and|,) (?=(?:(?:also|even|is|was|it|stays?|remains?|comes?|now) )*(?:{verb.pattern}))", verb.flags
    )
    cuts = sorted({match.start() for pattern in (_JOINT, joint) for match in pattern.finditer(text)})
    return [(a, b) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if text[a:b].strip()]


def is_of_another(text: str, subject: str) -> bool:
    """Whether a sentence is about another model: it names others alone, and no word before them is for the subject."""
    named = mentions(text)
    if _RIVAL.match(text) and not any(same_model(one.name, subject) for one in named):
        return True
    if not named or any(same_model(one.name, subject) for one in named):
        return False
    # A bare name is no name of a model by its form
    if re.search(rf"(?<!\w){re.escape(subject)}(?!\w)", text):
        return False
    before = text[: named[0].start]
    return not (_INDIRECT.search(before) or _OURS.search(text) or _ASIDE.search(before))


def is_hedged(text: str, place: int) -> bool:
    """Whether what is at `place` is planned, expected, or a condition."""
    return _HEDGE.search(_clause_before(text, place)) is not None


def is_denied(text: str, place: int, words: int = 6) -> bool:
    """Whether a negation is at most `words` words before `place`, in its clause."""
    near = " ".join(_clause_before(text, place).replace(", however,", "").split()[-words:])
    return _DENIAL.search(near) is not None


def numbers(text: str) -> list[Quantity]:
    """The numbers of a sentence, but for the versions inside the names of models."""
    named = mentions(text)
    return [one for one in quantities(text) if not any(_inside(text, one, name) for name in named)]


def whose(text: str, place: int, subject: str) -> Whose:
    """Of the models named before `place`, whose is the nearest; a pronoun after it leaves that open."""
    before = [one for one in mentions(text) if one.end <= place]
    if not before or _PRONOUN.search(text[before[-1].end : place]):
        return "open"
    return "subject" if same_model(before[-1].name, subject) else "other"


def _inside(text: str, number: Quantity, name: Mention) -> bool:
    # A bound ("over 5") begins before its digits
    digits = re.search(r"\d", text[number.start : number.end])
    place = number.start + (digits.start() if digits else 0)
    return name.start <= place < name.end


def _clause_before(text: str, place: int) -> str:
    before = text[:place]
    stops = list(_STOP.finditer(before))
    return before[stops[-1].end() :] if stops else before
