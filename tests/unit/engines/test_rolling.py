"""The likelihood of a whole text: each token once, with as much before it as fits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datatypes import Likelihood, Refusal, RollingRequest, TextPrompt
from harness.engines.hf.fitting import FittedJob, Fitting
from harness.engines.hf.token_jobs import Scored, ScoredRow, ScoreJob

START = -1


def fitting(length: int, window: int | None) -> Any:
    """Rows of a text of so many tokens, 0, 1, 2, ..."""
    encoder: Any = SimpleNamespace(start_and_ids=lambda text: (START, tuple(range(length))))
    return Fitting(encoder, window, refuse=False)


def request(text: str = "some text") -> RollingRequest:
    return RollingRequest("k", "t", "s", 0, TextPrompt(""), text)


@given(length=st.integers(1, 60), window=st.none() | st.integers(2, 20))
def test_each_token_is_scored_once_and_after_what_stands_before_it(length: int, window: int | None) -> None:
    fitted = fitting(length, window).fit(request())
    assert isinstance(fitted, FittedJob) and isinstance(fitted.job, ScoreJob)
    rows = fitted.job.rows
    assert [token for _, after in rows for token in after] == list(range(length))
    for number, (before, after) in enumerate(rows):
        whole = [*before, *after]
        assert whole == ([START, *after] if number == 0 else list(range(before[0], after[-1] + 1)))
        # The last token is scored and not read
        assert window is None or len(whole) - 1 <= window
    if window is not None:
        assert all(len(after) == window for _, after in rows[:-1]), "no window is cut short but the last"
        assert all(len(before) + len(after) - 1 == window for before, after in rows[1:]), "as much context as fits"


@given(length=st.integers(1, 200), window=st.integers(2, 40))
def test_the_rows_are_those_that_lm_evaluation_harness_defines(length: int, window: int) -> None:
    """Its rule, stated: full inputs of `window` tokens, one position before what each foretells; then no overlap."""
    whole = [START, *range(length)]
    expected, known = [], 0
    while known < length:
        fresh = min(window, length - known)
        end = known + fresh
        # The input that ends one token before the last one foretold; the first has nothing further left than START
        read = whole[max(0, end - window) : end]
        expected.append((tuple(read[: len(read) - (fresh - 1)]), tuple(whole[1 + known : 1 + end])))
        known = end
    assert list(fitting(length, window).fit(request()).job.rows) == expected


def test_the_rows_of_the_field_s_reference_harness() -> None:
    """Its documented example: ten tokens, windows of four."""
    fitted = fitting(10, 4).fit(request())
    assert fitted.job.rows == (((START,), (0, 1, 2, 3)), ((3,), (4, 5, 6, 7)), ((5, 6, 7), (8, 9)))


def test_the_reply_is_about_the_whole_text() -> None:
    text = "naïve text"
    words = fitting(5, 3)
    fitted = words.fit(request(text))
    rows = tuple(ScoredRow(tuple(-1.0 - token for token in after), False) for _, after in fitted.job.rows)
    reply = words.reply(request(text), fitted, Scored("k", rows))
    assert isinstance(reply, Likelihood)
    (score,) = reply.continuations
    assert (score.logprob, score.tokens, score.chars, score.bytes) == (-15.0, 5, 10, 11)


def test_a_text_without_tokens_is_unscored() -> None:
    assert isinstance(fitting(0, 4).fit(request()), Refusal)


@pytest.mark.parametrize("window", [16, None])
def test_size_counts_each_token_once(window: int | None) -> None:
    assert fitting(40, window).size(request()).prompt_tokens == 40
