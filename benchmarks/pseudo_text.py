"""Made-up text: pseudo-words for tokenizers and prompts, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

# A dash means no letter
ONSETS = "b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sl st t th tr v w y z -"
NUCLEI = "a e i o u ai ea ee oa ou"
CODAS = "b ck d f g l m n nd ng nt p r s st t x -"
NUMBERS = 10_000
# What surrounds the words in prompts, often enough that each piece is one token, as in a real vocabulary
FRAME = [f"Question:\nAnswer: {letter}\n\n" for letter in "ABCD"]
FRAME_TIMES = 2000
WORD_SEED = 7


@cache
def words(count: int) -> tuple[str, ...]:
    """Return `count` different words of one to three syllables."""
    rng = random.Random(WORD_SEED)
    onsets, nuclei, codas = ([part.strip("-") for part in parts.split()] for parts in (ONSETS, NUCLEI, CODAS))
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = rng.choice([1, 1, 2, 2, 2, 3])
        found["".join(rng.choice(onsets) + rng.choice(nuclei) + rng.choice(codas) for _ in range(syllables))] = None
    return tuple(found)


def training_lines(vocabulary: int) -> Iterator[str]:
    """Lines to train a tokenizer of so many tokens on: each word once, and numbers."""
    for word in words(2 * vocabulary):
        yield f" {word}"
    yield from FRAME * FRAME_TIMES
    rng = random.Random(1)
    for _ in range(4 * NUMBERS):
        yield f" {rng.randrange(NUMBERS)}"


class Writer:
    """Writes passages of about so many tokens, as one tokenizer counts them."""

    def __init__(self, tokenizer: object, vocabulary: int, seed: int) -> None:
        """`tokenizer` is anything that is called with a text and returns `input_ids`."""
        self._words = words(2 * vocabulary)
        self._rng = random.Random(seed)
        sample = self._draw(400)
        self._tokens_per_word = len(tokenizer(sample)["input_ids"]) / 400  # type: ignore[operator]

    def passage(self, tokens: int) -> str:
        """Some words, of about `tokens` tokens together."""
        return self._draw(max(1, round(tokens / self._tokens_per_word)))

    def between(self, least: int, most: int) -> str:
        """A passage of a length drawn between the two."""
        return self.passage(self._rng.randint(least, most))

    def _draw(self, count: int) -> str:
        return " ".join(self._rng.choice(self._words) for _ in range(count))
