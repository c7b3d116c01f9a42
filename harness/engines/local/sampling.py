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
from harness.engines.hf.token_jobs import GenerateJob
from harness.engines.local.prefix_tree import SequenceState

# Most of the probability that a filter may keep lies in so many tokens; a row that needs more is sorted whole
FIRST_SORTED = 512
# Rows whose probabilities are held in float64 at once
ROWS_AT_ONCE = 32


def uniform(seed: int, number: int) -> float:
    """A number in [0, 1) for token `number` of the request with `seed`."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 32) / 2**32


def choose(logits: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]) -> torch.Tensor:
    """Token ids [rows] out of logits [rows, vocabulary]; `numbers` are uniform in [0, 1), idle in greedy rows."""
    chosen = logits.argmax(-1)
    for pick, group in ((_draw_from_all, _unfiltered), (_draw_filtered, _filtered)):
        rows = [row for row, sampling in enumerate(samplings) if group(sampling)]
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            temperature = torch.tensor([samplings[row].temperature for row in part], device=logits.device)
            probs = (logits[part].float() / temperature[:, None]).softmax(-1)
            sampled = pick(probs, [samplings[row] for row in part], [numbers[row] for row in part])
            chosen[torch.tensor(part, device=chosen.device)] = sampled
    return chosen


def _unfiltered(sampling: Sampling) -> bool:
    return sampling.temperature > 0 and sampling.top_p >= 1 and not sampling.top_k


def _filtered(sampling: Sampling) -> bool:
    return sampling.temperature > 0 and not _unfiltered(sampling)


def _draw_from_all(probs: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]) -> torch.Tensor:
    return _pick(probs.double().cumsum(-1), numbers)


def _draw_filtered(probs: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]) -> torch.Tensor:
    """Sort no further than a row needs, which depends on the row alone: ties break the same way in any batch."""
    size = probs.shape[-1]
    most = min(FIRST_SORTED, size)
    values, ids = probs.topk(most, dim=-1)
    covered = values.double().sum(-1).tolist()
    place = torch.tensor([max(1, min(one.top_k, most)) - 1 for one in samplings], device=probs.device)
    parted = (values.gather(-1, place[:, None])[:, 0] > values[:, -1]).tolist()
    enough = [
        most == size or (is_parted if one.top_k else assign_prefixes >= one.top_p)
        for one, assign_prefixes, is_parted in zip(samplings, covered, parted, strict=True)
    ]
    sampled = ids.new_empty(len(samplings))
    for done in (True, False):
        rows = [row for row, is_enough in enumerate(enough) if is_enough is done]
        if rows:
            index = torch.tensor(rows, device=probs.device)
            kept, order = (values[index], ids[index]) if done else _sorted(probs[index])
            sampled[index] = _nucleus(kept, order, [samplings[row] for row in rows], [numbers[row] for row in rows])
    return sampled


def _sorted(probs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    values, ids = torch.sort(probs, dim=-1, descending=True, stable=True)
    return values, ids


def _nucleus(
    values: torch.Tensor, ids: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]
) -> torch.Tensor:
    """Draw from sorted probabilities [rows, n] of token `ids`, after top-k and top-p."""
    values = values.double()
    size = values.shape[-1]
    top_k = torch.tensor([min(one.top_k or size, size) for one in samplings], device=values.device)
    top_p = torch.tensor([one.top_p for one in samplings], device=values.device, dtype=torch.float64)
    # What equals the last of the likeliest stays, as in transformers
    values = torch.where(values >= values.gather(-1, top_k[:, None] - 1), values, 0.0)
    # Top-p is a share of what top-k left, and without top-k of everything
    whole = torch.tensor([bool(one.top_k) for one in samplings], device=values.device)
    values = values / torch.where(whole, values.sum(-1), 1.0)[:, None]
    before = values.cumsum(-1) - values
    values = torch.where(before < top_p[:, None], values, 0.0)
    return ids.gather(-1, _pick(values.cumsum(-1), numbers)[:, None])[:, 0]


def _pick(cumulative: torch.Tensor, numbers: Sequence[float]) -> torch.Tensor:
    """First place at which the running sum [rows, n] exceeds each row's number, as a share of its whole sum."""
    wanted = torch.tensor(numbers, device=cumulative.device, dtype=torch.float64)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, wanted, right=True)[:, 0].clamp_(max=cumulative.shape[-1] - 1)


# (request's sampling, its seed, the token's number in the answer)
SamplingRequest = tuple[Sampling, int, int]


def sample(logits: torch.Tensor, asked: Sequence[SamplingRequest]) -> list[tuple[int, float | None]]:
    """A token for each row of logits [rows, vocabulary], and its log-probability where it is asked for."""
    numbers = [uniform(seed, number) if sampling.temperature > 0 else 0.0 for sampling, seed, number in asked]
    tokens = choose(logits, [sampling for sampling, _, _ in asked], numbers)
    telling = [place for place, (sampling, _, _) in enumerate(asked) if sampling.logprobs]
    told: dict[int, float] = {}
    if telling:
        index = torch.tensor(telling, device=logits.device)
        taken = logits[index].float().log_softmax(-1).gather(1, tokens[index][:, None])[:, 0]
        told = dict(zip(telling, taken.tolist(), strict=True))
    return [(token, told.get(place)) for place, token in enumerate(tokens.tolist())]


def sample_all(logits: torch.Tensor, rows: Sequence[SequenceState]) -> None:
    """Give each row its next token; rows that have ended are given what is ignored."""
    asked: list[SamplingRequest] = []
    for row in rows:
        job = row.unit.job
        assert isinstance(job, GenerateJob)
        asked.append((job.sampling, job.seed, len(row.new)))
    for row, (token, logprob) in zip(rows, sample(logits, asked), strict=True):
        row.ids.append(token)
        if not row.done:
            row.new.append(token)
            if logprob is not None:
                row.logprobs.append(logprob)


def score(logits: torch.Tensor, targets: Sequence[tuple[int, int]]) -> list[tuple[float, bool]]:
    """(log-probability, is it the likeliest) of each target (row of logits [rows, vocabulary], token id)."""
    rows = logits.float()
    total, best = rows.logsumexp(-1), rows.argmax(-1)
    which = torch.tensor([row for row, _ in targets], device=logits.device)
    tokens = torch.tensor([token for _, token in targets], device=logits.device)
    logprobs = (rows[which, tokens] - total[which]).tolist()
    return list(zip(logprobs, (best[which] == tokens).tolist(), strict=True))


def score_last(logits: torch.Tensor, branches: Sequence[Sequence[int]]) -> list[list[tuple[float, bool]]]:
    """Scores of each row's continuation; its tokens are foretold by the last of the logits [rows, keep, vocabulary]."""
    keep = logits.shape[1]
    return [score(logits[row, keep - len(branch) :], list(enumerate(branch))) for row, branch in enumerate(branches)]
