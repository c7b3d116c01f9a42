"""The common prefixes of prompts are stored once, and nothing else is."""

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
# Runs of ids as few-shot examples are: longer and shorter than what is worth sharing, some with a common prefix
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


def chain(group: SequenceGroup) -> list[PrefixNode]:
    return group.prefix.chain() if group.prefix else []


def nodes(groups: Sequence[SequenceGroup]) -> list[PrefixNode]:
    return list({node: None for group in groups for node in chain(group)})


def common(a: Sequence[int], b: Sequence[int]) -> int:
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@given(MANY)
def test_a_units_segments_and_its_own_ids_are_its_prompt(prompts: list[Ids]) -> None:
    groups = shared(prompts)
    assert sorted(group.job.key for group in groups) == sorted(f"g{number}" for number in range(len(prompts)))
    for group in groups:
        assert group.prompt == prompts[int(group.job.key[1:])]
        assert sum((node.ids for node in chain(group)), ()) + group.suffix == group.prompt
        assert group.suffix, "its last token's logits are needed, so it is computed for itself"
        at = 0
        for parent, node in zip([None, *chain(group)], chain(group), strict=False):
            assert (node.parent, node.start) == (parent, at)
            at = node.end
        assert group.start == at


@given(MANY)
def test_users_are_counted_and_stand_together(prompts: list[Ids]) -> None:
    groups = shared(prompts)
    for node in nodes(groups):
        uses = [node in chain(group) for group in groups]
        assert node.users == node.waiting == sum(uses)
        assert [used for used, _ in groupby(uses)].count(True) == 1, "stored once, let go once"
        assert node.planned == 0


@given(MANY)
def test_no_segment_costs_more_than_it_saves(prompts: list[Ids]) -> None:
    for node in nodes(shared(prompts)):
        assert len(node.ids) >= LEAST_LENGTH
        assert len(node.ids) * (node.users - 1) >= LEAST_SAVED


@settings(max_examples=200)
@given(MANY)
def test_what_is_worth_sharing_is_shared(prompts: list[Ids]) -> None:
    """By brute force: a prefix of any two prompts is shared by all prompts that have it, if that is worth it."""
    groups = shared(prompts)
    for a in groups:
        for b in groups:
            depth = min(common(a.prompt, b.prompt), len(a.prompt) - 1, len(b.prompt) - 1)
            users = [
                group for group in groups if len(group.prompt) > depth and group.prompt[:depth] == a.prompt[:depth]
            ]
            by_all = [node for node in chain(a) if all(node in chain(group) for group in users)]
            left = depth - max((node.end for node in by_all), default=0)
            assert left < LEAST_LENGTH or left * (len(users) - 1) < LEAST_SAVED or len(users) == 1


def test_few_shot_prompts_of_two_tasks_share_one_segment_each() -> None:
    first, second = tuple(range(80)), tuple(range(1000, 1060))
    groups = shared([(*shots, number, number + 1) for number in range(10) for shots in (first, second)])
    assert [node.ids for node in nodes(groups)] in ([first, second], [second, first])
    assert {len(group.suffix) for group in groups} == {2}


@pytest.mark.parametrize(
    ("length", "users", "worth"), [(16, 7, True), (16, 6, False), (15, 30, False), (96, 2, True), (95, 2, False)]
)
def test_the_least_that_is_shared(length: int, users: int, worth: bool) -> None:
    start = tuple(range(length))
    groups = shared([(*start, 500 + number) for number in range(users)])
    assert [node.ids for node in nodes(groups)] == ([start] if worth else [])
    assert (length >= LEAST_LENGTH and length * (users - 1) >= LEAST_SAVED) == worth


def test_repeats_of_a_long_prompt_share_all_but_its_last_token() -> None:
    prompt = tuple(range(200))
    groups = shared([prompt] * 4)
    (node,) = nodes(groups)
    assert (node.ids, node.users) == (prompt[:-1], 4)
    assert {group.suffix for group in groups} == {prompt[-1:]}
    assert nodes(shared([prompt])) == [], "a prompt alone shares nothing"


def test_prompts_that_differ_only_in_their_last_token_share_the_rest() -> None:
    start = tuple(range(100))
    groups = shared([(*start, last) for last in (7, 8, 9)])
    assert [node.ids for node in nodes(groups)] == [start]


def test_a_prompt_that_others_start_with_keeps_its_last_token() -> None:
    start = tuple(range(150))
    groups = shared([start, (*start, 1, 2), (*start, 1, 3)])
    short = next(group for group in groups if len(group.prompt) == 150)
    assert short.suffix == start[-1:]
    assert chain(short)[0].users == 3


def test_repeats_inside_a_task_share_twice() -> None:
    shots, question = tuple(range(60)), tuple(range(500, 560))
    groups = shared([(*shots, *question, 0)] * 4 + [(*shots, 1000 + n, 1) for n in range(6)])
    repeated = next(group for group in groups if len(group.prompt) == 121)
    assert [(node.ids, node.users) for node in chain(repeated)] == [(shots, 10), ((*question,), 4)]


def test_the_longest_prompt_under_a_segment_comes_first() -> None:
    shots = tuple(range(120))
    groups = shared([(*shots, *[1000 + length] * length) for length in (3, 9, 1, 30)])
    assert [len(group.suffix) for group in groups] == [30, 9, 3, 1]


def test_thousands_of_prompts_that_nest_end_in_a_flat_program() -> None:
    whole = tuple(random.Random(0).choices(range(400), k=2500))
    groups = shared([whole[: length + 1] for length in range(2500)])
    assert sorted(len(group.prompt) for group in groups) == list(range(1, 2501))
    longest = max(groups, key=lambda group: len(group.prompt))
    assert sum(len(node.ids) for node in chain(longest)) > 2350
    for group in groups:
        assert group.start < len(group.prompt) and group.prompt == whole[: len(group.prompt)]


CONTINUATIONS = st.lists(st.integers(0, 1), min_size=1, max_size=3).map(tuple)


@given(st.lists(st.tuples(PROMPTS, CONTINUATIONS), min_size=1, max_size=8))
def test_a_score_job_is_read_once_a_context_and_each_of_its_rows_is_told_once(rows: list[tuple[Ids, Ids]]) -> None:
    groups = sequence_groups([ScoreJob("s", tuple(rows))])
    assert len({group.prompt for group in groups}) == len(groups), "one context is read once"
    by_number = {}
    for group in groups:
        assert len(set(group.branches)) == len(group.branches)
        for branch, numbers in zip(group.branches, group.row_numbers, strict=True):
            for number in numbers:
                assert number not in by_number
                by_number[number] = (group.prompt, branch)
    assert by_number == dict(enumerate(rows))
