"""Our own re-phrasing of a row: its people get other names of the set, and everything else stays.

The meaning stays, and so does the language: a name is exchanged for one that other rows of the same set use, with the
same pronouns, as often as they use it. To a model that never saw the set, one assignment of names is as good as the
other, so that both texts are exchangeable; a model that knows the row by heart knows it with its own names. A
re-phrasing by synonyms or in other word order would not do: published text is more usual than what rules make of it,
and any model continues usual text better.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.probes.given_names import Kind, kinds

WORD = re.compile(r"\b[A-Z][a-z]+\b")


class Names:
    """The given names that a set uses, how often, and the exchange of those of one text for others."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count the names of a set's questions, each once for a question."""
        self._kinds: Mapping[str, Kind] = kinds()
        self._counts = Counter(name for text in texts for name in set(self._in(text)))

    def exchanged(self, text: str, seed: str) -> str | None:
        """The text with every name replaced by another of its kind; None where there is none, or no other one."""
        rng = random.Random(seed)
        own = list(dict.fromkeys(self._in(text)))
        taken, new = set(own), dict[str, str]()
        for name in own:
            others = sorted(other for other in self._counts if self._kinds[other] == self._kinds[name])
            others = [other for other in others if other not in taken]
            if not others:
                return None
            [new[name]] = rng.choices(others, [self._counts[other] for other in others])
            taken.add(new[name])
        return WORD.sub(lambda word: new.get(word.group(), word.group()), text) if new else None

    def _in(self, text: str) -> list[str]:
        return [word for word in WORD.findall(text) if word in self._kinds]
