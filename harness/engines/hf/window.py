"""Fitting prompts into a context window: what is cut, how many tokens are left for the answer. Pure arithmetic.

Guarantees: prompt and answer together never exceed the window; what is cut is cut from the left and counted.
An answer keeps at least its token limit or half the window, whichever is less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fitted:
    """Prompt ids that fit, tokens that may follow them, tokens that were cut."""

    ids: tuple[int, ...]
    max_new: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Context and continuation ids that fit; `length` is their length before the cut."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]
    length: int
    dropped: int = 0


def fit_prompt(ids: Sequence[int], max_tokens: int, window: int | None) -> Fitted:
    """Keep the prompt whole where enough tokens are left for the answer, else keep its end."""
    if window is None:
        return Fitted(tuple(ids), max_tokens)
    needed = min(max_tokens, window // 2)
    if window - len(ids) >= needed:
        return Fitted(tuple(ids), min(max_tokens, window - len(ids)))
    keep = window - needed
    return Fitted(tuple(ids[-keep:]), needed, len(ids) - keep)


def fit_row(context: Sequence[int], continuation: Sequence[int], window: int | None) -> Row:
    """Keep the end of the context. The last token is scored but not read, so one more than the window fits.

    A continuation that fills the window alone leaves no context: the caller must not score it.
    """
    length = len(context) + len(continuation)
    dropped = max(0, length - (window + 1)) if window is not None else 0
    return Row(tuple(context[dropped:]), tuple(continuation), length, dropped)
