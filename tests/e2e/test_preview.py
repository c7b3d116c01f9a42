"""`harness run --dry-run`: what is counted comes from the engine's own declarations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path


def test_tokens_that_the_engine_does_not_count_are_unknown_not_zero(
    cli: Callable, sums: Path, sums_answers: Path
) -> None:
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--dry-run")
    seen = cli(*words)
    assert seen.code == 0, seen.err
    assert "tokens in unknown, at most 80 out" in seen.out and "0 tokens in" not in seen.out
    assert json.loads(cli(*words, "--json").out)["counts_tokens"] is False


def test_memory_is_of_the_requests_that_run_at_once(cli: Callable, sums: Path) -> None:
    def memory(*words: object) -> int:
        seen = cli("run", "--tasks", sums, "--dry-run", "--json", *words)
        assert seen.code == 0, seen.err
        document = json.loads(seen.out)
        assert document["counts_tokens"] is True
        return document["memory_bytes"]

    one, ten = memory("--batch-size", 1), memory()
    assert one < ten
    assert memory("--batch-size", 64) == ten, "there are ten requests"
    assert memory("--engine", "reference", "--batch-size", 1) == one
