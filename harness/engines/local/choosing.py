"""From logits to chosen tokens and to log-probabilities of given ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from harness.datatypes import Sampling
from harness.engines.hf.token_jobs import GenerateJob
from harness.engines.local.rows import Row
from harness.engines.local.sampling import choose, uniform

# (request's sampling, its seed, the token's number in the answer)
Asked = tuple[Sampling, int, int]


def draw(logits: torch.Tensor, asked: Sequence[Asked]) -> list[tuple[int, float | None]]:
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


def draw_all(logits: torch.Tensor, rows: Sequence[Row]) -> None:
    """Give each row its next token; rows that have ended are given what is ignored."""
    asked: list[Asked] = []
    for row in rows:
        job = row.unit.job
        assert isinstance(job, GenerateJob)
        asked.append((job.sampling, job.seed, len(row.new)))
    for row, (token, logprob) in zip(rows, draw(logits, asked), strict=True):
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
