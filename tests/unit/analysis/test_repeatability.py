"""What a repeat check says: shares, intervals, and when a difference is within them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.analysis.repeatability import (
    changed_scores,
    changed_texts,
    differences_within_repeats,
    is_current,
    repeat_notes,
    summary,
)
from harness.datatypes import Completion, GenerateRequest, Record, Sampling, Score, TextPrompt
from harness.results import Comparison
from harness.store import repeats
from harness.store.repeats import RepeatCheck, RepeatedSample


def sample(number: int, first: float, second: float | None, changed: bool | None = False, task: str = "t"):
    return RepeatedSample(f"k{task}{number}", task, f"s{number}", first, second, changed)


def check(*samples: RepeatedSample) -> RepeatCheck:
    return RepeatCheck("id", len(samples), 100, False, samples)


def record(key: str, value: float) -> Record:
    request = GenerateRequest(key, "t", key, 0, TextPrompt("?"), Sampling(8))
    return Record(1, "id", request, Completion(key, "", "eos"), (Score("s", value),))


def comparison(difference: float, task: str = "t") -> Comparison:
    return Comparison(
        task, "s", "mean", "a", "b", 0.5, 0.5 + difference, difference, -1, 1, "t", 1, 1, "", 50, 0, 0, None, None
    )


def test_shares_and_intervals_are_those_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    found = check(*(sample(i, 1.0, float(i > 1), changed=i < 5) for i in range(50)))
    for got, k in ((changed_texts(found.samples), 5), (changed_scores(found.samples), 2)):
        expected = stats.binomtest(k, 50).proportion_ci(method="exact")
        assert (got.changed, got.n, got.share) == (k, 50, k / 50)
        assert got.interval == pytest.approx((expected.low, expected.high))


def test_samples_without_an_answer_or_score_enter_no_share():
    found = check(sample(0, 1.0, 0.0, True), sample(1, 1.0, None, None), sample(2, 1.0, None, True))
    assert (changed_texts(found.samples).changed, changed_texts(found.samples).n) == (2, 2)
    assert (changed_scores(found.samples).changed, changed_scores(found.samples).n) == (1, 1)
    assert summary(found)["unanswered"] == 1


def test_notes_name_the_tasks_in_which_something_changed():
    found = check(sample(0, 1.0, 0.0, True), sample(1, 1.0, 1.0, task="u"))
    notes = repeat_notes(found, [])
    assert notes[0].startswith("Repeat check: 2 of 100 greedy answers were requested again: 1 of 2 texts changed")
    assert [note.partition(":")[0] for note in notes[1:]] == ["Repeat check of t"]


def test_a_check_without_a_sample_has_a_note_and_no_share():
    assert "no scored greedy answer" in repeat_notes(check(), [])[0]
    assert summary(check())["all"]["texts"] == {"changed": 0, "n": 0, "share": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("difference", "said"), [(0.02, True), (-0.04, True), (0.04, True), (0.041, False), (0.0, False)]
)
def test_differences_up_to_the_share_of_changed_scores_are_named(tmp_path: Path, difference: float, said: bool):
    repeats.write(tmp_path, check(*(sample(i, 1.0, float(i > 1)) for i in range(50))), {})
    lines = differences_within_repeats(comparison(difference), (tmp_path, "id", []), (tmp_path / "none", "id", []))
    assert bool(lines) == said
    if said:
        assert lines[0].endswith("2 of 50 scores changed (95 % interval 0.5 to 13.7 %) in a")


def test_scores_between_0_and_1_count_by_how_much_they_change(tmp_path: Path):
    repeats.write(tmp_path, check(*(sample(i, 0.5, 0.6 if i else 0.5) for i in range(2))), {})
    sides = (tmp_path, "id", []), (tmp_path / "none", "id", [])
    assert differences_within_repeats(comparison(0.05), *sides)
    assert not differences_within_repeats(comparison(0.06), *sides)


def test_the_samples_of_the_task_count_and_all_where_it_has_none(tmp_path: Path):
    repeats.write(tmp_path, check(sample(0, 1.0, 1.0), sample(1, 1.0, 0.0, task="u")), {})
    sides = (tmp_path, "id", []), (tmp_path / "none", "id", [])
    assert not differences_within_repeats(comparison(0.1, "t"), *sides)
    assert "1 of 1 scores" in differences_within_repeats(comparison(0.1, "u"), *sides)[0]
    assert "1 of 2 scores" in differences_within_repeats(comparison(0.1, "v"), *sides)[0]


def test_a_check_of_scores_that_were_replaced_is_not_current():
    found = check(RepeatedSample("k", "t", "s", 1.0, 1.0, False))
    assert is_current(found, [record("k", 1.0), record("other", 0.0)])
    assert not is_current(found, [record("k", 0.0)])
    assert "scored again" in repeat_notes(found, [record("k", 0.0)])[0]


def test_the_file_keeps_every_text(tmp_path: Path):
    found = check(replace(sample(0, 1.0, 0.0, True), text="half a \ud83d pair", failure="é"))
    repeats.write(tmp_path, found, summary(found))
    assert repeats.read(tmp_path, "id") == found
    assert repeats.read(tmp_path, "other") is None
