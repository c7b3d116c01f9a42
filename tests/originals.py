"""Samples of real pages, ready to be changed by a perturbation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.catalog import Binder
from harness.config.pages import task_page
from harness.data.rows import Loader
from harness.perturb.base import Original
from harness.samples import sample_of_row


def originals(name: str, mirror: Path | None = None, limit: int | None = None, **keys: Any) -> Iterator[Original]:
    """The samples of a page, from the mirror or the page's own file; `keys` replace keys of the page (data__split)."""
    page, source = task_page(name, ("set ", {key.replace("__", "."): value for key, value in keys.items()}))
    style = "text" if page.prompt.text else "chat"
    task = Binder(Loader(mirror), style, limit, trust_page_code=True).bind(page, source, ())
    for sample in task.samples:
        yield Original(page, sample, lambda row: sample_of_row(page, source, dict(row)))
