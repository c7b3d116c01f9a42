"""Attention of single tokens over the keys of their own slots, on a CPU: grouped products, and a sum over lists.

One token a slot leaves the blocked kernel of `partial` with three rows a product, padded to the longest slot. Here the
scores are one batched product, and the weighted sum is torch's bag of embeddings, which reads each slot's visible
values only. Which of the two is faster depends on processor and shape, so a trial decides. Scores, weights and sums
are in float32.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from harness.engines.local.masks import MASKED, Bias, VisibleKeys, visible_keys

# The trial: slots of unequal lengths, as generating sequences have
TRIAL_SLOTS, TRIAL_PLACES, TRIAL_ROUNDS = 16, 128, 4
TOLERANCE = 1e-4


def listed(
    query: torch.Tensor,
    key: torch.Tensor,
    values: torch.Tensor,
    bias: Bias,
    keys: VisibleKeys,
    scale: float,
    softcap: float | None,
    *,
    totals: bool,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Output [n, heads, group, value width] of one token a slot, and the log-sum-exp of its scores if `totals`.

    Queries [n, heads, group, width], keys [n, heads, s, width], values [slots, heads, capacity, width], bias
    [n, 1, 1, s]. `values` are whole tensors, in place: no copy.
    """
    count, heads, groups, width = query.shape
    places = key.shape[2]
    rows = query.reshape(count * heads, groups, width)
    across = key.flatten(0, 1).transpose(1, 2)
    added = None if bias is None or not isinstance(bias, torch.Tensor) else bias
    if added is not None and softcap is None:
        base = added.expand(count, heads, 1, places).reshape(count * heads, 1, places)
        scores = torch.baddbmm(base, rows, across, alpha=scale)
    else:
        scores = torch.bmm(rows, across).mul_(scale)
        if softcap is not None:
            scores = scores.div_(softcap).tanh_().mul_(softcap)
        if added is not None:
            scores.view(count, heads, groups, places).add_(added)
    weights = scores.softmax(-1)
    # The largest weight is exp(largest score - log-sum-exp)
    total = (scores.amax(-1) - weights.amax(-1).log()).view(count, heads, groups) if totals else None
    flat = weights.view(-1).index_select(0, keys.places)
    by_row = values.view(-1, values.shape[-1])
    output = torch.embedding_bag(by_row, keys.rows, keys.starts, False, 0, False, flat)[0]
    return output.view(count, heads, groups, -1), total


@torch.inference_mode()
def listed_is_faster(
    query: torch.Tensor, key: torch.Tensor, value_width: int, plain: Callable[..., tuple[torch.Tensor, torch.Tensor]]
) -> bool:
    """Whether `listed` beats `plain` for queries [key heads, group, T, width] like these, to the same result.

    False anywhere but in float32 on a CPU: half precision would round the weights before they are summed.
    """
    if query.device.type != "cpu" or query.dtype != torch.float32 or key.dtype != torch.float32:
        return False
    heads, groups, _, width = query.shape
    slots, places = TRIAL_SLOTS, TRIAL_PLACES
    rows = torch.linspace(-1, 1, slots * heads * groups * width).view(slots, heads, groups, width)
    keys = torch.linspace(-1, 1, slots * heads * places * width).sin().view(slots, heads, places, width)
    values = torch.linspace(-1, 1, slots * heads * places * value_width).view(slots, heads, places, value_width)
    visible = torch.arange(places) < torch.linspace(places // 3, places, slots)[:, None]
    bias = torch.zeros(visible.shape).masked_fill_(~visible, MASKED)[:, None, None]
    lists = visible_keys(visible, heads, groups, places)
    try:
        right = plain(rows, keys, values, bias, width**-0.5, None)[0]
        found = listed(rows, keys, values, bias, lists, width**-0.5, None, totals=False)[0]
    except (RuntimeError, TypeError):
        return False
    if float((found - right).abs().max()) > TOLERANCE:
        return False
    slower = _seconds(lambda: plain(rows, keys, values, bias, width**-0.5, None))
    return _seconds(lambda: listed(rows, keys, values, bias, lists, width**-0.5, None, totals=False)) < slower


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest of a few rounds."""
    found = []
    for _ in range(TRIAL_ROUNDS):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)
