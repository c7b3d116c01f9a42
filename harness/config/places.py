"""Where the shipped pages are, and their names. Imports nothing else, since shell completion waits for it."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def shipped(kind: str) -> Path:
    """Return the folder of the shipped pages of a kind: `tasks`, `configs/suites`, `configs/models`.

    They are at the top of a checkout, or in `harness/_pages` of an installed package.
    """
    installed = PACKAGE / "_pages" / kind
    return installed if installed.is_dir() else PACKAGE.parent / kind


def page_names(kind: str) -> list[str]:
    """Return the names of the shipped pages of a kind, sorted: those of their files; none is read."""
    return sorted(path.stem for path in shipped(kind).rglob("*.yaml"))
