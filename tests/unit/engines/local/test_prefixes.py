"""What prompts have in common is stored once, and nothing is stored that they have not in common."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datatypes import Sampling
from harness.engines.hf.token_jobs import GenerateJob, ScoreJob
from harness.engines.local.prefix_tree import (
    LEAST_LENGTH,
    LEAST_SAVED,
    PrefixNode,
    SequenceGroup,
    assign_prefixes,
    sequence_groups,
)

Ids = tuple[int, ...]
# Runs of ids as few-shot examples are: below and above what is worth sharing, some starting like others
BLOCKS: tuple[Ids, ...] = (
    *(tuple(range(100 * at, 100 * at + length)) for at, length in enumerate((5, 15, 16, 17, 40, 96, 97))),
    tuple(range(500, 560)),
)
TAILS = st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple)
PROMPTS = st.builds(
    lambda blocks, tail: tuple(token for block in blocks for token in block) + tail,
    st.lists(st.sampled_from(BLOCKS), max_size=3),
    TAILS,
)
MANY = st.lists(PROMPTS, min_size=1, max_size=24)


def generation(number: int, ids: Sequence[int]) -> GenerateJob:
    return GenerateJob(f"g{number}", tuple(ids), 4, Sampling(4), number)


def shared(prompts: Sequence[Sequence[int]]) -> list[SequenceGroup]:
    return assign_prefixes(sequence_groups([generation(number, ids) for number, ids in enumerate(prompts)]))


def chain(unit: SequenceGroup) -> list[PrefixNode]:
    return unit.prefix.chain() if unit.prefix else []


def segments(units: Sequence[SequenceGroup]) -> list[PrefixNode]:
    return list({segment: None for unit in units for segment in chain(unit)})


def common(a: Sequence[int], b: Sequence[int]) -> int:
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@given(MANY)
def test_a_units_segments_and_its_own_ids_are_its_prompt(prompts: list[Ids]) -> None:
    units = shared(prompts)
    assert sorted(unit.job.key for unit in units) == sorted(f"g{number}" for number in range(len(prompts)))
    for unit in units:
        assert unit.prompt == prompts[int(unit.job.key[1:])]
        assert sum((segment.ids for segment in chain(unit)), ()) + unit.own == unit.prompt
        assert unit.own, "its last token's logits are needed, so it is computed for itself"
        at = 0
        for parent, segment in zip([None, *chain(unit)], chain(unit), strict=False):
            assert (segment.parent, segment.start) == (parent, at)
            at = segment.end
        assert unit.start == at


@given(MANY)
def test_users_are_counted_and_stand_together(prompts: list[Ids]) -> None:
    units = shared(prompts)
    for segment in segments(units):
        uses = [segment in chain(unit) for unit in units]
        assert segment.users == segment.waiting == sum(uses)
        assert [used for used, _ in groupby(uses)].count(True) == 1, "stored once, let go once"
        assert segment.planned == 0


@given(MANY)
def test_no_segment_costs_more_than_it_saves(prompts: list[Ids]) -> None:
    for segment in segments(shared(prompts)):
        assert len(segment.ids) >= LEAST_LENGTH
        assert len(segment.ids) * (segment.users - 1) >= LEAST_SAVED


@settings(max_examples=200)
@given(MANY)
def test_what_is_worth_sharing_is_shared(prompts: list[Ids]) -> None:
    """By brute force: whatever start any two prompts have, all that have it share it, but for what is not worth it."""
    units = shared(prompts)
    for a in units:
        for b in units:
            depth = min(common(a.prompt, b.prompt), len(a.prompt) - 1, len(b.prompt) - 1)
            users = [unit for unit in units if len(unit.prompt) > depth and unit.prompt[:depth] == a.prompt[:depth]]
            by_all = [segment for segment in chain(a) if all(segment in chain(unit) for unit in users)]
            left = depth - max((segment.end for segment in by_all), default=0)
            assert left < LEAST_LENGTH or left * (len(users) - 1) < LEAST_SAVED or len(users) == 1


def test_few_shot_prompts_of_two_tasks_share_one_segment_each() -> None:
    first, second = tuple(range(80)), tuple(range(1000, 1060))
    units = shared([(*shots, number, number + 1) for number in range(10) for shots in (first, second)])
    assert [segment.ids for segment in segments(units)] in ([first, second], [second, first])
    assert {len(unit.own) for unit in units} == {2}


@pytest.mark.parametrize(
    ("length", "users", "worth"), [(16, 7, True), (16, 6, False), (15, 30, False), (96, 2, True), (95, 2, False)]
)
def test_the_least_that_is_shared(length: int, users: int, worth: bool) -> None:
    start = tuple(range(length))
    units = shared([(*start, 500 + number) for number in range(users)])
    assert [segment.ids for segment in segments(units)] == ([start] if worth else [])
    assert (length >= LEAST_LENGTH and length * (users - 1) >= LEAST_SAVED) == worth


def test_repeats_of_a_long_prompt_share_all_but_its_last_token() -> None:
    prompt = tuple(range(200))
    units = shared([prompt] * 4)
    (segment,) = segments(units)
    assert (segment.ids, segment.users) == (prompt[:-1], 4)
    assert {unit.own for unit in units} == {prompt[-1:]}
    assert segments(shared([prompt])) == [], "one alone shares with nobody"


def test_prompts_that_differ_only_in_their_last_token_share_the_rest() -> None:
    start = tuple(range(100))
    units = shared([(*start, last) for last in (7, 8, 9)])
    assert [segment.ids for segment in segments(units)] == [start]


def test_a_prompt_that_others_start_with_keeps_its_last_token() -> None:
    start = tuple(range(150))
    units = shared([start, (*start, 1, 2), (*start, 1, 3)])
    short = next(unit for unit in units if len(unit.prompt) == 150)
    assert short.own == start[-1:]
    assert chain(short)[0].users == 3


def test_repeats_inside_a_task_share_twice() -> None:
    shots, question = tuple(range(60)), tuple(range(500, 560))
    units = shared([(*shots, *question, 0)] * 4 + [(*shots, 1000 + n, 1) for n in range(6)])
    repeated = next(unit for unit in units if len(unit.prompt) == 121)
    assert [(segment.ids, segment.users) for segment in chain(repeated)] == [(shots, 10), ((*question,), 4)]


def test_the_longest_prompt_under_a_segment_comes_first() -> None:
    shots = tuple(range(120))
    units = shared([(*shots, *[1000 + length] * length) for length in (3, 9, 1, 30)])
    assert [len(unit.own) for unit in units] == [30, 9, 3, 1]


def test_thousands_of_prompts_that_nest_end_in_a_flat_program() -> None:
    whole = tuple(random.Random(0).choices(range(400), k=2500))
    units = shared([whole[: length + 1] for length in range(2500)])
    assert sorted(len(unit.prompt) for unit in units) == list(range(1, 2501))
    longest = max(units, key=lambda unit: len(unit.prompt))
    assert sum(len(segment.ids) for segment in chain(longest)) > 2350
    for unit in units:
        assert unit.start < len(unit.prompt) and unit.prompt == whole[: len(unit.prompt)]


CONTINUATIONS = st.lists(st.integers(0, 1), min_size=1, max_size=3).map(tuple)


@given(st.lists(st.tuples(PROMPTS, CONTINUATIONS), min_size=1, max_size=8))
def test_a_score_job_is_read_once_a_context_and_each_of_its_rows_is_told_once(rows: list[tuple[Ids, Ids]]) -> None:
    units = sequence_groups([ScoreJob("s", tuple(rows))])
    assert len({unit.prompt for unit in units}) == len(units), "one context is read once"
    told = {}
    for unit in units:
        assert len(set(unit.branches)) == len(unit.branches)
        for branch, numbers in zip(unit.branches, unit.rows, strict=True):
            for number in numbers:
                assert number not in told
                told[number] = (unit.prompt, branch)
    assert told == dict(enumerate(rows))
