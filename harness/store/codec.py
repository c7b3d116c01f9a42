"""Records to JSON and back; `kind` distinguishes the types of requests, replies and prompts.

A journal may have been edited, merged or damaged since it was written, so a line is checked like any input: what
no run could have written is refused, never repaired.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from harness.datatypes import RECORD_SCHEMA, Record


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def encode(record: Record) -> bytes:
    """One line of the journal, newline included. Lone surrogates and the like are escaped, never an error."""
    values = _adapter().dump_python(record)
    return json.dumps(values, ensure_ascii=True, separators=(",", ":"), allow_nan=True, default=str).encode() + b"\n"


def decode(line: bytes) -> Record:
    """Read one line back. Raises ValueError, with the reason, for a line that is not a complete record."""
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
        raise ValueError("it has no request or no list of scores")
    repeat = request.get("repeat")
    if not isinstance(repeat, int) or isinstance(repeat, bool) or repeat < 0:
        raise ValueError(f"repeat is {repeat!r}, not a whole number from 0")
    for score in scores:
        _check_score(score)


def _check_score(score: Any) -> None:
    if not isinstance(score, Mapping):
        raise ValueError("a score is not an object")
    name, value, failure = score.get("scorer"), score.get("value"), score.get("failure")
    harness_fault = isinstance(failure, Mapping) and failure.get("ours") is True
    if value is None:
        if not harness_fault:
            raise ValueError(f"score {name!r} has no value, and no fault of the harness as the reason")
    elif not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"score {name!r} is {value!r}, not a number")
    elif not math.isfinite(value):
        raise ValueError(f"score {name!r} is {value}, not a finite number")
    elif harness_fault:
        raise ValueError(f"score {name!r} is {value}, though a fault of the harness left it unscored")
