"""Files of completions of any form through the whole command: repeats, verdicts, samples that are not answered."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from files import read_jsonl, write_jsonl

from harness.config.building import run_config
from harness.config.perturbing import with_perturbed
from harness.config.schema import PerturbConfig, SuitePage
from harness.datatypes import Sample
from harness.held_answers import with_repeats

PAGE = {
    "name": "sums",
    "version": 1,
    "about": "sums",
    "source": {"licence": "none"},
    "data": {"path": "./rows.jsonl", "split": "train", "columns": ["id", "q", "a"], "id": "Sums/{{ id }}"},
    "reference": {"answer": ["{{ a }}"]},
    "prompt": {"text": {"template": "{{ q }}"}},
    "sampling": {"max_tokens": 8},
    "score": [{"by": "exact_match"}],
    "metric": ["mean"],
}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "rows.jsonl", [{"id": str(n), "q": f"{n} + {n} =", "a": str(2 * n)} for n in range(5)])
    (tmp_path / "sums.yaml").write_text(json.dumps(PAGE))
    return "./sums.yaml"


def scripted(cli, file: Path, page: str, *more: str):
    return cli("run", "--engine", "scripted", "--completions", str(file), "--tasks", page, "--out", "r", *more)


def test_a_page_with_only_a_chat_prompt_is_scored_as_chat_for_no_model_reads_it(cli, page, tmp_path):
    changed = {**PAGE, "prompt": {"chat": {"user": "{{ q }}"}}}
    (tmp_path / "sums.yaml").write_text(json.dumps(changed))
    file = write_jsonl(
        tmp_path / "a.jsonl", [{"task": "sums", "sample_id": f"Sums/{n}", "completion": str(2 * n)} for n in range(5)]
    )
    refused = scripted(cli, file, page, "--style", "text")
    assert refused.code == 2 and "take chat (--style chat)" in refused.err, refused.err
    seen = scripted(cli, file, page)
    assert seen.code == 0, seen.err
    assert "messages" in read_jsonl(tmp_path / "r/records.jsonl")[0]["request"]["prompt"]
    again = cli("rescore", "r")
    assert again.code == 0, again.err


def test_lists_are_repeats_and_disagreements_with_recorded_verdicts_are_printed(cli, page, tmp_path):
    lines = [
        {"id": 0, "outputs": ["0", "1"], "is_correct": [True, False]},
        {"id": "SUMS/1", "outputs": ["2", "3"], "is_correct": [True, True]},
        {"id": "Sums/2", "outputs": ["4", "4"], "is_correct": [False, None]},
    ]
    file = write_jsonl(tmp_path / "gpt-4.1.jsonl", lines)
    seen = scripted(cli, file, page, "--completion-column", "outputs", "--only-answered")
    assert seen.code == 0, seen.err
    assert "gpt-4.1 on sums" in seen.out
    assert "Verdicts that the file records: 3 of 5 right; scored here: 3; 2 differ (60.00 % equal)" in seen.out
    assert "sums: Sums/1 #1: recorded right, scored 0" in seen.out
    assert "sums: Sums/2: recorded wrong, scored 1" in seen.out
    records = read_jsonl(tmp_path / "r/records.jsonl")
    assert sorted((r["request"]["sample_id"], r["request"]["repeat"]) for r in records) == [
        (f"Sums/{n}", repeat) for n in range(3) for repeat in range(2)
    ]
    differing = read_jsonl(tmp_path / "r/disagreements.jsonl")
    assert [(d["sample_id"], d["repeat"], d["recorded"]) for d in differing] == [
        ("Sums/1", 1, True),
        ("Sums/2", 0, False),
    ]
    again = cli("rescore", "r")
    assert again.code == 0 and "0 of 6 answers are scored differently" in again.out + again.err


def test_without_the_mode_unanswered_samples_are_unscored(cli, page, tmp_path):
    file = write_jsonl(tmp_path / "some.jsonl", [{"task_id": "0", "completion": "0"}])
    seen = scripted(cli, file, page)
    assert seen.code == 1 and "4 of 5 samples are unscored" in seen.out + seen.err
    assert "Verdicts" not in seen.out


def test_different_numbers_of_answers_are_taken(cli, page, tmp_path):
    lines = [{"task_id": str(n), "completion": [str(2 * n), "9", "9"][: 1 + n % 3]} for n in range(5)]
    seen = scripted(cli, write_jsonl(tmp_path / "ragged.jsonl", lines), page)
    records = read_jsonl(tmp_path / "r/records.jsonl")
    answered = [r["request"]["sample_id"] for r in records if r["reply"]["kind"] == "completion"]
    assert {name: answered.count(name) for name in answered} == {
        "Sums/0": 1, "Sums/1": 2, "Sums/2": 3, "Sums/3": 1, "Sums/4": 2,
    }, seen.err  # fmt: skip


def test_repeats_that_the_user_set_are_kept(cli, page, tmp_path):
    file = write_jsonl(tmp_path / "two.jsonl", [{"task_id": "0", "completion": ["0", "1"]}])
    seen = scripted(cli, file, page, "--set", "tasks.sums.repeats=1")
    assert seen.code == 2 and "has 2 answers" in seen.err


def test_repeats_that_the_user_set_for_a_task_are_those_of_its_changed_questions():
    """The task is called otherwise than its page, and the file has more answers than the user wants."""
    entries = [{"task": "demo_math", "name": "maths"}]
    suite = with_perturbed(SuitePage(name="s", tasks=entries), PerturbConfig(by="numbers"))
    config = run_config("demo-larger", None, ["demo_math"], {}, "test")
    config = config.model_copy(update={"suite": suite, "tasks": {"maths": {"repeats": 2}}})
    page = SimpleNamespace(ask="generate", repeats=2)
    tasks = [SimpleNamespace(name=entry.label, page=page, samples=[Sample("0", {}, None)]) for entry in suite.tasks]
    assert with_repeats(config, tasks, SimpleNamespace(held=lambda task, sample: 5)) == config


def test_a_task_of_which_nothing_is_answered_is_refused_in_that_mode(cli, page, tmp_path):
    file = write_jsonl(tmp_path / "other.jsonl", [{"task": "sums", "sample_id": "77", "completion": "0"}])
    seen = scripted(cli, file, page, "--only-answered")
    assert (seen.code == 2 and "answers no" in seen.err) or "answers none" in seen.err
