"""Twelve questions to any harness that gives numbers, each answered by a run.

After the shapes of silently wrong numbers that github.com/arthi-arumugam-git/wrong-numbers collects from others'
evaluation, tracing and billing code: a value of the right type comes out, and nothing raises.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl, write_jsonl

from harness.cost.prices import Price
from harness.cost.run_cost import task_cost, usages
from harness.datatypes import Completion, GenerateRequest, Record, Sampling, Score, TextPrompt

LETTERS_PAGE = """\
name: letters
version: 1
about: Pick an option, for tests.
source: {licence: Apache-2.0}
data: {path: ./letters.jsonl, split: test, columns: [id, gold], id: "{{ id }}"}
reference:
  choice: {options: [red, green, blue, grey], gold: "{{ gold }}"}
prompt:
  text: {template: "{{ id }}?"}
sampling: {max_tokens: 8}
score:
  - by: choice
metric: [mean]
"""


def answered(path: Path, texts: dict[str, str] | list[tuple[str, str]], **more: Any) -> Path:
    """A file of completions to the additions, by sample id."""
    pairs = texts.items() if isinstance(texts, dict) else texts
    return write_jsonl(path, [{"task": "sums", "sample_id": key, "completion": text, **more} for key, text in pairs])


def scored(cli: Any, page: Path, answers: Path, *more: object) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Run, and return the exit code, the first row, and the records in the order of the data (scored in any order)."""
    out = answers.with_suffix(".run")
    seen = cli("run", "--engine", "scripted", "--completions", answers, "--tasks", page, "--out", out, "--json", *more)
    assert seen.out, seen.err
    records = sorted(read_jsonl(out / "records.jsonl"), key=lambda r: int(r["request"]["sample_id"][1:]))
    return seen.code, json.loads(seen.out)["rows"][0], records


def test_1_an_answer_that_declines_is_wrong_and_one_that_we_lost_is_unscored(cli, sums, tmp_path):
    texts = {f"s{i}": str(3 * i) for i in range(8)} | {"s8": "I would rather not say."}
    code, row, records = scored(cli, sums, answered(tmp_path / "a.jsonl", texts))
    assert (row["value"], row["n"], row["unscored"], code) == (pytest.approx(8 / 9), 9, 1, 1)
    kinds = {r["request"]["sample_id"]: (r["scores"][0]["value"], r["scores"][0]["failure"]) for r in records}
    assert kinds["s8"][0] == 0.0 and kinds["s8"][1]["ours"] is False
    assert kinds["s9"][0] is None and kinds["s9"][1]["ours"] is True


def test_2_where_nothing_was_scored_there_is_no_number_and_where_nothing_was_read_a_warning(cli, sums, tmp_path):
    page = Path(sums)
    silent = {f"s{i}": "no idea" for i in range(10)}
    _, row, _ = scored(cli, sums, answered(tmp_path / "silent.jsonl", silent))
    assert (row["value"], row["n"], row["unextracted"]) == (0.0, 10, 1.0)
    page.write_text(page.read_text().replace("by: exact_match", "by: unit_tests").replace(", pick: last", ""))
    page.write_text(page.read_text().replace("extract: {by: number}", "extract: {by: code}"))
    code, row, _ = scored(cli, page, answered(tmp_path / "unfit.jsonl", silent))
    assert (row["value"], row["low"], row["high"], row["n"], row["unscored"], code) == (None, None, None, 0, 10, 1)


def test_3_the_denominator_is_what_was_counted(cli, sums, tmp_path):
    right = {f"s{i}": str(3 * i) for i in range(10)}
    _, row, _ = scored(cli, sums, answered(tmp_path / "all.jsonl", right), "--limit", 5000)
    assert (row["value"], row["n"]) == (1.0, 10)
    _, row, _ = scored(cli, sums, answered(tmp_path / "part.jsonl", right), "--limit", 4)
    assert (row["value"], row["n"]) == (1.0, 4)
    _, row, _ = scored(cli, sums, answered(tmp_path / "few.jsonl", dict(list(right.items())[:3])))
    assert (row["value"], row["n"], row["unscored"]) == (1.0, 3, 7)


def test_4_a_trace_that_was_cut_off_while_thinking_holds_no_answer(cli, sums, tmp_path):
    cut = {f"s{i}": f"<think>perhaps it is {3 * i}" for i in range(10)}
    _, row, records = scored(cli, sums, answered(tmp_path / "cut.jsonl", cut, finish="length"))
    assert (row["value"], row["truncated"], row["unextracted"]) == (0.0, 1.0, 1.0)
    assert {record["scores"][0]["answer"] for record in records} == {None}
    half = [("s0", "0"), *((f"s{i}", "so far") for i in range(1, 10))]
    rows = [
        {"task": "sums", "sample_id": key, "completion": text, "finish": "stop" if key == "s0" else "length"}
        for key, text in half
    ]
    _, row, _ = scored(cli, sums, write_jsonl(tmp_path / "half.jsonl", rows))
    assert (row["value"], row["completed"]) == (0.1, 1.0)


