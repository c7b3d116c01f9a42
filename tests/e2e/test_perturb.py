"""`harness run --perturb` and what `harness compare` makes of it, as a user types it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from files import REPO, read_jsonl, write_jsonl

import harness

LIMIT = 6


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The demo's two models on the first problems and on the same with other numbers."""
    folder = tmp_path_factory.mktemp("changed")
    for model in ("demo-smaller", "demo-larger"):
        harness.evaluate(model=model, tasks=["demo_math"], limit=LIMIT, perturb="numbers", out=folder / model)
    return folder / "demo-smaller", folder / "demo-larger"


def keys(folder: Path, task: str) -> dict[str, str]:
    """Request keys by sample."""
    rows = read_jsonl(folder / "records.jsonl")
    return {r["request"]["sample_id"]: r["request"]["key"] for r in rows if r["request"]["task"] == task}


def test_one_run_has_both_sets_and_shows_the_drop(cli, tmp_path):
    seen = cli("run", "--tasks", "demo_math", "--limit", 4, "--perturb", "numbers", "--out", "r")
    assert seen.code == 0, seen.err
    assert "What changed questions cost" in seen.out and "A/A" in seen.out and "digits in the originals" in seen.out
    document = json.loads((tmp_path / "r/scores.json").read_text())
    assert [row["task"] for row in document["rows"]] == ["demo_math", "demo_math-numbers"]
    # The suite's score is that of the questions as they are, and one task needs no mean
    assert document["overall"] is None
    (drop, *_) = document["drops"]
    assert drop["test"]["difference"] == pytest.approx(drop["original"] - drop["changed"])
    assert drop["variants"] == 2 * drop["test"]["n"]
    # Of which score it is the drop, and how the control was estimated
    assert (drop["scorer"], drop["metric"]) == (document["rows"][0]["scorer"], "mean")
    assert (
        f"{drop['scorer']}/mean" in seen.out
        and "but for chance. A/A p (McNemar's exact test, not adjusted): how often chance" in " ".join(seen.out.split())
    )


def test_the_variants_of_a_sample_say_whose_they_are_and_answer_their_own_question(changed):
    for row in read_jsonl(changed[1] / "records.jsonl"):
        request = row["request"]
        if request["task"] != "demo_math-numbers":
            continue
        original, _, rest = request["sample_id"].rpartition("#")
        draw, _, kind = rest.partition(":")
        assert row["group"] == original and draw in "12" and (kind == "redrawn" or kind.startswith("story-"))


def test_unchanged_questions_are_requested_as_without_changed_ones(cli, changed, tmp_path):
    assert cli("run", "--tasks", "demo_math", "--limit", LIMIT, "--out", "plain").code == 0
    plain, own = keys(tmp_path / "plain", "demo_math"), keys(changed[1], "demo_math")
    assert own and own.items() <= plain.items()


def test_a_larger_limit_goes_on_with_the_same_variants_and_resuming_asks_nothing_again(cli, tmp_path):
    words = ("run", "--tasks", "demo_math", "--perturb", "numbers", "--model", "demo-smaller", "--out", "r")
    assert cli(*words, "--limit", 3).code == 0
    first = keys(tmp_path / "r", "demo_math-numbers")
    assert cli(*words, "--limit", 5).code == 0
    assert first.items() <= keys(tmp_path / "r", "demo_math-numbers").items()
    seen = cli(*words, "--limit", 5)
    assert "nothing was done" in seen.out
    assert cli("rescore", "r").code == 0


@pytest.mark.slow
def test_another_seed_or_number_of_draws_is_another_run(cli, tmp_path):
    words = ("run", "--tasks", "demo_math", "--perturb", "numbers", "--model", "demo-smaller", "--limit", 2)
    assert cli(*words, "--out", "r").code == 0
    for other in (("--perturb-draws", 3), ("--set", "perturb.seed=1")):
        seen = cli(*words, *other, "--out", "r")
        assert seen.code == 2 and "perturbed" in seen.err, seen.err


