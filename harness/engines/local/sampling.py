"""Choosing tokens from logits: greedy, or by temperature, top-k and top-p with one random number a token.

The random number comes from the request's own seed and the token's number, so a text depends on neither the batch nor
the order of its rows. The filters are those of transformers, in its order: temperature, then the `top_k` likeliest,
then the fewest likeliest whose probability reaches `top_p` (Holtzman et al. 2020), then the rest scaled to one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

from harness.datatypes import Sampling

# Most of the probability that a filter may keep lies in so many tokens; a row that needs more is sorted whole
FIRST_SORTED = 512


def uniform(seed: int, number: int) -> float:
    """A number in [0, 1) for token `number` of the request with `seed`."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 32) / 2**32


def choose(logits: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]) -> torch.Tensor:
    """Token ids [rows] out of logits [rows, vocabulary]; `numbers` are uniform in [0, 1), idle in greedy rows."""
    chosen = logits.argmax(-1)
    warm = [row for row, sampling in enumerate(samplings) if sampling.temperature > 0]
    for start in range(0, len(warm), 32):
        part = warm[start : start + 32]
        picked = _draw(logits[part].float(), [samplings[row] for row in part], [numbers[row] for row in part])
        chosen[torch.tensor(part, device=chosen.device)] = picked
    return chosen


def _draw(logits: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]) -> torch.Tensor:
    device, size = logits.device, logits.shape[-1]
    temperature = torch.tensor([one.temperature for one in samplings], device=device)
    probs = (logits / temperature[:, None]).softmax(-1)
    top_k = torch.tensor([min(one.top_k or size, size) for one in samplings], device=device)
    top_p = torch.tensor([one.top_p for one in samplings], device=device, dtype=torch.float64)
    if all(one.top_p >= 1 and not one.top_k for one in samplings):
        return _pick(probs.double().cumsum(-1), numbers)
    sorted_count = min(size, max([FIRST_SORTED, *(one.top_k for one in samplings)]))
    values, ids = probs.topk(sorted_count, dim=-1)
    covered = values.double().sum(-1)
    if sorted_count < size and bool(((covered < top_p) & (top_k > sorted_count)).any()):
        values, ids = probs.sort(-1, descending=True)
    values = values.double()
    ranks = torch.arange(values.shape[-1], device=device)
    values = torch.where(ranks < top_k[:, None], values, 0.0)
    values /= values.sum(-1, keepdim=True) if bool((top_k < size).any()) else 1.0
    before = values.cumsum(-1) - values
    values = torch.where(before < top_p[:, None], values, 0.0)
    return ids.gather(-1, _pick(values.cumsum(-1), numbers)[:, None])[:, 0]


def _pick(cumulative: torch.Tensor, numbers: Sequence[float]) -> torch.Tensor:
    """First place at which the running sum [rows, n] exceeds each row's number, as a share of its whole sum."""
    wanted = torch.tensor(numbers, device=cumulative.device, dtype=torch.float64)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, wanted, right=True)[:, 0].clamp_(max=cumulative.shape[-1] - 1)
