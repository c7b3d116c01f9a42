"""Attention over keys that are stored in pieces: each piece by itself, then merged exactly.

Softmax over the union of two sets of keys is the mean of the softmaxes over each, weighted by the exponential of their
log-sum-exp (FlashAttention, Dao et al. 2022, section 3.1). Scores, weights and sums are in float32 whatever the
precision of keys and values.
"""

from __future__ import annotations

import torch

from harness.engines.local.listed_attention import listed
from harness.engines.local.masks import CAUSAL, MASKED, Bias, ShortRows, VisibleKeys

# Scores computed at once: a quarter of a gigabyte
MOST_SCORES = 2**26


class PartialAttention:
    """The attention of a batch's queries [key heads, group, T, width], piece by piece."""

    def __init__(
        self, query: torch.Tensor, value_width: int, scale: float, softcap: float | None, *, merges: bool = True
    ) -> None:
        """Every query must be in one of the `start`s once before `add`. `merges`: there will be `add` or `sink`."""
        self.query = query
        self._scale, self._softcap, self._merges = scale, softcap, merges
        heads, groups, tokens = query.shape[:3]
        # Tokens first, as the model wants them back
        self._rows = query.new_empty((tokens, heads, groups, value_width), dtype=torch.float32)
        self._output = self._rows.permute(1, 2, 0, 3)
        self._total = query.new_empty((tokens, heads, groups), dtype=torch.float32).permute(1, 2, 0)

    def start_slots(self, key: torch.Tensor, value: torch.Tensor, bias: Bias) -> None:
        """Let the first n queries attend to one slot each: keys [n, heads, s, width], bias [n, 1, 1, s]."""
        count = key.shape[0]
        output, total = partial(self._first(count), key, value, bias, self._scale, self._softcap)
        self._put_first(count, output, total)

    def start_slots_listed(self, key: torch.Tensor, values: torch.Tensor, bias: Bias, keys: VisibleKeys) -> None:
        """As `start_slots`, reading only the values that are visible: values [slots, heads, capacity, width]."""
        count = key.shape[0]
        output, total = listed(
            self._first(count), key, values, bias, keys, self._scale, self._softcap, totals=self._merges
        )
        self._put_first(count, output, total)

    def start_short(self, rows: ShortRows, key: torch.Tensor, value: torch.Tensor, bias: Bias) -> None:
        """Let short chunks attend to one slot each: keys [n, heads, s, width], bias [n, 1, most, s]."""
        heads, groups, _, width = self.query.shape
        count, most = rows.queries.shape
        query = self.query[:, :, rows.queries].permute(2, 0, 1, 3, 4).reshape(count, heads, groups * most, width)
        # The queries of a key head lie one under the other, so that keys are read once for all of them
        mask = _broad(bias)
        added = None if mask is None else mask.repeat(1, 1, groups, 1)
        output, total = partial(query, key, value, added, self._scale, self._softcap)
        split = (count, heads, groups, most)
        by_token = output.view(*split, -1).permute(0, 3, 1, 2, 4).flatten(0, 1)
        self._rows[rows.tokens] = by_token[rows.places]
        if self._merges:
            totals = total.reshape(split).permute(0, 3, 1, 2).flatten(0, 1)
            self._total.permute(2, 0, 1)[rows.tokens] = totals[rows.places]

    def start_chunk(self, first: int, count: int, key: torch.Tensor, value: torch.Tensor, bias: Bias) -> None:
        """Let `count` queries attend to their own chunk: keys [heads, s, width], bias [count, s]."""
        last = first + count
        self._output[:, :, first:last], self._total[:, :, first:last] = self._piece(first, last, key, value, bias)

    def add(self, first: int, last: int, key: torch.Tensor, value: torch.Tensor, bias: Bias) -> None:
        """Let queries attend to one more piece: keys [heads, s, width], bias [last - first, s]."""
        output, total = self._piece(first, last, key, value, bias)
        self._merge(slice(first, last), total, output)

    def sink(self, logits: torch.Tensor) -> None:
        """Add a key without a value (attention sinks): logits [key heads, group, 1]."""
        self._merge(slice(None), logits.float().expand_as(self._total), None)

    def result(self, dtype: torch.dtype) -> torch.Tensor:
        """[1, T, heads, value width]."""
        return self._rows.flatten(1, 2)[None].to(dtype)

    def _first(self, count: int) -> torch.Tensor:
        """The first queries [count, heads, group, width]."""
        return self.query[:, :, :count].permute(2, 0, 1, 3)

    def _put_first(self, count: int, output: torch.Tensor, total: torch.Tensor | None) -> None:
        if count == len(self._rows):
            self._rows = output
            self._output = output.permute(1, 2, 0, 3)
        else:
            self._rows[:count] = output
        if total is not None and self._merges:
            self._total[:, :, :count] = total.permute(1, 2, 0)

    def _piece(
        self, first: int, last: int, key: torch.Tensor, value: torch.Tensor, bias: Bias
    ) -> tuple[torch.Tensor, torch.Tensor]:
        query = self.query[:, :, first:last]
        heads, groups, count = query.shape[:3]
        if bias is None:
            # Without a mask the queries of a head need no order: all at once
            folded = query.flatten(1, 2)[None]
            output, total = partial(folded, key[None], value[None], None, self._scale, self._softcap)
            return output[0].view(heads, groups, count, -1), total[0].reshape(heads, groups, count)
        key = key[:, None].expand(heads, groups, *key.shape[1:])
        value = value[:, None].expand(heads, groups, *value.shape[1:])
        return partial(query, key, value, bias, self._scale, self._softcap)

    def _merge(self, where: slice, total: torch.Tensor, output: torch.Tensor | None) -> None:
        before = self._total[:, :, where]
        both = torch.logaddexp(before, total)
        kept = self._output[:, :, where]
        kept.mul_((before - both).exp_()[..., None])
        if output is not None:
            kept.addcmul_(output, (total - both).exp_()[..., None])
        self._total[:, :, where] = both


