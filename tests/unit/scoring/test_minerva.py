r"""Scores of MATH by the Minerva paper's rules and by math-verify alone.

The expected writings were printed by lm-evaluation-harness 0.4.13 (minerva_math, normalize_final_answer).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.datatypes import Answer, Completion, Sample, TextPrompt
from harness.execution.base import Limits, Sandbox
from harness.scoring.base import TaskScorer, Tools
from harness.scoring.factory import build_scorers
from harness.scoring.math_judge import TIMEOUT, ProcessMathJudge
from harness.scoring.maths.minerva import last_box, normalised, right_answers


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessMathJudge]:
    with ProcessMathJudge() as judge:
        yield judge


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        (r"x = \frac12", r"\frac{1}{2}"),
        (r"$\left(3, \frac{\pi}{2}\right)$", r"\left(3,\frac{\pi}{2}\right)"),
        (r"12\text{ cm}", "12"),
        (r"10,\! 000", "10000"),
        ("1,000", "1000"),
        ("0,1", "0,1"),
        (r"\sqrt[3]8", r"\sqrt[3]{8}"),
        (r"\sqrt2 + a b", r"\sqrt{2}+b"),
        ("5 square feet", "5"),
        (r"2\pi cm", r"2\pi"),
        ("90\\text{ square\nunits}", "90"),
        ("the answer $7$ dollars", "7"),
        (r"3 \text{and} 4", "3,4"),
    ],
)
def test_answers_are_written_as_the_reference_writes_them(answer: str, written: str) -> None:
    assert normalised(answer) == written


def test_the_right_answer_of_a_solution_is_in_its_last_box_or_in_all_that_are_one_answer() -> None:
    assert last_box(r"$\boxed{1}$, or rather $\boxed{\frac{2}{3}}$") == r"\frac{2}{3}"
    assert last_box(r"it is $\boxed 5$.") == "5"
    assert last_box("none") is None
    assert right_answers(r"the values $\boxed{-1}$ and $\boxed{2}.$") == ["2", "-1, 2"]
    assert right_answers(r"\begin{align*} a &= \boxed{5}, \\ b &= \boxed{11}. \end{align*}") == ["11", "5, 11"]
    assert right_answers(r"First \boxed{161}, a lot of text. So it must be: \boxed{7}") == ["7"]
    with pytest.raises(ValueError, match="no box"):
        right_answers("none")


def scorers(judge: ProcessMathJudge) -> tuple[TaskScorer, ...]:
    def no_sandbox() -> Sandbox:
        raise AssertionError("mathematics needs no sandbox")

    pattern = r"Final Answer: The final answer is(.*?).(?: I hope it is correct(?:.|\Z)| \Z)"
    entries = [
        {"by": "minerva", "extract": {"by": "regex", "pattern": pattern}},
        {"by": "math_verify", "solution": "solution"},
    ]
    return build_scorers(entries, Tools(no_sandbox, lambda: judge, Limits()))


@pytest.mark.parametrize(
    ("completion", "minerva", "math_verify"),
    [
        # Scores of lm-evaluation-harness 0.4.13, run on these completions
        (r"Final Answer: The final answer is $\frac12$. I hope it is correct.", 1, 1),
        (r"Final Answer: The final answer is $0.5$. I hope it is correct.", 1, 1),
        (r"Final Answer: The final answer is $\frac{2}{4}$. I hope it is correct", 1, 1),
        (r"Final Answer: The final answer is $\frac12$", 0, 1),
        (r"So it is $\boxed{\frac12}$.", 0, 1),
        (r"**Answer:** \frac12", 0, 0),
        (r"Final Answer: The final answer is $2$. I hope it is correct.", 0, 0),
    ],
)
def test_completions_score_as_in_the_reference(
    completion: str, minerva: int, math_verify: int, judge: ProcessMathJudge
) -> None:
    sample = Sample("s", {"solution": r"Thus $x = \boxed{\frac{1}{2}}$."}, Answer((r"\frac{1}{2}",)))
    values = [by.score(sample, TextPrompt(""), Completion("k", completion, "eos")).value for by in scorers(judge)]
    assert values == [minerva, math_verify]


class Slow:
    """No verdict on the right answer 1, and equality with 3; counts nothing else as equal."""

    def equal(self, gold: str, answer: str) -> tuple[bool | None, str]:
        return (None, TIMEOUT) if "1" in gold else ("3" in gold, "stub")

    found_equal = equal

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("golds", "answer", "value"),
    [(("1", "2"), "2", 1), (("1", "3"), "6/2", 1), (("3", "1"), "6/2", 1), (("1", "4"), "6", 0), (("4", "1"), "6", 0)],
)
def test_a_right_answer_without_a_verdict_hides_no_other(golds: tuple[str, ...], answer: str, value: int) -> None:
    tools = Tools(lambda: pytest.fail("no sandbox"), Slow, Limits())
    entries = [{"by": "minerva", "extract": "text"}, {"by": "math_equality", "extract": "text"}, {"by": "math_verify"}]
    judged = build_scorers(entries, tools)
    for by in judged[: 1 if "2" in golds else 3]:
        score = by.score(Sample("s", {}, Answer(golds)), TextPrompt(""), Completion("k", answer, "eos"))
        assert score.value == value, by.name
        assert (score.failure.kind if score.failure else None) == (None if value else TIMEOUT), by.name


def test_a_missing_column_and_a_hostile_completion_cost_no_run(judge: ProcessMathJudge) -> None:
    _, by = scorers(judge)
    lacking = by.score(Sample("s", {}, Answer(("1",))), TextPrompt(""), Completion("k", "1", "eos"))
    assert lacking.value is None and "solution" in (lacking.failure.message if lacking.failure else "")
    with ProcessMathJudge(seconds=1) as impatient:
        assert impatient.found_equal(r"$\boxed{7}$", r"$\boxed{9^{9^{9^{9}}}}$")[0] is not True
        assert impatient.found_equal(r"$\boxed{7}$", r"So it is $\boxed{7}$.")[0] is True
