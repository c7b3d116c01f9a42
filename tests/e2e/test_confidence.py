"""A user measures whether a model knows what it knows: from what it states, and from the probabilities of options."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from files import REPO, read_jsonl, write_jsonl

PAGE = """\
name: trivia
version: 1
data: {path: ./trivia.jsonl, split: test, columns: [question, answer]}
reference: {answer: ["{{ answer }}"]}
gold: "Answer: {{ answer }}. Confidence: 90 %"
prompt:
  text: {template: "{{ question }} Answer with a number, and your confidence.", stop: []}
sampling: {max_tokens: 32}
score: [{by: exact_match, extract: {by: number, pick: last}, confidence: stated_confidence}]
metric: [mean, ece, brier, selective@50, selective@100, aurc]
"""
# Ten answers: what is stated, and whether it is right. Two state nothing that can be read, one has no answer
ANSWERS = [
    *[("Answer: 7. Confidence: 90 %", True), ("Answer: 7. Confidence: 0.9", True), ("It is 7. I am 90% sure", True)],
    *[("Answer: 8. Confidence: 9/10", False), ("Answer: 7. Confidence: 40", True), ("8 (40 percent sure)", False)],
    *[("Answer: 8. Confidence: 40%", False), ("Answer: 7. I am quite sure.", True), ("Answer: 7", True)],
    *[("Confidence: 90%", False)],
]


@pytest.fixture
def trivia(tmp_path: Path) -> tuple[Path, Path]:
    write_jsonl(tmp_path / "trivia.jsonl", [{"question": f"What is 7? ({i})", "answer": "7"} for i in range(10)])
    (tmp_path / "trivia.yaml").write_text(PAGE)
    rows = [{"task": "trivia", "sample_id": str(i), "completion": text} for i, (text, _) in enumerate(ANSWERS)]
    return tmp_path / "trivia.yaml", write_jsonl(tmp_path / "answers.jsonl", rows)


def test_stated_confidence_is_scored_and_what_is_not_stated_is_counted(cli, trivia, tmp_path):
    page, answers = trivia
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", page, "--out", "r")
    seen = cli(*words, "--json")
    assert seen.code == 0, seen.err
    rows = {row["metric"]: row for row in json.loads(seen.out)["rows"]}
    # A confidence of 90 % behind the answer is not read as the answer
    assert rows["mean"]["value"] == pytest.approx(0.6) and rows["mean"]["n"] == 10
    assert rows["mean"]["no_confidence"] is None
    # Seven are left: of four with .9 three are right, of three with .4 one
    assert {rows[name]["n"] for name in rows if name != "mean"} == {7}
    assert rows["ece"]["no_confidence"] == pytest.approx(0.3)
    assert rows["ece"]["value"] == pytest.approx((4 * 0.15 + 3 * (0.4 - 1 / 3)) / 7)
    assert rows["brier"]["value"] == pytest.approx((3 * 0.01 + 0.81 + 0.36 + 2 * 0.16) / 7)
    assert rows["selective@50"]["value"] == pytest.approx(3 / 4)
    assert rows["selective@100"]["value"] == pytest.approx(4 / 7)
    warnings = json.loads(seen.out)["warnings"]
    assert any("30.0 % of the answers state no confidence" in line for line in warnings)
    assert sum("state no confidence" in line for line in warnings) == 1
    assert any("ece 0." in line and "may be chance" in line for line in warnings)
    assert cli("report", "r", "--out", "page.html").code == 0
    page_text = (tmp_path / "page.html").read_text()
    assert 'id="calibration"' in page_text and "3 answers state no confidence and are left out" in page_text
    assert "accuracy of the most confident answers: 0.750 of 25.0 %" in page_text
    table = cli("show", "r").out + (tmp_path / "r/table.md").read_text()
    assert "No confidence %" in table


def test_a_metric_of_confidence_without_one_is_refused_with_what_to_write(cli, trivia):
    page, _ = trivia
    page.write_text(PAGE.replace(", confidence: stated_confidence", ""))
    seen = cli("tasks", "validate", page)
    assert seen.code != 0
    assert "its score entry needs `confidence`, such as `confidence: stated_confidence`" in seen.out + seen.err
    page.write_text(PAGE.replace("confidence: stated_confidence", "confidence: stated_confidnce"))
    seen = cli("tasks", "validate", page)
    assert seen.code != 0 and "did you mean 'stated_confidence'" in seen.out + seen.err


def test_an_extractor_that_gives_no_share_leaves_samples_unscored_and_guesses_nothing(cli, trivia):
    page, answers = trivia
    page.write_text(PAGE.replace("confidence: stated_confidence", "confidence: {by: regex, pattern: '(\\d+)\\s?%'}"))
    seen = cli("run", "--engine", "scripted", "--completions", answers, "--tasks", page, "--json", "--out", "r")
    assert seen.code == 1
    # "Answer: 7. Confidence: 90 %", "90% sure", and twice "Confidence: ...%"
    assert json.loads(seen.out)["rows"][0]["unscored"] == 4
    assert "must give a number from 0 to 1; it gave '90'" in (trivia[0].parent / "r/records.jsonl").read_text()


def own_rows(tmp_path: Path, page: str, rows: list[dict]) -> Path:
    """A shipped page with rows of ours in place of its data."""
    (path,) = REPO.glob(f"tasks/*/{page}.yaml")
    text = re.sub(r"(?m)^(expected_count|  name|  revision): .*\n", "", path.read_text())
    (tmp_path / path.name).write_text(re.sub(r"(?m)^  path: .*", f"  path: ./{page}.jsonl", text))
    write_jsonl(tmp_path / f"{page}.jsonl", rows)
    return tmp_path / path.name


# What chat models write: the completion, whether its answer is right, and the confidence that is read of it
SUMS = [
    ("3 boxes of 6 are 18.\n\nAnswer: 18\nConfidence: 85%", 1, 0.85),
    ("6 + 6 + 6 = 18\n**Answer:** 18\n**Confidence:** 0.85", 1, 0.85),
    ("Answer: $18$\nConfidence: 90", 1, 0.9),
    ("Answer: 18.\nConfidence: 95 %.", 1, 0.95),
    ("Answer: 20\nConfidence: 100%", 0, 1.0),
    ("Answer: 18\nConfidence: I am 80% sure", 1, 0.8),
    # Not read: no statement, words, a bare 1 (1 % or certain?), a range
    ("Answer: 18", 1, None),
    ("Answer: 18\nConfidence: high", 1, None),
    ("Answer: 18\nConfidence: 1", 1, None),
    ("Answer: 17\nConfidence: 80-90%", 0, None),
]
LETTERS = [
    ("Answer: B\nProbability: 0.85", 1, 0.85),
    ("B\n0.85", 1, None),
    ("Answer: B) 18\nProbability: 1", 1, 1.0),
    ("**Answer: B**\n**Probability: 85%**", 1, 0.85),
    ("Answer: A\nProbability: .3", 0, 0.3),
    ("Answer: B\nConfidence: 0.9", 1, 0.9),
    ("Answer: B\nProbability: 90", 1, None),
    ("Answer: A\nProbability: very likely", 0, None),
]


@pytest.mark.parametrize(("page", "cases"), [("gsm8k_confidence", SUMS), ("arc_challenge_confidence", LETTERS)])
def test_shipped_pages_read_what_models_state_and_guess_nothing(cli, tmp_path, page, cases):
    sums = {"question": "6 + 6 + 6?", "answer": "6+6+6=<<6+6+6=18>>18\n#### 18"}
    choice = {"question": "6 + 6 + 6?", "choices": {"text": ["12", "18"], "label": ["A", "B"]}, "answerKey": "B"}
    rows = [sums if page == "gsm8k_confidence" else choice for _ in cases]
    path = own_rows(tmp_path, page, rows)
    given = [{"task": page, "sample_id": str(i), "completion": text} for i, (text, *_) in enumerate(cases)]
    write_jsonl(tmp_path / "answers.jsonl", given)
    words = ("run", "--engine", "scripted", "--set", "model.style=chat", "--completions", "answers.jsonl")
    seen = cli(*words, "--tasks", path, "--out", "r", "--json")
    assert seen.code == 0, seen.err
    scores = {r["request"]["sample_id"]: r["scores"][0] for r in read_jsonl(tmp_path / "r/records.jsonl")}
    found = [(scores[str(i)]["value"], scores[str(i)]["detail"]["confidence"]) for i in range(len(cases))]
    assert found == [(right, confidence) for _, right, confidence in cases]
    stated = [(confidence, right) for _, right, confidence in cases if confidence is not None]
    by_metric = {row["metric"]: row for row in json.loads(seen.out)["rows"]}
    assert by_metric["brier"]["n"] == len(stated) < by_metric["mean"]["n"] == len(cases)
    assert by_metric["brier"]["value"] == pytest.approx(sum((q - y) ** 2 for q, y in stated) / len(stated))
    assert by_metric["ece"]["no_confidence"] == pytest.approx(1 - len(stated) / len(cases))
