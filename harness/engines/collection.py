"""Pauses Python's search for unused cycles while code and models are loaded.

Loading makes a million objects that stay, and the search looks at all of them again and again: a tenth of a start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Inside, nothing is collected; afterwards it is as before. Also a decorator."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
