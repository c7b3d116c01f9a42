"""Which sequence is in which slot of the KV cache. No torch.

Guarantees: slots 0 to n - 1 hold the sequences, generating ones first; the moves, done in their order, make the cache
agree with that.
"""

from __future__ import annotations

from harness.engines.local.prefix_tree import SequenceState


class Slots:
    """The sequences by slot; the first `generating` of them take one token in each batch."""

    def __init__(self) -> None:
        """All are free."""
        self.sequences: list[SequenceState] = []
        self.generating = 0
        self._moves: list[tuple[int, int]] = []

    def take_moves(self) -> list[tuple[int, int]]:
        """Slots to copy (from, to) since the last call."""
        moves, self._moves = self._moves, []
        return moves

    def clear(self) -> None:
        """Forget all sequences and moves."""
        self.sequences, self._moves, self.generating = [], [], 0

    def count_generating(self) -> None:
        """Sequences whose prompt is complete come first, since prompts are prefilled in the order of the slots."""
        while self.generating < len(self.sequences) and self.sequences[self.generating].new:
            sequence = self.sequences[self.generating]
            if sequence.pending != 1 or sequence.branch is not None:
                break
            self.generating += 1

    def remove(self, slot: int) -> None:
        """Clear a slot; the last generating sequence and then the last of all move up."""
        if slot < self.generating:
            self.generating -= 1
            slot = self._move(self.generating, slot)
        self._move(len(self.sequences) - 1, slot)
        self.sequences.pop()

    def _move(self, source: int, target: int) -> int:
        if source != target:
            self.sequences[target] = self.sequences[source]
            self._moves.append((source, target))
        return source
