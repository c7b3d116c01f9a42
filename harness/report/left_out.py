"""Which samples have no changed questions (`--perturb`), as a line to read before a run."""

from __future__ import annotations

from collections.abc import Mapping

# Reasons that are named
REASONS = 4


def left_out_text(left_out: Mapping[str, int], kept: int, task: str = "") -> str:
    """Return how many of how many samples (of `task`) are in neither set, and why; "" where none is left out."""
    if not left_out:
        return ""
    count = sum(left_out.values())
    named = [f"{reason} ({n})" for reason, n in list(left_out.items())[:REASONS]]
    more = f"; and {len(left_out) - REASONS} more reasons" if len(left_out) > REASONS else ""
    of_task = f" of {task}" if task else ""
    return f"left out of both sets{of_task}: {count} of {count + kept} samples, because {'; '.join(named)}{more}"
