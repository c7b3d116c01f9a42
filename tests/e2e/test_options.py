"""No option is ignored in silence: lists add up, patterns match, and a second value is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata

import pytest


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
