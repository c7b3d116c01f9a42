"""Attention in pieces equals plain softmax attention over all keys at once, in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engines.local import partial_attention
from harness.engines.local.masks import CAUSAL, MASKED
from harness.engines.local.partial_attention import PartialAttention, partial, plain_partial


@dataclass(frozen=True)
class Shape:
    """Key heads, query heads per key head, widths of keys and of values, and what changes the scores."""

    heads: int = 2
    group: int = 3
    width: int = 8
    value_width: int = 8
    softcap: float | None = None
    sinks: bool = False

    @property
    def scale(self) -> float:
        return self.width**-0.5


SHAPES = {
    "one head a key": Shape(heads=4, group=1),
    "shared keys": Shape(),
    "one key for all": Shape(heads=1, group=4),
    "narrow values": Shape(width=12, value_width=8),
    "softcap": Shape(softcap=3.0),
    "sinks": Shape(sinks=True),
    "all of it": Shape(width=8, value_width=16, softcap=2.0, sinks=True),
}


class Numbers:
    """Random numbers of a seed, in a precision."""

    def __init__(self, seed: int, dtype: torch.dtype = torch.float32) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._dtype = dtype

    def sample(self, *shape: int, spread: float = 1.0) -> torch.Tensor:
        return (torch.randn(*shape, generator=self._generator) * spread).to(self._dtype)

    def keys(self, shape: Shape, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.sample(shape.heads, count, shape.width, spread=2.0), self.sample(
            shape.heads, count, shape.value_width
        )

    def seen(self, queries: int, keys: int) -> torch.Tensor:
        return torch.rand(queries, keys, generator=self._generator) < 0.6


def whole(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    seen: torch.Tensor,
    shape: Shape,
    sinks: torch.Tensor | None = None,
) -> torch.Tensor:
    """The oracle: softmax over all keys [heads, s, width], [T, heads * group, value width]."""
    scores = query.double() @ key.double()[:, None].transpose(-1, -2) * shape.scale
    if shape.softcap is not None:
        scores = torch.tanh(scores / shape.softcap) * shape.softcap
    scores = scores.masked_fill(~seen, -math.inf)
    if sinks is not None:
        # A key that takes its share and has no value
        scores = torch.cat([scores, sinks.double().expand(*scores.shape[:-1])[..., None]], -1)
        value = torch.cat([value, value.new_zeros(shape.heads, 1, shape.value_width)], 1)
    return (scores.softmax(-1) @ value.double()[:, None]).flatten(0, 1).transpose(0, 1)


def additive(seen: torch.Tensor) -> torch.Tensor:
    return torch.zeros(seen.shape).masked_fill_(~seen, MASKED)


def causal(count: int, past: int = 0) -> torch.Tensor:
    return torch.ones(count, past + count, dtype=torch.bool).tril(past)


def step(shape: Shape, seed: int, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch as the engine computes it: the result of the pieces, and of the oracle.

    Tokens 0 to 2 generate, each after a different number of own keys; 3 to 6 are a new prompt; 7 to 9 continue a prompt
    of which 5 tokens are stored, and a window hides some of them. There are two prefix nodes: tokens 0, 1 and 3 to 9
    see all of the first; 3 to 9 see part of the second, and token 5 none of it.
    """
    numbers, count = Numbers(seed, dtype), 10
    query = numbers.sample(shape.heads, shape.group, count, shape.width, spread=2.0)
    sinks = numbers.sample(shape.heads, shape.group, 1) if shape.sinks else None
    lengths = torch.tensor([2, 7, 4])
    rows = [numbers.keys(shape, 7) for _ in lengths]
    fresh, further = numbers.keys(shape, 4), numbers.keys(shape, 8)
    window = causal(3, 5) & ~causal(3, 5).tril(1)
    everyone, some = numbers.keys(shape, 20), numbers.keys(shape, 11)
    partly = numbers.seen(7, 11)
    partly[2] = False

    attention = PartialAttention(query, shape.value_width, shape.scale, shape.softcap)
    places = torch.arange(7)[None] < lengths[:, None]
    stacked = [torch.stack([row[which] for row in rows]) for which in (0, 1)]
    attention.start_slots(stacked[0], stacked[1], additive(places)[:, None, None])
    attention.start_chunk(3, 4, *fresh, CAUSAL)
    attention.start_chunk(7, 3, *further, additive(window))
    attention.add(0, 2, *everyone, None)
    attention.add(3, 10, *everyone, None)
    attention.add(3, 10, *some, additive(partly))
    if sinks is not None:
        attention.sink(sinks)

    # The same without pieces: all keys side by side, and for each token those that it sees
    pieces = [*rows, fresh, further, everyone, some]
    sees = torch.zeros(count, sum(piece[0].shape[1] for piece in pieces), dtype=torch.bool)
    for token in range(3):
        sees[token, 7 * token : 7 * token + int(lengths[token])] = True
    sees[3:7, 21:25], sees[7:10, 25:33] = causal(4), window
    sees[[0, 1, *range(3, 10)], 33:53] = True
    sees[3:10, 53:64] = partly
    key, value = (torch.cat([piece[which] for piece in pieces], 1) for which in (0, 1))
    return attention.result(dtype)[0], whole(query, key, value, sees, shape, sinks)


