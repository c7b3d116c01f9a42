"""Guesses at a sequence's next tokens, copied from where its last tokens occurred before: prompt lookup. No torch.

The model reads a guess in one batch with the token before it; a guessed token is kept where it is the one that is
sampled there anyway, so that guesses change only the speed (speculative decoding, Leviathan et al. 2023; by lookup,
Saxena 2023). They come from the sequence's own prompt and completion, or from finished completions of the stream. Their
length follows from how many came true so far and from how many sequences share the batch, never from the clock: in half
precision another batch rounds otherwise, and the same command must give the same texts again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.engines.local.prefix_tree import SequenceState

# The longest match wins. What follows a single token elsewhere is hardly ever what follows it here
LONGEST_MATCH, SHORTEST_MATCH = 3, 2
MOST_TOKENS = 16
# Tokens of finished completions that are searched; beyond these the search starts anew
POOL_TOKENS = 200_000
# The share that comes true before anything was tried, and how many tried tokens this expectation counts for
FIRST_SHARE, FIRST_WEIGHT = 0.3, 4.0
# In tokens: what a batch costs more once any sequence of it is read as a chunk, and each such sequence. SmolLM2-135M's
# shape on one CPU core: 80 ms for one token, 102 for two, 113 for five; 148 for 8 sequences, 230 for two tokens of each
BATCH_COST, SEQUENCE_COST = 3.0, 0.5
# Between two completions in the pool
BORDER = -1


class Drafter(Protocol):
    """Makes guesses, and learns what became of them."""

    def draft(self, sequence: SequenceState, generating: int, most: int) -> Sequence[int]:
        """At most `most` tokens that may follow; `generating` sequences share the batch."""

    def tried(self, sequence: SequenceState, drafted: int, kept: int) -> None:
        """Learn that the first `kept` of the `drafted` tokens came true."""

    def finished(self, sequence: SequenceState) -> None:
        """Learn that the sequence has its last token."""


class NoDrafts:
    """Never guesses."""

    def draft(self, sequence: SequenceState, generating: int, most: int) -> Sequence[int]:
        """Return nothing."""
        return ()

    def tried(self, sequence: SequenceState, drafted: int, kept: int) -> None:
        """Do nothing."""

    def finished(self, sequence: SequenceState) -> None:
        """Do nothing."""


class GivenDrafts:
    """Guesses for a check, whatever they cost: after every second token two right tokens and a wrong one."""

    def __init__(self, texts: Mapping[str, Sequence[int]]) -> None:
        """`texts`: by the keys of jobs, the completions that are expected. Other jobs get no guess."""
        self._texts = texts

    def draft(self, sequence: SequenceState, generating: int, most: int) -> Sequence[int]:
        """Return tokens of the expected completion, and one that is not."""
        text, done = self._texts.get(sequence.group.job.key, ()), len(sequence.new)
        wrong = [token - 1 if token else 1 for token in text[done + 2 : done + 3]]
        return [] if done % 2 else [*text[done : done + 2], *wrong][:most]

    def tried(self, sequence: SequenceState, drafted: int, kept: int) -> None:
        """Do nothing."""

    def finished(self, sequence: SequenceState) -> None:
        """Do nothing."""


@dataclass(slots=True)
class _Record:
    """Guessed tokens that came true, and guesses that ended with a wrong one."""

    right: int = 0
    wrong: int = 0

    def add(self, drafted: int, kept: int) -> None:
        self.right += kept
        self.wrong += kept < drafted

    def share(self, before: float) -> float:
        """Estimated probability that a token comes true; `before` is the estimate without this record."""
        return (self.right + FIRST_WEIGHT * before) / (self.right + self.wrong + FIRST_WEIGHT)


@dataclass(slots=True)
class _Text:
    """Token ids, and where each short run of them was followed by another the last time."""

    ids: list[int] = field(default_factory=list)
    places: dict[tuple[int, ...], int] = field(default_factory=dict)
    indexed: int = SHORTEST_MATCH

    def index(self) -> None:
        """Index what was added; the last run of all has nothing behind it yet."""
        ids, places = self.ids, self.places
        for end in range(self.indexed, len(ids)):
            for size in range(SHORTEST_MATCH, LONGEST_MATCH + 1):
                places[tuple(ids[end - size : end])] = end
        self.indexed = max(self.indexed, len(ids))

    def after(self, run: tuple[int, ...]) -> Sequence[int]:
        """What followed the run the last time."""
        place = self.places.get(run)
        if place is None:
            return ()
        following = self.ids[place : place + MOST_TOKENS]
        return following[: following.index(BORDER)] if BORDER in following else following


@dataclass(slots=True)
class _Known:
    """A sequence's text, how its guesses did, and the kind of the last one."""

    text: _Text
    record: _Record = field(default_factory=_Record)
    kind: tuple[str, int] = ("own", LONGEST_MATCH)


