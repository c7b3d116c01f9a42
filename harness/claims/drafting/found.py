"""What the rules find: a claim in the making, and what a rule knows of the article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.claims.drafting.names import Mention, distinct, mentions, same_model
from harness.claims.drafting.owners import own_part
from harness.claims.drafting.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Context:
    """The article's subject, the other models that it names anywhere, and the licence that it names ("" for none).

    `guessed`: which model the article is about was not given; `introduced`: the words by which it is introduced.
    """

    subject: str
    others: tuple[Mention, ...] = ()
    licence: str = ""
    guessed: bool = False
    introduced: frozenset[str] = frozenset()

    def own_part(self, text: str) -> str:
        """A sentence with blanks for what it says of other models, in their own clauses."""
        return own_part(text, self.subject, self.introduced)

    def compared_in(self, text: str) -> list[Mention]:
        """The models that a sentence names beside the subject."""
        return [one for one in distinct(mentions(text)) if not same_model(one.name, self.subject)]


@dataclass(frozen=True, slots=True)
class Found:
    """One checkable reading of a sentence. `keys`: `test`, `relation` and others as on a claim page.

    `slug` ends the claim's id; `assumed` lists the keys that the sentence leaves open.
    """

    sentence: Sentence
    slug: str
    reading: str
    keys: Mapping[str, Any]
    assumed: tuple[str, ...] = ()
    note: str = ""
    comparators: tuple[Mention, ...] = ()
    published: tuple[Mapping[str, Any], ...] = field(default=())


def not_measured(sentence: Sentence, slug: str, reading: str, why: str) -> Found:
    """A claim that nothing here measures, with the reason."""
    return Found(sentence, slug, reading, {"test": {"not_measured": why}, "relation": "fact"})
