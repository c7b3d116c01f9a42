"""Writes docs/writing-tasks.md and docs/tasks.md: `make guide`. Tests compare both with what this would write.

`--mirror DIR --tokenizer DIR` also measures the tokens of prompts anew and keeps them in docs/task_tokens.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from docs.task_list import measure, task_list
from docs.writing_guide import writing_guide

DOCS = Path(__file__).resolve().parent


def documents() -> dict[Path, str]:
    """Every generated document with its text."""
    return {DOCS / "writing-tasks.md": writing_guide(), DOCS / "tasks.md": task_list()}


def main() -> None:
    """Measure if there is something to measure with, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", type=Path, help="real data")
    parser.add_argument("--tokenizer", type=Path, help="a folder with a tokenizer")
    given = parser.parse_args()
    if given.mirror and given.tokenizer:
        measure(given.mirror, given.tokenizer)
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
