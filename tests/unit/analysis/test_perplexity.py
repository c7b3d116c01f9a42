"""Perplexities are of the corpus, by hand and by bootstrap; they are averaged with nothing."""

from __future__ import annotations

import math
import random

import pytest

from harness.analysis.estimates import estimate_suite, estimate_task
from harness.analysis.metric import parse
from harness.datatypes import RECORD_SCHEMA, ContinuationScore, Likelihood, Record, RollingRequest, Score, TextPrompt
from harness.errors import ConfigError
from harness.stats.intervals import ratio_interval


def records(parts: list[tuple[float, int, int]], task: str = "prose") -> list[Record]:
    """One text each of (log-probability, words, bytes)."""
    found = []
    for number, (logprob, words, size) in enumerate(parts):
        request = RollingRequest(f"{task}{number}", task, str(number), 0, TextPrompt(""), "text")
        reply = Likelihood(request.key, (ContinuationScore(logprob, 3, size, size, False),))
        detail = {"logprob": logprob, "bytes": size, "words": words, "tokens": 3}
        score = Score("text_likelihood", -logprob / math.log(2) / size, detail=detail)
        found.append(Record(RECORD_SCHEMA, "run", request, reply, (score,)))
    return found


PARTS = [(-30.0, 5, 20), (-10.0, 5, 30), (-80.0, 20, 100), (-12.0, 4, 25)]


def test_the_corpus_is_one_text() -> None:
    names = ["bits_per_byte", "byte_perplexity", "word_perplexity"]
    bits, per_byte, per_word = estimate_task("prose", records(PARTS), names, repeats=1)
    assert bits.value == pytest.approx(132 / 175 / math.log(2))
    assert per_byte.value == pytest.approx(math.exp(132 / 175))
    assert per_word.value == pytest.approx(math.exp(132 / 34))
    for estimate in (bits, per_byte, per_word):
        assert estimate.low < estimate.value < estimate.high  # type: ignore[operator]
        assert (estimate.n, estimate.method) == (4, "ratio")


def test_the_standard_error_of_a_ratio_is_the_bootstrap_s() -> None:
    rng = random.Random(3)
    bottoms = [rng.uniform(50, 150) for _ in range(400)]
    tops = [size * rng.gauss(0.8, 0.2) for size in bottoms]
    found = ratio_interval(tops, bottoms, range(400))
    drawn = []
    for _ in range(2000):
        picked = rng.choices(range(400), k=400)
        drawn.append(sum(tops[at] for at in picked) / sum(bottoms[at] for at in picked))
    mean = sum(drawn) / len(drawn)
    spread = math.sqrt(sum((one - mean) ** 2 for one in drawn) / len(drawn))
    assert found.value == pytest.approx(sum(tops) / sum(bottoms))
    assert found.stderr == pytest.approx(spread, rel=0.1)


def test_texts_of_one_group_move_together() -> None:
    alone = ratio_interval([1.0, 1.0, 5.0, 5.0], [2.0] * 4, [0, 1, 2, 3])
    paired = ratio_interval([1.0, 1.0, 5.0, 5.0], [2.0] * 4, [0, 0, 1, 1])
    assert paired.stderr > alone.stderr  # type: ignore[operator]
    assert ratio_interval([1.0], [2.0], [0]).low is None


def test_a_perplexity_is_averaged_with_no_accuracy() -> None:
    prose = estimate_task("prose", records(PARTS), ["word_perplexity"], repeats=1)
    code = estimate_task("code", records(PARTS, "code"), ["mean"], repeats=1)
    overall = estimate_suite("both", [*code, *prose])
    assert overall is not None and overall.value is None
    assert any("no mean over tasks: prose" in warning for warning in overall.warnings)


def test_what_has_no_sums_and_what_has_a_number_is_refused() -> None:
    with pytest.raises(ConfigError, match="takes no number"):
        parse("bits_per_byte@2")
    other = [Record(RECORD_SCHEMA, "run", one.request, one.reply, (Score("x", 1.0),)) for one in records(PARTS)]
    with pytest.raises(ConfigError, match="text_likelihood"):
        estimate_task("prose", other, ["bits_per_byte"], repeats=1)


def test_no_bound_lies_below_what_a_likelihood_can_be() -> None:
    bits, per_byte = estimate_task("prose", records(PARTS[:2]), ["bits_per_byte", "byte_perplexity"], repeats=1)
    assert (bits.low, per_byte.low) == (0.0, 1.0)


def test_a_perplexity_that_overflows_is_warned_of_and_breaks_nothing() -> None:
    """Two texts without white space: each is one word of a thousand characters."""
    unbroken = records([(-2000.0, 1, 3000), (-1900.0, 1, 3000)])
    bits, per_word = estimate_task("prose", unbroken, ["bits_per_byte", "word_perplexity"], repeats=1)
    assert bits.value is not None
    assert (per_word.value, per_word.low, per_word.high, per_word.n) == (None, None, None, 2)
    assert any("overflows a float" in warning for warning in per_word.warnings)


def test_a_bound_beyond_any_number_is_unknown() -> None:
    (found,) = estimate_task("prose", records([(-500.0, 1, 9), (-20.0, 1, 9)]), ["word_perplexity"], repeats=1)
    assert found.value == pytest.approx(math.exp(260)) and found.high is None
