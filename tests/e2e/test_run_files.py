"""`--config` and `--save-config` through the command: the same run folder, and what the command line replaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def test_a_saved_run_goes_on_in_its_own_folder(cli: Callable, sums: Path, sums_answers: Path) -> None:
    words = ("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums.yaml")
    first = cli(
        *words, "--limit", 4, "--limit-seed", 1, "--set", "execution.wall_seconds=5", "--save-config", "run.yaml"
    )
    assert first.code == 0 and "harness run --config run.yaml" in first.err
    (folder,) = Path("runs").iterdir()
    again = cli("run", "--config", "run.yaml")
    assert again.code == 0 and f"was finished already; nothing was done: {folder}" in again.out
    assert again.err.count("harness:") == 0
    assert [*Path("runs").iterdir()] == [folder]


def test_what_the_command_line_replaces_is_said(cli: Callable, sums: Path, sums_answers: Path) -> None:
    Path("run.yaml").write_text(
        "engine: scripted\ncompletions: answers.jsonl\ntasks: [./sums.yaml]\nlimit: 4\nout: a\nfail_under: 0.9\n"
    )
    seen = cli("run", "--config", "run.yaml", "--limit", 10)
    assert "harness: run.yaml:4: limit 4 is replaced by --limit 10" in seen.err
    assert seen.code == 1 and "gate failed: sums 0.700" in seen.err
    assert cli("run", "--config", "run.yaml", "--limit", 10, "--fail-under", 0.5).code == 0


def test_another_file_is_not_written_over(cli: Callable, sums: Path, sums_answers: Path) -> None:
    Path("run.yaml").write_text("limit: 4\n")
    words = ("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums.yaml")
    seen = cli(*words, "--save-config", "run.yaml")
    assert seen.code == 2 and "exists already" in seen.err and not Path("runs").exists()


def test_a_file_that_is_not_there_is_one_line(cli: Callable) -> None:
    seen = cli("run", "--config", "none.yaml")
    assert seen.code == 2 and seen.err.count("\n") == 1 and "none.yaml" in seen.err
