"""What a model says of its confidence, in the forms that models use; what cannot be read is no number."""

from __future__ import annotations

from typing import cast

import pytest

from harness.config.pages import task_page
from harness.datatypes import Answer, Completion, Sample, TextPrompt
from harness.errors import ConfigError
from harness.scoring.base import Tools
from harness.scoring.extractors.stated_confidence import build
from harness.scoring.factory import build_scorers

SAMPLE, PROMPT = Sample("s", {}, Answer(("7",))), TextPrompt("")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("Answer: B. Confidence: 80 %", "0.8"), ("Confidence: 80%", "0.8"), ("**Confidence:** 0.8", "0.8")],
        *[("confidence level is 8/10", "0.8"), ("Confidence score: 8 out of 10", "0.8"), ("Confidence: .8", "0.8")],
        *[("I am 80 percent sure.", "0.8"), ("I'm 95% confident that it is B", "0.95"), ("with 90% confidence", "0.9")],
        *[('{"answer": "B", "confidence": 0.85}', "0.85"), ("Confidence = $90\\%$", "0.9"), ("Confidence: 80", "0.8")],
        *[
            ("Confidence (0-100): 85", "0.85"),
            ("Confidence: 1.0", "1"),
            ("Confidence: 0", "0"),
            ("confidence: <70>", "0.7"),
        ],
        *[("My confidence in this answer is about 75 per cent.", "0.75"), ("Confidence: 62,5 %", "0.625")],
        # The last one counts
        ("Confidence: 50%. On reflection, confidence: 90%", "0.9"),
        # An answer before the label is no confidence
        *[
            ("Answer: 18\nConfidence: 100%", "1"),
            ("Answer: 18 Confidence: 85", "0.85"),
            ("0.5 Confidence: 85%", "0.85"),
        ],
        *[("Answer: 50%\nConfidence: high", None), ("Answer: 50% Confidence: high", None), ("18\nConfidence", None)],
        *[("Answer: 50%\nSure, confidence: 0.7", "0.7"), ("7/8 **Confidence**: 0.9", "0.9"), ("It is 18, sure", None)],
        # A label counts, whatever is said in sentences; behind one that cannot be read nothing earlier does
        *[
            ("Confidence: 80%\nI'm not 100% sure about rounding.", "0.8"),
            ("Confidence: 80%. I am 100% sure of it", "0.8"),
        ],
        *[("Confidence: 90%\nA confidence of 100% would be reckless", "0.9"), ("Confidence: I am 80% sure", "0.8")],
        *[("I am 95% sure of step 1.\nConfidence: low", None), ("**Confidence**\n85%", "0.85")],
        ("My confidence is 80% and the answer: 5", "0.8"),
        # What a sentence denies is not stated
        *[("I'm not 100% sure, but it is 5.\nAnswer: 5", None), ("I can hardly be 100% sure", None)],
        *[("Nobody can be 100% certain.\nAnswer: 5\nConfidence: low", None), ("I don’t feel 100% confident", None)],
        *[("100% certainty cannot be had", None), ("I never have a confidence of 100%", None)],
        *[("I am not certain, but 70% confident", "0.7"), ("Not sure. I am 60% certain.", "0.6")],
        # Intervals and tests have a level of their own
        *[("95% confidence interval is [1,2].\nConfidence: low", None), ("a confidence level of 95%", None)],
        *[
            ("The 95% confidence level", None),
            ("The confidence level is 95%, so z", None),
            ("95% confidence-bounds", None),
        ],
        # Never guessed
        *[("Confidence: 120%", None), ("Confidence: 70-80%", None), ("I am very sure", None), ("Confidence: 1", None)],
        *[("The chance of rain is 30 % and I am sure", None), ("The probability is 0.75", None), ("", None)],
        *[("Confidence: 8/0", None), ("Confidence: high", None)],
    ],
)
def test_a_stated_confidence_is_read_or_none(text: str, expected: str | None) -> None:
    assert build({})(text, PROMPT, SAMPLE) == expected


def test_the_scale_of_a_bare_number_is_the_pages() -> None:
    assert build({"out_of": 10})("Confidence: 8", PROMPT, SAMPLE) == "0.8"
    assert build({"out_of": 10})("Confidence: 80", PROMPT, SAMPLE) is None
    assert build({"out_of": 1})("Confidence: 1", PROMPT, SAMPLE) == "1"
    assert build({"words": ["probability"]})("Probability: 0.7", PROMPT, SAMPLE) == "0.7"
    with pytest.raises(ConfigError, match="out_of"):
        build({"out_of": 0})


def test_the_pages_of_stated_confidence_read_labels_only() -> None:
    for name in ("gsm8k_confidence", "arc_challenge_confidence"):
        page, _ = task_page(name)
        read = build({key: value for key, value in page.score[0]["confidence"].items() if key != "by"})
        assert read("Answer: 5\nConfidence: 0.6\n(not 100% certain)", PROMPT, SAMPLE) == "0.6"
        assert read("Confidence 85%", PROMPT, SAMPLE) == "0.85"
        assert read("I am 90% sure.", PROMPT, SAMPLE) is None
        assert read("The event has probability 0.5, and my confidence is 0.5.\nAnswer: B", PROMPT, SAMPLE) is None


def test_the_answer_is_read_without_the_statement() -> None:
    assert build({}).without("Answer: 42. Confidence: 80%") == "Answer: 42. "
    assert build({}).without("Answer: 42.") == "Answer: 42."


@pytest.mark.parametrize("strips", [True, False])
def test_the_statement_that_is_read_is_hidden_whatever_the_reasoning_states(strips: bool) -> None:
    """The labelled one in the reasoning is not read, so it is not the one to hide: 70 would be the answer else."""
    entry = {"by": "exact_match", "extract": {"by": "number", "pick": "last", "strip_reasoning": strips}}
    (scorer,) = build_scorers([{**entry, "confidence": "stated_confidence"}], cast(Tools, None))
    text = "<think>It may be 3. Confidence: 80%</think>The answer is 7. I am 70% sure."
    score = scorer.score(SAMPLE, PROMPT, Completion("k", text, "eos"))
    assert (score.answer, score.value, score.detail["confidence"]) == ("7", 1.0, 0.7)
