"""Rows of one file, with the values that are written in it.

JSON is read as written: Arrow's JSON reader, which `datasets` uses, turns text that looks like a date into a
timestamp and an integer beside a decimal into a decimal, and a changed value is a changed prompt or answer. CSV has no
types, so every value of it is text (`007`, `1.10` and `true` stay what they are). Parquet goes through `datasets`.
A compressed file that expands beyond all measure is refused before it fills the memory.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import DataError, StorageError

Row = dict[str, Any]
TABLES = (".parquet",)
KINDS = (".jsonl", ".json", ".csv", *TABLES)
# Text compresses to a tenth; what expands more than this is no data but an attack, or a mistake
MOST_EXPANSION = 100
EXPANSION_FROM_BYTES = 16 << 20
MOST_BYTES = 2 << 30
CHUNK_BYTES = 1 << 20
CSV_FIELD_CHARS = 1 << 27


def read_file(path: Path, where: str = "") -> list[Row]:
    """Read a .jsonl, .json, .csv or .parquet file (.gz too). Raises DataError for one that does not parse."""
    kind = "." + path.name.removesuffix(".gz").rpartition(".")[2]
    if kind not in KINDS:
        raise DataError(f"{where}{path}: unknown kind of file; use {', '.join(KINDS)}")
    if kind in TABLES:
        return _table(path, where)
    try:
        text = _text(path, where)
        return list(_csv_rows(text, path, where) if kind == ".csv" else _json_rows(text, path, where))
    except UnicodeDecodeError:
        raise DataError(f"{where}{path} is not UTF-8 text") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where}{path} cannot be read: {error}") from None
    except RecursionError:
        raise DataError(f"{where}{path} is nested too deep") from None


def _text(path: Path, where: str) -> str:
    return (_expanded(path, where) if path.suffix == ".gz" else path.read_bytes()).decode("utf-8-sig")


def _expanded(path: Path, where: str) -> bytes:
    """The content of a .gz file, read only as far as it stays in measure."""
    most = min(MOST_BYTES, max(EXPANSION_FROM_BYTES, MOST_EXPANSION * path.stat().st_size))
    content = bytearray()
    with gzip.open(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            content += chunk
            if len(content) > most:
                raise DataError(
                    f"{where}{path} expands to more than {most >> 20} MiB ({MOST_EXPANSION} times its size, at most "
                    f"{MOST_BYTES >> 30} GiB); if it is meant to, unpack it"
                )
    return bytes(content)


def _csv_rows(text: str, path: Path, where: str) -> Iterator[Row]:
    """A header line, then one row a record; every value is text as it is written."""
    csv.field_size_limit(CSV_FIELD_CHARS)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = next(reader, [])
        twice = [name for name in columns if columns.count(name) > 1]
        if twice:
            raise DataError(f"{where}{path}:1: two columns are called {twice[0]!r}")
        for values in reader:
            if not values:
                continue
            if len(values) != len(columns):
                raise DataError(
                    f"{where}{path}:{reader.line_num}: {len(values)} values, but the header has {len(columns)} columns"
                )
            yield dict(zip(columns, values, strict=True))
    except csv.Error as error:
        raise DataError(f"{where}{path}:{reader.line_num}: not CSV: {error}") from None


def _json_rows(text: str, path: Path, where: str) -> Iterator[Row]:
    """One object a line; or one list of objects, as .json files often hold."""
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except ValueError as error:
            raise DataError(f"{where}{path} is not JSON: {error}") from None
        yield from (_object(row, f"{where}{path}: element {number}") for number, row in enumerate(rows))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise DataError(f"{where}{path}:{number}: not JSON: {error}") from None
            except RecursionError:
                raise DataError(f"{where}{path}:{number}: nested too deep") from None
            yield _object(row, f"{where}{path}:{number}")


def _object(row: Any, place: str) -> Row:
    if not isinstance(row, dict):
        raise DataError(f"{place}: expected an object with the columns as keys, found a {type(row).__name__}")
    return row


def _table(path: Path, where: str) -> list[Row]:
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
            raise StorageError(f"{where}{path} could not be cached by `datasets`: {cause}") from None
        raise DataError(f"{where}{path} cannot be read: {' '.join(str(cause).split())[:200]}") from None
    except (ValueError, OSError) as error:
        raise DataError(f"{where}{path} cannot be read: {' '.join(str(error).split())[:200]}") from None
