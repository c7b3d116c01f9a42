"""The append-only journal of one run: one line per record, each written with one system call.

If the process is killed at any instant, no record is lost for which `append` returned; at worst the last line is
incomplete, and opening the journal drops it. A power cut may lose the records since the last sync (`SYNC_SECONDS`).
Any other damaged line is never skipped: it is an error with the number of the line. So is a record that its run cannot
have written: a score that its scorer never gives, or a second request for one repeat of a sample.

Records go to JSON and back; `kind` distinguishes the kinds of requests, replies and prompts. A journal may have been
edited, merged or damaged since it was written, so a line is checked as input from outside: what no run could have
written is refused, never repaired.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness.datatypes import RECORD_SCHEMA, Record
from harness.errors import RunFolderError, StorageError, unwritable

SYNC_SECONDS = 2.0
# What a file system without hard links says to one
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


# (task, scorer) of the scorers that give only 0 and 1
Binary = frozenset[tuple[str, str]]


def read(path: Path) -> list[Record]:
    """Return all records of a journal, in file order, without an incomplete last line. Raises RunFolderError."""
    return [record for _, record in stream(path)]


def stream(path: Path, binary: Binary | None = None) -> Iterator[tuple[int, Record]]:
    """Yield each complete record with the byte offset of its line, one at a time: a journal may exceed memory.

    `binary`: the scorers of the run that give only 0 and 1; where it is given, values are checked against it, and each
    repeat of a sample must have one request. Raises RunFolderError with file and line of the first invalid record.
    """
    keys: dict[tuple[str, str, int], str] = {}
    offset = 0
    for number, line in enumerate(complete_lines(path), 1):
        try:
            record = decode(line)
            if binary is not None:
                _check_values(record, binary)
                _check_try(record, keys)
        except ValueError as error:
            reason = f"not a record of this run: {reason_of(error)}"
            raise RunFolderError(f"{path}:{number}: {reason}; delete the line and rerun") from None
        yield offset, record
        offset += len(line)


def at(path: Path, offsets: Iterable[int]) -> Iterator[Record]:
    """Yield the records whose lines begin at `offsets`, which `stream` returned. Raises RunFolderError."""
    try:
        with path.open("rb") as file:
            for offset in offsets:
                file.seek(offset)
                yield decode(file.readline())
    except FileNotFoundError:
        raise RunFolderError(f"{path}: is missing; restore it, or run its command again") from None
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise RunFolderError(f"{path}: changed while it was read; give the command again") from None


def complete_lines(path: Path) -> Iterator[bytes]:
    """Yield complete lines, with their line breaks; none where there is no file. Raises RunFolderError."""
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from None


def _check_values(record: Record, binary: Binary) -> None:
    for score in record.scores:
        if score.value not in (None, 0, 1) and (record.request.task, score.scorer) in binary:
            raise ValueError(f"score {score.scorer!r} is {score.value:g}, and its scorer gives 0 or 1")


def _check_try(record: Record, keys: dict[tuple[str, str, int], str]) -> None:
    request = record.request
    if keys.setdefault((request.task, request.sample_id, request.repeat), request.key) != request.key:
        raise ValueError(f"a second request for {request.task}: {request.sample_id}, repeat {request.repeat}")


def reason_of(error: ValueError) -> str:
    """What is wrong with a line, in one line."""
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return "not JSON"
    faults = getattr(error, "errors", None)
    if faults is None:
        return str(error)
    first = faults()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


class AppendOnlyFile:
    """Appends lines; safe from several threads of one process (the run folder's lock keeps others out)."""

    def __init__(self, path: Path) -> None:
        """Open for appending and drop an incomplete last line. Raises StorageError."""
        self._path = path
        self._lock = threading.Lock()
        self._synced = time.monotonic()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
            self._drop_incomplete_line()
        except OSError as error:
            raise unwritable(path, error) from None

    def append_line(self, line: bytes) -> None:
        """Write one line, its end included. Raises StorageError (full disk); earlier lines stay complete."""
        with self._lock:
            try:
                start = os.fstat(self._file).st_size
                written = os.write(self._file, line)
                if written != len(line):
                    os.ftruncate(self._file, start)
                    raise StorageError(
                        f"{self._path}: the disk is full; free some space and run the same command again"
                    )
                if time.monotonic() - self._synced > SYNC_SECONDS:
                    os.fsync(self._file)
                    self._synced = time.monotonic()
            except OSError as error:
                raise unwritable(self._path, error) from None

    def close(self) -> None:
        """Sync and close; safe to call twice."""
        with self._lock:
            if self._file >= 0:
                try:
                    os.fsync(self._file)
                except OSError as error:
                    raise unwritable(self._path, error) from None
                finally:
                    os.close(self._file)
                    self._file = -1

    def _drop_incomplete_line(self) -> None:
        size = os.fstat(self._file).st_size
        end = size
        while end > 0:
            start = max(0, end - 65536)
            block = os.pread(self._file, end - start, start)
            if (newline := block.rfind(b"\n")) >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._file, end)