def test_5_neither_order_nor_company_changes_a_samples_score(cli, sums, tmp_path):
    texts = [(f"s{i}", str(3 * i + i % 2)) for i in range(10)]

    def by_sample(records: list[dict[str, Any]]) -> dict[str, float]:
        return {record["request"]["sample_id"]: record["scores"][0]["value"] for record in records}

    _, forward, first = scored(cli, sums, answered(tmp_path / "forward.jsonl", texts))
    _, backward, second = scored(cli, sums, answered(tmp_path / "backward.jsonl", texts[::-1]))
    assert by_sample(first) == by_sample(second)
    assert {k: forward[k] for k in ("value", "low", "high")} == {k: backward[k] for k in ("value", "low", "high")}
    _, _, alone = scored(cli, sums, answered(tmp_path / "alone.jsonl", texts[:3]), "--limit", 3)
    assert by_sample(alone) == {key: by_sample(first)[key] for key in ("s0", "s1", "s2")}
    folder = tmp_path / "forward.run"
    lines = (folder / "records.jsonl").read_text().splitlines(keepends=True)
    (folder / "records.jsonl").write_text("".join(reversed(lines)))
    again = json.loads(cli("rescore", folder, "--json").out)["rows"][0]
    assert again["value"] == forward["value"]


def test_6_against_shuffled_labels_a_perfect_run_is_at_chance(cli, tmp_path):
    generator, n = random.Random(6), 400
    golds = [generator.randrange(4) for _ in range(n)]
    (tmp_path / "letters.yaml").write_text(LETTERS_PAGE)
    answers = write_jsonl(
        tmp_path / "letters_answers.jsonl",
        [{"task": "letters", "sample_id": f"q{i}", "completion": "ABCD"[gold]} for i, gold in enumerate(golds)],
    )
    page = tmp_path / "letters.yaml"
    write_jsonl(tmp_path / "letters.jsonl", [{"id": f"q{i}", "gold": gold} for i, gold in enumerate(golds)])
    _, row, _ = scored(cli, page, answers)
    assert row["value"] == 1.0
    generator.shuffle(golds)
    write_jsonl(tmp_path / "letters.jsonl", [{"id": f"q{i}", "gold": gold} for i, gold in enumerate(golds)])
    _, row, _ = scored(cli, page, answers.rename(tmp_path / "shuffled.jsonl"))
    # A quarter, within four standard errors of 400 draws
    assert abs(row["value"] - 0.25) < 4 * (0.25 * 0.75 / n) ** 0.5


def test_7_pass_at_k_is_of_k_and_not_of_all_tries(cli, sums, tmp_path):
    page = Path(sums)
    page.write_text(page.read_text().replace("metric: [mean]", "metric: [pass@1, pass@5]\nrepeats: 10"))
    rows = [(f"s{i}", str(3 * i if turn == 0 else 777)) for turn in range(10) for i in range(10)]
    out = tmp_path / "k.run"
    words = ("--completions", answered(tmp_path / "k.jsonl", rows), "--tasks", page, "--out", out, "--json")
    document = json.loads(cli("run", "--engine", "scripted", *words).out)
    # One right answer of ten: 1/10, and 1 - C(9, 5) / C(10, 5) = 1/2
    assert {row["metric"]: row["value"] for row in document["rows"]} == {"pass@1": 0.1, "pass@5": 0.5}


def test_8_zero_is_a_value_and_not_a_gap(cli, sums, tmp_path):
    # s0's right answer is 0; three of four answers score 0 and stay in the mean
    texts = {"s0": "0", "s1": "0", "s2": "0", "s3": "0"}
    _, row, records = scored(cli, sums, answered(tmp_path / "zero.jsonl", texts), "--limit", 4)
    assert (row["value"], row["n"]) == (0.25, 4)
    assert [record["scores"][0]["answer"] for record in records] == ["0"] * 4
    assert all(record["request"]["sampling"]["temperature"] == 0 for record in records)


def test_9_twin_paths_to_one_number_agree(cli, sums, sums_answers, tmp_path, monkeypatch):
    import harness

    _, row, _ = scored(cli, sums, sums_answers)
    folder = sums_answers.with_suffix(".run")
    assert json.loads(cli("rescore", folder, "--json").out)["rows"][0] == row
    monkeypatch.chdir(tmp_path)
    found = harness.evaluate(tasks=[str(sums)], engine="scripted", completions=str(sums_answers), out="api")
    assert (found.estimates[0].value, found.estimates[0].low) == (row["value"], row["low"])
    compared = harness.compare(folder, "api", allow_protocol=True).comparisons[0]
    assert (compared.value_a, compared.value_b, compared.n) == (row["value"], row["value"], row["n"])


