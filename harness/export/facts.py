"""What several formats state about a run: its model's id, whether data is on the hub, how a text is encoded."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from harness.data.rows import is_file_name
from harness.export.base import StoredRun
from harness.privacy import presentable
from harness.results import Estimate, metric_text


def model_id(run: StoredRun) -> str:
    """The hub id; of a model in a folder its name."""
    path = run.manifest.model_path
    is_id = path.count("/") == 1 and not path.startswith((".", "/", "~"))
    return presentable(path if is_id else run.manifest.model_name)


def is_hub_id(path: str) -> bool:
    """Whether a page's `data.path` is a data set of the hub."""
    return not is_file_name(path) and path.count("/") == 1


def score_name(row: Estimate) -> str:
    """`scorer/metric`, as in the score table."""
    return metric_text(row.scorer, row.metric)


def binary_scorers(run: StoredRun, task: str) -> tuple[str, ...]:
    """Scorers of a task whose scores are 0 or 1."""
    return tuple(run.manifest.tasks[task].get("binary") or ())


def encodable(value: Any) -> Any:
    """The same value as JSON in UTF-8 can hold it; containers are copied.

    Lone surrogates, which have no bytes, are escaped; NaN and infinity, which are no JSON, are None.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {encodable(key): encodable(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(own) for own in value]
    return value


def plain_name(name: str) -> str:
    """A name that is one component of a path on every system, for a text that may hold anything.

    One that had to be changed ends in a digest: two names never become one.
    """
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name)
    plain = plain.strip("._")[:100] or "unnamed"
    return plain if plain == name else f"{plain[:91]}-{hashlib.sha256(encodable(name).encode()).hexdigest()[:8]}"
