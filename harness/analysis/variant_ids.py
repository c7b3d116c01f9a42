"""The sample ids of changed questions: `17#2:redrawn` is the second variant of sample 17, made by redrawing numbers.

A run's records, and whatever is exported of them, so hold what a paired comparison needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ID = re.compile(r"(?P<original>.*)#(?P<draw>[1-9][0-9]*):(?P<label>[a-z0-9-]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class VariantId:
    """The sample that was changed, the number of the variant (from 1), and how it was made."""

    original: str
    draw: int
    label: str


def variant_id(original: str, draw: int, label: str) -> str:
    """Return the id of a variant. Raises ValueError for a label that could not be read back."""
    written = f"{original}#{draw}:{label}"
    if parsed(written) != VariantId(original, draw, label):
        raise ValueError(f"no label of a variant: {label!r}")
    return written


def parsed(sample_id: str) -> VariantId | None:
    """Return what the id of a variant says; None for any other id."""
    found = _ID.fullmatch(sample_id)
    return VariantId(found["original"], int(found["draw"]), found["label"]) if found else None
