"""Results in a JSON file, so that one page can be compared again and the table still has all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from task_parity.comparison import Count, Result

# Examples hold rows of data sets, which must not be kept with the project
NOT_KEPT = {"examples"}


def read(file: Path | None) -> dict[str, Result]:
    """Return results by page; none if there is no file yet."""
    if file is None or not file.is_file():
        return {}
    return {name: _result(values) for name, values in json.loads(file.read_text(encoding="utf-8")).items()}


def write(file: Path, results: Sequence[Result]) -> None:
    """Write results, by page."""
    values = {each.page: _without_examples(asdict(each)) for each in sorted(results, key=lambda each: each.page)}
    file.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _without_examples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_examples(each) for key, each in value.items() if key not in NOT_KEPT}
    return value


def _result(values: dict[str, Any]) -> Result:
    counts = {key: _count(values[key]) for key in ("prompts", "chat")}
    scores = {name: _count(each) for name, each in values["scores"].items()}
    return Result(**{**values, **counts, "scores": scores})


def _count(values: dict[str, Any]) -> Count:
    return Count(values["equal"], values["total"], values["unequal"])