@pytest.mark.parametrize("name", SHAPES)
def test_a_step_in_pieces_is_the_softmax_over_all_keys(name: str) -> None:
    for seed in range(5):
        got, right = step(SHAPES[name], seed)
        assert got.shape == right.shape == (10, SHAPES[name].heads * SHAPES[name].group, SHAPES[name].value_width)
        assert torch.allclose(got.double(), right, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_costs_no_more_than_its_own_rounding(name: str, dtype: torch.dtype) -> None:
    got, right = step(SHAPES[name], 1, dtype)
    assert got.dtype == dtype
    # Weights and results are rounded once each; values are of the size of 1
    assert float((got.double() - right).abs().max()) < 4 * torch.finfo(dtype).eps


def test_many_tokens_of_many_pieces_are_added_up_without_drift() -> None:
    """A few-shot prefix of 40 pieces: sums stay in float32 whatever the precision of keys."""
    shape, numbers = Shape(), Numbers(0)
    query = numbers.sample(shape.heads, shape.group, 2, shape.width)
    pieces = [numbers.keys(shape, 2), *(numbers.keys(shape, 30) for _ in range(40))]
    attention = PartialAttention(query, shape.value_width, shape.scale, None)
    attention.start_chunk(0, 2, *pieces[0], CAUSAL)
    for piece in pieces[1:]:
        attention.add(0, 2, *piece, None)
    key, value = (torch.cat([piece[which] for piece in pieces], 1) for which in (0, 1))
    sees = torch.ones(2, 1202, dtype=torch.bool)
    sees[0, 1] = False
    assert torch.allclose(attention.result(torch.float32)[0].double(), whole(query, key, value, sees, shape), atol=1e-6)


def test_a_piece_of_which_nothing_is_seen_adds_nothing_and_no_nonsense() -> None:
    shape, numbers = Shape(), Numbers(3)
    query = numbers.sample(shape.heads, shape.group, 3, shape.width)
    own, hidden = numbers.keys(shape, 3), numbers.keys(shape, 9)
    with_it, without = (PartialAttention(query, shape.value_width, shape.scale, None) for _ in range(2))
    for attention in (with_it, without):
        attention.start_chunk(0, 3, *own, CAUSAL)
    with_it.add(0, 3, hidden[0], hidden[1] * 1e6, additive(torch.zeros(3, 9, dtype=torch.bool)))
    assert torch.equal(with_it.result(torch.float32), without.result(torch.float32))


def test_large_scores_stay_numbers() -> None:
    """Scores of several hundred: exponentials of them would not be numbers, differences are."""
    shape, numbers = Shape(), Numbers(4)
    query = numbers.sample(shape.heads, shape.group, 2, shape.width, spread=60.0)
    own, more = numbers.keys(shape, 2), numbers.keys(shape, 12)
    attention = PartialAttention(query, shape.value_width, shape.scale, None)
    attention.start_chunk(0, 2, *own, CAUSAL)
    attention.add(0, 2, *more, None)
    key, value = (torch.cat([own[which], more[which]], 1) for which in (0, 1))
    sees = torch.cat([causal(2), torch.ones(2, 12, dtype=torch.bool)], 1)
    assert torch.allclose(attention.result(torch.float32)[0].double(), whole(query, key, value, sees, shape), atol=1e-4)


BIASES = st.sampled_from(("none", "causal", "mask", "one mask a row", "rows see nothing"))


@settings(max_examples=60, deadline=None)
@given(
    BIASES,
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 40), st.integers(1, 70)),
    st.sampled_from((4, 8, 20, 64)),
    st.sampled_from((torch.float32, torch.bfloat16)),
    st.integers(0, 3),
)
def test_torchs_kernel_and_plain_products_agree_with_softmax(
    kind: str, sizes: tuple[int, int, int, int], width: int, dtype: torch.dtype, seed: int
) -> None:
    a, b, count, keys = sizes
    keys = count if kind == "causal" else keys
    numbers = Numbers(seed, dtype)
    query, key, value = (numbers.sample(a, b, n, width) for n in (count, keys, keys))
    seen = {
        "none": torch.ones(count, keys, dtype=torch.bool),
        "causal": causal(count),
        "mask": numbers.seen(count, keys),
        "one mask a row": numbers.seen(a, keys)[:, None, None],
        "rows see nothing": numbers.seen(count, keys) & (torch.arange(count) % 2 == 0)[:, None],
    }[kind]
    bias = {"none": None, "causal": CAUSAL}.get(kind, additive(seen))
    scores = (query.double() @ key.double().transpose(-1, -2) / width**0.5).masked_fill(~seen, -math.inf)
    right, total = scores.softmax(-1) @ value.double(), scores.logsumexp(-1)
    some = total.isfinite()
    close = {"atol": 2e-6, "rtol": 1e-5} if dtype == torch.float32 else {"atol": 0.03, "rtol": 0.03}
    for output, logsumexp in (
        partial(query, key, value, bias, width**-0.5),
        plain_partial(query, key, value, bias, width**-0.5, None),
    ):
        assert output.dtype == logsumexp.dtype == torch.float32
        assert bool(output.isfinite().all())
        assert bool((logsumexp[~some] < MASKED / 2).all()), "a row that sees nothing weighs nothing"
        assert torch.allclose(logsumexp[some].double(), total[some], **close)
        assert torch.allclose(output[some].double(), right[some], **close)


@pytest.mark.parametrize("bias", ["none", "causal", "mask"])
@pytest.mark.parametrize("softcap", [None, 2.0])
def test_long_prompts_are_taken_in_parts_that_change_nothing(
    bias: str, softcap: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = Numbers(0)
    query, key, value = numbers.sample(2, 3, 50, 8), numbers.sample(2, 3, 50, 8), numbers.sample(2, 3, 50, 6)
    given_bias = {"none": None, "causal": CAUSAL, "mask": additive(numbers.seen(50, 50))}[bias]
    at_once = plain_partial(query, key, value, given_bias, 0.3, softcap)
    # 7 queries at a time, so the last part is a short one
    monkeypatch.setattr(partial_attention, "MOST_SCORES", 2 * 3 * 50 * 7)
    for one, other in zip(plain_partial(query, key, value, given_bias, 0.3, softcap), at_once, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