class Journal(AppendOnlyFile):
    """The records of a run, one a line."""

    def append(self, record: Record) -> None:
        """Write one record. Raises StorageError (full disk); earlier records stay complete."""
        self.append_line(encode(record))


def replace(path: Path, records: Iterable[Record], keep: Path) -> None:
    """Replace a journal with `records` and keep the old one as `keep`. Raises StorageError.

    If iterating `records` raises, the old journal stays as it is.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            for record in records:
                file.write(encode(record))
            file.flush()
            os.fsync(file.fileno())
        _keep(path, keep)
        fresh.replace(path)
    except OSError as error:
        raise unwritable(fresh, error) from None
    finally:
        fresh.unlink(missing_ok=True)


def _keep(path: Path, keep: Path) -> None:
    """Keep the old journal under another name, before the new one takes its own: there is one at every instant."""
    try:
        os.link(path, keep)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        # exFAT, SMB or FUSE: a copy takes its name in one step, so that a part of one never passes for it
        part = keep.with_name(keep.name + ".new")
        try:
            shutil.copyfile(path, part)
            part.replace(keep)
        finally:
            part.unlink(missing_ok=True)


# --- one record ----------------------------------------------------------------------------------


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def encode(record: Record) -> bytes:
    """One line of the journal, newline included. Lone surrogates and the like are escaped, never an error."""
    values = _adapter().dump_python(record)
    return json.dumps(values, ensure_ascii=True, separators=(",", ":"), allow_nan=True, default=str).encode() + b"\n"


def decode(line: bytes) -> Record:
    """Read one line back. Raises ValueError, with what is wrong with it, for a line that is not a whole record."""
    values = json.loads(line, object_pairs_hook=_each_once)
    _check(values)
    record: Record = _adapter().validate_python(values)
    if record.reply.key != record.request.key:
        raise ValueError("its reply is to another request")
    return record


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return values


def _check(values: Any) -> None:
    """Refuse what the types allow, or would convert, but no run writes. Raises ValueError."""
    if not isinstance(values, Mapping) or values.get("schema") != RECORD_SCHEMA:
        raise ValueError(f"not a record of schema {RECORD_SCHEMA}")
    request, scores = values.get("request"), values.get("scores")
    if not isinstance(request, Mapping) or not isinstance(scores, list):
        raise ValueError("it has no request, or no list of scores")
    repeat = request.get("repeat")
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 0:
        raise ValueError(f"repeat is {repeat!r}, not a whole number from 0")
    for score in scores:
        _check_score(score)


def _check_score(score: Any) -> None:
    if not isinstance(score, Mapping):
        raise ValueError("a score is no object")
    name, value, failure = score.get("scorer"), score.get("value"), score.get("failure")
    ours = isinstance(failure, Mapping) and failure.get("ours") is True
    if value is None:
        if not ours:
            raise ValueError(f"score {name!r} has no value, and no fault of the harness that explains it")
    elif not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"score {name!r} is {value!r}, not a number")
    elif not math.isfinite(value):
        raise ValueError(f"score {name!r} is {value}, not a finite number")
    elif ours:
        raise ValueError(f"score {name!r} is {value}, though a fault of the harness left it unscored")
