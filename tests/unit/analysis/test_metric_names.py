"""What users may write after `metric:` and the messages for what is wrong."""

from __future__ import annotations

import pytest

from harness import plugins
from harness.analysis.metric import bind, parse
from harness.datatypes import Score
from harness.errors import ConfigError, UnknownName


def scores(*values: float, answers: str = "") -> list[Score]:
    letters: list[str | None] = [*answers] or [None] * len(values)
    return [Score("s", value, answer) for value, answer in zip(values, letters, strict=True)]


@pytest.mark.parametrize(
    "name", ["mean", "pass@1", "pass@10", "maj@5", "g_pass@8_0.5", "g_pass@4_1.0", "mg_pass@16", "consistency"]
)
def test_a_name_comes_back_as_it_was_written(name: str) -> None:
    assert parse(name).name == name


def test_every_metric_can_be_reached_by_a_written_name() -> None:
    of_samples = ["maj_at_k", "maj_first_at_k", "mean", "pass_at_k", "g_pass_at_k", "mg_pass_at_k"]
    of_samples += ["consistency", "modal_share_at_k"]
    of_corpus = ["bits_per_byte", "byte_perplexity", "perplexity", "weighted_mean", "word_perplexity", "bleu", "chrf"]
    of_corpus += ["aurc", "brier", "ece", "ece_debiased", "ece_equal_mass"]
    assert plugins.names("metric") == sorted([*of_samples, *of_corpus, "selective_at_k"])
    assert all(parse(name).name == name for name in of_corpus)
    assert parse("mean").of_sample(scores(1, 0, 0.5, 0.5)) == 0.5
    assert parse("pass@2").of_sample(scores(1, 0, 1, 0)) == pytest.approx(5 / 6)
    assert parse("maj@3").of_sample(scores(1, 1, 0, answers="aab")) == 1.0
    assert parse("g_pass@2_1").of_sample(scores(1, 0, 1, 0)) == pytest.approx(1 / 6)
    assert parse("g_pass@2_0.5").of_sample(scores(1, 0, 1, 0)) == pytest.approx(5 / 6)
    assert parse("mg_pass@2").of_sample(scores(1, 0, 1, 0)) == pytest.approx(1 / 6)
    assert parse("consistency").of_sample(scores(1, 1, 0, answers="aab")) == pytest.approx(1 / 3)
    assert parse("modal_share@3").of_sample(scores(1, 1, 0, answers="aab")) == pytest.approx(2 / 3)


def test_a_partial_score_is_no_pass() -> None:
    assert parse("pass@1").of_sample(scores(0.99, 1)) == 0.5


def test_the_message_for_a_misspelt_name_has_the_close_one() -> None:
    with pytest.raises(UnknownName, match=r"no metric is called 'pas@1'; did you mean 'pass@k'"):
        parse("pas@1")
    for name in ("", "pass@", "pass@k", "mean!", "base"):
        with pytest.raises(UnknownName, match="no metric is called"):
            parse(name)


@pytest.mark.parametrize("name", ["pass", "pass@0", "maj_at_k", "mean@3"])
def test_a_number_missing_or_out_of_place_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^metric .*write"):
        parse(name)


def test_a_share_behind_the_number_is_that_of_the_tries_that_must_pass() -> None:
    with pytest.raises(ConfigError, match=r"^metric g_pass needs the share .*: write g_pass@8_0.5$"):
        parse("g_pass@8")
    with pytest.raises(ConfigError, match=r"^metric g_pass@8_1.5: the share .* is at most 1"):
        parse("g_pass@8_1.5")
    with pytest.raises(ConfigError, match=r"^metric pass@8_0.5 takes no share behind its number: write pass@8$"):
        parse("pass@8_0.5")
    with pytest.raises(ConfigError, match=r"^metric selective@120: the number is the per cent of answers to keep"):
        parse("selective@120")
    with pytest.raises(ConfigError, match=r"^metric ece@1 needs 2 bins or more"):
        parse("ece@1")
    with pytest.raises(ConfigError, match=r"^metric consistency needs at least 2 repeats, the task has 1"):
        bind("consistency", repeats=1)


@pytest.mark.parametrize("name", ["pass@5", "maj@5", "g_pass@5_0.5", "mg_pass@5", "modal_share@5"])
def test_more_tries_than_repeats_are_refused_when_the_task_is_bound(name: str) -> None:
    assert bind(name, repeats=5).needs == 5
    with pytest.raises(ConfigError, match=f"^metric {name} needs at least 5 repeats, the task has 4"):
        bind(name, repeats=4)