class PromptLookup:
    """Guesses by prompt lookup, of the length that pays."""

    def __init__(self, free_tokens: int) -> None:
        """`free_tokens`: a batch of so many tokens takes about twice as long as one of a single token.

        Up to there the device waits for its memory, and a few tokens more are nearly free.
        """
        self._free_tokens = free_tokens
        self._known: dict[SequenceState, _Known] = {}
        self._records: dict[tuple[str, int], _Record] = {}
        self._finished: list[SequenceState] = []
        self._pool = _Text()

    def draft(self, sequence: SequenceState, generating: int, most: int) -> Sequence[int]:
        """Return the guess that saves more than it costs, by all that is known; often none."""
        if generating > self._free_tokens or most < 1:
            return ()
        known = self._brought_up(sequence)
        kind, guess = self._look_up(known.text)
        if kind is None:
            return ()
        known.kind = kind
        share = known.record.share(self._records.setdefault(kind, _Record()).share(FIRST_SHARE))
        # The cost of one more token, in tokens that the batch makes in the same time
        cost = generating / (generating + self._free_tokens)
        count, gained, likely = 0, 0.0, share
        while count < min(most, len(guess)) and likely > cost:
            count, gained, likely = count + 1, gained + likely, likely * share
        fixed = BATCH_COST / generating + SEQUENCE_COST
        return guess[:count] if gained > cost * (count + fixed) else ()

    def tried(self, sequence: SequenceState, drafted: int, kept: int) -> None:
        """Count it for the sequence and for the kind of guess."""
        known = self._known[sequence]
        known.record.add(drafted, kept)
        self._records[known.kind].add(drafted, kept)

    def finished(self, sequence: SequenceState) -> None:
        """Let others copy from it."""
        self._known.pop(sequence, None)
        self._finished.append(sequence)

    def _brought_up(self, sequence: SequenceState) -> _Known:
        """The sequence's text, indexed up to its newest token; the pool too."""
        known, prompt = self._known.get(sequence), sequence.group.prompt
        if known is None:
            known = self._known[sequence] = _Known(_Text(list(prompt)))
        known.text.ids += sequence.new[len(known.text.ids) - len(prompt) :]
        known.text.index()
        for other in self._finished:
            if len(self._pool.ids) > POOL_TOKENS:
                self._pool = _Text()
            self._pool.ids += [*other.group.prompt[-SHORTEST_MATCH:], *other.new, BORDER]
        if self._finished:
            self._finished = []
            self._pool.index()
        return known

    def _look_up(self, text: _Text) -> tuple[tuple[str, int] | None, Sequence[int]]:
        for size in range(LONGEST_MATCH, SHORTEST_MATCH - 1, -1):
            run = tuple(text.ids[-size:])
            for where, searched in (("own", text), ("pool", self._pool)):
                if guess := searched.after(run):
                    return (where, size), guess
        return None, ()
