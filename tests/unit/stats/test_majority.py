"""The majority vote against voting in every subset."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.majority import majority_at_k

votes = st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=8)
WORTH = {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.3, None: 0.0}


def winner_worth(ballot: tuple[str | None, ...]) -> float:
    counts = Counter(answer for answer in ballot if answer is not None)
    if not counts:
        return 0.0
    tied = [answer for answer, count in counts.items() if count == max(counts.values())]
    return sum(WORTH[answer] for answer in tied) / len(tied)


@settings(deadline=None)
@given(votes, st.data())
def test_it_is_the_mean_winner_over_all_subsets(answers: list[str | None], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(answers)))
    ballots = list(combinations(answers, k))
    expected = sum(map(winner_worth, ballots)) / len(ballots)
    value = majority_at_k(answers, [WORTH[answer] for answer in answers], k)
    assert value == pytest.approx(expected, abs=1e-12)
    assert 0 <= value <= 1  # a rounding step above 1 would spoil the interval


def test_three_agreeing_out_of_five_win() -> None:
    assert majority_at_k(["7", "8", "7", "9", "7"], [1, 0, 1, 0, 1], 5) == 1.0


def test_a_tie_is_shared_and_silence_casts_no_vote() -> None:
    assert majority_at_k(["7", "8", None, None, None], [1, 0, 0, 0, 0], 5) == 0.5
    assert majority_at_k([None, None], [0, 0], 2) == 0.0


def test_a_vote_of_one_is_the_plain_mean() -> None:
    assert majority_at_k(["7", "8", "9", None], [1, 0, 0, 0], 1) == pytest.approx(0.25)


def test_many_answers_are_averaged_without_enumeration() -> None:
    """C(64, 32) is 1.8e18 subsets; of eight answers, each given eight times, each wins an eighth of them."""
    answers = [str(i % 8) for i in range(64)]
    assert majority_at_k(answers, [float(answer == "0") for answer in answers], 32) == pytest.approx(1 / 8)


@pytest.mark.parametrize("k", [0, 3])
def test_more_votes_than_answers_are_refused(k: int) -> None:
    with pytest.raises(ValueError, match="k must lie between 1 and n=2"):
        majority_at_k(["a", "b"], [1, 0], k)
