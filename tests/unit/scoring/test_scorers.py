"""Each scorer gives 1 for right, 0 with a cause for the model's own failures, nothing for faults of ours."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from harness import datatypes
from harness.datatypes import (
    Answer,
    ChatPrompt,
    Choice,
    Completion,
    ContinuationScore,
    Likelihood,
    Message,
    Reference,
    Sample,
    Score,
    TextPrompt,
)
from harness.errors import ConfigError, UnknownName
from harness.execution.base import Job, Limits, Sandbox, Status, Verdict
from harness.scoring.base import Tools
from harness.scoring.factory import build_scorers
from harness.scoring.math_judge import CRASH, GOLD_TIMEOUT, NO_JUDGE, TIMEOUT

CODE = datatypes.Tests("python", tests="assert f() == 1", entry_point="f")


@dataclass
class RecordingSandbox:
    """Gives the verdict it was made with and keeps what it was asked to run."""

    verdict: Verdict
    level: str = "recording"
    jobs: list[tuple[Job, Limits]] = field(default_factory=list)

    def run(self, job: Job, limits: Limits) -> Verdict:
        self.jobs.append((job, limits))
        return self.verdict

    def close(self) -> None:
        pass


@dataclass
class FixedJudge:
    """Gives one verdict for each right answer."""

    verdicts: dict[str, tuple[bool | None, str]]

    def equal(self, gold: str, answer: str) -> tuple[bool | None, str]:
        return self.verdicts[gold]

    def close(self) -> None:
        pass


def score(
    entry: dict[str, object],
    reference: Reference,
    text: str | Likelihood,
    *,
    sandbox: Sandbox | None = None,
    judge: FixedJudge | None = None,
    prefill: str = "",
    finish: datatypes.Finish = "eos",
) -> Score:
    def no_tool() -> RecordingSandbox:
        raise AssertionError("this scorer has no business with a sandbox")

    tools = Tools(
        sandbox=(lambda: sandbox) if sandbox else no_tool,
        math=lambda: judge or FixedJudge({}),
        limits=Limits(wall_seconds=3),
    )
    (scorer,) = build_scorers([entry], tools)
    prompt = ChatPrompt((Message("user", "?"),), prefill)
    reply = Completion("k", text, finish) if isinstance(text, str) else text
    return scorer.score(Sample("s/0", {}, reference), prompt, reply)


# --- exact match ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "gold", "text", "value"),
    [
        ({}, "Paris", " Paris \n", 1),
        ({}, "Paris", "paris", 0),
        ({"ignore_case": True}, "Paris", "pARIS", 1),
        ({"ignore": [",", r"\.$"]}, "70000", "70,000.", 1),
        ({"ignore": [r"(?s).*#### "]}, "so\n#### 7", "7", 1),
        ({}, "70000", "70,000", 0),
        ({"numeric": True}, "70,000", "$70000.0", 1),
        ({"numeric": True}, "-0.5", "-.50", 1),
        ({"numeric": True}, "5", "-5", 0),
        ({"numeric": True}, "2,4", "24", 0),
        ({"numeric": True}, "ten", "ten", 1),
        ({"numeric": True}, "1", "1e0", 0),
    ],
)
def test_exact_match(options: dict[str, object], gold: str, text: str, value: float) -> None:
    assert score({"by": "exact_match", **options}, Answer((gold,)), text).value == value


def test_any_right_answer_counts() -> None:
    assert score({"by": "exact_match"}, Answer(("UK", "United Kingdom")), "United Kingdom").value == 1


def test_the_text_of_the_right_option_is_a_right_answer() -> None:
    assert score({"by": "exact_match"}, Choice(("cat", "dog"), 1), "dog").value == 1


def test_the_prefill_is_part_of_the_answer() -> None:
    entry = {"by": "exact_match", "extract": {"by": "boxed"}}
    assert score(entry, Answer(("42",)), "42}", prefill=r"The answer is \boxed{").value == 1


@pytest.mark.parametrize("by", ["exact_match", "math_equality", "unit_tests", "choice"])
def test_no_answer_is_zero_and_says_so(by: str) -> None:
    reference: Reference = {"unit_tests": CODE, "choice": Choice(("a", "b"), 0)}.get(by) or Answer(("1",))
    result = score({"by": by}, reference, " ", finish="length")
    assert (result.value, result.answer) == (0, None)
    assert result.failure is not None
    assert (result.failure.stage, result.failure.kind, result.failure.ours) == ("extract", "no_answer", False)
    assert "cut at max_tokens" in result.failure.message


@pytest.mark.parametrize(
    ("by", "reference"),
    [("exact_match", CODE), ("math_equality", CODE), ("unit_tests", Answer(("1",))), ("choice", CODE)],
)
def test_a_scorer_that_does_not_fit_the_reference_leaves_it_unscored(by: str, reference: Reference) -> None:
    result = score({"by": by}, reference, "1")
    assert result.value is None
    assert result.failure is not None
    assert result.failure.ours


# --- math ----------------------------------------------------------------------------------------


def test_math_equality_asks_the_judge_about_every_right_answer() -> None:
    judge = FixedJudge({"1/2": (False, "math_verify"), "0.5": (True, "math_verify")})
    result = score({"by": "math_equality"}, Answer(("1/2", "0.5")), r"\boxed{\frac12}", judge=judge)
    assert (result.value, result.answer) == (1, r"\frac12")


@pytest.mark.parametrize(("reason", "value"), [(TIMEOUT, 0), (CRASH, 0), (GOLD_TIMEOUT, None), (NO_JUDGE, None)])
def test_without_a_verdict_the_blame_is_told(reason: str, value: float | None) -> None:
    judge = FixedJudge({"1": (False, "math_verify"), "2": (None, reason)})
    result = score({"by": "math_equality"}, Answer(("2", "1")), r"\boxed{9^{9^9}}", judge=judge)
    assert result.value == value
    assert result.failure is not None
    assert (result.failure.stage, result.failure.kind) == ("score", reason)
    assert result.failure.ours is (value is None)


# --- programs ------------------------------------------------------------------------------------


def test_a_program_that_passes_scores_one_and_ran_within_the_limits() -> None:
    sandbox = RecordingSandbox(Verdict("passed", seconds=0.25, check="by_value"))
    result = score({"by": "unit_tests"}, CODE, "```python\ndef f(): return 1\n```", sandbox=sandbox)
    assert (result.value, result.answer, result.failure) == (1, "def f(): return 1", None)
    assert result.detail == {"status": "passed", "seconds": 0.25, "check": "by_value"}
    assert sandbox.jobs == [(Job("def f(): return 1", CODE), Limits(wall_seconds=3))]


@pytest.mark.parametrize(
    "status",
    ["failed", "error", "exited", "timeout", "memory", "output_limit", "signal", "compile_error", "violation"],
)
def test_what_a_program_does_wrong_is_its_own_zero(status: Status) -> None:
    sandbox = RecordingSandbox(Verdict(status, message="AssertionError: 2"))
    result = score({"by": "unit_tests"}, CODE, "def f(): return 2", sandbox=sandbox)
    assert result.value == 0
    assert result.failure == datatypes.Failure("execute", status, "AssertionError: 2", ours=False)


def test_a_broken_sandbox_is_our_fault_and_no_zero() -> None:
    sandbox = RecordingSandbox(Verdict("infra", message="no process could be started"))
    result = score({"by": "unit_tests"}, CODE, "def f(): return 1", sandbox=sandbox)
    assert result.value is None
    assert result.failure == datatypes.Failure("execute", "infra", "no process could be started", ours=True)


# --- choices -------------------------------------------------------------------------------------


def likelihood(*scores: tuple[float, str, int]) -> Likelihood:
    return Likelihood(
        "k",
        tuple(ContinuationScore(p, n, len(t), len(t.encode()), greedy=False) for p, t, n in scores),
    )


@pytest.mark.parametrize(
    ("normalise", "chosen"), [("none", "no"), ("chars", "a long one"), ("bytes", "öööö"), ("tokens", "öööö")]
)
def test_options_are_compared_as_the_page_says(normalise: str, chosen: str) -> None:
    """By hand: sums -4, -10, -7.9; a character -2, -1, -1.98; a byte -2, -1, -0.99; a token -4, -5, -1.98."""
    options = ("no", "a long one", "öööö")
    reply = likelihood((-4.0, " no", 1), (-10.0, " a long one", 2), (-7.9, " öööö", 4))
    result = score({"by": "choice", "normalise": normalise}, Choice(options, 0), reply)
    assert result.answer == chosen


def test_the_space_before_an_option_is_not_counted_in_its_length() -> None:
    """By hand: -6/3 < -11/6 chooses the badger; counting the space, -6/4 > -11/7 would choose the cat."""
    reply = likelihood((-6.0, " cat", 1), (-11.0, " badger", 1))
    assert score({"by": "choice", "normalise": "chars"}, Choice(("cat", "badger"), 1), reply).value == 1


def test_letters_as_continuations_keep_their_own_length() -> None:
    reply = likelihood((-1.0, " A", 1), (-2.0, " B", 1))
    options = Choice(("x", "a very long text that is not what the model was asked to continue with"), 0)
    assert score({"by": "choice", "normalise": "chars"}, options, reply).value == 1


def test_a_tie_goes_to_the_first_and_is_told() -> None:
    result = score({"by": "choice"}, Choice(("a", "b"), 0), likelihood((-1.0, "a", 1), (-1.0, "b", 1)))
    assert result.value == 1
    assert result.detail["tied"] is True
    assert "tied" in result.explanation


def test_log_probabilities_that_are_no_numbers_are_our_fault() -> None:
    reply = likelihood((float("nan"), "a", 1), (-1.0, "b", 1))
    assert score({"by": "choice"}, Choice(("a", "b"), 0), reply).value is None


def test_a_letter_in_a_text_is_a_choice_too() -> None:
    assert score({"by": "choice"}, Choice(("x", "y", "z"), 1), "The answer is (B).").value == 1
    assert score({"by": "choice"}, Choice(("x", "y", "z"), 1), "The answer is (C).").value == 0


def test_a_text_scorer_refuses_likelihoods() -> None:
    assert score({"by": "exact_match"}, Answer(("a",)), likelihood((-1.0, "a", 1))).value is None


# --- the page's entries --------------------------------------------------------------------------


TOOLS = Tools(sandbox=lambda: RecordingSandbox(Verdict("passed")), math=lambda: FixedJudge({}), limits=Limits())


def test_scores_are_called_by_their_names() -> None:
    entries = [{"by": "exact_match"}, {"by": "exact_match", "name": "flexible", "extract": "number"}]
    assert [scorer.name for scorer in build_scorers(entries, TOOLS)] == ["exact_match", "flexible"]


@pytest.mark.parametrize(
    ("entries", "error", "message"),
    [
        ([{"by": "exact_match"}, {"by": "exact_match"}], ConfigError, "two scores are called 'exact_match'"),
        ([{"by": "exact_mach"}], UnknownName, "did you mean 'exact_match'"),
        ([{"name": "x"}], ConfigError, "needs `by`"),
        ([{"by": "exact_match", "ignorecase": True}], ConfigError, "did you mean 'ignore_case'"),
        ([{"by": "exact_match", "ignore": ","}], ConfigError, "ignore: input should be a valid list"),
        ([{"by": "choice", "normalise": "char"}], ConfigError, "did you mean 'chars'"),
        ([{"by": "math_equality", "extract": {"by": "mth"}}], UnknownName, "did you mean 'math'"),
        (
            [{"by": "unit_tests", "extract": {"by": "code", "lang": "c"}}],
            ConfigError,
            "extractor 'code': unknown key 'lang'",
        ),
    ],
)
def test_a_wrong_entry_is_refused(entries: list[dict[str, object]], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build_scorers(entries, TOOLS)


def test_a_text_prompt_has_no_prefill() -> None:
    (scorer,) = build_scorers([{"by": "exact_match"}], TOOLS)
    assert scorer.score(Sample("s", {}, Answer(("a",))), TextPrompt("q"), Completion("k", "a", "eos")).value == 1
