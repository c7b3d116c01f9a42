"""The file of other wordings: one JSON object a line, `{"id": ..., "text": ...}` or `{"id": ..., "fields": {...}}`.

`text` is the question in other words; `fields` replaces columns by name. Several lines may have one id. With `task` a
line belongs to that task alone. Every fault is reported with its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError

KEYS = ("id", "task", "text", "fields")


@dataclass(frozen=True, slots=True)
class Wording:
    """One line: `text` of the question, or `fields`; `task` is None for a line that names none."""

    line: int
    id: str
    task: str | None
    text: str | None
    fields: Mapping[str, str]


def read_wordings(path: Path) -> tuple[Wording, ...]:
    """Read the file. Raises DataError with file and line."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--perturb-file: {path} cannot be read: {error}") from None
    found = tuple(_wordings(path, content))
    if not found:
        raise DataError(f"--perturb-file: {path} has no lines")
    seen: dict[Any, int] = {}
    for each in found:
        key = (each.id, each.task, each.text, tuple(sorted(each.fields.items())))
        if key in seen:
            raise DataError(f"{path}:{each.line}: it repeats line {seen[key]}")
        seen[key] = each.line
    return found


def _wordings(path: Path, content: str) -> Iterator[Wording]:
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: not JSON: {error}") from None
        if not isinstance(row, dict):
            raise DataError(f'{place}: expected an object such as {{"id": "17", "text": "..."}}')
        if unknown := [key for key in row if key not in KEYS]:
            raise DataError(f"{place}: unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
        yield _wording(place, number, row)


def _wording(place: str, number: int, row: dict[str, Any]) -> Wording:
    name, task, text, fields = row.get("id"), row.get("task"), row.get("text"), row.get("fields")
    if isinstance(name, bool) or not isinstance(name, str | int) or not str(name).strip():
        raise DataError(f"{place}: `id` is missing: the sample whose wording this is")
    if task is not None and not isinstance(task, str):
        raise DataError(f"{place}: `task` must be the name of a task; it is {str(task)[:40]!r}")
    if (text is None) == (fields is None):
        raise DataError(f"{place}: give exactly one of `text` (the question) and `fields` (columns by name)")
    if text is not None and (not isinstance(text, str) or not text.strip()):
        raise DataError(f"{place}: `text` must be a text that is not blank")
    if fields is not None and (
        not isinstance(fields, dict)
        or not fields
        or not all(isinstance(value, str) and value.strip() for value in fields.values())
    ):
        raise DataError(f"{place}: `fields` must be an object of column names and texts that are not blank")
    return Wording(number, str(name), task, text, fields or {})
