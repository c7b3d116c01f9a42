"""Sets keep their order on the way between a candidate and its tests: as CPython has it in one process."""

from __future__ import annotations

import random
from typing import Any

import pytest

from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox
from harness.execution.inside import values

# Built in ways that leave other tables behind: growth, merging, copying, difference, removal. Integers, whose hashes
# are the same in every process.
HISTORIES = {
    "one by one": lambda pool: set(pool),
    "copied": lambda pool: set(frozenset(pool)),
    "frozen": lambda pool: frozenset(pool),
    "frozen copy": lambda pool: frozenset(set(pool)),
    "merged": lambda pool: set(pool) | set(pool[:3]) | {1, 9, 17},
    "cut": lambda pool: set(pool) - set(pool[: len(pool) // 3]),
    "emptied": lambda pool: without(set(pool), pool[::2]),
}


def without(value: set[int], gone: list[int]) -> set[int]:
    for element in gone[: len(value) - 1]:
        value.discard(element)
    return value


def travelled(value: Any) -> Any:
    return values.decode(
        values.encode(value, lambda element: pytest.fail(f"{element!r} is plain data")), lambda *_: None
    )


@pytest.mark.parametrize("history", HISTORIES)
def test_a_set_arrives_in_its_order(history: str) -> None:
    random_numbers = random.Random(history)
    for _ in range(300):
        span = random_numbers.choice((10, 60, 1000, 10**9))
        pool = [random_numbers.randrange(-span, span) for _ in range(random_numbers.choice((1, 3, 4, 5, 9, 18, 30)))]
        built = HISTORIES[history](pool)
        arrived = travelled(built)
        assert type(arrived) is type(built)
        assert list(arrived) == list(built), pool


def test_sets_within_other_values_keep_their_order() -> None:
    inner = frozenset(range(0, 160, 16))
    value = ({"k": ([{8, 0, 16}], (inner,))}, {inner, frozenset({7, 15})}, {inner: {33, 1}})
    assert str(travelled(value)) == str(value)


@pytest.mark.parametrize(
    "written",
    [
        '{"w":["s",1073741824,[],[1]]}',
        '{"w":["s",16,[99],[1]]}',
        '{"w":["s",16,[1.5],[1]]}',
        '{"w":["s",-8,[],[1]]}',
        '{"w":["s",24,[],[1]]}',
        '{"w":["s",8,[],[1,2,3,4,5,6]]}',
        '{"w":["s",16,[1,2,3,4,5,6,7,8,9,10],[1]]}',
        '{"w":["f",16,[1],[1]]}',
        '{"w":["q",16,[],[1]]}',
        '{"w":["s",16,[],[{"l":[]}]]}',
        '{"w":[]}',
    ],
)
def test_a_forged_table_is_no_value(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        values.decode(written, lambda *_: None)


PROGRAM = "def order(s): return list(s)\ndef same(s): return s\ndef grow(s, more): s.update(more)\n"
TESTS = """
words = {"one", "two", "three", "four", "five", "six", "seven"}
for s in ({12, 13, 14, 15, 16}, {15, 7}, words, set(words), frozenset(words), {(1, 2), (3, 4), (-5, 6)}, {None, 2}):
    assert order(s) == list(s) == list(same([s])[0])
mine, twin = {1, 2, 3}, {1, 2, 3}
grow(mine, [67, 19, 35, 51]), twin.update([67, 19, 35, 51])
assert list(mine) == list(twin)
"""


def test_tests_and_candidate_see_one_order(sandbox: Sandbox) -> None:
    verdict = sandbox.run(Job(PROGRAM, Tests("python", tests=TESTS)), Limits())
    assert verdict.status == "passed", verdict


def test_the_order_of_a_set_is_not_the_tests_to_give(sandbox: Sandbox) -> None:
    """CPython iterates over this display from 16 on, and so must a candidate that takes it as it comes."""
    tests = "assert order({12, 13, 14, 15, 16}) == [12, 13, 14, 15, 16]"
    assert sandbox.run(Job(PROGRAM, Tests("python", tests=tests)), Limits()).status == "failed"
    tests = "assert order({12, 13, 14, 15, 16}) == [16, 12, 13, 14, 15]"
    assert sandbox.run(Job(PROGRAM, Tests("python", tests=tests)), Limits()).status == "passed"
