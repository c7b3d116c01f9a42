"""Real solutions score what their authors say: every right answer 1, every changed one 0, on the whole test sets."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.datatypes import Answer, Completion, Sample, TextPrompt
from harness.execution.base import Limits, Sandbox
from harness.scoring.base import Scorer, Tools
from harness.scoring.factory import build_scorers
from harness.scoring.math_judge import ProcessMathJudge
from harness.scoring.maths.reading import canonical, tidied

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
# the clean-up of lm-evaluation-harness's gsm8k task
CLEAN = {"ignore_case": True, "ignore": [",", r"\$", r"(?s).*#### ", r"\.$"]}
STRICT = {"by": "exact_match", "extract": {"by": "regex", "pattern": r"#### (\-?[0-9\.\,]+)"}, **CLEAN}
FLEXIBLE = {"by": "exact_match", "extract": {"by": "number", "pick": "last", "rule": "lm_eval"}, **CLEAN}
NUMERIC = {"by": "exact_match", "extract": {"by": "number"}, "numeric": True}


def rows(path: str) -> list[dict[str, Any]]:
    file = DATA / path
    if not file.exists():
        pytest.skip(f"needs the real data set at {file}")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessMathJudge]:
    with ProcessMathJudge() as judge:
        yield judge


def scorer(entry: dict[str, Any], judge: ProcessMathJudge) -> Scorer:
    def no_sandbox() -> Sandbox:
        raise AssertionError("math needs no sandbox")

    return build_scorers([entry], Tools(no_sandbox, lambda: judge, Limits()))[0]


def value(by: Scorer, gold: str, text: str) -> float | None:
    return by.score(Sample("s", {}, Answer((gold,))), TextPrompt(""), Completion("k", text, "eos")).value


@pytest.mark.parametrize("entry", [STRICT, FLEXIBLE, NUMERIC], ids=["strict", "flexible", "numeric"])
def test_gsm8k_gold_solutions_score_1319_of_1319_and_changed_ones_none(
    entry: dict[str, Any], judge: ProcessMathJudge
) -> None:
    by = scorer(entry, judge)
    right = wrong = 0.0
    test = rows("openai/gsm8k/main/test.jsonl")
    for row in test:
        gold = row["answer"].split("####")[-1].strip()
        changed = f"{int(gold.replace(',', '')) + 1:,}"
        right += value(by, gold, row["answer"]) or 0
        wrong += value(by, gold, row["answer"].replace(f"#### {gold}", f"#### {changed}")) or 0
    assert (len(test), right, wrong) == (1319, 1319, 0)


def test_gsm8k_as_a_chat_model_writes_it(judge: ProcessMathJudge) -> None:
    by = scorer({"by": "math_equality"}, judge)
    test = rows("openai/gsm8k/main/test.jsonl")
    golds = [row["answer"].split("####")[-1].strip() for row in test]
    said = ["So she has ${} in all.", "**Final Answer:** {}", "The answer is {} dollars.", r"Thus $\boxed{{{}}}$."]
    scores = [value(by, gold, said[k % 4].format(gold)) for k, gold in enumerate(golds)]
    assert scores == [1.0] * 1319


def test_math_500_gold_solutions_score_500_of_500(judge: ProcessMathJudge) -> None:
    by = scorer({"by": "math_equality"}, judge)
    scores = [value(by, row["answer"], row["solution"]) for row in rows("HuggingFaceH4/MATH-500/test.jsonl")]
    assert scores == [1.0] * 500


@pytest.mark.slow
def test_math_500_answers_are_read_by_algebra(judge: ProcessMathJudge) -> None:
    """Each answer, as algebra is asked about it where the texts differ, equals itself."""
    test = rows("HuggingFaceH4/MATH-500/test.jsonl")
    written = [canonical(tidied(row["answer"])) for row in test]
    started = time.monotonic()
    assert [text for text in written if not judge._by_algebra([(text, text)])[0]] == []
    # 7 s on a loaded core: a scorer thread must keep up with any engine
    assert time.monotonic() - started < 60


def test_math_500_answers_in_another_dress_are_equal(judge: ProcessMathJudge) -> None:
    by = scorer({"by": "math_equality"}, judge)
    dresses = (r"\boxed{\text{}%s}", r"\boxed{\displaystyle %s\ }", r"**Answer:** $%s$", r"\boxed{\, %s}")
    unequal = [
        (dress, row["unique_id"])
        for row in rows("HuggingFaceH4/MATH-500/test.jsonl")
        for dress in dresses
        if value(by, row["answer"], dress % row["answer"].replace(r"\frac", r"\dfrac")) != 1
    ]
    assert unequal == []


@pytest.mark.slow
def test_math_500_changed_answers_score_nothing(judge: ProcessMathJudge) -> None:
    by = scorer({"by": "math_equality"}, judge)
    test = rows("HuggingFaceH4/MATH-500/test.jsonl")
    plus_one = [row["unique_id"] for row in test if value(by, row["answer"], rf"\boxed{{{row['answer']} + 1}}") != 0]
    assert plus_one == []
    neighbours = [
        (row["answer"], other["answer"])
        for row, other in itertools.pairwise(test)
        if value(by, row["answer"], rf"\boxed{{{other['answer']}}}") != 0
    ]
    # two neighbours have the same answer, and "x=5" is a way of saying 5
    assert neighbours == [("5", "x=5"), ("7", "7"), ("3", "3")]
