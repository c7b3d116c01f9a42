"""The packages in examples/, built, installed and run: what another package's engine and scorer can rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import REPO, read_jsonl, write_jsonl

# Each test starts the program in processes of its own, where the packages are installed
pytestmark = pytest.mark.slow

Harness = Callable[..., "subprocess.CompletedProcess[str]"]

PAGE = """\
name: {name}
version: 1
about: Questions, for tests.
source: {{licence: Apache-2.0}}
data: {{path: ./rows.jsonl, split: test, columns: [id, question, answers], id: "{{{{ id }}}}"}}
reference:
  answer: ["{{{{ answers[0] }}}}", "{{{{ answers[1] }}}}"]
gold: "{{{{ answers[0] }}}}"
prompt:
  text: {{template: "{{{{ question }}}}\\nAnswer:", stop: ["\\n"]}}
  chat: {{user: "{{{{ question }}}}"{prefill}}}
sampling: {{max_tokens: 16}}
score:
  - by: edit_similarity
    {option}: text
metric: [mean]
"""
CHOICE = """\
name: choice
version: 1
about: A choice, for tests.
source: {licence: Apache-2.0}
data: {path: ./rows.jsonl, split: test, columns: [id, question, answers], id: "{{ id }}"}
ask: loglikelihood
reference:
  choice: {options: ["{{ answers[0] }}", "nothing"], gold: "0"}
prompt:
  text: {template: "{{ question }}", target: " {{ option }}"}
score:
  - by: choice
metric: [mean]
"""
ROWS = [
    {"id": "s0", "question": "Which battle was it?", "answers": ["Hastings", "1066"]},
    {"id": "s1", "question": "Who won?", "answers": ["William", "Will"]},
]
# By task and sample; the prompts are the same in both tasks
ANSWERS = {
    "first": {"s0": " Hasting.\nmore", "s1": " William"},
    "second": {"s0": " 1067", "s1": " Wall"},
}
# Twice the characters in common over all: "Hasting" in 8 + 8; all; "106" in 4 + 4 of the second answer; "W" and "ll"
SCORES = {("first", "s0"): 7 / 8, ("first", "s1"): 1.0, ("second", "s0"): 3 / 4, ("second", "s1"): 3 / 4}
PROGRAM = f"""\
import os, sys
assert sys.stdin.read().endswith("Answer:")
print({ANSWERS!r}[os.environ["HARNESS_TASK"]][os.environ["HARNESS_SAMPLE"]], end="")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages, as pip installs them."""
    target = tmp_path_factory.mktemp("site")
    packages = [str(REPO / "examples" / name) for name in ("command_engine", "edit_similarity_scorer")]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    words = [*pip, "--no-index", "--no-deps", "--no-build-isolation", "--target", str(target), *packages]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def harness(site: Path, tmp_path: Path) -> Harness:
    """The command line in a process of its own, in a folder with the pages, the rows and the program."""
    write_jsonl(tmp_path / "rows.jsonl", ROWS)
    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(PAGE.format(name=name, prefill="", option="extract"))
    (tmp_path / "choice.yaml").write_text(CHOICE)
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(REPO)]), "OMP_NUM_THREADS": "1"}

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "harness", *map(str, words)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def on_command(tasks: str, out: str, *more: str) -> list[str]:
    """A run of the example's engine."""
    argv = json.dumps([sys.executable, "program.py"])
    words = ["run", "--engine", "command", "--set", f"engine.argv={argv}", "--model", str(Path("program.py"))]
    return [*words, "--tasks", tasks, "--out", out, *more]


def test_tasks_with_equal_prompts_get_their_own_answers_and_the_scorer_s_values(
    harness: Harness, tmp_path: Path
) -> None:
    done = harness(*on_command("./first.yaml,./second.yaml", "run", "--json"))
    assert done.returncode == 0, done.stderr
    records = read_jsonl(tmp_path / "run" / "records.jsonl")
    prompts = {json.dumps(record["request"]["prompt"]) for record in records}
    assert len(records) == 4 and len(prompts) == 2
    scores = {(one["request"]["task"], one["request"]["sample_id"]): one["scores"][0] for one in records}
    assert {key: score["value"] for key, score in scores.items()} == pytest.approx(SCORES)
    assert scores["first", "s0"]["answer"] == "Hasting."
    rows = {row["task"]: row["value"] for row in json.loads(done.stdout)["rows"]}
    assert rows["first"] == pytest.approx((7 / 8 + 1) / 2) and rows["second"] == pytest.approx(3 / 4)


@pytest.mark.slow
def test_a_run_goes_on_and_compares_with_another_value_of_what_only_changes_the_pace(
    harness: Harness, tmp_path: Path
) -> None:
    assert harness(*on_command("./first.yaml", "run", "--limit", "1")).returncode == 0
    more = harness(*on_command("./first.yaml", "run", "--set", "engine.workers=2"))
    assert more.returncode == 0, more.stderr
    assert len(read_jsonl(tmp_path / "run" / "records.jsonl")) == 2
    other = harness(*on_command("./first.yaml", "run", "--set", "engine.seconds=5"))
    assert other.returncode == 2 and "engine.generation.seconds" in other.stderr
    assert harness(*on_command("./first.yaml", "again", "--set", "engine.workers=2")).returncode == 0
    assert harness("compare", "run", "again").returncode == 0
    assert harness(*on_command("./first.yaml", "slow", "--set", "engine.seconds=5")).returncode == 0
    refused = harness("compare", "run", "slow")
    assert refused.returncode == 2 and "engine.generation.seconds" in refused.stderr


@pytest.mark.parametrize(
    ("tasks", "words", "message"),
    [
        ("./choice.yaml", (), "the task 'choice' needs log-likelihoods, which the engine 'command' does not support"),
        ("./prefilled.yaml", ("--style", "chat"), "the task 'prefilled' needs answers that start with a prefill"),
        ("./first.yaml", ("--set", "engine.worker=2"), "engine command: unknown key 'worker'; did you mean 'workers'?"),
        ("./first.yaml", ("--completions", "a.jsonl"), "'command' has no option 'completions'; choose an engine"),
        ("./misspelt.yaml", (), "misspelt.yaml:"),
    ],
)
def test_what_cannot_be_is_refused_before_any_request(
    harness: Harness, tmp_path: Path, tasks: str, words: tuple[str, ...], message: str
) -> None:
    prefilled = PAGE.format(name="prefilled", prefill=', prefill: "**"', option="extract")
    (tmp_path / "prefilled.yaml").write_text(prefilled)
    (tmp_path / "misspelt.yaml").write_text(PAGE.format(name="misspelt", prefill="", option="extracts"))
    done = harness(*on_command(tasks, "run", *words))
    assert done.returncode == 2 and message in done.stderr, done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("harness: ")]) == 1
    assert not (tmp_path / "run").exists()


def test_a_program_that_fails_leaves_its_sample_unscored(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("raise SystemExit(4)")
    done: Any = harness(*on_command("./first.yaml", "run", "--json"))
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)["rows"]
    assert row["value"] is None and row["unscored"] == 2
