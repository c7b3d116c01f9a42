"""`attempts.jsonl` of a run folder: every request that was sent to a server, answered or not, with its tokens.

What a run cost is computed from it, so it holds thrown-away answers and the start probe too. It is written as the
journal is: append-only, a line with one system call, an incomplete last line is dropped. A line is checked when it is
read: a damaged one is an error with its number, never 0 dollars.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.datatypes import Attempt
from harness.errors import RunFolderError
from harness.store.journal import AppendOnlyFile, complete_lines, reason_of

ATTEMPTS = "attempts.jsonl"
TOKENS = ("prompt_tokens", "cached_tokens", "cache_written_tokens", "output_tokens", "reasoning_tokens")
MOST_MESSAGE = 500
# Messages should hold none; a server may repeat the key that it refuses
SECRET = re.compile(r"\b(bearer\s+|(?:sk|pk|api|key)-)[^\s\"',;]+", re.IGNORECASE)


class AttemptLog(AppendOnlyFile):
    """Appends attempts; safe from several threads of one process."""

    def append(self, attempt: Attempt) -> None:
        """Write one attempt. Raises StorageError (full disk)."""
        message = SECRET.sub(r"\1***", attempt.message)[:MOST_MESSAGE]
        values = asdict(replace(attempt, message=message))
        self.append_line(json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode() + b"\n")


def read(path: Path) -> list[Attempt]:
    """Return all attempts of a run folder's file in their order; none where there is no file. Raises RunFolderError."""
    found = []
    for number, line in enumerate(complete_lines(path), 1):
        try:
            found.append(_decoded(line))
        except ValueError as error:
            reason = reason_of(error)
            raise RunFolderError(f"{path}:{number}: not an attempt of this run: {reason}; restore the line") from None
    return found


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Attempt)


def _decoded(line: bytes) -> Attempt:
    """Read one line back. Raises ValueError."""
    values = json.loads(line)
    if not isinstance(values, dict):
        raise ValueError("not an object")
    if unknown := sorted(values.keys() - Attempt.__dataclass_fields__.keys()):
        raise ValueError(f"unknown key {unknown[0]!r}")
    attempt: Attempt = _adapter().validate_json(line, strict=True)
    for name in TOKENS:
        if getattr(attempt, name) < 0:
            raise ValueError(f"{name} is below 0")
    if not math.isfinite(attempt.seconds) or not math.isfinite(attempt.started_at):
        raise ValueError("a time is not finite")
    return attempt
