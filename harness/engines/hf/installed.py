"""Whether a package is installed, found out without the seconds that importing it may take."""

from __future__ import annotations

from importlib.util import find_spec


def installed(module: str) -> bool:
    """Whether a module is there."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False  # of `a.b` also `a` is missing
