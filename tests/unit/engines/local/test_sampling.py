"""Which tokens are sampled, and how often: compared with softmax and with transformers' own filters."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
import torch
from scipy import stats
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from harness.datatypes import Sampling
from harness.engines.local.sampling import FEW_SORTED, FIRST_SORTED, choose, uniform

# More than are sorted at first, so that flat rows need the rest
VOCABULARY = 2 * FIRST_SORTED


def sampling(temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0) -> Sampling:
    return Sampling(9, temperature=temperature, top_p=top_p, top_k=top_k)


def row(spread: float, seed: int = 0, size: int = VOCABULARY) -> torch.Tensor:
    """Random logits: `spread` 0.1 is nearly flat, 5 has a few likely tokens."""
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * spread


def wanted(logits: torch.Tensor, settings: Sampling) -> torch.Tensor:
    """The oracle: each token's probability after transformers' own filters, in its order."""
    scores = logits.double()[None]
    warpers = [TemperatureLogitsWarper(settings.temperature)]
    if settings.top_k:
        warpers.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        warpers.append(TopPLogitsWarper(settings.top_p))
    for warper in warpers:
        scores = warper(torch.zeros(1, 0, dtype=torch.long), scores)
    return scores.softmax(-1)[0]


def shares(logits: torch.Tensor, settings: Sampling, count: int) -> torch.Tensor:
    """How many of `count` evenly spread numbers choose each token: its probability, without chance."""
    numbers = [(at + 0.5) / count for at in range(count)]
    found = []
    for start in range(0, count, 2048):
        part = numbers[start : start + 2048]
        found.append(choose(logits.expand(len(part), -1), [settings] * len(part), part))
    return torch.cat(found).bincount(minlength=len(logits)).double() / count


FILTERS = [
    sampling(),
    sampling(0.3),
    sampling(2.5),
    sampling(top_p=0.9),
    sampling(top_p=0.5),
    sampling(0.7, top_p=0.95),
    sampling(top_p=0.001),
    sampling(top_k=1),
    sampling(top_k=40),
    sampling(top_k=FIRST_SORTED + 100),
    sampling(top_k=3 * VOCABULARY),
    sampling(1.5, top_p=0.8, top_k=20),
    sampling(top_p=0.99, top_k=FIRST_SORTED + 300),
]


@pytest.mark.parametrize("spread", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("settings", FILTERS, ids=lambda one: f"t{one.temperature}-p{one.top_p}-k{one.top_k}")
def test_the_same_tokens_are_left_with_the_same_probabilities_as_in_transformers(
    settings: Sampling, spread: float
) -> None:
    logits, count = row(spread), 2**11
    right, found = wanted(logits, settings), shares(logits, settings, count)
    # A token's numbers are one interval: their count is off by less than one, its border's rounding aside
    assert float((found - right).abs().max()) <= 1.01 / count
    assert not bool((found > 0)[right == 0].any()), "a token that is filtered out is never drawn"
    assert bool((found > 0)[right > 1.01 / count].all()), "a token that is left is drawn"


@pytest.mark.parametrize("top_k", [20, FEW_SORTED, FEW_SORTED + 1, FIRST_SORTED, FIRST_SORTED + 1])
def test_what_equals_the_last_of_the_likeliest_stays_as_in_transformers(top_k: int) -> None:
    """Half precision gives equal logits; which of them are left must not be left to a sort."""
    logits = (row(1.0) * 4).round() / 4
    right, found = wanted(logits, sampling(top_k=top_k)), shares(logits, sampling(top_k=top_k), 2**13)
    assert int((right > 0).sum()) > top_k, "choose other logits: none are equal there"
    assert torch.equal(found > 0, right > 0)


@pytest.mark.parametrize("settings", [sampling(), sampling(0.7), sampling(1.3, top_p=0.9), sampling(top_k=6)])
def test_tokens_come_as_often_as_they_are_likely(settings: Sampling) -> None:
    """Chi-square of 4000 draws with the numbers that requests really get."""
    logits, count = row(1.5, size=12), 4000
    numbers = [uniform(seed, number) for seed in range(40) for number in range(count // 40)]
    sampled = choose(logits.expand(count, -1), [settings] * count, numbers).bincount(minlength=12).double()
    right = wanted(logits, settings) * count
    kept = right > 0
    assert float(sampled[~kept].sum()) == 0
    _, chance = stats.chisquare(sampled[kept].numpy(), right[kept].numpy())
    assert chance > 0.01


def test_numbers_of_requests_are_even_and_their_own() -> None:
    numbers = [uniform(seed, number) for seed in range(100) for number in range(100)]
    assert all(0 <= one < 1 for one in numbers)
    assert stats.kstest(numbers, "uniform").pvalue > 0.01
    assert len({*numbers}) > 9_990, "neither seeds nor places share numbers"
    assert uniform(3, 4) == uniform(3, 4)
    following = stats.pearsonr(numbers[:-1], numbers[1:])
    assert abs(following.statistic) < 0.03


def test_the_borders_of_chance_still_choose_a_likely_token() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 1.0, -torch.inf]] * 2)
    for settings in (sampling(), sampling(top_p=0.99), sampling(top_k=2), sampling(top_k=4, top_p=0.999)):
        assert {*choose(logits, [settings] * 2, [0.0, 1 - 2**-32]).tolist()} <= {1, 2}


def test_greedy_rows_take_the_likeliest_whatever_stands_beside_them() -> None:
    logits = torch.stack([row(1.0, seed) for seed in range(6)])
    settings = [sampling(0.0), sampling(), sampling(0.0), sampling(top_k=3), sampling(0.0), sampling(top_p=0.2)]
    chosen = choose(logits, settings, [0.999] * 6)
    for at in (0, 2, 4):
        assert int(chosen[at]) == int(logits[at].argmax())
    # A nucleus smaller than the likeliest token holds that one
    assert int(choose(logits[:1], [sampling(top_p=1e-6)], [0.999])[0]) == int(logits[0].argmax())


def neighbours(rng: random.Random) -> list[tuple[torch.Tensor, Sampling]]:
    """Rows of all kinds: greedy, unfiltered, filtered, flat and steep, some with equal logits."""
    found = []
    for number in range(rng.randint(1, 40)):
        logits = row(rng.choice((0.1, 1.0, 5.0)), seed=number)
        if rng.random() < 0.3:
            # As half precision gives them: many are equal
            logits = logits.bfloat16().float()
        found.append((logits, rng.choice([sampling(0.0), *FILTERS])))
    return found


@pytest.mark.parametrize("settings", FILTERS, ids=lambda one: f"t{one.temperature}-p{one.top_p}-k{one.top_k}")
@pytest.mark.parametrize("equal", [False, True], ids=["apart", "equal logits"])
def test_a_token_depends_on_its_own_row_alone(settings: Sampling, equal: bool) -> None:
    rng = random.Random(f"{settings} {equal}")
    numbers = [uniform(5, number) for number in range(30)]
    for spread in (0.1, 1.0, 5.0):
        mine = row(spread, seed=77)
        mine = mine.bfloat16().float() if equal else mine
        for number in numbers[:10]:
            (alone,) = choose(mine[None], [settings], [number]).tolist()
            others: Sequence[tuple[torch.Tensor, Sampling]] = neighbours(rng)
            place = rng.randint(0, len(others))
            rows = [*others[:place], (mine, settings), *others[place:]]
            chances = [rng.random() for _ in rows]
            chances[place] = number
            beside = choose(torch.stack([one for one, _ in rows]), [one for _, one in rows], chances)
            assert int(beside[place]) == alone
