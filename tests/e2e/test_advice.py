"""Every command that a claim page or a verdict advises works as it is printed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import REPO, SUMS_PAGE, write_jsonl
from ruamel.yaml import YAML

PAGES = sorted((REPO / "configs" / "claims").glob("*.yaml"))
# Only the hub knows these
NEEDS_HUB = ("harness models inspect deepseek-ai/", "harness models inspect swiss-ai/")
ROWS = {
    "humaneval": ("openai/openai_humaneval", "task_id"),
    "humaneval_plus": ("evalplus/humanevalplus", "task_id"),
    "humanevalx_cpp": ("THUDM/humaneval-x", "task_id"),
    "ifeval": ("google/IFEval", "key"),
    "math500": ("HuggingFaceH4/MATH-500", "unique_id"),
}
CLAIM = """\
name: ten
about: Sentences about additions.
claims:
  - id: ten-sums
    quote: "at least 60 % of additions"
    reading: "at least 60 % of these additions"
    source: {url: "https://example.org", kind: press}
    subject: {model: adder}
    test: {metric: accuracy, tasks: [sums], about: benchmark}
    relation: ">="
    threshold: 0.6
    protocol: {shots: 0, prompt: chat, decoding: greedy, samples: 1, max_tokens: 16}
"""


def claims() -> list[dict[str, Any]]:
    """Every claim of the pages that come with the harness."""
    return [claim for page in PAGES for claim in YAML(typ="safe").load(page.read_text(encoding="utf-8"))["claims"]]


def commands(claim: dict[str, Any]) -> list[str]:
    """The commands of a claim's advice, in order."""
    return re.findall(r"`(harness [^`]+)`", " ".join(claim.get("try_it", [])))


def test_every_command_of_an_advice_is_marked_as_one():
    for claim in claims():
        left = re.sub(r"`harness [^`]+`", "", " ".join(claim.get("try_it", [])))
        assert "harness " not in left, left


@pytest.fixture
def answers(mirror: Path, tmp_path: Path) -> Path:
    """An answer to each of the first rows of every task that the advice names."""
    rows = []
    for task, (repository, key) in ROWS.items():
        files = sorted((mirror / repository).rglob("*.jsonl*"))
        file = next((path for path in files if "test" in path.name), files[0])
        opened = json_lines(file)
        rows += [{"task": task, "sample_id": row[key], "completion": "I do not know."} for row in opened]
    return write_jsonl(tmp_path / "ANSWERS.jsonl", rows)


def json_lines(file: Path) -> list[dict[str, Any]]:
    """Rows of a data file, packed or not."""
    import gzip

    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def typed_as_printed(command: str, answers: Path) -> list[list[str]]:
    """The words of a command, its placeholders filled in; a model of the hub answers from the file, four samples."""
    if "NAME" in command:
        return [
            words
            for name in ("deepseek-v4", "gpt-4o", "claude-3.5-sonnet")
            for words in typed_as_printed(command.replace("NAME", name), answers)
        ]
    words = shlex.split(command.replace("MODEL", "demo-smaller"))[1:]
    runs_model = words[0] == "run" or "--run" in words
    if runs_model and "demo-smaller" not in words and "--engine" not in words:
        # As a chat model from the hub would be asked; a base model as text
        style = [] if "--style" in words or "--run" in words else ["--style", "chat"]
        words += ["--engine", "scripted", "--completions", str(answers), *style]
    return [[*words, "--limit", "4"] if runs_model else words]


@pytest.mark.slow
@pytest.mark.parametrize("claim", [c for c in claims() if commands(c)], ids=lambda claim: claim["id"])
def test_the_advice_of_a_page_works_as_printed(
    claim: dict[str, Any], cli: Callable, tmp_path: Path, mirror: Path, answers: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    (tmp_path / "FOLDER").mkdir()
    shutil.copy(REPO / "configs" / "claims" / "deepseek-v4-flash.json", tmp_path / "FOLDER" / "config.json")
    if any(" RUN" in command for command in commands(claim)):
        assert cli("run", "--model", "demo-smaller", "--tasks", "demo_math", "--limit", 4, "--out", "RUN").code == 0
    for command in commands(claim):
        if command.startswith(NEEDS_HUB):
            continue
        if "--max-cost" in command:
            # A hosted model: everything is right but for the key
            seen = cli(*shlex.split(command)[1:])
            assert seen.code == 2 and "the environment variable DEEPSEEK_API_KEY is not set" in seen.err, seen.err
            continue
        for words in typed_as_printed(command, answers):
            seen = cli(*words)
            assert seen.code == 0, (command, seen.err)
            if words[:2] == ["claim", "check"]:
                assert "PROTOCOL DIFFERS" not in seen.out.split("Stand-in")[0] or "--stand-in" in words, seen.out


@pytest.fixture
def ten(sums: Path, sums_answers: Path, tmp_path: Path) -> str:
    """A claim about the ten additions, to be asked as a chat with 16 tokens."""
    assert "max_tokens: 8" in SUMS_PAGE
    (tmp_path / "ten.yaml").write_text(CLAIM, encoding="utf-8")
    return "./ten.yaml"


def test_a_run_under_another_protocol_says_which_options_to_add(cli: Callable, ten: str):
    words = ("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums.yaml")
    assert cli(*words, "--model", "adder", "--out", "first").code == 0
    out = " ".join(cli("claim", "check", ten, "first").out.split())
    assert "PROTOCOL DIFFERS" in out and "the local runs do not follow the claim's protocol" in out
    options = re.search(r"run it again with ((?:--\w+ \S+ ?)+)", out)
    assert options is not None, out
    added = [word.rstrip(";") for word in options[1].split()]
    assert added == ["--style", "chat", "--set", "tasks.sums.sampling.max_tokens=16"]
    assert cli(*words, "--model", "adder", *added, "--out", "second").code == 0
    again = cli("claim", "check", ten, "second").out
    assert "SUPPORTED" in again and "all 10 items" in again
    assert "SUPPORTED" in cli("claim", "check", ten, "first", "--allow-protocol").out


def test_a_claim_that_would_be_asked_otherwise_says_which_options_to_add(cli: Callable, ten: str):
    words = ("claim", "check", ten, "--run", "--engine", "scripted", "--completions", "answers.jsonl")
    wrong = cli(*words, "--model", "adder", "--set", "model.style=text")
    assert wrong.code == 2 and "--style chat" in wrong.err
    assert cli(*words, "--model", "adder").code == 0
