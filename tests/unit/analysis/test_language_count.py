"""Counting languages: exact tests against scipy's, bounds that hold in simulation, and no word beyond."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from samples import all_values
from scipy import stats

from harness.analysis.languages import (
    LanguageCount,
    count_languages,
    p_values_of_at_least,
)
from harness.stats.relations import Gap, paired_test

N = 204
CHANCE, MARGIN = 0.25, 0.15


def made(accuracies: Mapping[str, float], seed: int = 0, alike: float = 0.6) -> dict[str, Mapping[str, float]]:
    """Right or wrong by sentence; a sentence that is hard in one language is hard in most."""
    generator = np.random.default_rng(seed)
    shared = generator.random(N)
    found: dict[str, Mapping[str, float]] = {}
    for name, accuracy in accuracies.items():
        own = np.where(generator.random(N) < alike, shared, generator.random(N))
        found[name] = {str(i): float(x < accuracy) for i, x in enumerate(own)}
    return found


def counted(accuracies: Mapping[str, float], seed: int = 0) -> LanguageCount:
    return count_languages(all_values(made(accuracies, seed)), "eng", CHANCE, MARGIN)


def test_a_model_that_knows_some_languages_is_credited_with_these():
    found = counted({"eng": 0.9, "fra": 0.9, "deu": 0.88, "yor": 0.3, "bod": 0.2})
    by_name = {language.name: language for language in found.languages}
    assert [name for name, language in by_name.items() if language.shown] == ["eng", "fra", "deu"]
    assert [name for name, language in by_name.items() if language.refuted] == ["yor", "bod"]
    assert (found.shown, found.at_most) == (3, 3)


def test_one_answer_for_every_sentence_counts_in_no_language():
    """It is right for the most frequent topic, everywhere alike: far above 1/7, never above that topic's share."""
    topics = [0] * 51 + [1] * 40 + [2] * 30 + [3] * 25 + [4] * 22 + [5] * 19 + [6] * 17
    constant = {str(i): float(topic == 0) for i, topic in enumerate(topics)}
    values = dict.fromkeys(("eng", "fra", "deu", "yor"), constant)
    found = count_languages(all_values(values), "eng", CHANCE, MARGIN)
    assert found.shown == 0 and found.within == 4
    assert count_languages(all_values(values), "eng", 1 / 7, MARGIN).shown == 4, "a bar of 1/7 would have credited it"


