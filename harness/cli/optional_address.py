"""`--ray` may stand without an address, which the command line's library does not know of options."""

from __future__ import annotations

from collections.abc import Sequence

from harness.ray_cluster import LOCAL

OPTION = "--ray"


def with_address(words: Sequence[str]) -> list[str]:
    """Return the words with the default address behind a `--ray` that has none: at the end, or before an option."""
    complete: list[str] = []
    for word, following in zip(words, [*words, "-"][1:], strict=True):
        complete.append(word)
        if word == OPTION and following.startswith("-"):
            complete.append(LOCAL)
    return complete
