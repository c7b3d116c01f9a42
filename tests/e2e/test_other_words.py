"""Words of lm-evaluation-harness, lighteval and Inspect: never run by guess, always with what to type here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from files import REPO

from harness.cli.commands import app

TABLE = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (REPO / "docs" / "from-lm-eval.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]
COMMANDS = [command for row in TABLE for command in re.findall(r"`(harness [^`]*)`", row[1])]


def parsed(command: str) -> None:
    """Parse a command as the real program does, without running it; a fault is a SystemExit or an exception."""
    group = typer.main.get_command(app)
    program, *words = shlex.split(command)
    assert program == "harness"
    context = None
    while words and hasattr(group, "commands") and words[0] in group.commands:
        name, *words = words
        group = group.commands[name]
        context = group.make_context(name, [], resilient_parsing=True) if hasattr(group, "commands") else context
    group.make_context(name, words, parent=context)


def test_the_table_has_all_words_of_the_issue() -> None:
    there = " ".join(row[0] for row in TABLE)
    for word in (
        *("--num_fewshot", "--model_args", "--model hf", "--batch_size auto", "--apply_chat_template", "--gen_kwargs"),
        *("--output_path", "--log_samples", "--tasks list", "--limit 0.1", "--device", "--include_path", "--use_cache"),
        *("--predict_only", "--system_instruction", "--fewshot_as_multiturn", "--seed 0,1,2"),
    ):
        assert word in there, word


@pytest.mark.parametrize("command", COMMANDS)
def test_what_the_table_says_to_type_is_a_command(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parsed(command)


@pytest.mark.parametrize("there", [row[0].strip("`") for row in TABLE])
def test_a_command_of_theirs_is_never_run(cli: Callable, there: str) -> None:
    words = [word for word in shlex.split(there)[1:] if word not in ("...", "eval")]
    if words[0] in ("--device", "--config") or words == ["--limit", "100"]:
        return
    seen = cli("run", *words)
    assert seen.code == 2 and not Path("runs").exists()
    assert all(line.startswith("harness: ") for line in seen.err.splitlines()), seen.err
    for command in re.findall(r"the same here: (harness run.*)", seen.err):
        parsed(command.replace(" N", " 5"))


@pytest.mark.parametrize(
    ("words", "same"),
    [
        (
            "--model hf --model_args pretrained=a/b,dtype=float32 --tasks gsm8k --num_fewshot 5",
            "harness run --model a/b --dtype float32 --tasks gsm8k --sweep shots=5",
        ),
        ("-m hf -a pretrained=a/b -t gsm8k", "harness run --model a/b --tasks gsm8k"),
        ("--num_fewshot=5 --tasks=gsm8k", "harness run --sweep shots=5 --tasks gsm8k"),
        (
            "--model x --tasks gsm8k --gen_kwargs temperature=0.8,do_sample=True",
            "harness run --model x --tasks gsm8k --set tasks.gsm8k.sampling.temperature=0.8",
        ),
        ("--model x --batch_size 8 --log_samples --limit 5", "harness run --model x --batch-size 8 --limit 5"),
        ("--model x --apply_chat_template --output_path o", "harness run --model x --out o"),
        ("--trust_remote_code --model x", "harness run --trust-remote-code --model x"),
    ],
)
def test_the_same_command_in_the_words_of_the_harness(cli: Callable, words: str, same: str) -> None:
    seen = cli("run", *shlex.split(words))
    assert seen.code == 2 and seen.err.splitlines()[0].endswith(f"the same here: {same}"), seen.err


def test_options_without_a_command_and_lists_of_tasks(cli: Callable) -> None:
    assert "type harness run --model" in cli("--model", "hf", "--tasks", "gsm8k").err
    seen = cli("run", "--tasks", "list")
    assert seen.code == 2 and "`harness tasks list`" in seen.err


def test_own_words_pass(cli: Callable, sums: Path, sums_answers: Path) -> None:
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--limit=3", "--seed=1")
    assert cli(*words, "--dry-run").code == 0
    # A folder that is called like a backend is a model
    assert "no such option" not in cli("run", "--help").err.lower()
