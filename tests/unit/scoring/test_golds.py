"""What a gold answer shows of a page's scoring before any model runs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harness.datatypes import (
    Answer,
    Completion,
    GenerateRequest,
    Likelihood,
    Prompt,
    Sample,
    Sampling,
    Score,
    TextPrompt,
)
from harness.scoring.base import TaskScorer
from harness.scoring.golds import gold_fault, plain_fault

SAMPLE = Sample("s1", {}, Answer(("4",)), gold="4")
REQUEST = GenerateRequest("k", "sums", "s1", 0, TextPrompt("2+2="), Sampling(max_tokens=8))


class OwnError(Exception):
    """An exception of a third party's scorer."""


@dataclass
class Gives:
    """A scorer that gives each text its value, or raises."""

    values: dict[str, float | Exception]
    name: str = "own"
    binary: bool = False
    score_or_failure = TaskScorer.score_or_failure

    def score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        assert isinstance(reply, Completion)
        value = self.values[reply.text]
        if isinstance(value, Exception):
            raise value
        return Score(self.name, value, reply.text)


def test_a_scorer_that_raises_does_not_stop_a_run_before_it_begins():
    assert plain_fault([Gives({"4": OwnError("no network")})], SAMPLE, REQUEST) is None


def test_a_scorer_after_one_that_raises_is_still_checked():
    fault = plain_fault([Gives({"4": OwnError()}), Gives({"4": 0.0})], SAMPLE, REQUEST)
    assert fault is not None and "the gold answer of sample 's1' scores 0.0" in fault


def test_a_generous_scorer_is_refused_by_the_check_of_the_page_alone():
    generous = Gives({"4": 1.0, "": 0.5})
    assert plain_fault([generous], SAMPLE, REQUEST) is None
    assert "an empty answer of sample 's1' scores 0.5" in (gold_fault([generous], SAMPLE, REQUEST) or "")


def test_the_check_of_a_page_shows_what_its_scorer_raises():
    with pytest.raises(OwnError):
        gold_fault([Gives({"4": OwnError()})], SAMPLE, REQUEST)