def partial(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: Bias, scale: float, softcap: float | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention of queries [a, b, n, width] to keys [a, b, s, width] and values [a, b, s, value width].

    `bias` is added to the scores ([n, s] or what broadcasts to them), "causal" for n = s tokens in order. Returns the
    output [a, b, n, value width] and the log-sum-exp of the scores [a, b, n], both in float32.
    """
    if softcap is None and key.shape[-1] == value.shape[-1]:
        # torch's own blocked kernels that return the log-sum-exp: one takes any mask, the other none
        causal = bias is CAUSAL
        if query.device.type == "cpu":
            output, total = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                query, key, value, 0.0, causal, attn_mask=_broad(bias), scale=scale
            )
            return output.float(), total
        if not isinstance(bias, torch.Tensor) and _flash(query):
            output, total = torch.ops.aten._scaled_dot_product_flash_attention(
                query, key, value, 0.0, causal, False, scale=scale
            )[:2]
            return output.float(), total
    return plain_partial(query, key, value, bias, scale, softcap)


def _flash(query: torch.Tensor) -> bool:
    """Whether the GPU kernel takes these: half precision, a width it was built for, a GPU of 2020 or later."""
    if query.device.type != "cuda" or query.dtype not in (torch.float16, torch.bfloat16):
        return False
    return (
        query.shape[-1] % 8 == 0 and query.shape[-1] <= 256 and torch.cuda.get_device_capability(query.device) >= (8, 0)
    )


def plain_partial(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: Bias, scale: float, softcap: float | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `partial`, in plain matrix products, for any device; `softcap` limits scores by tanh before the mask."""
    count, keys = query.shape[-2], key.shape[-2]
    if bias is CAUSAL:
        later = torch.ones(count, keys, dtype=torch.bool, device=query.device).triu(1)
        bias = torch.zeros(count, keys, device=query.device).masked_fill_(later, MASKED)
    added = _broad(bias)
    step = max(1, MOST_SCORES // max(1, query.shape[0] * query.shape[1] * keys))
    parts = []
    for start in range(0, count, step):
        scores = torch.matmul(query[..., start : start + step, :], key.transpose(-1, -2)).float() * scale
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        if added is not None:
            scores = scores + (added[..., start : start + step, :] if added.shape[-2] > 1 else added)
        total = scores.logsumexp(-1)
        weights = (scores - total[..., None]).exp_()
        parts.append((torch.matmul(weights.to(value.dtype), value).float(), total))
    if len(parts) == 1:
        return parts[0]
    return torch.cat([output for output, _ in parts], -2), torch.cat([total for _, total in parts], -1)


def _broad(bias: Bias) -> torch.Tensor | None:
    if not isinstance(bias, torch.Tensor):
        return None
    return bias if bias.dim() == 4 else bias[None, None]
