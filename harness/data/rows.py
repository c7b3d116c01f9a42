"""One split of one data set as plain rows: found, read with the values that are written in it, and hashed.

Searched in this order: a file named by the page, the offline mirror (`DIR/org/name/[config/]split.jsonl[.gz]`, or
.json, .csv, .parquet, takes the place of `org/name`), the hub. With a mirror given, the hub is never used: half a
mirror is an error, so that a run cannot mix copies of unknown age with the real thing. The hash is over the rows
themselves, so the same data has the same hash wherever it came from. Nothing is loaded twice in one run (`Loader`
remembers), and a revision of a hub data set is resolved to its commit once: all its splits are of that commit.

JSON is read as written: Arrow's JSON reader, which `datasets` uses, turns text that looks like a date into a
timestamp and an integer beside a decimal into a decimal, and a changed value is a changed prompt or answer. CSV has no
types, so every value of it is text (`007`, `1.10` and `true` stay what they are). Parquet goes through `datasets`.
A compressed file that expands beyond all measure is refused before it fills the memory.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data import hub
from harness.errors import DataError, StorageError, error_prefix

Row = dict[str, Any]
TABLES = (".parquet",)
KINDS = (".jsonl", ".json", ".csv", *TABLES)
# Text compresses to a tenth; what expands more than this is no data but an attack, or a mistake
MOST_EXPANSION = 100
EXPANSION_FROM_BYTES = 16 << 20
MOST_BYTES = 2 << 30
CHUNK_BYTES = 1 << 20
CSV_FIELD_CHARS = 1 << 27
SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".parquet", ".csv")


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
    """Reads splits; `mirror` is a folder that is read in place of the hub."""

    mirror: Path | None = None
    _known: dict[tuple[DataSet, str], Split] = field(default_factory=dict)
    _joined: dict[tuple[tuple[DataSet, ...], str], Split] = field(default_factory=dict)
    _commits: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def load(self, data: DataSet, split: str, columns: Sequence[str]) -> Split:
        """Return a split that has `columns`.

        Raises DataError (missing file, column, zero rows) and HubError.
        """
        key = (data, split)
        if key not in self._known:
            self._known[key] = self._read(data, split)
        loaded = self._known[key]
        if not loaded.rows:
            raise DataError(f"{loaded.origin} has no rows")
        for column in columns:
            lacking = next((number for number, row in enumerate(loaded.rows) if column not in row), None)
            if lacking is not None:
                have = ", ".join(loaded.rows[lacking])
                at = f"row {lacking} of {loaded.origin}" if lacking else loaded.origin
                raise DataError(f"{at} has no column {column!r}; it has {have}")
        return loaded

    def load_all(self, sets: Sequence[DataSet], split: str, columns: Sequence[str]) -> Split:
        """Return the rows of several configs of a data set, one after the other, each with its config as `config`.

        Raises DataError (as `load`, and for data with a column `config` of its own) and HubError.
        """
        parts = [self.load(data, split, columns) for data in sets]
        key = (tuple(sets), split)
        if key not in self._joined:
            self._joined[key] = _joined(sets, split, parts)
        return self._joined[key]

    def _read(self, data: DataSet, split: str) -> Split:
        if is_file_name(data.path):
            path = (data.folder / data.path).resolve()
            if path.is_dir():
                path = file_of_split(path, split)
            if not path.is_file():
                raise DataError(f"no such data file: {path}")
            return _split(read_file(path), str(path), None)
        if self.mirror is not None:
            path = find_in_mirror(self.mirror, data.path, data.name, split)
            return _split(read_file(path), str(path), None)
        return self._from_hub(data, split)

    def _from_hub(self, data: DataSet, split: str) -> Split:
        key = (data.path, data.revision)
        if key not in self._commits:
            self._commits[key] = hub.resolve(data.path, data.revision)
        commit = self._commits[key]
        if data.file:
            rows = read_file(hub.read_file_of(data.path, data.file, commit))
            return _split(rows, f"{data.path} ({data.file})", data.revision, commit)
        rows = hub.read_split(data.path, data.name, split, commit)
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


def _joined(sets: Sequence[DataSet], split: str, parts: Sequence[Split]) -> Split:
    rows: list[Row] = []
    for data, part in zip(sets, parts, strict=True):
        if "config" in part.rows[0]:
            raise DataError(f"{part.origin} has a column `config` of its own, so its configs cannot be told apart")
        rows += [{"config": data.name, **row} for row in part.rows]
    origin = f"{sets[0].path} ({split}, {len(sets)} configs)"
    return Split(tuple(rows), origin, parts[0].revision, digest(rows), parts[0].commit)


# --- finding a file ------------------------------------------------------------------------------


def find_in_mirror(mirror: Path, path: str, name: str | None, split: str) -> Path:
    """Return the file of a split. Raises DataError naming the folder, and what to put there."""
    if not mirror.is_dir():
        raise DataError(f"the mirror {mirror} is not a folder")
    with error_prefix("the mirror: "):
        return file_of_split(mirror / path / name if name else mirror / path, split)


def file_of_split(folder: Path, split: str) -> Path:
    """Return the file of a split in a folder that holds one file a split. Raises DataError."""
    for suffix in SUFFIXES:
        if (path := folder / (split + suffix)).is_file():
            return path
    raise DataError(f"there is no {folder / (split + '.jsonl')} (nor .jsonl.gz, .json, .parquet, .csv)")


# --- reading a file ------------------------------------------------------------------------------


def read_file(path: Path) -> list[Row]:
    """Read a .jsonl, .json, .csv or .parquet file (.gz too). Raises DataError for one that does not parse."""
    kind = "." + path.name.removesuffix(".gz").rpartition(".")[2]
    if kind not in KINDS:
        raise DataError(f"{path}: unknown kind of file; use {', '.join(KINDS)}")
    if kind in TABLES:
        return _table(path)
    try:
        text = _text(path)
        return list(_csv_rows(text, path) if kind == ".csv" else _json_rows(text, path))
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    except RecursionError:
        raise DataError(f"{path} is nested too deep") from None


def _text(path: Path) -> str:
    return (_expanded(path) if path.suffix == ".gz" else path.read_bytes()).decode("utf-8-sig")


def _expanded(path: Path) -> bytes:
    """The content of a .gz file, read only as far as it stays in measure."""
    most = min(MOST_BYTES, max(EXPANSION_FROM_BYTES, MOST_EXPANSION * path.stat().st_size))
    content = bytearray()
    with gzip.open(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            content += chunk
            if len(content) > most:
                raise DataError(
                    f"{path} expands to more than {most >> 20} MiB ({MOST_EXPANSION} times its size, at most "
                    f"{MOST_BYTES >> 30} GiB); if it is meant to, unpack it"
                )
    return bytes(content)


def _csv_rows(text: str, path: Path) -> Iterator[Row]:
    """A header line, then one row a record; every value is text as it is written."""
    csv.field_size_limit(CSV_FIELD_CHARS)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = next(reader, [])
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            raise DataError(f"{path}:1: two columns are called {twice[0]!r}")
        for values in reader:
            if not values:
                continue
            if len(values) != len(columns):
                raise DataError(
                    f"{path}:{reader.line_num}: {len(values)} values, but the header has {len(columns)} columns"
                )
            yield dict(zip(columns, values, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not CSV: {error}") from None


def _json_rows(text: str, path: Path) -> Iterator[Row]:
    """One object a line; or one list of objects, as .json files often hold."""
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except ValueError as error:
            raise DataError(f"{path} is not JSON: {error}") from None
        yield from (_object(row, f"{path}: element {number}") for number, row in enumerate(rows))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}:{number}: not JSON: {error}") from None
            except RecursionError:
                raise DataError(f"{path}:{number}: nested too deep") from None
            yield _object(row, f"{path}:{number}")


def _object(row: Any, place: str) -> Row:
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected an object with the columns as keys, found a {type(row).__name__}")
    return row


def _table(path: Path) -> list[Row]:
    from harness.hub import quiet

    quiet()
    import tempfile

    import datasets
    from datasets.exceptions import DatasetGenerationError

    # A cache of our own: the shared one knows a file by name and time, not by content
    try:
        with tempfile.TemporaryDirectory(prefix="harness-data-") as cache:
            data = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=cache)
            return [dict(row) for row in data]
    except DatasetGenerationError as error:
        cause = error.__cause__ or error
        if isinstance(cause, OSError):
            raise StorageError(f"{path} could not be cached by `datasets`: {cause}") from None
        raise DataError(f"{path} cannot be read: {' '.join(str(cause).split())[:200]}") from None
    except (ValueError, OSError) as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from None
