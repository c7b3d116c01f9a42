"""Scores of log-likelihoods: several right options, an empty prompt to compare with, mass, one target.

The expected numbers are those of lm-evaluation-harness 0.4.13 on the same log-probabilities (`process_results` of its
multiple-choice tasks, and of truthfulqa_mc2).
"""

from __future__ import annotations

import pytest

from harness.datatypes import (
    Answer,
    Choice,
    Completion,
    ContinuationScore,
    Likelihood,
    LikelihoodRequest,
    Reference,
    Sample,
    Score,
    TextPrompt,
)
from harness.execution.base import Limits
from harness.scoring.base import Tools
from harness.scoring.factory import build_scorers
from harness.scoring.golds import gold_fault, plain_fault


def refuse() -> None:
    raise AssertionError("no tool is needed here")


TOOLS = Tools(sandbox=refuse, math=refuse, limits=Limits())  # type: ignore[arg-type]
PROMPT = TextPrompt("?")


def reply(*logprobs: float, texts: tuple[str, ...] = (), greedy: bool = False) -> Likelihood:
    texts = texts or tuple("x" for _ in logprobs)
    return Likelihood(
        "k",
        tuple(
            ContinuationScore(logprob, 1, len(text), len(text.encode()), greedy)
            for logprob, text in zip(logprobs, texts, strict=True)
        ),
    )


def score(entry: dict[str, object], reference: Reference, given: Likelihood | Completion) -> Score:
    (scorer,) = build_scorers([entry], TOOLS)
    return scorer.score(Sample("s", {}, reference), PROMPT, given)


# Options of different lengths, log-probabilities after the prompt and after an empty one
OPTIONS = ("xé0", "xxxxxxxxééé1", "xxxxéé2")
AFTER_PROMPT = (-6.0, -14.0, -11.0)
ALONE = (-5.0, -20.0, -10.5)


@pytest.mark.parametrize(
    ("normalise", "chosen"), [("none", 0), ("chars", 1), ("bytes", 1), ("unconditional", 1), ("tokens", 0)]
)
@pytest.mark.parametrize("right", [(0,), (1,), (2,), (2, 0), (1, 2), (0, 1)])
def test_any_right_option_is_a_hit(normalise: str, chosen: int, right: tuple[int, ...]) -> None:
    """By hand: -6/3, -14/12, -11/7 a character; -6/4, -14/15, -11/9 a byte; gains of -1, 6 and -0.5."""
    given = reply(*AFTER_PROMPT, *ALONE, texts=OPTIONS * 2)
    result = score({"by": "choice", "normalise": normalise}, Choice(OPTIONS, right[0], right[1:]), given)
    assert (result.value, result.detail["chosen"]) == (float(chosen in right), chosen)


def test_any_right_letter_is_a_hit() -> None:
    options = Choice(("w", "x", "y"), 2, (0,))
    values = [score({"by": "choice"}, options, Completion("k", letter, "eos")).value for letter in "ABC"]
    assert values == [1.0, 0.0, 1.0]


def test_a_reply_without_the_empty_prompt_is_not_compared_with_it() -> None:
    missing = score({"by": "choice", "normalise": "unconditional"}, Choice(OPTIONS, 0), reply(*AFTER_PROMPT))
    assert missing.value is None and missing.failure is not None
    assert "set `unconditional: true` in the page's `reference.choice`" in missing.failure.message
    assert score({"by": "choice"}, Choice(OPTIONS, 0), reply(-1.0, -2.0)).value is None


def test_the_mass_is_that_of_truthfulqa() -> None:
    given = reply(-1.5, -0.7, -3.0, -2.2)
    four = ("a", "b", "c", "d")
    assert score({"by": "choice_mass"}, Choice(four, 0, (1,)), given).value == pytest.approx(0.8175744761936437)
    assert score({"by": "choice_mass"}, Choice(four, 2), given).value == pytest.approx(0.056556567673632714)


def test_options_that_underflow_a_float_are_still_compared() -> None:
    assert score({"by": "choice_mass"}, Choice(("a", "b"), 0), reply(-900.0, -901.0)).value == pytest.approx(0.7310586)
    assert score({"by": "choice_mass"}, Choice(("a", "b"), 0), reply(float("nan"), -1.0)).value is None
    assert score({"by": "choice_mass"}, Choice(("a", "b"), 0), reply(-1.0)).value is None


def test_a_target_is_right_where_it_is_greedy() -> None:
    hit = score({"by": "target_likelihood"}, Answer(("end",)), reply(-2.5, greedy=True))
    miss = score({"by": "target_likelihood"}, Answer(("end",)), reply(-2.5))
    assert (hit.value, miss.value) == (1.0, 0.0)
    assert hit.detail["logprob"] == miss.detail["logprob"] == -2.5
    assert score({"by": "target_likelihood"}, Answer(("end",)), reply(-1.0, -2.0)).value is None
    assert score({"by": "target_likelihood"}, Answer(("end",)), reply(float("-inf"))).value is None


# --- the check of a page -----------------------------------------------------------------------------

UNEVEN = ("a", "a text that is much longer than the first", "ö")


@pytest.mark.parametrize("right", [(0,), (1,), (2, 1)])
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(
    "entry",
    [
        *({"by": "choice", "normalise": way} for way in ("none", "chars", "bytes", "tokens")),
        {"by": "choice_mass"},
        {"by": "choice", "normalise": "unconditional"},
    ],
    ids=lambda entry: f"{entry['by']} {entry.get('normalise', '')}",
)
def test_the_right_option_scores_1_and_a_wrong_one_0(
    entry: dict[str, str], right: tuple[int, ...], twice: bool
) -> None:
    continuations = UNEVEN * 2 if twice else UNEVEN
    request = LikelihoodRequest("k", "t", "s", 0, PROMPT, continuations)
    sample = Sample("s", {}, Choice(UNEVEN, right[0], right[1:]))
    fault = gold_fault(build_scorers([entry], TOOLS), sample, request)
    if entry.get("normalise") == "unconditional" and not twice:
        assert fault is not None and "set `unconditional: true`" in fault
    else:
        assert fault is None


def test_options_in_the_prompt_are_distinct_by_place() -> None:
    request = LikelihoodRequest("k", "t", "s", 0, PROMPT, ("same", "same"), (PROMPT, TextPrompt("!")))
    assert gold_fault(build_scorers([{"by": "choice"}], TOOLS), Sample("s", {}, Choice(("x", "y"), 1)), request) is None


def test_a_row_whose_options_are_all_right_has_no_wrong_one_to_try() -> None:
    request = LikelihoodRequest("k", "t", "s", 0, PROMPT, ("x", "y"))
    sample = Sample("s", {}, Choice(("x", "y"), 1, (0,)))
    assert gold_fault(build_scorers([{"by": "choice"}, {"by": "choice_mass"}], TOOLS), sample, request) is None


def test_a_single_target_is_tried_greedy_and_not() -> None:
    request = LikelihoodRequest("k", "t", "s", 0, PROMPT, (" end",))
    sample = Sample("s", {}, Answer(("end",)))
    assert gold_fault(build_scorers([{"by": "target_likelihood"}], TOOLS), sample, request) is None
    fault = plain_fault(build_scorers([{"by": "choice"}], TOOLS), sample, request)
    assert fault is not None and "it scores against choice" in fault
