"""No option is ignored in silence: lists add up, patterns match, and a second value is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from harness.engines.hf import adapters, quantise


def scored(cli: Callable, *words: object) -> list[str]:
    """Tasks of a run of the demo model on one sample each."""
    seen = cli("run", "--model", "demo-smaller", "--limit", 1, "--json", *words)
    assert seen.code == 0, seen.err
    return [row["task"] for row in json.loads(seen.out)["rows"]]


@pytest.mark.parametrize(
    "words",
    [
        ("--tasks", "demo_math,demo_code"),
        ("--tasks", "demo_math", "--tasks", "demo_code"),
        ("--tasks", "demo_ma*", "--tasks", "demo_*"),
        ("--tasks", "demo_math", "--tasks", "*_code"),
    ],
)
def test_tasks_add_up_however_they_are_given(cli: Callable, words: tuple[str, ...]):
    assert scored(cli, *words) == ["demo_math", "demo_code"]


def test_a_pattern_of_files_names_the_files_that_match(cli: Callable, sums, sums_answers):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--json")
    seen = cli(*words, "--tasks", "./su*.yaml")
    assert seen.code == 0 and json.loads(seen.out)["rows"][0]["task"] == "sums", seen.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--tasks", "hmaneval_*"), "closest are 'humaneval'"),
        (("run", "--tasks", "demo_math", "--tasks", "demoo*x"), "'demoo*x' matches no task"),
        (("run", "--tasks", "./no*.yaml"), "matches no file"),
        (("run", "--tasks", "gsm8k", "--tasks", "gsm8k"), "named twice"),
        (("run", "--model", "demo-smaller", "--model", "demo-larger"), "'--model': given 2 times"),
        (("run", "--suite", "demo", "--suite", "code"), "'--suite': given 2 times"),
        (("run", "--limit", 3, "--seed", 1, "--limit", 3), "'--limit': given 2 times"),
        (("run", "--set", "limit=3", "--set", "limit=4"), "limit is set twice"),
        (("rescore", "RUN", "--mirror", "a", "--mirror", "b"), "given 2 times"),
        (("compare", "a", "b", "--format", "csv", "--format", "json"), "'--format': given 2 times"),
        (("claim", "check", "dsv4-mla", "--seed", 1, "--seed", 2), "'--seed': given 2 times"),
        (("cost", "RUN", "--on", "2026-01-01", "--on", "2026-01-02"), "'--on': given 2 times"),
        (("models", "inspect", "x", "--weights", "--no-weights"), "'--weights': given 2 times"),
        (("tasks", "validate", "--data", "--no-data"), "given 2 times"),
        (("exec", "a.py", "--lang", "python", "--lang", "cpp"), "'--lang': given 2 times"),
    ],
)
def test_a_second_value_or_a_pattern_of_nothing_is_refused(cli: Callable, words: tuple[object, ...], message: str):
    seen = cli(*words)
    assert seen.code == 2 and message in seen.err, seen.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--quantize", "int8"), "int8 needs the package torchao"),
        (("--adapter", "./nowhere"), "adapter: ./nowhere: no such folder"),
        (("--adapter", "org/style"), "peft is not installed"),
        (("--device", "gpu"), "did you mean 'cuda'?"),
        (("--device", "cpu,gpu"), "'gpu' is not"),
        (("--device", "cpu,gpu", "--engine", "reference"), "several devices go with engine local"),
        (("--replicas", "0"), "replicas: input should be greater"),
        (("--gpus-per-replica", "1"), "go with --ray"),
        (("--ray", "--device", "cuda:1"), "does not go with --ray"),
        (("--ray", "--gpus-per-replica", "0", "--device", "cuda"), "leave one of the two out"),
        (("--self-check", "never"), "'never' is not one of cached, always"),
        (("--revision", "main"), "a folder has no revisions"),
    ],
)
def test_options_are_checked_before_pages_and_models(
    cli: Callable, sums: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
):
    monkeypatch.setattr(adapters, "installed", lambda module: False)
    monkeypatch.setattr(quantise, "installed", lambda module: False)
    page = Path(sums)
    page.write_text(page.read_text().replace("exact_match", "exact_mach"))
    assert "exact_mach" in cli("run", "--tasks", sums).err
    seen = cli("run", "--tasks", sums, *words)
    assert (seen.code, seen.out) == (2, "") and seen.err.count("\n") == 1 and message in seen.err, seen.err


def test_the_version_is_printed_without_an_import_that_costs_seconds(cli: Callable):
    """The installed version, on standard output; torch and transformers stay out."""
    shown = cli("--version")
    assert (shown.code, shown.out) == (0, f"harness {metadata.version('harness')}\n")
    program = (
        "import sys; sys.argv = ['harness', '--version']\n"
        "from harness.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'transformers', 'datasets', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