def test_p_values_are_scipys_and_those_of_two_models():
    values = made({"eng": 0.8, "fra": 0.7, "yor": 0.4}, seed=3)
    found = count_languages(all_values(values), "eng", CHANCE, MARGIN)
    for language in found.languages:
        exact = stats.binomtest(language.k, language.n, CHANCE, alternative="greater")
        assert language.p_chance == pytest.approx(exact.pvalue)
        interval = stats.binomtest(language.k, language.n).proportion_ci(0.95, "exact")
        assert (language.low, language.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
        if language.gap is None:
            continue
        own = [values[language.name][s] for s in values["eng"]]
        test = paired_test(own, list(values["eng"].values()), None, Gap(shift=-MARGIN)).test
        assert (language.gap.p_within, language.gap.p_beyond) == (test.p_for, test.p_against)


@pytest.mark.parametrize("level", [0.05, 0.05 / 40])
def test_one_language_of_forty_is_shown_as_rarely_as_promised_at_the_edge(level: float):
    """A language that loses exactly the margin and wins nothing; Bonett and Price gave 2.6 times 0.05/40.

    The language and English, at every number of losses, by enumeration.
    """
    shown = 0.0
    for lost in range(N):
        english = {str(i): 1.0 for i in range(N)}
        own = {str(i): float(i >= lost) for i in range(N)}
        gap = count_languages(all_values({"eng": english, "fra": own}), "eng", CHANCE, MARGIN).languages[1].gap
        assert gap is not None
        if gap.p_within > level:
            break
        shown += float(stats.binom.pmf(lost, N, MARGIN))
    assert level / 4 < shown <= level


@pytest.mark.parametrize("seed", range(3))
def test_holm_is_the_step_down_written_out(seed):
    found = counted({"eng": 0.6, **{f"l{i}": 0.35 + 0.03 * i for i in range(9)}}, seed)
    shown = 0
    for rank, p in enumerate(sorted(language.p for language in found.languages)):
        if p * (len(found.languages) - rank) > 0.05:
            break
        shown += 1
    assert found.shown == shown == sum(language.shown for language in found.languages)


@pytest.mark.slow
def test_the_bounds_are_wrong_as_rarely_as_promised():
    """Three languages hold; three are at the very edge and do not: no bound may claim a fourth in more than 5 %."""
    truth = {"eng": 0.8, "a": 0.8, "b": 0.8, "edge": 0.65, "edge2": 0.65, "edge3": 0.65}
    runs = [counted(truth, seed) for seed in range(120)]
    too_many = np.mean([found.shown > 3 for found in runs])
    too_few = np.mean([found.at_most < 3 for found in runs])
    claimed = np.mean([p_values_of_at_least(found, 4)[1] <= 0.05 for found in runs])
    # Three standard errors of 120 draws above 5 %
    assert max(too_many, too_few, claimed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
    assert np.mean([found.shown == 3 for found in runs]) > 0.8, "and what is there is found"


def test_the_power_that_is_promised_is_there():
    truth = {"eng": 0.8, "like": 0.8, "third": 0.8}
    runs = [{lang.name: lang for lang in counted(truth, seed).languages}["like"] for seed in range(80)]
    promised = float(np.mean([language.power for language in runs]))
    assert np.mean([language.shown for language in runs]) >= promised - 0.08
    assert promised > 0.7


def test_no_power_is_promised_that_the_exact_test_lacks():
    """40 languages that answer as English does: 50 sentences cannot show 5 points at .05/41, nor can 130 surely."""
    for n in (50, 130):
        values = {f"l{i}": dict.fromkeys(map(str, range(n)), 1.0) for i in range(40)}
        found = count_languages(all_values({"eng": values["l0"], **values}), "eng", CHANCE, 0.05)
        assert found.languages[1].p_holm > 0.05
        # Normal: 0.99
        assert found.languages[1].power < 0.1


def test_at_least_so_many_agrees_with_the_count_and_settles_both_ways():
    found = counted({"eng": 0.9, **{f"good{i}": 0.9 for i in range(4)}, **{f"bad{i}": 0.3 for i in range(5)}})
    supported = [least for least in range(1, 11) if p_values_of_at_least(found, least)[1] <= 0.05]
    refuted = [least for least in range(1, 11) if p_values_of_at_least(found, least)[0] <= 0.05]
    assert supported == [1, 2, 3, 4, 5] and refuted == [6, 7, 8, 9, 10]
    assert max(supported) == found.shown and min(refuted) == found.at_most + 1


def test_more_languages_than_were_asked_can_be_neither_shown_nor_refuted():
    found = counted({"eng": 0.2, "fra": 0.2})
    assert p_values_of_at_least(found, 3) == (1.0, 1.0)
    with pytest.raises(ValueError, match="at least 1"):
        p_values_of_at_least(found, 0)


def test_pairing_finds_what_unpaired_counts_cannot():
    accuracies = {"eng": 0.8, **{f"l{i}": 0.74 for i in range(9)}}
    values = made(accuracies, seed=1, alike=0.95)
    paired = count_languages(all_values(values), "eng", CHANCE, MARGIN)
    apart = {name: {f"{name} {key}": value for key, value in own.items()} for name, own in values.items()}
    unpaired = count_languages(all_values(apart), "eng", CHANCE, MARGIN)
    assert [one.k for one in paired.languages] == [one.k for one in unpaired.languages]
    assert paired.shown > unpaired.shown
    assert not any(one.gap.paired for one in unpaired.languages if one.gap)


def test_a_language_of_other_sentences_is_compared_with_english_unpaired():
    values = made({"eng": 0.8, "fra": 0.8})
    values["fra"] = {f"other{key}": value for key, value in values["fra"].items()}
    gap = count_languages(all_values(values), "eng", CHANCE, MARGIN).languages[1].gap
    assert gap is not None and not gap.paired and gap.n == N


@pytest.mark.parametrize(
    ("values", "english", "said"),
    [
        ({"fra": {"1": 1.0}}, "eng", "English"),
        ({"eng": {"1": 1.0}, "fra": {}}, "eng", "no samples"),
        ({"eng": {"1": 0.5}}, "eng", "other than 0 and 1"),
    ],
)
def test_what_cannot_be_counted_is_refused(values, english, said):
    with pytest.raises(ValueError, match=said):
        count_languages(all_values(values), english, CHANCE, MARGIN)
    with pytest.raises(ValueError, match="margin"):
        count_languages(all_values({"eng": {"1": 1.0}}), "eng", CHANCE, 0)
