"""`repeat_check.json` of a run folder: what changed when some of the run's greedy samples were requested again.

The second answers are no records: no score is computed from them. The file is checked when it is read; one that does
not belong to the run is left aside, as where it was copied from another folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.datatypes import Attempt
from harness.errors import RunFolderError
from harness.store.run_folder import write_text

REPEAT_CHECK = "repeat_check.json"
REPEAT_CHECK_SCHEMA = 1
# Ends the key of a second request, so that its attempts are not taken for attempts at the run's own answer
AGAIN = "@again"


@dataclass(frozen=True, slots=True)
class RepeatedSample:
    """One sample and its second answer: by the task's first scorer the score was `first` and is now `second`.

    `text` is the second answer where its text changed. `failure`: why there is no second answer, or no second score;
    `text_changed` is None without an answer, `second` without a score.
    """

    key: str
    task: str
    sample_id: str
    first: float
    second: float | None = None
    text_changed: bool | None = None
    text: str | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class RepeatCheck:
    """The samples that were requested again: `wanted` at most, chosen out of `eligible` greedy answers with a score.

    `from_file`: the engine reads its answers from a file, so that they cannot change.
    """

    run_id: str
    wanted: int
    eligible: int
    from_file: bool
    samples: tuple[RepeatedSample, ...]


def without_repeats(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return the attempts at the run's own answers, and those of the start probe: what these answers cost."""
    # A request of several calls has keys KEY#NUMBER
    return [attempt for attempt in attempts if not attempt.key.partition("#")[0].endswith(AGAIN)]


def read(folder: Path, run_id: str) -> RepeatCheck | None:
    """Return a run's repeat check, None where there is none of this run. Raises RunFolderError."""
    path = folder / REPEAT_CHECK
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("schema") != REPEAT_CHECK_SCHEMA:
            raise ValueError(f"not a repeat check of schema {REPEAT_CHECK_SCHEMA}")
        kept = {name: values[name] for name in RepeatCheck.__dataclass_fields__ if name in values}
        check: RepeatCheck = _adapter().validate_python(kept)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RunFolderError(
            f"{path}: cannot be read: {reason}; delete it, and run again with --repeat-check"
        ) from None
    return check if check.run_id == run_id else None


def write(folder: Path, check: RepeatCheck, summary: Mapping[str, Any]) -> None:
    """Write the file, with a summary for readers that `read` does not need. Raises StorageError."""
    values = {"schema": REPEAT_CHECK_SCHEMA, **asdict(check), "summary": dict(summary)}
    write_text(folder / REPEAT_CHECK, json.dumps(values, indent=1, ensure_ascii=True) + "\n")


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(RepeatCheck)
