"""Where things are, and rows on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
SHARED = REPO.parent / "shared"

SUMS_PAGE = """\
name: sums
version: 1
about: Additions, for tests.
source: {licence: Apache-2.0}
data: {path: ./sums.jsonl, split: test, columns: [id, a, b, total], id: "{{ id }}"}
reference:
  answer: ["{{ total }}"]
gold: "so the sum is {{ total }}"
prompt:
  text: {template: "{{ a }} + {{ b }} =", target: " {{ total }}", stop: ["\\n"]}
  chat: {user: "What is {{ a }} + {{ b }}?"}
sampling: {max_tokens: 8}
score:
  - by: exact_match
    extract: {by: number, pick: last}
metric: [mean]
"""


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_sums(folder: Path, size: int) -> None:
    """The page of additions, with so many of them: s0 is 0 + 0, s1 is 1 + 1, and so on."""
    write_jsonl(folder / "sums.jsonl", [{"id": f"s{i}", "a": i, "b": i, "total": 2 * i} for i in range(size)])
    (folder / "sums.yaml").write_text(SUMS_PAGE, encoding="utf-8")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """JSON lines as rows."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
