"""Model pages as a table, as lines and as JSON, for `harness models list` and `show`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.config.places import PACKAGE
from harness.config.schema import ModelPage
from harness.engines import DEFAULT_ENGINE
from harness.report.tables import UNKNOWN, Column, Row, Table


def model_facts(page: ModelPage) -> dict[str, Any]:
    """Return what the list shows of a page; `engine` and `price` are None where the page names none."""
    return {
        "name": page.name,
        "engine": page.engine.name if page.engine is not None else None,
        "path": path_text(page.path),
        "price": page.price,
        "about": page.about,
    }


def path_text(path: str) -> str:
    """The path as a page has it: of a model that ships with the harness, not where it is installed."""
    inside = Path(path).is_relative_to(PACKAGE)
    return f"package:{Path(path).relative_to(PACKAGE).as_posix()}" if inside else path


def model_table(models: Sequence[dict[str, Any]]) -> Table:
    """Return a row for each model; the default engine where its page names none."""
    columns = (
        Column("Model", number=False, key=True),
        Column("Engine", number=False),
        Column("Price", number=False),
        Column("Path", number=False),
        Column("About", number=False, free=True),
    )
    rows = tuple(
        Row((each["name"], each["engine"] or DEFAULT_ENGINE, each["price"] or UNKNOWN, each["path"], each["about"]))
        for each in models
    )
    return Table("", columns, rows)


def page_lines(page: ModelPage) -> Iterator[str]:
    """Yield a line for each key that differs from its default."""
    values = page.model_dump(exclude_defaults=True, exclude_none=True)
    values["path"] = path_text(page.path)
    for key, value in {"name": page.name, **values}.items():
        if isinstance(value, dict):
            for name, inner in value.items():
                if inner is not None:
                    yield f"{key}.{name:<{max(10 - len(key) - 1, 1)}} {inner}"
        else:
            yield f"{key:<10} {value}"
