"""The order test: does the model find each row likelier behind the row that was published before it?

A model that was trained on a file of the set has seen its rows one behind the other. Where the order of the rows means
nothing (they are exchangeable), any other model prefers no order. Each block of 8 rows that follow one another gives
the log-likelihood of the first words of every row behind every other row; all orders of the block follow from these
8 x 7 numbers, and the published one is compared with the others (`stats.permutation.neighbour_test`). The context of a
row is computed once for its 7 followers, so that no shuffle costs a token.

The control is the same test on a copy of the set that was shuffled here: no model has seen that order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from harness.datatypes import Likelihood, LikelihoodRequest, Reply, TextPrompt
from harness.probes.requests import request_key
from harness.probes.rows import ProbeRow, ProbeTask
from harness.results import ORDER, PROBE_LEVEL, ProbeFinding

if TYPE_CHECKING:
    import numpy as np

BLOCK = 8
# Fewer pairs cannot reach a p-value that a family of tests needs
LEAST_ROWS = 16
BETWEEN = "\n\n"
# What of a row is scored: its beginning depends on the row before it, the rest on the beginning
HEAD_WORDS, HEAD_CHARS = 12, 80
# What of the row before is shown: the end of it
CONTEXT_CHARS = 1200
HEAD = re.compile(rf"\s*(?:\S+\s+){{0,{HEAD_WORDS - 1}}}\S+")
PUBLISHED, SHUFFLED = 0, 1


def order_requests(task: ProbeTask, seed: int) -> list[LikelihoodRequest]:
    """The requests of both arms: for each row of a block its followers as continuations."""
    return [
        LikelihoodRequest(
            request_key("order", context, followers), task.name, row.id, arm, TextPrompt(context), followers
        )
        for arm in (PUBLISHED, SHUFFLED)
        for block in _blocks(_arm(task, arm, seed))
        for row, context, followers in _of_block(block)
    ]


def order_finding(task: ProbeTask, replies: Mapping[str, Reply], seed: int) -> ProbeFinding:
    """The finding of the replies, without the adjusted p. A block with a request that was refused is left out."""
    from harness.stats.permutation import neighbour_test

    arms: list[list[np.ndarray]] = []
    missing = 0
    for arm in (PUBLISHED, SHUFFLED):
        matrices = [_matrix(block, replies) for block in _blocks(_arm(task, arm, seed))]
        missing += sum(matrix is None for matrix in matrices)
        arms.append([matrix for matrix in matrices if matrix is not None])
    if not all(arms):
        return ProbeFinding(task.name, ORDER, 0, refused="the engine answered no whole block", unanswered=missing)
    found = neighbour_test(arms[0], seed, level=PROBE_LEVEL)
    control = neighbour_test(arms[1], seed + 1)
    return ProbeFinding(
        task.name,
        ORDER,
        found.pairs,
        found.gain,
        found.least_gain,
        found.p_value,
        p_control=control.p_value,
        unanswered=missing,
        detail={"spread": found.spread, "control_gain": control.gain},
    )


def _arm(task: ProbeTask, arm: int, seed: int) -> list[ProbeRow]:
    rows = list(task.rows)
    if arm == SHUFFLED:
        random.Random(f"{seed} {task.name}").shuffle(rows)
    return rows


def _blocks(rows: Sequence[ProbeRow]) -> list[list[ProbeRow]]:
    """Rows that follow one another, 8 in a block; a last one of a single row is left out."""
    blocks = [list(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK)]
    return [block for block in blocks if len(block) > 1]


def _of_block(block: Sequence[ProbeRow]) -> list[tuple[ProbeRow, str, tuple[str, ...]]]:
    """Each row with its context and its followers, in the order of the block without itself."""
    heads = [BETWEEN + head(row.text) for row in block]
    return [
        (row, row.text[-CONTEXT_CHARS:], tuple(heads[:place] + heads[place + 1 :])) for place, row in enumerate(block)
    ]


def head(text: str) -> str:
    """The first words of a row."""
    found = HEAD.match(text)
    return (found.group() if found else text)[:HEAD_CHARS]


def _matrix(block: Sequence[ProbeRow], replies: Mapping[str, Reply]) -> np.ndarray | None:
    """The log-likelihoods [from, to] of a block; None where a reply is missing."""
    import numpy as np

    matrix = np.zeros((len(block), len(block)))
    for place, (_, context, followers) in enumerate(_of_block(block)):
        reply = replies.get(request_key("order", context, followers))
        if not isinstance(reply, Likelihood):
            return None
        others = [other for other in range(len(block)) if other != place]
        matrix[place, others] = [score.logprob for score in reply.continuations]
    return matrix
