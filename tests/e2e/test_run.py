"""A user runs a suite, reads the table, and finds everything again in the run folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from files import read_jsonl, write_jsonl


def test_scripted_answers_become_a_table_and_a_run_folder(cli, sums, sums_answers, tmp_path):
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    assert seen.code == 0, seen.err
    assert "0.700" in seen.out and "sums" in seen.out
    # Wilson 7/10, from the published formula: 0.3968 to 0.8922
    assert "[0.397, 0.892]" in seen.out
    scores = json.loads((tmp_path / "r/scores.json").read_text())
    row = scores["rows"][0]
    assert (row["task"], row["metric"], row["n"], row["unscored"]) == ("sums", "mean", 10, 0)
    assert row["value"] == 0.7 and row["low"] < 0.7 < row["high"]
    assert len(read_jsonl(tmp_path / "r/records.jsonl")) == 10
    assert next(csv.DictReader((tmp_path / "r/table.csv").open()))["task"] == "sums"
    assert "| sums |" in (tmp_path / "r/table.md").read_text()
    manifest = json.loads((tmp_path / "r/manifest.json").read_text())
    assert manifest["status"] == "finished"
    assert manifest["packages"]["transformers"] and manifest["tasks"]["sums"]["data"]


def test_json_goes_to_stdout_alone(cli, sums, sums_answers):
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--json")
    assert json.loads(seen.out)["rows"][0]["value"] == 0.7


def test_a_finished_run_is_not_done_again(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    first = cli(*words)
    records = next(tmp_path.glob("runs/*/records.jsonl"))
    before = records.read_bytes()
    second = cli(*words)
    assert second.code == 0
    assert "finished already" in second.out and "0.700" in second.out
    assert records.read_bytes() == before
    assert "finished already" not in first.out


def test_limit_takes_the_first_samples_and_says_so(cli, sums, sums_answers):
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--limit", 4, "--json")
    row = json.loads(seen.out)["rows"][0]
    assert row["n"] == 4 and row["value"] == 1.0
    assert any("4 of" in line for line in json.loads(seen.out)["warnings"])


def test_a_missing_answer_is_unscored_never_wrong(cli, sums, tmp_path):
    answers = write_jsonl(
        tmp_path / "few.jsonl", [{"task": "sums", "sample_id": f"s{i}", "completion": str(3 * i)} for i in range(6)]
    )
    seen = cli("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--json")
    row = json.loads(seen.out)["rows"][0]
    assert seen.code == 1
    assert (row["value"], row["n"], row["unscored"]) == (1.0, 6, 4)


def test_truncated_answers_and_answers_without_a_number_carry_a_warning(cli, sums, tmp_path):
    answers = write_jsonl(
        tmp_path / "talk.jsonl", [{"task": "sums", "sample_id": f"s{i}", "completion": "I think"} for i in range(10)]
    )
    seen = cli("run", "--engine", "scripted", "--completions", answers, "--tasks", sums)
    assert seen.code == 0
    assert "warning" in seen.out and "no answer" in seen.out.lower()


def test_repeats_give_unbiased_pass_at_k(cli, sums, tmp_path):
    # Each sample is right in the first of its four tries: pass@1 = 1/4, pass@2 = 1 - C(3,2)/C(4,2) = 1/2
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": str(3 * i if turn == 0 else 777)}
        for turn in range(4)
        for i in range(10)
    ]
    answers = write_jsonl(tmp_path / "four.jsonl", rows)
    page = Path(sums)
    page.write_text(page.read_text().replace("metric: [mean]", "metric: [pass@1, pass@2]\nrepeats: 4"))
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--json")
    seen = cli(*words)
    values = {row["metric"]: row["value"] for row in json.loads(seen.out)["rows"]}
    assert values == {"pass@1": 0.25, "pass@2": 0.5}


def test_ragged_repeats_count_c_of_n_and_a_metric_that_needs_more_has_no_value(cli, sums, tmp_path):
    # Two answers to one sample, both right; one, wrong, to two others: 1/3, and no pass@2
    rows = [("s0", "0"), ("s0", "0"), ("s1", "777"), ("s2", "777")]
    answers = write_jsonl(
        tmp_path / "ragged.jsonl", [{"task": "sums", "sample_id": key, "completion": text} for key, text in rows]
    )
    page = Path(sums)
    page.write_text(page.read_text().replace("metric: [mean]", "metric: [pass@1, mean, pass@2]\nrepeats: 2"))
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--limit", 3, "--json")
    seen = cli(*words)
    found = {row["metric"]: (row["value"], row["n"], row["absent"]) for row in json.loads(seen.out)["rows"]}
    assert found == {
        "pass@1": (pytest.approx(1 / 3), 3, 2),
        "mean": (pytest.approx(1 / 3), 3, 2),
        "pass@2": (None, 0, 0),
    }
    assert seen.code == 1 and any("pass@2 has no value" in line for line in json.loads(seen.out)["warnings"])


def test_right_answers_that_the_page_does_not_read_are_shown(cli, sums, tmp_path):
    answers = write_jsonl(
        tmp_path / "passed.jsonl",
        [{"task": "sums", "sample_id": f"s{i}", "completion": f"The sum is {3 * i}, in 2 steps"} for i in range(10)],
    )
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", "r")
    seen = cli(*words)
    assert "Not read %" in seen.out and "contain the right answer, but exact_match read another" in seen.out
    assert json.loads((tmp_path / "r/scores.json").read_text())["rows"][0]["unread"] == 1.0


def test_two_tasks_make_a_suite_line(cli, sums, sums_answers, tmp_path):
    other = tmp_path / "more.yaml"
    other.write_text(Path(sums).read_text().replace("name: sums", "name: more"))
    rows = read_jsonl(sums_answers)
    write_jsonl(sums_answers, rows + [{**row, "task": "more"} for row in rows])
    suite = tmp_path / "both.yaml"
    suite.write_text("name: both\ntasks:\n  - task: sums.yaml\n  - task: more.yaml\n")
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--suite", suite, "--json")
    assert seen.code == 0, seen.err
    document = json.loads(seen.out)
    assert [row["task"] for row in document["rows"]] == ["sums", "more"]
    assert document["overall"]["value"] == 0.7


def test_a_suite_may_count_each_task_by_its_size(cli, sums, sums_answers, tmp_path):
    """7 of 10 and 0 of 2: 7 of 12, and not the mean of 0.7 and 0."""
    write_jsonl(tmp_path / "few.jsonl", [{"id": f"s{i}", "a": i, "b": 2 * i, "total": 3 * i} for i in (7, 8)])
    page = Path(sums).read_text().replace("name: sums", "name: few").replace("sums.jsonl", "few.jsonl")
    (tmp_path / "few.yaml").write_text(page)
    rows = read_jsonl(sums_answers)
    write_jsonl(sums_answers, rows + [{**row, "task": "few"} for row in rows[7:9]])
    suite = tmp_path / "both.yaml"
    suite.write_text("name: both\naverage: weighted\ntasks:\n  - task: sums.yaml\n  - task: few.yaml\n")
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--suite", suite)
    overall = json.loads(cli(*words, "--json").out)["overall"]
    assert overall["value"] == pytest.approx(7 / 12) and overall["method"] == "weighted by size"
    assert "weighted by size (both)" in cli(*words).out
    suite.write_text(suite.read_text().replace("weighted", "by_size"))
    seen = cli(*words)
    assert seen.code == 2 and "both.yaml:2" in seen.err and "is not one of macro, weighted" in seen.err


def test_the_python_api_speaks_the_same_words(sums, sums_answers, tmp_path, monkeypatch):
    import harness

    monkeypatch.chdir(tmp_path)
    settings = {"engine.name": "scripted", "engine.completions": str(sums_answers)}
    result = harness.evaluate(tasks=[str(sums)], out="api", settings=settings)
    assert [estimate.value for estimate in result.estimates] == [0.7]
    manifest, records = harness.load_run("api")
    assert manifest.status == "finished" and len(records) == 10


def test_a_gate_for_ci(cli, sums, sums_answers):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    assert cli(*words, "--fail-under", 0.7).code == 0
    seen = cli(*words, "--fail-under", 0.71)
    assert seen.code == 1 and "sums 0.700" in seen.err


def test_more_answers_than_the_task_asks_are_never_dropped_in_silence(cli, sums, sums_answers):
    write_jsonl(sums_answers, read_jsonl(sums_answers) * 3)
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    seen = cli(*words, "--set", "tasks.sums.repeats=2")
    assert seen.code == 2 and "3 answers" in seen.err and "tasks.sums.repeats=3" in seen.err
    assert cli(*words, "--set", "tasks.sums.repeats=3").code == 0


def test_majority_votes_count_answers_that_mean_the_same(cli, sums, tmp_path):
    """Three of five say 3, each in its own way; the other two agree to the letter."""
    ways = ["it is 3", "it is $3", "it is 3.", "it is 7", "it is 7"]
    rows = [{"task": "sums", "sample_id": f"s{i}", "completion": w} for w in ways for i in range(10)]
    answers = write_jsonl(tmp_path / "five.jsonl", rows)
    text = sums.read_text().replace(
        "extract: {by: number, pick: last}", "extract: {by: number}\n    ignore: ['\\$', '\\.$']"
    )
    sums.write_text(text.replace("metric: [mean]", "metric: [maj@5]\nrepeats: 5"))
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--json", "--out", "r")
    assert cli(*words).code == 0
    from harness import load_run
    from harness.analysis.estimates import estimate_task

    _, records = load_run("r")
    own = [record for record in records if record.request.sample_id == "s1"]
    assert estimate_task("sums", own, ["maj@5"], 5)[0].value == 1.0


def test_a_fault_of_ours_is_tried_again_by_the_same_command(cli, sums, sums_answers, tmp_path, monkeypatch):
    from harness.scoring.exact_match import ExactMatch

    real = ExactMatch.score_answer

    def broken(self, sample, answer):
        if sample.id == "s2":
            raise RuntimeError("the judge fell over")
        return real(self, sample, answer)

    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r", "--json")
    monkeypatch.setattr(ExactMatch, "score_answer", broken)
    first = cli(*words)
    assert first.code == 1 and json.loads(first.out)["rows"][0]["unscored"] == 1
    monkeypatch.setattr(ExactMatch, "score_answer", real)
    second = cli(*words)
    row = json.loads(second.out)["rows"][0]
    assert second.code == 0 and (row["n"], row["unscored"], row["value"]) == (10, 0, 0.7)


def test_other_limits_on_programs_are_another_run(cli, tmp_path):
    page = (
        "name: one\nversion: 1\nabout: x\nsource: {}\n"
        "data: {path: ./one.jsonl, split: test, columns: [q]}\n"
        "reference: {tests: {language: python, tests: 'assert f() == 1'}}\n"
        "prompt: {text: {template: '{{ q }}'}}\nsampling: {max_tokens: 9}\n"
        "score: [{by: unit_tests}]\nmetric: [mean]\n"
    )
    (tmp_path / "one.yaml").write_text(page)
    write_jsonl(tmp_path / "one.jsonl", [{"q": "write f"}])
    answers = write_jsonl(
        tmp_path / "a.jsonl",
        [{"task": "one", "sample_id": "0", "completion": "import time\ndef f():\n    time.sleep(1.5)\n    return 1\n"}],
    )
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", tmp_path / "one.yaml", "--json")
    short = cli(*words, "--out", "r", "--set", "execution.wall_seconds=0.5")
    assert json.loads(short.out)["rows"][0]["value"] == 0.0
    clash = cli(*words, "--out", "r", "--set", "execution.wall_seconds=9")
    assert clash.code == 2 and "execution.wall_seconds" in clash.err
    assert json.loads(cli(*words, "--set", "execution.wall_seconds=9").out)["rows"][0]["value"] == 1.0


def test_a_run_may_be_extended_by_a_larger_limit(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r", "--json")
    assert json.loads(cli(*words, "--limit", 4).out)["rows"][0]["n"] == 4
    first = (tmp_path / "r/records.jsonl").read_bytes()
    assert json.loads(cli(*words).out)["rows"][0]["n"] == 10
    assert (tmp_path / "r/records.jsonl").read_bytes().startswith(first)


def test_nothing_empty_means_the_default(cli, sums):
    for words in (("--model", ""), ("--suite", ""), ("--tasks", ""), ("--tasks", sums, "--out", "")):
        seen = cli("run", *words)
        assert seen.code == 2 and "is empty" in seen.err, words


def test_a_pages_own_python_prepares_rows_and_its_faults_are_told(cli, sums, sums_answers):
    script = sums.with_suffix(".py")
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--trust-page-code")
    script.write_text("def prepare(row):\n    return {**row, 'total': row['total'] + 1}\n")
    assert json.loads(cli(*words, "--json").out)["rows"][0]["value"] == 0.0
    for fault in ("return row['nowhere']", "raise SystemExit(0)", "return None"):
        script.write_text(f"def prepare(row):\n    {fault}\n")
        seen = cli(*words)
        assert seen.code == 2 and "sums.py" in seen.err, fault
    script.write_text("import sys\nsys.exit(0)\n")
    assert cli("tasks", "validate", sums).code == 2


def test_a_style_that_was_asked_for_is_never_swapped(cli, sums):
    text_only = sums.read_text().replace('  chat: {user: "What is {{ a }} + {{ b }}?"}\n', "")
    sums.write_text(text_only)
    seen = cli("run", "--tasks", sums, "--style", "chat", "--model", "demo-smaller")
    assert seen.code == 2 and "only a text prompt" in seen.err


def test_a_plug_in_of_another_package_is_found_by_its_entry_point(cli, sums, sums_answers, tmp_path, monkeypatch):
    """As a user's package would add a scorer: a module with `build`, named by an entry point."""
    site = tmp_path / "site"
    (site / "theirs-1.0.dist-info").mkdir(parents=True)
    (site / "theirs-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (site / "theirs-1.0.dist-info/entry_points.txt").write_text("[harness.scorer]\ngenerous = their_scorer\n")
    (site / "their_scorer.py").write_text(
        "from harness.datatypes import Answer, Score\n"
        "class Generous:\n    name, binary, references, extractor = 'generous', True, (Answer,), 'text'\n"
        "    def score_answer(self, sample, answer):\n        return Score(self.name, 1.0, answer)\n"
        "def build(options, tools):\n    return Generous()\n"
    )
    monkeypatch.syspath_prepend(str(site))
    sums.write_text(
        sums.read_text().replace("  - by: exact_match\n    extract: {by: number, pick: last}", "  - by: generous")
    )
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--json")
    assert seen.code == 0, seen.err
    assert json.loads(seen.out)["rows"][0]["value"] == 1.0


def test_the_api_takes_paths_and_the_mirror_of_the_environment(mirror, tmp_path, monkeypatch):
    import harness
    from harness.errors import ConfigError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    answers = write_jsonl(tmp_path / "a.jsonl", [{"task": "gsm8k", "sample_id": "0", "completion": "#### 18"}])
    result = harness.evaluate(tasks="gsm8k", engine="scripted", completions=answers, limit=1, out=tmp_path / "r")
    assert [estimate.value for estimate in result.estimates] == [1.0, 1.0, 1.0]
    assert (tmp_path / "r/scores.json").is_file()
    with pytest.raises(ConfigError, match="tasks is empty"):
        harness.evaluate(tasks=[])


def test_rows_and_mirror_are_found_again_from_another_folder(cli, sums, sums_answers, tmp_path, monkeypatch, mirror):
    monkeypatch.chdir(mirror.parent)
    answers = write_jsonl(tmp_path / "a.jsonl", [{"task": "gsm8k", "sample_id": "0", "completion": "#### 18"}])
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", "gsm8k", "--limit", 1)
    assert cli(*words, "--mirror", "data", "--out", tmp_path / "r").code == 0
    monkeypatch.chdir(tmp_path)
    assert cli("rescore", tmp_path / "r").code == 0
