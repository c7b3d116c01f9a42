"""Stop strings on their way to a server."""

from __future__ import annotations

from collections.abc import Sequence


def stops_to_send(stop: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the stop strings that a server takes: none that is empty, and `most` of them at most.

    The client cuts every answer at all of them, so those that are left out change the cost of an answer, not its text.
    """
    return tuple(dict.fromkeys(one for one in stop if one))[:most]
