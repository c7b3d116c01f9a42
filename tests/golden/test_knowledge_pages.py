"""Pages of knowledge, common sense, languages and instructions, against what lm-evaluation-harness 0.4.13 does.

`ifeval_cases.jsonl` and `bbh_cases.jsonl` are texts of our own with the verdicts of its functions.
"""

from __future__ import annotations

import gzip
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import REPO, read_jsonl, write_jsonl

from harness.catalog import Binder, Task
from harness.config import pages
from harness.config.task_page import TaskPage
from harness.data.rows import Loader
from harness.datatypes import Choice, Completion, LikelihoodRequest, Style
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

GOLDEN = Path(__file__).parent
Row = dict[str, Any]


def bound(task: str, mirror: Path, style: Style = "text", limit: int | None = None, **data: Any) -> Task:
    """Bind a page to the mirror; `data` are keys of its section `data` to replace."""
    page, source = pages.task_page(task)
    if data:
        values = page.model_dump(exclude_unset=True)
        values["data"] |= data
        values.pop("expected_count", None)
        page = TaskPage.model_validate(values)
    scorers = page_scorers(page, source, Services("auto", Limits()).tools())
    return Binder(Loader(mirror), style, limit).bind(page, source, scorers)


def rows_of(mirror: Path, path: str) -> list[Row]:
    """The rows of a compressed or plain file, in order."""
    if (mirror / f"{path}.jsonl").is_file():
        return read_jsonl(mirror / f"{path}.jsonl")
    with gzip.open(mirror / f"{path}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def labelled(row: Row) -> int:
    """The place of the option whose label is the key, by hand."""
    return [label == row["answerKey"].strip() for label in row["choices"]["label"]].index(True)


# Page, file of the mirror, place of the right option, the options' texts
CHOICES: list[tuple[str, str, Callable[[Row], int], Callable[[Row], list[str]] | None]] = [
    ("arc_challenge", "allenai/ai2_arc/ARC-Challenge/test", labelled, lambda row: row["choices"]["text"]),
    ("openbookqa", "allenai/openbookqa/main/test", labelled, lambda row: row["choices"]["text"]),
    ("commonsense_qa", "tau/commonsense_qa/validation", labelled, lambda row: row["choices"]["text"]),
    ("hellaswag", "Rowan/hellaswag/validation", lambda row: int(row["label"]), None),
    ("piqa", "ybisk/piqa/validation", lambda row: row["label"], lambda row: [row["sol1"], row["sol2"]]),
    (
        "winogrande",
        "allenai/winogrande/winogrande_xl/validation",
        lambda row: {"1": 0, "2": 1}[row["answer"]],
        lambda row: [row["option1"], row["option2"]],
    ),
    ("belebele", "facebook/belebele/eng_Latn/test", lambda row: "1234".index(row["correct_answer_num"]), None),
]


@pytest.mark.parametrize(("name", "path", "gold", "options"), CHOICES, ids=[case[0] for case in CHOICES])
def test_rows_bind_with_their_own_right_option(mirror: Path, name, path, gold, options):
    rows, task = rows_of(mirror, path), bound(name, mirror, limit=1000)
    assert task.total == len(rows)
    for row, sample in zip(rows, task.samples, strict=False):
        assert isinstance(sample.reference, Choice)
        assert sample.reference.gold == gold(row)
        if options is not None:
            assert list(sample.reference.options) == options(row)


def test_a_question_of_mmlu_is_shown_behind_five_of_its_subject(mirror: Path):
    task = bound("mmlu", mirror, name=["abstract_algebra", "virology"])
    rows = [row for subject in ("abstract_algebra", "virology") for row in rows_of(mirror, f"cais/mmlu/{subject}/test")]
    assert [sample.reference.gold for sample in task.samples] == [row["answer"] for row in rows]
    last = task.requests[-1].prompt.text
    assert "(with answers) about virology." in last and last.count("\nAnswer:") == 6
    shown = [row["question"].strip() for row in rows_of(mirror, "cais/mmlu/virology/dev")]
    assert all(question in last for question in shown)


def test_the_rest_of_the_sentence_is_scored_behind_each_name(mirror: Path):
    request = bound("winogrande", mirror, limit=1).requests[0]
    assert isinstance(request, LikelihoodRequest)
    start = "Sarah was a much better surgeon than Maria so "
    assert [context.text for context in request.contexts] == [start + "Sarah", start + "Maria"]
    assert set(request.continuations) == {" always got the easier cases."}


def test_hellaswag_is_shown_without_the_marks_of_its_source():
    prepare = runpy.run_path(str(REPO / "tasks/commonsense/hellaswag.py"))["prepare"]
    row = {
        "activity_label": "Bread",
        "ctx_a": "Heat it [title] Bake",
        "ctx_b": "the Oven",
        "endings": [" a  b", "[step] c [sub] d"],
    }
    made = prepare(row)
    assert made["query"] == "Bread: Heat it. Bake The oven"
    assert made["shown_endings"] == ["a b", " c d"]


@pytest.mark.parametrize("language", ["et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"])
def test_xcopa_in_each_language(mirror: Path, language: str):
    rows = rows_of(mirror, f"cambridgeltl/xcopa/{language}/test")
    task = bound("xcopa", mirror, name=[language])
    assert [sample.reference.gold for sample in task.samples] == [row["label"] for row in rows]
    cause, effect = runpy.run_path(str(REPO / "tasks/language/xcopa.py"))["CONNECTIVES"][language]
    for row, request in zip(rows, task.requests, strict=True):
        word = cause if row["question"] == "cause" else effect
        assert request.prompt.text == f"{row['premise'].strip()[:-1]} {word}"


def test_exams_leaves_out_the_rows_without_a_right_answer(mirror: Path):
    rows = [row for row in rows_of(mirror, "mhardalov/exams/multilingual/test") if row["answerKey"] != "@"]
    task = bound("exams", mirror, "text", limit=600)
    golds = ["ABCDE".index(row["answerKey"]) for row in rows[:600]]
    assert [sample.reference.gold for sample in task.samples] == golds
    assert task.total == len(rows)


def test_global_mmlu_in_a_script_from_right_to_left(tmp_path: Path):
    row = {"subject": "anatomy", "answer": "C", "option_a": "أ", "option_b": "ب", "option_c": "ج", "option_d": "د"}
    others = [{**row, "sample_id": f"dev/{n}", "question": f"سؤال {n}؟"} for n in range(5)]
    write_jsonl(tmp_path / "CohereLabs/Global-MMLU/ar/dev.jsonl", [{**row, "subject": "other", **others[0]}, *others])
    write_jsonl(
        tmp_path / "CohereLabs/Global-MMLU/ar/test.jsonl", [{**row, "sample_id": "t/0", "question": " ما هو؟ "}]
    )
    task = bound("global_mmlu", tmp_path, name="ar")
    request = task.requests[0]
    assert task.samples[0].reference.gold == 2
    assert request.prompt.text.endswith("\n\nما هو؟\nA. أ\nB. ب\nC. ج\nD. د\nAnswer:")
    assert request.continuations == (" A", " B", " C", " D")


def test_mmlu_pro_shows_as_many_letters_as_a_row_has_options(tmp_path: Path):
    def row(number: int, options: list[str], answer: str, reason: str = "") -> Row:
        made = {"question_id": number, "question": f"Q{number}", "options": options, "answer": answer}
        return {**made, "answer_index": 0, "cot_content": reason, "category": "law"}

    reason = "A: Let's think step by step. It is b. The answer is (B)."
    folder = tmp_path / "TIGER-Lab/MMLU-Pro"
    write_jsonl(folder / "validation.jsonl", [row(n, ["a", " b "], "B", reason) for n in range(5)])
    write_jsonl(folder / "test.jsonl", [row(70, list("abcdefghij"), "J"), row(71, ["x", "y", "z"], "C")])
    wide, narrow = bound("mmlu_pro", tmp_path, split="test").requests
    assert narrow.prompt.text.startswith("The following are multiple choice questions (with answers) about law. Think")
    example = (
        "Question:\nQ0\nOptions:\nA. a\nB. b\nAnswer: Let's think step by step. It is b. The answer is (B).\n\nQuest"
    )
    assert example in narrow.prompt.text
    end = "Question:\nQ71\nOptions:\nA. x\nB. y\nC. z\nAnswer: Let's think step by step."
    assert narrow.prompt.text.endswith("\n\n" + end)
    assert "\nJ. j\nAnswer:" in wide.prompt.text


@pytest.mark.parametrize(
    ("text", "value"),
    [("A", 1), (" a.", 1), ("(A)", 1), ("**A**", 1), ("A\nB", 1), ("A. Paris", 0), ("( A )", 0), ("\nA", 0), ("AB", 0)],
)
def test_mmlu_generative_wants_the_letter_alone(mirror: Path, text: str, value: int):
    """The verdicts are those of lm-evaluation-harness's filters and exact_match; the first answer is B."""
    task = bound("mmlu_generative", mirror, limit=1, name=["abstract_algebra"])
    text = text.replace("A", "B").replace("a.", "b.") if "AB" not in text else text
    request, scorer = task.requests[0], task.scorers[0]
    assert scorer.score(task.samples[0], request.prompt, Completion(request.key, text, "stop")).value == value


IFEVAL = read_jsonl(GOLDEN / "ifeval_cases.jsonl")
SCRIPT = runpy.run_path(str(REPO / "tasks/instructions/ifeval.py"))


@pytest.mark.parametrize("name", sorted({case["instruction"] for case in IFEVAL}))
def test_an_instruction_of_ifeval_is_judged_as_in_the_reference(name: str):
    if name in SCRIPT["WITH_PACKAGES"]:
        for package in ("langdetect", "nltk", "punkt"):
            pytest.importorskip(package, reason="IFEval's packages are an extra, harness[ifeval]")
    for case in (case for case in IFEVAL if case["instruction"] == name):
        sample = {"instruction_id_list": [name], "kwargs": [case["kwargs"]]}
        for level in ("strict", "loose"):
            assert SCRIPT[f"prompt_{level}"](sample, case["text"])["value"] == case[level], (level, case)


def test_ifeval_has_cases_of_every_instruction_and_weighs_by_their_number():
    assert {case["instruction"] for case in IFEVAL} == set(SCRIPT["CHECKS"])
    sample = {"instruction_id_list": ["punctuation:no_comma", "startend:quotation"], "kwargs": [{}, {}]}
    given = SCRIPT["instruction_strict"](sample, "no quotes")
    assert (given["value"], given["detail"]["weight"]) == (0.5, 2)
    assert SCRIPT["prompt_strict"](sample, "no quotes")["value"] is False
    assert SCRIPT["instruction_loose"](sample, "")["value"] == 0


def test_ifeval_drops_the_arguments_that_the_hub_fills_with_null():
    row = {"prompt": "p", "instruction_id_list": ["detectable_content:number_placeholders"]}
    made = SCRIPT["prepare"]({**row, "kwargs": [{"num_placeholders": 2, "language": None, "letter": None}]})
    assert made["kwargs"] == [{"num_placeholders": 2}]
    with pytest.raises(ValueError, match="unknown instruction 'x:y'"):
        SCRIPT["prepare"]({**row, "instruction_id_list": ["x:y"], "kwargs": [{}]})


def test_bbh_reads_answers_as_the_reference_does():
    script = runpy.run_path(str(REPO / "tasks/reasoning/bbh_cot_zeroshot.py"))
    for case in read_jsonl(GOLDEN / "bbh_cases.jsonl"):
        for score in ("flexible", "strict"):
            assert script[score](case, case["completion"])["value"] == case[score], (score, case)


def test_a_question_of_bbh_is_never_among_its_own_examples(mirror: Path):
    task = bound("bbh", mirror, name=["causal_judgement", "snarks"])
    for sample, request in zip(task.samples, task.requests, strict=True):
        *examples, question = request.prompt.text.split("\n\nQ: ")
        assert question == f"{sample.inputs['input']}\nA:"
        assert all(
            f"Q: {sample.inputs['input']}\nA: {sample.inputs['target']}" not in "Q: " + each for each in examples
        )