def test_10_a_setting_has_its_effect_or_is_refused(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", tmp_path / "o")
    for wrong in ("tasks.sums.repeat=2", "execution.wall_second=3", "engine.completion=x", "temperature=0"):
        seen = cli(*words, "--set", wrong)
        assert seen.code == 2 and wrong.split("=")[0].split(".")[-1] in seen.err, wrong
        assert not (tmp_path / "o").exists()
    first = cli(*words, "--json", "--set", "tasks.sums.score=[{by: exact_match, extract: {by: number, pick: first}}]")
    assert json.loads(first.out)["rows"][0]["value"] == 0.7
    entry = "tasks.sums.score=[{by: exact_match, extract: {by: regex, pattern: '(it)'}}]"
    other = cli(*words[:-1], tmp_path / "p", "--json", "--set", entry)
    assert other.code == 2 and "the gold answer of sample 's0' scores 0.0" in other.err


def test_11_the_same_value_in_another_form_is_right_and_another_value_is_not(cli, sums, tmp_path):
    page = Path(sums)
    text = page.read_text().replace("    extract: {by: number, pick: last}", "    numeric: true")
    page.write_text(text.replace('gold: "so the sum is {{ total }}"', 'gold: "{{ total }}"'))
    rows = [{"id": f"s{i}", "a": 0, "b": 0, "total": 1200} for i in range(6)]
    write_jsonl(tmp_path / "sums.jsonl", rows)
    forms = ["1200", "1,200", "1200.0", "12000", "1200.5", "120"]
    _, _, records = scored(cli, page, answered(tmp_path / "f.jsonl", {f"s{i}": f for i, f in enumerate(forms)}))
    assert [record["scores"][0]["value"] for record in records] == [1, 1, 1, 0, 0, 0]


def test_12_cached_tokens_are_counted_once_and_an_unknown_count_costs_nothing_known():
    def usage(reply: Completion) -> Any:
        request = GenerateRequest("k", "t", "s", 0, TextPrompt("?"), Sampling(8))
        return usages([Record(1, "run", request, reply, (Score("x", 1.0),))])[0]

    price = Price(name="m", input=2.0, output=8.0, cached=0.5)
    whole = usage(Completion("k", "4", "stop", prompt_tokens=20_003, output_tokens=100, cached_tokens=20_000))
    (answer,) = whole.answers
    assert (answer.fresh, answer.cached) == (3, 20_000)
    assert task_cost(whole, price).total == pytest.approx((3 * 2.0 + 20_000 * 0.5 + 100 * 8.0) / 1e6)
    # No count is no price: None, never a cost of 0
    assert task_cost(usage(Completion("k", "4", "stop")), price).total is None


def test_what_a_server_withheld_scores_0_and_what_it_left_empty_is_reported(cli, sums, tmp_path):
    """The text of a filtered answer may state the right one; it counts as withheld all the same."""
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": str(3 * i), "finish": finish}
        for i, finish in enumerate(["filtered"] * 2 + ["window"] * 3 + ["stop"] * 5)
    ]
    _, row, records = scored(cli, sums, write_jsonl(tmp_path / "withheld.jsonl", rows))
    assert (row["value"], row["filtered"], row["window"], row["truncated"]) == (0.8, 0.2, 0.3, 0.3)
    assert (row["unextracted"], row["unread"]) == (0.0, 0.0)
    assert {record["scores"][0]["failure"]["kind"] for record in records if record["scores"][0]["value"] == 0} == {
        "filtered"
    }
    page = (tmp_path / "withheld.run" / "table.md").read_text()
    assert "Window full %" in page and "Filtered %" in page

    empty = [{"task": "sums", "sample_id": f"s{i}", "completion": ""} for i in range(10)]
    _, row, _ = scored(cli, sums, write_jsonl(tmp_path / "empty.jsonl", empty))
    page = (tmp_path / "empty.run" / "table.md").read_text()
    assert (row["value"], row["n"]) == (0.0, 10)
    assert "10 of 10 answers are empty" in page and "Filtered %" not in page


def test_reasoning_apart_from_the_text_is_never_read_as_the_answer(cli, sums, tmp_path):
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": "", "reasoning": f"it is {3 * i}", "finish": "length"}
        for i in range(10)
    ]
    _, row, records = scored(cli, sums, write_jsonl(tmp_path / "spent.jsonl", rows))
    assert (row["value"], row["unextracted"]) == (0.0, 1.0)
    assert records[1]["reply"]["reasoning"] == "it is 3"
    assert "reasoning used all of max_tokens" in records[1]["scores"][0]["explanation"]
    assert "in 10 of 10 the reasoning used all of it" in (tmp_path / "spent.run" / "table.md").read_text()
