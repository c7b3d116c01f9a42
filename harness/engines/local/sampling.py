"""Sampling tokens from logits: greedy, or by temperature, top-k and top-p with one random number per token.

The random number comes from the request's own seed and the token's number, so a completion depends on neither the
batch nor the order of its sequences. The filters are those of transformers, in its order: temperature, then the `top_k`
most likely, then the fewest whose probability reaches `top_p` (Holtzman et al. 2020), then the rest scaled to one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

from harness.datatypes import Sampling
from harness.engines.hf.token_jobs import GenerateJob
from harness.engines.local.prefix_tree import SequenceState

# What a filter keeps is among the few likeliest tokens in most rows, and among these in nearly all; else all are sorted
FEW_SORTED, FIRST_SORTED = 64, 512
# Rows whose probabilities are computed in float64 at once
ROWS_AT_ONCE = 32


def uniform(seed: int, number: int) -> float:
    """A number in [0, 1) for token `number` of the request with `seed`."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 32) / 2**32


def choose(logits: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]) -> torch.Tensor:
    """Token ids [rows] from logits [rows, vocabulary]; `numbers` are uniform in [0, 1), unused in greedy rows."""
    chosen = logits.argmax(-1)
    for draw, applies in ((_draw_from_all, _unfiltered), (_draw_filtered, _filtered)):
        rows = [row for row, sampling in enumerate(samplings) if applies(sampling)]
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            temperature = torch.tensor([samplings[row].temperature for row in part], device=logits.device)
            probs = (logits[part].float() / temperature[:, None]).softmax(-1)
            sampled = draw(probs, [samplings[row] for row in part], [numbers[row] for row in part])
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
    sampled = torch.empty(len(samplings), dtype=torch.long, device=probs.device)
    rows = list(range(len(samplings)))
    for most in (FEW_SORTED, FIRST_SORTED, probs.shape[-1]):
        if not rows:
            break
        index = torch.tensor(rows, device=probs.device)
        left = probs if len(rows) == len(samplings) else probs[index]
        values, ids = left.topk(most, dim=-1) if most < probs.shape[-1] else _sorted(left)
        enough = _enough(values, [samplings[row] for row in rows], probs.shape[-1])
        done = torch.tensor([place for place, is_enough in enumerate(enough) if is_enough], device=probs.device)
        if len(done):
            drawn = [row for row, is_enough in zip(rows, enough, strict=True) if is_enough]
            sampled[index[done]] = _nucleus(
                values[done], ids[done], [samplings[row] for row in drawn], [numbers[row] for row in drawn]
            )
        rows = [row for row, is_enough in zip(rows, enough, strict=True) if not is_enough]
    return sampled


def _enough(values: torch.Tensor, samplings: Sequence[Sampling], size: int) -> list[bool]:
    """Whether each row's filter keeps nothing beyond its sorted probabilities [rows, n], of `size` tokens in all."""
    most = values.shape[-1]
    if most >= size:
        return [True] * len(samplings)
    covered = values.double().sum(-1).tolist()
    index = torch.tensor([max(1, min(sampling.top_k, most)) - 1 for sampling in samplings], device=values.device)
    parted = (values.gather(-1, index[:, None])[:, 0] > values[:, -1]).tolist()
    return [
        is_parted if sampling.top_k else mass >= sampling.top_p
        for sampling, mass, is_parted in zip(samplings, covered, parted, strict=True)
    ]


def _sorted(probs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    values, ids = torch.sort(probs, dim=-1, descending=True, stable=True)
    return values, ids


def _nucleus(
    values: torch.Tensor, ids: torch.Tensor, samplings: Sequence[Sampling], numbers: Sequence[float]
) -> torch.Tensor:
    """Draw from sorted probabilities [rows, n] of token `ids`, after top-k and top-p."""
    values = values.double()
    size = values.shape[-1]
    top_k = torch.tensor([min(sampling.top_k or size, size) for sampling in samplings], device=values.device)
    top_p = torch.tensor([sampling.top_p for sampling in samplings], device=values.device, dtype=torch.float64)
    # Ties with the last of the `top_k` stay, as in transformers
    values = torch.where(values >= values.gather(-1, top_k[:, None] - 1), values, 0.0)
    # Top-p is a share of the mass that top-k left, and without top-k of all of it
    whole = torch.tensor([bool(sampling.top_k) for sampling in samplings], device=values.device)
    values = values / torch.where(whole, values.sum(-1), 1.0)[:, None]
    before = values.cumsum(-1) - values
    values = torch.where(before < top_p[:, None], values, 0.0)
    return ids.gather(-1, _pick(values.cumsum(-1), numbers)[:, None])[:, 0]


def _pick(cumulative: torch.Tensor, numbers: Sequence[float]) -> torch.Tensor:
    """First index at which the running sum [rows, n] exceeds each row's number, as a share of its total."""
    wanted = torch.tensor(numbers, device=cumulative.device, dtype=torch.float64)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, wanted, right=True)[:, 0].clamp_(max=cumulative.shape[-1] - 1)


# (request's sampling, its seed, the token's number in the answer)
SamplingRequest = tuple[Sampling, int, int]


def sample(logits: torch.Tensor, requests: Sequence[SamplingRequest]) -> list[tuple[int, float | None]]:
    """A token for each row of logits [rows, vocabulary], and its log-probability where the request wants it."""
    numbers = [uniform(seed, number) if sampling.temperature > 0 else 0.0 for sampling, seed, number in requests]
    tokens = choose(logits, [sampling for sampling, _, _ in requests], numbers)
    wanted_rows = [index for index, (sampling, _, _) in enumerate(requests) if sampling.logprobs]
    logprobs: dict[int, float] = {}
    if wanted_rows:
        index = torch.tensor(wanted_rows, device=logits.device)
        taken = logits[index].float().log_softmax(-1).gather(1, tokens[index][:, None])[:, 0]
        logprobs = dict(zip(wanted_rows, taken.tolist(), strict=True))
    return [(token, logprobs.get(index)) for index, token in enumerate(tokens.tolist())]


def sample_all(logits: torch.Tensor, sequences: Sequence[SequenceState]) -> None:
    """Add the next token to each sequence; what a finished one gets is ignored."""
    requests: list[SamplingRequest] = []
    for sequence in sequences:
        job = sequence.group.job
        assert isinstance(job, GenerateJob)
        requests.append((job.sampling, job.seed, len(sequence.new)))
    for sequence, (token, logprob) in zip(sequences, sample(logits, requests), strict=True):
        sequence.ids.append(token)
        if not sequence.done:
            sequence.new.append(token)
            if logprob is not None:
                sequence.logprobs.append(logprob)


def score(logits: torch.Tensor, targets: Sequence[tuple[int, int]]) -> list[tuple[float, bool]]:
    """(log-probability, is it the most likely) of each target (row of logits [rows, vocabulary], token id)."""
    rows = logits.float()
    total, best = rows.logsumexp(-1), rows.argmax(-1)
    which = torch.tensor([row for row, _ in targets], device=logits.device)
    tokens = torch.tensor([token for _, token in targets], device=logits.device)
    logprobs = (rows[which, tokens] - total[which]).tolist()
    return list(zip(logprobs, (best[which] == tokens).tolist(), strict=True))


def score_last(logits: torch.Tensor, branches: Sequence[Sequence[int]]) -> list[list[tuple[float, bool]]]:
    """Scores of each sequence's continuation, from the last of the logits [sequences, keep, vocabulary]."""
    keep = logits.shape[1]
    return [score(logits[row, keep - len(branch) :], list(enumerate(branch))) for row, branch in enumerate(branches)]
