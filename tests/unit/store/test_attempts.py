"""The file of attempts: nothing that was spent is lost or misread, and no key is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.datatypes import Attempt
from harness.errors import RunFolderError
from harness.store import attempts
from harness.store.attempts import AttemptLog


def attempt(**changes: object) -> Attempt:
    """An answered attempt."""
    values = {"key": "k", "url": "http://h/v1", "started_at": 1.5, "seconds": 2.0, "outcome": "answered", "kept": True}
    return Attempt(**{**values, **changes})


def test_attempts_come_back_as_they_were_written_without_what_a_kill_cut_off(tmp_path: Path):
    path = tmp_path / "attempts.jsonl"
    log = AttemptLog(path)
    written = [
        attempt(output_tokens=3),
        attempt(key="", status=429, outcome="rate_limited", kept=False, message="slow"),
    ]
    for one in written:
        log.append(one)
    log.close()
    path.write_bytes(path.read_bytes() + b'{"key": "cut')
    assert attempts.read(path) == written
    AttemptLog(path).close()
    assert path.read_bytes().endswith(b"}\n")
    assert attempts.read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    "message", ["Incorrect API key provided: sk-proj-abc123DEF", "got Authorization: Bearer abc.def-123", "key-99xyz77"]
)
def test_a_key_that_a_server_repeats_is_not_written(tmp_path: Path, message: str):
    log = AttemptLog(tmp_path / "a")
    log.append(attempt(message=message))
    log.close()
    text = (tmp_path / "a").read_text()
    assert "***" in text and not any(part in text for part in ("abc", "def", "99xyz"))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"output_tokens":3', '"output_tokens":-3', "below 0"),
        ('"output_tokens":3', '"output_tokens":"3"', "output_tokens"),
        ('"output_tokens":3', '"tokens":3', "unknown key 'tokens'"),
        ('"key"', "key", ""),
    ],
)
def test_a_damaged_line_is_an_error_with_its_number(tmp_path: Path, old: str, new: str, reason: str):
    path = tmp_path / "a"
    log = AttemptLog(path)
    log.append(attempt())
    log.append(attempt(output_tokens=3))
    log.close()
    path.write_text(path.read_text()[::-1].replace(old[::-1], new[::-1], 1)[::-1])
    with pytest.raises(RunFolderError, match=f":2: .*{reason}"):
        attempts.read(path)
