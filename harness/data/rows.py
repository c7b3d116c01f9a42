"""One split of one data set as plain rows, from wherever it is, with a hash of what was really read.

Order of the search: a file named by the page, the mirror, the hub. The hash is over the rows themselves, so the
same data has the same hash wherever it came from. Nothing is loaded twice in one run (`Loader` remembers), and a
revision of a hub data set is resolved to its commit once: all its splits are of that commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data import hub
from harness.data.files import KINDS, read_file
from harness.data.mirror import file_of_split, find_in_mirror
from harness.errors import DataError

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of one split, where they came from, and the sha256 of their content.

    `revision` is the page's, `commit` what it was resolved to; both are None for rows that are not the hub's.
    """

    rows: tuple[Row, ...]
    origin: str
    revision: str | None
    digest: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as a page names it; relative paths are beside `folder`. `file` is one file of a hub repository."""

    path: str
    name: str | None
    revision: str | None
    folder: Path
    file: str | None = None


@dataclass(slots=True)
class Loader:
    """Reads splits; `mirror` is a folder that stands for the hub."""

    mirror: Path | None = None
    _known: dict[tuple[DataSet, str], Split] = field(default_factory=dict)
    _commits: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def load(self, data: DataSet, split: str, columns: Sequence[str], where: str) -> Split:
        """Return a split that has `columns`.

        Raises DataError (missing file, column, zero rows) and HubError, led by `where`.
        """
        key = (data, split)
        if key not in self._known:
            self._known[key] = self._read(data, split, where)
        found = self._known[key]
        if not found.rows:
            raise DataError(f"{where}{found.origin} has no rows")
        for column in columns:
            lacking = next((number for number, row in enumerate(found.rows) if column not in row), None)
            if lacking is not None:
                have = ", ".join(found.rows[lacking])
                at = f"row {lacking} of {found.origin}" if lacking else found.origin
                raise DataError(f"{where}{at} has no column {column!r}; it has {have}")
        return found

    def _read(self, data: DataSet, split: str, where: str) -> Split:
        if is_file_name(data.path):
            path = (data.folder / data.path).resolve()
            if path.is_dir():
                path = file_of_split(path, split, where)
            if not path.is_file():
                raise DataError(f"{where}no such data file: {path}")
            return _split(read_file(path, where), str(path), None)
        if self.mirror is not None:
            path = find_in_mirror(self.mirror, data.path, data.name, split, where)
            return _split(read_file(path, where), str(path), None)
        return self._from_hub(data, split, where)

    def _from_hub(self, data: DataSet, split: str, where: str) -> Split:
        key = (data.path, data.revision)
        if key not in self._commits:
            self._commits[key] = hub.resolve(data.path, data.revision, where)
        commit = self._commits[key]
        if data.file:
            rows = read_file(hub.read_file_of(data.path, data.file, commit, where), where)
            return _split(rows, f"{data.path} ({data.file})", data.revision, commit)
        rows = hub.read_split(data.path, data.name, split, commit, where)
        return _split(rows, f"{data.path} ({split})", data.revision, commit)


def is_file_name(path: str) -> bool:
    """Whether a page's `data.path` means a file, or a folder with one file a split, rather than a hub id."""
    return path.startswith((".", "/")) or path.removesuffix(".gz").endswith(KINDS)


def digest(rows: Sequence[Row]) -> str:
    """sha256 over rows as canonical JSON, one line each."""
    total = hashlib.sha256()
    for row in rows:
        total.update(json.dumps(row, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
        total.update(b"\n")
    return total.hexdigest()


def _split(rows: Sequence[Row], origin: str, revision: str | None, commit: str | None = None) -> Split:
    return Split(tuple(rows), origin, revision, digest(rows), commit)
