"""The rules: each module finds one kind of claim in a sentence, by `find(sentence, context) -> list[Found]`."""

from __future__ import annotations

from collections.abc import Callable

from harness.claims.drafting.found import Context, Found
from harness.claims.drafting.rules import (
    architecture,
    availability,
    comparison,
    efficiency,
    languages,
    pairs,
    prices,
    scores,
)
from harness.claims.drafting.sentences import Sentence

Rule = Callable[[Sentence, Context], list[Found]]
RULES: tuple[Rule, ...] = (
    prices.find,
    languages.find,
    scores.find,
    comparison.find,
    pairs.find,
    architecture.find,
    availability.find,
    efficiency.find,
)
# These read what is said of the subject alone; the others need the models that it is set against
OF_SUBJECT = (languages.find, scores.find, architecture.find, availability.find)
