"""What replay.py reads: recorded completions, and the explanations written beside them."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from harness.config.yaml_page import read as read_yaml
from harness.errors import ConfigError

SUFFIXES = (".jsonl.gz", ".jsonl")


class ReplayError(Exception):
    """Wrong input; the message states where and what."""


class Row(BaseModel):
    """One recorded completion. Other keys are passed over."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    task: str
    model: str
    sample_id: str
    repeat: int = Field(0, ge=0)
    completion: StrictStr
    verdict: StrictBool
    gold: str | None = None
    group: str | None = Field(None, alias="set")

    @property
    def label(self) -> str:
        """How an explanation names the row."""
        return f"{self.sample_id}#{self.repeat}"


class Explanation(BaseModel):
    """Why some rows are judged otherwise, and whose verdict is right.

    `rows` are "sample_id" (all its repeats) or "sample_id#repeat"; `models` limits them to some models of the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    rows: list[str] = Field(min_length=1)
    models: list[str] | None = None
    right: Literal["ours", "theirs", "neither"]
    reason: str = Field(min_length=10)


class Explanations(BaseModel):
    """`replay/<name>.yaml`: how the file is judged, and what is known of its disagreements.

    `page`: a task's name, or a page's path relative to this file (default: by the rows' task). `style`: text or chat.
    `scorer`: the name of one of the page's scores, or an entry to judge by in their place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    page: str | None = None
    style: Literal["text", "chat"] | None = None
    scorer: str | dict[str, Any] | None = None
    note: str = ""
    explained: list[Explanation] = []
    folder: Path = Field(Path(), exclude=True)

    def of(self, row: Row) -> Explanation | None:
        """Return the first explanation that names the row."""
        for entry in self.explained:
            named = row.sample_id in entry.rows or row.label in entry.rows
            if named and (entry.models is None or row.model in entry.models):
                return entry
        return None


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file's rows, in order."""

    path: Path
    name: str
    rows: tuple[Row, ...] = field(repr=False)

    def parts(self) -> Iterator[tuple[Row, ...]]:
        """The rows of one task, model and set at a time: what one run can answer."""
        parts: dict[tuple[str, str, str | None, bool], list[Row]] = {}
        for row in self.rows:
            parts.setdefault((row.task, row.model, row.group, row.gold is None), []).append(row)
        yield from map(tuple, parts.values())


def files_of(places: Sequence[Path]) -> list[Path]:
    """Return the recorded files in folders and of files, sorted within a folder. Raises ReplayError where none is."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(path for path in place.iterdir() if path.name.endswith(SUFFIXES))
        elif place.is_file():
            found.append(place)
        else:
            raise ReplayError(f"{place}: no such file or folder")
    if not found:
        raise ReplayError(f"{', '.join(map(str, places))}: no file that ends with .jsonl or .jsonl.gz")
    return found


def name_of(path: Path) -> str:
    """Return a file's name without its ending: its explanations' file and its line in the table."""
    return next((path.name.removesuffix(suffix) for suffix in SUFFIXES if path.name.endswith(suffix)), path.name)


def recorded(path: Path) -> RecordedFile:
    """Read a file. Raises ReplayError with file and line for the first row that is none, or that is there twice."""
    rows: list[Row] = []
    seen: set[tuple[str, str, str | None, str, int]] = set()
    for number, values in _lines(path):
        try:
            row = Row.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise ReplayError(f"{path}:{number}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        key = (row.task, row.model, row.group, row.sample_id, row.repeat)
        if key in seen:
            raise ReplayError(f"{path}:{number}: a second line for {row.label} of {row.model}")
        seen.add(key)
        rows.append(row)
    if not rows:
        raise ReplayError(f"{path}: no rows")
    return RecordedFile(path, name_of(path), tuple(rows))


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.name.endswith(".gz") else raw).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ReplayError(f"{path}: cannot be read: {error}") from None
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise ReplayError(f"{path}:{number}: not JSON: {error}") from None


def explanations_of(path: Path, folder: Path) -> Explanations:
    """Read the explanations of a recorded file; none where there is no such page. Raises ReplayError."""
    page = folder / f"{name_of(path)}.yaml"
    if not page.is_file():
        return Explanations(folder=folder)
    try:
        found = Explanations.model_validate({**dict(read_yaml(page).data), "folder": folder})
    except ConfigError as error:
        raise ReplayError(str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ReplayError(f"{page}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    twice = _twice(found.explained)
    if twice:
        raise ReplayError(f"{page}: {twice} is explained twice; keep one")
    return found


def _twice(entries: Iterable[Explanation]) -> str:
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        for row in entry.rows:
            for model in entry.models or [""]:
                if (row, model) in seen:
                    return row
                seen.add((row, model))
    return ""
