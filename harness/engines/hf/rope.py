"""Rotary positions whose scale depends on how long the call is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CHANGING = ("dynamic", "longrope")


def longest_at_one_scale(config: Any) -> int | None:
    """Most tokens up to which the scale of positions is the same for every call; None where it never changes."""
    text = config.get_text_config()
    found = [
        scaling.get("original_max_position_embeddings")
        or getattr(text, "original_max_position_embeddings", None)
        or getattr(text, "max_position_embeddings", None)
        for scaling in _scalings(getattr(text, "rope_parameters", None))
        if any(kind in str(scaling.get("rope_type", "")) for kind in CHANGING)
    ]
    return min(int(limit) for limit in found if limit) if any(found) else None


def _scalings(settings: Any) -> Iterator[Mapping[str, Any]]:
    """The settings, given once, or once for each type of layer."""
    if isinstance(settings, Mapping):
        yield settings
        for inner in settings.values():
            yield from _scalings(inner)
