"""What prompt lookup guesses, and when it does not: a guess that seldom comes true is soon made no more."""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.datatypes import Sampling
from harness.engines.hf.token_jobs import GenerateJob
from harness.engines.local.drafting import MOST_TOKENS, PromptLookup
from harness.engines.local.prefix_tree import SequenceGroup, SequenceState


def started(prompt: Sequence[int], new: Sequence[int] = ()) -> SequenceState:
    job = GenerateJob("g", tuple(prompt), 1000, Sampling(1000), 0)
    return SequenceState(SequenceGroup(job, job.ids), [*prompt, *new], new=list(new))


def written(
    lookup: PromptLookup, sequence: SequenceState, text: Sequence[int], generating: int
) -> tuple[int, int, int]:
    """Let a model that writes `text` run; return batches, tokens guessed, guessed tokens that came true."""
    batches = guessed = kept = 0
    while len(sequence.new) < len(text):
        rest = text[len(sequence.new) :]
        draft = lookup.draft(sequence, generating, len(rest) - 1)
        assert len(draft) <= min(MOST_TOKENS, max(0, len(rest) - 1))
        right = next((n for n, token in enumerate(draft) if token != rest[n]), len(draft))
        if draft:
            lookup.tried(sequence, len(draft), right)
        sequence.new += rest[: right + 1]
        sequence.ids += rest[: right + 1]
        batches, guessed, kept = batches + 1, guessed + len(draft), kept + right
    lookup.finished(sequence)
    return batches, guessed, kept


def test_a_text_that_copies_its_prompt_takes_a_fraction_of_the_batches() -> None:
    prompt = random.Random(0).sample(range(1000), 300)
    batches, guessed, kept = written(PromptLookup(16), started(prompt), prompt[50:250], 1)
    assert batches < 200 / 8 and kept == guessed


def test_a_completion_is_copied_from_one_that_has_finished() -> None:
    rng = random.Random(1)
    text = rng.sample(range(1000), 200)
    lookup = PromptLookup(16)
    assert written(lookup, started([1, 2, 3]), text, 1) == (200, 0, 0), "nothing repeats"
    assert written(lookup, started([4, 5, 6]), text, 1)[0] < 200 / 8


def test_nothing_is_copied_across_the_border_of_two_completions() -> None:
    lookup = PromptLookup(16)
    lookup.finished(started([1], [10, 11, 12, 13]))
    lookup.finished(started([1], [20, 21, 22]))
    assert list(lookup.draft(started([5], [10, 11]), 1, 9)) == [12, 13]
    assert list(lookup.draft(started([5], [12, 13]), 1, 9)) == []


def test_guesses_that_never_come_true_end_soon() -> None:
    """Every pair of tokens occurred before and was followed by something else each time."""
    rng = random.Random(2)
    text = [rng.randrange(12) for _ in range(4000)]
    for generating, most in ((1, 0.06), (4, 0.06), (8, 0.06)):
        _, guessed, kept = written(PromptLookup(16), started([0, 1, 2]), text, generating)
        assert guessed - kept < most * len(text), (generating, guessed, kept)


def test_many_sequences_leave_no_room_for_guesses() -> None:
    lookup, sequence = PromptLookup(16), started([1, 2, 3, 4, 1, 2])
    assert list(lookup.draft(sequence, 1, 3)) or list(lookup.draft(sequence, 1, 4))
    assert not lookup.draft(sequence, 17, 9)
    assert not lookup.draft(sequence, 1, 0)
