"""One packed batch, as plain data: the tokens to compute, where their keys and values go, the outputs to read.

The scheduler writes it, the runner executes it. The tokens of a batch form one row: first one token for each of the
slots 0 to `decode` - 1, then the chunks. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.datatypes import Sampling
from harness.engines.local.prefix_tree import PrefixNode

# Space in a slot comes in pieces of so many tokens: a larger share of what it holds would stay empty in every slot
SLOT_PIECE = 64


def slot_capacity(tokens: int) -> int:
    """Tokens that each slot has space for if the longest sequence has so many."""
    return max(1, -(-tokens // SLOT_PIECE)) * SLOT_PIECE


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens `first` to `first` + `count` of a batch; `past` tokens of the same slot or node are stored already.

    A chunk belongs to a slot, to a prefix node, or to neither: a block is scored in one batch and not stored. `branch`
    (blocks only) gives each token's branch, 0 for the trunk: a token attends to its own branch and the trunk, up to its
    own position.
    """

    first: int
    count: int
    past: int = 0
    slot: int | None = None
    node: PrefixNode | None = None
    branch: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class SamplingQuery:
    """A token to sample from the logits of output `output`, after `number` tokens of the completion."""

    output: int
    slot: int
    sampling: Sampling
    seed: int
    number: int


@dataclass(slots=True)
class PackedBatch:
    """`ids` and `positions` of T tokens. `outputs` are the indices of tokens whose logits are needed.

    `slots` slots are in use, and none of them holds more than `slot_tokens` tokens after the batch. `lengths`: tokens
    stored in slots 0 to `decode` - 1. `shared`: for each prefix node, the ranges of tokens that attend to all of it.
    `sampling_queries` sample tokens, `targets` (output, token id) score given ones.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    slots: int = 0
    slot_tokens: int = 0
    decode: int = 0
    lengths: list[int] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    shared: dict[PrefixNode, list[tuple[int, int]]] = field(default_factory=dict)
    outputs: list[int] = field(default_factory=list)
    sampling_queries: list[SamplingQuery] = field(default_factory=list)
    targets: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.ids)

    def add(self, ids: list[int] | tuple[int, ...], start: int) -> int:
        """Add consecutive tokens at positions from `start` on; return the first one's index."""
        first = len(self.ids)
        self.ids += ids
        self.positions += range(start, start + len(ids))
        return first

    def attend_to_prefix(self, prefix: PrefixNode | None, first: int, count: int) -> None:
        """Let tokens attend to a prefix node and all nodes above it."""
        node = prefix
        while node is not None:
            ranges = self.shared.setdefault(node, [])
            if ranges and ranges[-1][1] == first:
                ranges[-1] = (ranges[-1][0], first + count)
            else:
                ranges.append((first, first + count))
            node = node.parent

    def request_logits(self, index: int) -> int:
        """Request the logits of a token; return the output's number."""
        if not self.outputs or self.outputs[-1] != index:
            self.outputs.append(index)
        return len(self.outputs) - 1


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A sampled token, and its log-probability under the model if the request wants it."""

    token: int
    logprob: float | None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """Log-probability of a given token, and whether it was the most likely one."""

    logprob: float
    best: bool


@dataclass(frozen=True, slots=True)
class BatchResult:
    """In the order of the batch's sampling queries and targets."""

    sampled: list[SampledToken]
    targets: list[TokenLogprob]
