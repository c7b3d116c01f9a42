"""The limits of a packed batch and of the KV cache. No torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """Limits of a batch and of the cache: tokens and logits per batch, sequences at a time, tokens stored.

    `start_tokens`: no further sequence starts where the tokens known by now would be more than this; those that run
    may grow beyond it. None: `stored_tokens`, which counts the longest answers that may come, is the only limit.
    """

    step_tokens: int
    outputs: int
    max_sequences: int
    stored_tokens: int
    start_tokens: int | None = None

    def halve(self) -> bool:
        """Halve the limits; False if nothing is left to halve."""
        if self.max_sequences == 1 and self.step_tokens <= 32 and self.outputs <= 8:
            return False
        self.max_sequences = max(1, self.max_sequences // 2)
        self.step_tokens = min(self.step_tokens, max(32, self.step_tokens // 2))
        self.outputs = min(self.outputs, max(8, self.outputs // 2))
        self.stored_tokens //= 2
        if self.start_tokens is not None:
            self.start_tokens //= 2
        return True