@pytest.mark.slow
def test_what_is_set_for_a_task_is_set_for_its_changed_questions(cli, tmp_path):
    words = ("--limit", 2, "--perturb", "numbers", "--set", "tasks.demo_math.sampling.max_tokens=9", "--out", "r")
    assert cli("run", "--tasks", "demo_math", "--model", "demo-smaller", *words).code == 0
    assert {row["request"]["sampling"]["max_tokens"] for row in read_jsonl(tmp_path / "r/records.jsonl")} == {9}


def test_compare_shows_one_run_and_the_difference_of_two(cli, changed):
    seen = cli("compare", changed[1])
    assert seen.code == 0 and "What changed questions cost" in seen.out, seen.err
    both = json.loads(cli("compare", *changed, "--json").out)
    assert {row["task"] for row in both["rows"]} == {"demo_math", "demo_math-numbers"}
    by_run = {row["run"]: row["test"]["difference"] for row in both["drops"] if row["kind"] == both["drops"][0]["kind"]}
    (difference, *_) = both["drop_differences"]
    assert difference["test"]["difference"] == pytest.approx(by_run["demo-larger"] - by_run["demo-smaller"])
    rows = list(csv.DictReader(io.StringIO(cli("compare", changed[1], "--format", "csv").out)))
    assert float(rows[0]["test_difference"]) == by_run["demo-larger"]
    assert "Drops compared with demo-smaller" in cli("compare", *changed, "--format", "markdown").out


def test_one_run_alone_says_what_is_wrong_with_its_scores(cli, changed, tmp_path):
    seen = " ".join(cli("compare", changed[1]).out.split())
    assert f"demo_math: the first {LIMIT} of 80 samples were run, which are no random part" in seen, seen
    run = tmp_path / "r"
    shutil.copytree(changed[1], run)
    # A run that was killed, and a journal with an answer in which nothing was read
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "interrupted"}))
    rows = read_jsonl(run / "records.jsonl")[:-1]
    for row in rows:
        row["scores"][0]["detail"]["gold_present"] = True
    write_jsonl(run / "records.jsonl", rows)
    warnings = json.loads(cli("compare", run, "--json").out)["warnings"]
    assert any("the run is not finished (interrupted)" in line for line in warnings), warnings
    for task in ("demo_math", "demo_math-numbers"):
        assert any(line.startswith(f"{task}: ") and "contain the right answer" in line for line in warnings), warnings


def test_samples_that_cannot_be_changed_are_counted_apart_from_those_beyond_the_limit(cli, tmp_path):
    words = ("run", "--tasks", "demo_math", "--perturb", "numbers", "--model", "demo-smaller", "--perturb-draws", 1)
    rows = [json.loads(line) for line in (REPO / "tasks/demo/demo_math.jsonl").read_text().splitlines()][:7]
    # No step gives the answer of the third, so that its numbers cannot be changed
    rows[2]["answer"] = "#### 5"
    page = (REPO / "tasks/demo/demo_math.yaml").read_text().replace("expected_count: 80", "expected_count: 7")
    (tmp_path / "demo_math.yaml").write_text(page)
    write_jsonl(tmp_path / "demo_math.jsonl", rows)
    words = ("run", "--tasks", "demo_math.yaml", *words[3:])
    seen = cli(*words, "--limit", 4, "--out", "r", "--json")
    said = "demo_math: only 3 of 7 samples were run: --limit takes 4, and --perturb numbers cannot change 1 of these: "
    assert any(line.startswith(said) for line in json.loads(seen.out)["warnings"]), seen.out + seen.err
    seen = cli(*words, "--out", "r", "--json")
    said = "demo_math: only 6 of 7 samples were run: --perturb numbers cannot change 1: "
    assert any(line.startswith(said) for line in json.loads(seen.out)["warnings"]), seen.out + seen.err


