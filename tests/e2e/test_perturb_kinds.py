"""`--perturb names`, `options` and `paraphrase` as a user types them, with answers known to be right or wrong."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from files import read_jsonl, write_jsonl
from originals import originals

from harness.perturb import names, options
from harness.perturb.base import LeftOut, PerturbOptions

SCRIPTED = ("run", "--engine", "scripted", "--completions", "answers.jsonl")
QUIZ = """\
name: quiz
version: 1
source: {licence: Apache-2.0}
data: {path: ./quiz.jsonl, split: test, columns: [question, c, answer], id: "{{ id }}"}
reference: {choice: {options: "{{ c }}", gold: "{{ answer }}"}}
gold: "{{ letters[answer] }}"
prompt:
  text:
    template: |-
      {{ question }}
      {% for each in options %}{{ letters[loop.index0] }}. {{ each }}
      {% endfor %}Answer:
    stop: ["\\n"]
sampling: {max_tokens: 8}
score: [{by: choice, name: letter}]
metric: [mean]
"""


@pytest.fixture
def quiz(tmp_path: Path) -> Path:
    """Twelve questions whose right option is always the first, and one whose options cannot change places."""
    rows: list[dict[str, Any]] = [
        {"id": f"q{i}", "question": f"Which is {i}?", "c": [f"it is {i + d}" for d in range(4)], "answer": 0}
        for i in range(12)
    ]
    rows.append({"id": "both", "question": "Which?", "c": ["this", "that", "A and B"], "answer": 0})
    write_jsonl(tmp_path / "quiz.jsonl", rows)
    (tmp_path / "quiz.yaml").write_text(QUIZ, encoding="utf-8")
    return tmp_path / "quiz.yaml"


def answer(task: str, sample: str, text: str | None) -> dict[str, str]:
    """One line of completions."""
    return {"task": task, "sample_id": sample, "completion": text or ""}


def drop_of(seen: Any) -> dict[str, Any]:
    """The first row of drops of `compare --json`."""
    assert seen.code == 0, seen.err
    found: dict[str, Any] = json.loads(seen.out)["drops"][0]
    return found


def test_a_solution_by_heart_loses_everything_under_other_names_and_a_right_one_nothing(cli, tmp_path):
    perturbation = names.build(PerturbOptions())
    right, by_heart = [], []
    for original in list(originals("demo_code"))[:3]:
        sample = original.sample
        made = perturbation.variants(original, 2, Random(f"names 0 {sample.id}"))
        assert not isinstance(made, LeftOut)
        both = [answer("demo_code", sample.id, sample.gold)]
        right += both
        by_heart += both
        for number, variant in enumerate(made, 1):
            name = f"{sample.id}#{number}:names"
            right.append(answer("demo_code-names", name, original.bind(variant.columns).gold))
            by_heart.append(answer("demo_code-names", name, sample.gold))
    words = (*SCRIPTED, "--tasks", "demo_code", "--limit", 3, "--perturb", "names")
    for rows, lost in ((right, 0.0), (by_heart, 1.0)):
        write_jsonl(tmp_path / "answers.jsonl", rows)
        assert cli(*words, "--out", f"r{lost}").code == 0
        drop = drop_of(cli("compare", f"r{lost}", "--json"))
        assert (drop["original"], drop["test"]["difference"]) == (1.0, lost)


def test_a_model_that_always_takes_the_first_option_is_seen(cli, tmp_path, quiz):
    perturbation = options.build(PerturbOptions())
    rows = [answer("quiz", f"q{i}", "A") for i in range(12)]
    still_first = 0
    for original in list(originals(str(quiz)))[:12]:
        made = perturbation.variants(original, 2, Random(f"options 0 {original.sample.id}"))
        assert not isinstance(made, LeftOut)
        for number, variant in enumerate(made, 1):
            rows.append(answer("quiz-options", f"{original.sample.id}#{number}:shuffled", "A"))
            still_first += original.bind(variant.columns).gold == "A"
    write_jsonl(tmp_path / "answers.jsonl", rows)
    seen = cli(*SCRIPTED, "--tasks", quiz, "--perturb", "options", "--out", "r")
    assert seen.code == 0, seen.err
    line = "quiz: left out of both sets: 1 of 13 samples, because an option refers to others by their letter (1)"
    assert line in seen.err
    words = (*SCRIPTED, "--tasks", quiz, "--perturb", "options", "--dry-run")
    assert line in cli(*words).out
    assert json.loads(cli(*words, "--json").out)["tasks"][0]["not_changed"] == {
        "an option refers to others by their letter": 1
    }
    assert "1 of 13 samples, because an option refers to others by their letter (1)" in " ".join(seen.out.split())
    drop = drop_of(cli("compare", "r", "--json"))
    assert drop["test"]["n"] == 12 and drop["original"] == 1.0
    assert drop["test"]["difference"] == pytest.approx(1 - still_first / 24)
    prompts = {
        r["request"]["sample_id"]: r["request"]["prompt"]["text"] for r in read_jsonl(tmp_path / "r/records.jsonl")
    }
    assert sorted(prompts["q3"]) == sorted(prompts["q3#1:shuffled"]) != prompts["q3#1:shuffled"]


def test_other_wordings_come_from_a_file(cli, tmp_path, quiz):
    write_jsonl(
        tmp_path / "w.jsonl",
        [
            {"id": "q1", "text": "Which one is it, number 1?"},
            {"id": "q1", "fields": {"question": "Number 1 is which?"}},
            {"id": "q2", "task": "quiz", "text": "Point at 2."},
        ],
    )
    variants = ["q1#1:paraphrase", "q1#2:paraphrase", "q2#1:paraphrase"]
    own = [answer("quiz", name, "A") for name in ("q1", "q2")]
    write_jsonl(tmp_path / "answers.jsonl", own + [answer("quiz-paraphrase", name, "A") for name in variants])
    words = (*SCRIPTED, "--tasks", quiz, "--perturb", "paraphrase", "--perturb-file", "w.jsonl")
    seen = cli(*words, "--out", "r")
    assert seen.code == 0, seen.err
    rows = read_jsonl(tmp_path / "r/records.jsonl")
    ids = {row["request"]["sample_id"] for row in rows}
    assert ids == {"q1", "q2", *variants}
    # Another file is another run
    write_jsonl(tmp_path / "w.jsonl", [{"id": "q1", "text": "Is it 1?"}, {"id": "q2", "text": "Point at 2."}])
    assert cli(*words, "--out", "r").code == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "q1", "text": "which is 1?"', "w.jsonl:2: not JSON"),
        ('{"id": "q99", "text": "Which?"}', "w.jsonl:2: quiz has no sample 'q99'; did you mean 'q9'"),
        ('{"text": "Which?"}', "w.jsonl:2: `id` is missing"),
        ('{"id": "q1"}', "w.jsonl:2: give exactly one of `text` (the question) and `fields`"),
        ('{"id": "q1", "text": " "}', "w.jsonl:2: `text` must be a text that is not blank"),
        ('{"id": "q1", "txt": "Which?"}', "w.jsonl:2: unknown key 'txt'"),
        ('{"id": "q1", "text": "Which  is 1?"}', "w.jsonl:2: 'question' is the same text as in sample 'q1' itself"),
        ('{"id": "q1", "fields": {"querstion": "Which?"}}', "w.jsonl:2: the rows have no column 'querstion'"),
        ('{"id": "q1", "fields": {"c": "Which?"}}', "w.jsonl:2: the column 'c' is no text"),
        ('{"id": "q1", "fields": {"id": "q1b"}}', "w.jsonl:2: the prompt stays as it is: it does not show id"),
        ('{"id": "q0", "text": "Which one is 0, pray?"}', "w.jsonl:2: it repeats line 1"),
    ],
)
def test_a_faulty_line_is_named(cli, tmp_path, quiz, line, said):
    first = '{"id": "q0", "text": "Which one is 0, pray?"}'
    (tmp_path / "w.jsonl").write_text(f"{first}\n{line}\n", encoding="utf-8")
    write_jsonl(tmp_path / "answers.jsonl", [answer("quiz", "q0", "A")])
    seen = cli(*SCRIPTED, "--tasks", quiz, "--perturb", "paraphrase", "--perturb-file", "w.jsonl", "--out", "r")
    assert seen.code == 2 and said in seen.err and "Traceback" not in seen.err, seen.err


def test_a_wording_that_the_page_cannot_use_is_named(cli, tmp_path):
    page = QUIZ.replace('options: "{{ c }}"', """options: "{{ [c.split(';')[0], c.split(';')[1]] }}\"""")
    (tmp_path / "quiz.yaml").write_text(page, encoding="utf-8")
    rows = [{"id": f"q{i}", "question": f"Which is {i}?", "c": f"it is {i};none", "answer": 0} for i in range(3)]
    write_jsonl(tmp_path / "quiz.jsonl", rows)
    write_jsonl(tmp_path / "w.jsonl", [{"id": "q1", "fields": {"c": "it is 1"}}])
    write_jsonl(tmp_path / "answers.jsonl", [answer("quiz", "q0", "A")])
    words = ("--tasks", "./quiz.yaml", "--perturb", "paraphrase", "--perturb-file", "w.jsonl", "--out", "r")
    seen = cli(*SCRIPTED, *words)
    assert seen.code == 2 and "w.jsonl:1: the page cannot use this wording of sample 'q1' (c): " in seen.err, seen.err
    assert "quiz.yaml:" in seen.err


