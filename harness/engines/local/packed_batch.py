"""One step of the engine, as plain data: which tokens are computed, where they belong, what is read from them.

A scheduler writes it, a runner carries it out. The tokens of a step stand in one row: first one token of each slot
0 to `decode` - 1, then the chunks. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.datatypes import Sampling
from harness.engines.local.prefix_tree import PrefixNode


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens `first` to `first` + `count` of a step; `past` tokens of the same home are stored already.

    At home in a slot, in a segment, or nowhere: a block is read once, so nothing of it is kept. `branch` (blocks only)
    tells each token's branch, 0 for the trunk: a token sees its own branch and the trunk, up to its own position.
    """

    first: int
    count: int
    past: int = 0
    slot: int | None = None
    segment: PrefixNode | None = None
    branch: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class SamplingQuery:
    """A token to be chosen from the logits of output `output`; `number` tokens of the answer came before it."""

    output: int
    slot: int
    sampling: Sampling
    seed: int
    number: int


@dataclass(slots=True)
class PackedBatch:
    """`ids` and `positions` of T tokens. `outputs` are the indices of tokens whose logits are read.

    `rows` slots are in use, and none of them holds more than `held` tokens when the step is done. `lengths`: tokens
    stored in slots 0 to `decode` - 1. `shared`: for each segment, the ranges of tokens that see all
    of it. `sampling_queries` choose tokens, `targets` (output, token id) ask for the log-probability of a given one.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rows: int = 0
    held: int = 0
    decode: int = 0
    lengths: list[int] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    shared: dict[PrefixNode, list[tuple[int, int]]] = field(default_factory=dict)
    outputs: list[int] = field(default_factory=list)
    sampling_queries: list[SamplingQuery] = field(default_factory=list)
    targets: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        """Tokens."""
        return len(self.ids)

    def add(self, ids: list[int] | tuple[int, ...], start: int) -> int:
        """Put consecutive tokens at positions from `start` on; return the first one's index."""
        first = len(self.ids)
        self.ids += ids
        self.positions += range(start, start + len(ids))
        return first

    def sees(self, prefix: PrefixNode | None, first: int, count: int) -> None:
        """Let tokens attend to a whole chain of segments."""
        node = prefix
        while node is not None:
            ranges = self.shared.setdefault(node, [])
            if ranges and ranges[-1][1] == first:
                ranges[-1] = (ranges[-1][0], first + count)
            else:
                ranges.append((first, first + count))
            node = node.parent

    def read(self, index: int) -> int:
        """Ask for the logits of a token; return the output's number."""
        if not self.outputs or self.outputs[-1] != index:
            self.outputs.append(index)
        return len(self.outputs) - 1


@dataclass(frozen=True, slots=True)
class SampledToken:
    """A chosen token, and its log-probability under the model itself if it was asked for."""

    token: int
    logprob: float | None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """Log-probability of a given token, and whether it was the most likely one."""

    logprob: float
    best: bool


@dataclass(frozen=True, slots=True)
class BatchResult:
    """In the order of the step's draws and targets."""

    sampled: list[SampledToken]
    targets: list[TokenLogprob]
