"""Two numbers of one benchmark, one of them another model's: "74.6 for GPT-4o against our 83.9", "66.1 (GPT-4o: 62.8)".

Only where the sentence names one benchmark, says whose the other number is, and sets the two against each other; the
larger of two scores is the better one. Without a word for whose it is ("87.9 vs 76.7") nothing is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.claims.drafting.asserted import counts_errors, several_answers
from harness.claims.drafting.clauses import is_denied, is_hedged, numbers
from harness.claims.drafting.found import Context, Found
from harness.claims.drafting.names import Mention, same_model
from harness.claims.drafting.quantities import Quantity
from harness.claims.drafting.rules.comparison import about_models
from harness.claims.drafting.sentences import Sentence
from harness.claims.drafting.topics import topics

# Between the two numbers
AGAINST = re.compile(
    r"\b(?:vs\.?|versus|against|compared (?:with|to)|than|over|next to|while|whereas)(?![A-Za-z])|\(", re.IGNORECASE
)
# Between a number and the model that it is of
OF_MODEL = re.compile(r"\s*%?\s*(?:for|by|from|of)\s+(?:the )?(?:[A-Z]\w+['’]s )?", re.IGNORECASE)
MODEL_AT = re.compile(
    r"(?:['’]s|\s*:|\s*\(|\s*=|\s+(?:at|with|scores?|scored|gets?|got|reaches|reached|hits))\s*", re.I
)
OURS = re.compile(r"\bours?\b\s*:?\s*$", re.IGNORECASE)
# "up from 54.0", "61.0 -> 63.4": its own, at another time
FROM, NOW = re.compile(r"\bfrom\s*$", re.IGNORECASE), re.compile(r"\s*%?\s*(?:->|→|=>)\s*\d")


def find(sentence: Sentence, context: Context) -> list[Found]:
    """A comparison with the models whose numbers are beside the subject's."""
    text = sentence.text
    named = [topic for topic in topics(text) if topic.named]
    if len(named) != 1 or several_answers(text):
        return []
    scores = [one for one in numbers(text) if _is_score(one)]
    others = [(one, model) for one in scores for model in _owner(text, one, context)]
    theirs = {one.start for one, _ in others}
    own = [one for one in scores if one.start not in theirs and not _is_earlier(text, one)]
    own = [one for one in own if OURS.search(text[: one.start])] or own
    if not others or len(own) != 1:
        return []
    both = [own[0], *(other for other, _ in others)]
    first, second = sorted(both, key=lambda one: one.start)[:2]
    if not AGAINST.search(text[first.end : second.start]):
        return []
    if any(is_hedged(text, one.start) or is_denied(text, one.start) for one in both):
        return []
    # Errors, where less is better; and a share beside a percentage, which are not of one scale
    if any(counts_errors(text, one.start) for one in both) or len({one.value < 1 for one in both}) > 1:
        return []
    # Of several others only where all are on one side
    sides = {">" if own[0].value > other.value else "<" if own[0].value < other.value else "=" for other, _ in others}
    if len(sides) > 1 or "=" in sides:
        return []
    return about_models(sentence, context, sides.pop(), named, tuple(model for _, model in others), "")


def _is_score(number: Quantity) -> bool:
    whole = number.kind == "number" and number.decimals == 0
    return number.kind in ("percent", "number") and not whole and not number.bound and 0 < number.share < 1


def _is_earlier(text: str, number: Quantity) -> bool:
    return bool(NOW.match(text[number.end :]) or FROM.search(text[: number.start]))


def _owner(text: str, number: Quantity, context: Context) -> Iterator[Mention]:
    """The other model whose the number is: named right behind it, or right before it."""
    for model in context.compared_in(text):
        behind = number.end <= model.start and OF_MODEL.fullmatch(text[number.end : model.start])
        before = model.end <= number.start and MODEL_AT.fullmatch(text[model.end : number.start])
        if (behind or before) and not same_model(model.name, context.subject):
            yield model
            return