def test_ids_are_those_of_the_whole_task_also_under_a_limit(cli, tmp_path, quiz):
    good = [{"id": "q0", "text": "Which one is 0, pray?"}, {"id": "q9", "text": "Which one is 9, pray?"}]
    write_jsonl(tmp_path / "w.jsonl", [*good, {"id": "q99", "text": "Which?"}])
    write_jsonl(
        tmp_path / "answers.jsonl", [answer("quiz", "q0", "A"), answer("quiz-paraphrase", "q0#1:paraphrase", "A")]
    )
    words = (*SCRIPTED, "--tasks", quiz, "--perturb", "paraphrase", "--perturb-file", "w.jsonl", "--out", "r")
    for part in (("--limit", 1), ("--limit", 5, "--limit-seed", 3)):
        seen = cli(*words, *part)
        assert seen.code == 2 and "w.jsonl:3: quiz has no sample 'q99'; did you mean 'q9'" in seen.err, seen.err
    write_jsonl(tmp_path / "w.jsonl", good)
    assert cli(*words, "--limit", 1).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("demo_math", "names"), "no programs"),
        (("demo_code", "options"), "no options"),
        (("demo_math", "paraphrase"), "needs --perturb-file FILE"),
        (("demo_code", "names", "--perturb-file", "w.jsonl"), "no effect with --perturb names"),
    ],
)
def test_what_a_task_does_not_have_cannot_be_changed(cli, tmp_path, words, said):
    task, kind, *more = words
    write_jsonl(tmp_path / "answers.jsonl", [answer(task, "1", "A")])
    seen = cli(*SCRIPTED, "--tasks", task, "--perturb", kind, *more)
    assert seen.code == 2 and said in seen.err and "Traceback" not in seen.err, seen.err
