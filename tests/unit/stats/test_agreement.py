"""Agreement of answers against counting pairs and subsets."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.agreement import modal_share_at_k, pairwise_agreement

answers = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=2, max_size=7)


@settings(deadline=None)
@given(answers)
def test_agreement_is_the_share_of_equal_pairs(given_: list[str | None]) -> None:
    pairs = list(combinations(given_, 2))
    equal = sum(first == second and first is not None for first, second in pairs)
    assert pairwise_agreement(given_) == pytest.approx(equal / len(pairs), abs=1e-15)


@settings(deadline=None)
@given(answers, st.data())
def test_the_modal_share_is_the_mean_over_all_subsets(given_: list[str | None], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(given_)))
    shares = [
        max(Counter(one for one in chosen if one is not None).values(), default=0) / k
        for chosen in combinations(given_, k)
    ]
    assert modal_share_at_k(given_, k) == pytest.approx(math.fsum(shares) / len(shares), abs=1e-12)


def test_agreement_is_unbiased_whatever_the_number_of_answers() -> None:
    """A model that answers a, b, c with .5, .3, .2 agrees with itself .38 of the time."""
    chances = {"a": 0.5, "b": 0.3, "c": 0.2}
    for n in (2, 3, 5):
        mean = math.fsum(
            math.prod(chances[one] for one in drawn) * pairwise_agreement(drawn) for drawn in product("abc", repeat=n)
        )
        assert mean == pytest.approx(0.38, abs=1e-12)


def test_two_tries_without_answer_do_not_agree() -> None:
    assert pairwise_agreement([None, None]) == 0.0
    assert modal_share_at_k([None, None], 2) == 0.0
    assert modal_share_at_k(["7", None, "7", "8"], 4) == 0.5


def test_many_answers_are_averaged_without_enumeration() -> None:
    """C(64, 32) is 1.8e18 subsets; eight answers of eight each can reach no more than 8 of 32."""
    share = modal_share_at_k([str(i % 8) for i in range(64)], 32)
    assert 1 / 8 < share < 8 / 32


def test_too_few_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        pairwise_agreement(["a"])
    with pytest.raises(ValueError, match="k must lie between 1 and n=1"):
        modal_share_at_k(["a"], 2)