def test_a_dry_run_shows_the_changed_question_beside_its_original_behind_long_examples(cli, tmp_path):
    examples = [{"question": f"Is {number} a number? {'Think. ' * 40}", "answer": "#### 1"} for number in range(5)]
    page = (REPO / "tasks/demo/demo_math.yaml").read_text().replace("expected_count: 80\n", "")
    (tmp_path / "demo_math.yaml").write_text(f"{page}fewshot: {json.dumps({'count': 5, 'rows': examples})}\n")
    shutil.copy(REPO / "tasks/demo/demo_math.jsonl", tmp_path)
    words = (
        "run",
        "--tasks",
        "demo_math.yaml",
        "--model",
        "demo-smaller",
        "--perturb",
        "numbers",
        "--limit",
        1,
        "--dry-run",
    )
    seen = cli(*words)
    assert seen.code == 0, seen.err
    changed = json.loads(cli(*words, "--json").out)["tasks"][1]["changed"]
    assert changed["sample"] == "math-001" and changed["variant"] == "math-001#1:redrawn"
    assert changed["question"] != changed["changed"] and "Is 4 a number" not in changed["changed"]
    assert f"the question as it is (sample 'math-001')\n{changed['question']}" in seen.out
    assert f"the question changed (sample 'math-001#1:redrawn')\n{changed['changed']}" in seen.out
    # In the prompts too, though these are cut
    assert "more characters" in seen.out and seen.out.count(changed["changed"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tasks", "demo_math", "--perturb", "number"), "did you mean 'numbers'"),
        (("--tasks", "demo_math", "--perturb", "xyz"), "known: "),
        (("--tasks", "demo_math", "--perturb-draws", 3), "no effect without --perturb"),
        (("--tasks", "demo_math", "--perturb", "numbers", "--perturb-draws", 0), "greater than or equal to 1"),
        (("--tasks", "demo_math", "--perturb", "numbers", "--perturb-file", "x"), "leave out --perturb-file"),
        (("--tasks", "demo_code", "--perturb", "numbers"), "no answers, so no numbers"),
        (("--tasks", REPO / "examples/tasks/capitals.yaml", "--perturb", "numbers"), "samples can be changed"),
    ],
)
def test_what_cannot_be_changed_is_one_line(cli, words, said):
    seen = cli("run", "--model", "demo-smaller", *words)
    assert seen.code == 2 and said in seen.err and "Traceback" not in seen.err, seen.err


def test_a_task_that_cannot_be_changed_is_one_plain_line_with_the_tasks_that_can(cli):
    seen = cli("run", "--model", "demo-smaller", "--tasks", "demo_math,demo_code", "--perturb", "numbers")
    assert seen.code == 2
    assert "harness: --perturb numbers: demo_code: it has no answers" in seen.err, seen.err
    assert seen.err.rstrip().endswith("what can be changed: --tasks demo_math"), seen.err


def test_a_run_without_changed_questions_is_no_comparison_by_itself(cli):
    assert cli("run", "--tasks", "demo_math", "--limit", 1, "--model", "demo-smaller", "--out", "r").code == 0
    seen = cli("compare", "r")
    assert seen.code == 2 and "--perturb" in seen.err


@pytest.mark.slow
def test_a_page_names_the_columns_of_its_own_data(cli, tmp_path):
    page = (REPO / "examples/tasks/parcels.yaml").read_text()
    rows = read_jsonl(REPO / "examples/tasks/parcels.jsonl")
    write_jsonl(tmp_path / "parcels.jsonl", rows)
    (tmp_path / "parcels.yaml").write_text(page)
    words = ("run", "--model", "demo-smaller", "--perturb", "numbers", "--tasks", "parcels.yaml")
    assert cli(*words, "--out", "r").code == 0
    prompts = [r["request"]["prompt"] for r in read_jsonl(tmp_path / "r/records.jsonl")]
    asked = {str(prompt) for prompt in prompts}
    assert len(asked) == 6 and all("How many" in each for each in asked)
    (tmp_path / "parcels.yaml").write_text(page.replace("equation: formula", "equation: formla"))
    seen = cli(*words, "--out", "s")
    assert seen.code == 2 and "no column 'formla'" in seen.err, seen.err
