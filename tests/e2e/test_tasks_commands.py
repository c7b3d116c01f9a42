"""A user lists, reads and checks task pages, and looks at a run before it runs."""

from __future__ import annotations

import json

import pytest
from files import REPO, write_jsonl

PAGES = sorted(path.stem for path in (REPO / "tasks").rglob("*.yaml"))


def test_list_shows_every_page_and_suite(cli):
    seen = cli("tasks", "list")
    assert seen.code == 0
    for name in PAGES:
        assert f"  {name} " in seen.out
    assert {task["name"] for task in json.loads(cli("tasks", "list", "--json").out)["tasks"]} == set(PAGES)


def test_show_prints_the_page_and_the_first_real_prompt(cli, mirror):
    seen = cli("tasks", "show", "gsm8k", "--mirror", mirror)
    assert seen.code == 0
    assert "expected_count: 1319" in seen.out
    assert seen.out.rstrip().endswith("Answer:")
    assert "Janet" in seen.out and seen.out.count("####") >= 5


def test_show_without_data_says_why_there_is_no_prompt(cli):
    seen = cli("tasks", "show", "humaneval")
    assert seen.code == 0 and "no prompt can be shown" in seen.out and "--mirror" in seen.out


# Their data is not in the mirror of the tests; test_perplexity_run holds the page against made rows
NOT_MIRRORED = {"wikitext"}


def test_all_shipped_pages_hold_against_the_real_data(cli, mirror):
    there = [name for name in PAGES if name not in NOT_MIRRORED]
    seen = cli("tasks", "validate", "--mirror", mirror, *there)
    assert seen.code == 0, seen.out
    assert len([line for line in seen.out.splitlines() if line.startswith("ok ")]) == len(there)


def test_validate_finds_a_gold_answer_that_the_page_cannot_read(cli, sums):
    sums.write_text(sums.read_text().replace("so the sum is {{ total }}", "so the sum is {{ total }} of 2"))
    seen = cli("tasks", "validate", sums)
    assert seen.code == 2
    assert "the gold answer" in seen.out and "scores 0" in seen.out


def test_validate_finds_a_page_that_gives_points_for_nothing(cli, sums, tmp_path):
    """An extractor that takes anything, with an empty right answer among the right ones."""
    text = sums.read_text().replace('answer: ["{{ total }}"]', 'answer: ["{{ total }}", "0"]')
    sums.write_text(text.replace("extract: {by: number, pick: last}", "extract: {by: regex, pattern: '()|[0-9]+'}"))
    seen = cli("tasks", "validate", sums)
    assert seen.code == 2, seen.out


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("sampling: {max_tokens: 8}", "sampling: {max_tokens: 8, temprature: 1}", "temprature"),
        ("about: Additions, for tests.", "about: one\nabout: two", "twice"),
        ('target: " {{ total }}"', 'target: " {{ total"', "does not parse"),
        ('target: " {{ total }}"', 'target: " {{ total | aftr(1) }}"', "aftr"),
        ("name: sums", "name: summs", "summs"),
        ("metric: [mean]", "metric: [pass@5]", "pass@5"),
    ],
)
def test_validate_without_data_still_finds_what_is_wrong_in_the_page(cli, sums, right, wrong, told):
    sums.write_text(sums.read_text().replace(right, wrong))
    seen = cli("tasks", "validate", "--no-data", sums)
    assert seen.code == 2
    assert told in seen.out and "sums.yaml" in seen.out


def test_validate_says_what_it_could_not_check(cli):
    seen = cli("tasks", "validate", "math500")
    assert seen.code == 3
    assert seen.out.startswith("open") and "cannot be reached" in seen.out


def test_dry_run_shows_prompts_and_cost_and_writes_nothing(cli, tmp_path):
    seen = cli("run", "--dry-run", "--limit", 5)
    assert seen.code == 0, seen.err
    assert "demo_math: 5 requests" in seen.out and "demo_code: 5 requests" in seen.out
    assert "tokens in" in seen.out and "MiB" in seen.out and "roughly" in seen.out
    assert not (tmp_path / "runs").exists()
    document = json.loads(cli("run", "--dry-run", "--limit", 5, "--json").out)
    assert document["tasks"][0]["tokens_in"] > 0


def test_dry_run_tells_which_prompts_would_be_cut(cli, mirror):
    words = ("run", "--dry-run", "--tasks", "gsm8k", "--limit", 3, "--mirror", mirror, "--style", "text")
    seen = cli(*words, "--set", "engine.context_window=512")
    assert seen.code == 0, seen.err
    assert "3 prompts would be cut" in seen.out


def test_doctor_finds_out_by_trying(cli):
    seen = cli("doctor", "--json")
    found = json.loads(seen.out)
    assert found["languages"]["python"].startswith("works")
    assert "namespace" in found["sandbox"] and found["packages"]["torch"]
    assert any("not reachable" in str(value) for value in found["hub"].values())


def test_a_loglikelihood_task_runs_from_page_to_table(cli, tmp_path):
    """Choices by log-likelihood: option texts become continuations, the likeliest one is the answer."""
    write_jsonl(
        tmp_path / "capitals.jsonl",
        [
            {"id": "fr", "country": "France", "options": ["Paris", "Lyon"], "gold": 0},
            {"id": "it", "country": "Italy", "options": ["Turin", "Rome"], "gold": 1},
        ],
    )
    (tmp_path / "capitals.yaml").write_text(
        """\
name: capitals
version: 1
about: Capitals, as a choice.
source: {licence: Apache-2.0}
data: {path: ./capitals.jsonl, split: test, columns: [id, country, options, gold], id: "{{ id }}"}
reference:
  choice: {options: ["{{ options[0] }}", "{{ options[1] }}"], gold: "{{ gold }}"}
prompt:
  text: {template: "The capital of {{ country }} is", target: " {{ option }}"}
ask: loglikelihood
score:
  - by: choice
metric: [mean]
"""
    )
    answers = write_jsonl(
        tmp_path / "likely.jsonl",
        [
            {"task": "capitals", "sample_id": "fr", "loglikelihoods": [-1.0, -4.0]},
            {"task": "capitals", "sample_id": "it", "loglikelihoods": [-1.0, -4.0]},
        ],
    )
    assert cli("tasks", "validate", tmp_path / "capitals.yaml").code == 0
    words = ("run", "--tasks", tmp_path / "capitals.yaml", "--json")
    scripted = cli(*words, "--engine", "scripted", "--completions", answers)
    assert json.loads(scripted.out)["rows"][0]["value"] == 0.5
    real = cli(*words, "--model", "demo-smaller")
    assert real.code == 0, real.err
    assert json.loads(real.out)["rows"][0]["n"] == 2
