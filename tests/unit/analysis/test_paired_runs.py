"""Two runs of one task joined by sample: what enters, what is left out and counted, and the result."""

from __future__ import annotations

import pytest

from harness.analysis.compare import PairedTask, as_family, compare, is_better, is_worse, pair_task
from harness.analysis.values import NoSampleValues, join, values_of
from harness.datatypes import Completion, Failure, GenerateRequest, Record, Refusal, Sampling, Score, TextPrompt
from harness.errors import DataError
from harness.stats.two_model_power import Discordance, detectable_difference, mcnemar_power

LOST = Failure("score", "judge_died", "the judge died", ours=True)


def record(sample: str, value: float | None, repeat: int = 0, group: str | None = None) -> Record:
    key = f"{sample}-{repeat}"
    request = GenerateRequest(key, "sums", sample, repeat, TextPrompt("?"), Sampling(max_tokens=4))
    score = Score("exact_match", value, answer=f"{value}", failure=LOST if value is None else None)
    return Record(1, "run", request, Completion(key, "text", "stop"), (score,), group)


def run(values: list[float | None], group: int | None = None) -> list[Record]:
    """One record a sample; `group` samples share a group."""
    return [record(f"s{i:03}", v, group=None if group is None else f"g{i // group}") for i, v in enumerate(values)]


def paired(a: list[Record], b: list[Record], metric: str = "mean") -> PairedTask:
    return pair_task("sums", metric, a, b)


def test_the_example_of_fifty_samples() -> None:
    old = run([1] * 35 + [0] * 5 + [1] * 3 + [0] * 7)
    new = run([1] * 40 + [0] * 10)
    found = compare(paired(old, list(reversed(new))), "old", "new")
    assert (found.value_a, found.value_b, found.difference) == pytest.approx((0.76, 0.80, 0.04))
    assert (found.wins, found.losses, found.n) == (5, 3, 50)
    assert (found.test, found.p) == ("mcnemar", pytest.approx(0.726563, abs=5.1e-7))
    assert found.needed is not None
    assert found.detectable == detectable_difference(50, 8 / 50)
    assert (
        mcnemar_power(found.needed, Discordance(0.1, 0.06))
        >= 0.8
        > mcnemar_power(found.needed - 1, Discordance(0.1, 0.06))
    )


def test_what_only_one_run_scored_is_left_out_and_counted() -> None:
    found = paired(run([1, 0, None, 1, 1]), run([1, 1, 1, None]))
    assert [a.sample_id for a, _ in found.pairs] == ["s000", "s001"]
    assert (found.samples.unscored, found.samples.unpaired) == (2, 1)
    assert [a.sample_id for a, _ in found.discordant] == ["s001"]
    assert tuple(sample.answer for sample in found.discordant[0]) == ("0", "1")


def test_nothing_scored_in_both_is_an_error_not_a_tie() -> None:
    with pytest.raises(DataError, match="no sample is scored in both old and new; 2 are unscored"):
        compare(paired(run([None, None]), run([1, 1])), "old", "new")


def test_repeats_are_folded_to_one_value_a_sample() -> None:
    old = [record(f"s{i}", v, repeat) for i in range(8) for repeat, v in enumerate((0, 0, 1, 0))]
    new = [record(f"s{i}", v, repeat) for i in range(8) for repeat, v in enumerate((1, 0, 1, 1))]
    found = compare(paired(old, new), "old", "new")
    assert (found.n, found.difference, found.test) == (8, 0.5, "sign_flip")
    assert found.p == pytest.approx(2 / 2**8)
    best = compare(paired(old, new, "pass@4"), "old", "new")
    assert (best.metric, best.difference, best.p, best.needed) == ("pass@4", 0, 1, None)


def test_too_few_tries_for_the_metric_are_left_out() -> None:
    old = [record("s0", 1, repeat) for repeat in range(2)] + [record("s1", 1)]
    found = paired(old, old, "pass@2")
    assert (len(found.pairs), found.samples.unscored) == (1, 1)


def test_samples_of_one_group_count_as_one_piece_of_evidence() -> None:
    old, new = [0] * 24, [1] * 8 + [0] * 16
    alone = compare(paired(run(old), run(new)), "old", "new")
    grouped = compare(paired(run(old, 4), run(new, 4)), "old", "new")
    assert (alone.test, grouped.test) == ("mcnemar", "sign_flip")
    assert alone.p == pytest.approx(2 / 2**8)
    # Two groups, all one way: 2 of 4 sign patterns
    assert grouped.p == 0.5
    assert grouped.high - grouped.low > alone.high - alone.low


def test_a_handful_of_samples_could_see_nothing() -> None:
    found = compare(paired(run([0] * 5), run([1] * 5)), "old", "new")
    assert (found.p, found.detectable, found.needed) == (0.0625, None, 6)


def test_many_comparisons_are_one_family() -> None:
    fine = compare(paired(run([1] * 40), run([0] * 7 + [1] * 33)), "old", "new")
    assert is_worse(fine)
    family = as_family([fine] * 10)
    assert [c.p_family for c in family] == pytest.approx([10 * fine.p] * 10)
    assert not any(is_worse(c) or is_better(c) for c in family)
    assert is_better(compare(paired(run([0] * 7 + [1] * 33), run([1] * 40)), "old", "new"))


def test_scores_beyond_one_are_refused() -> None:
    with pytest.raises(DataError, match="only scores from 0 to 1"):
        paired(run([3.0]), run([1.0]))


def test_a_perplexity_has_no_value_per_sample() -> None:
    with pytest.raises(NoSampleValues, match="no value per sample") as refused:
        paired(run([1]), run([1]), "word_perplexity")
    assert refused.value.of_corpus


def test_several_runs_are_joined_on_the_samples_that_all_of_them_scored() -> None:
    tables = [run([1, 0, 1, None]), run([0, 0, None, 1, 1], group=2), run([1, 1, 1, 1])]
    found = join(*(values_of(records, "sums", "mean") for records in tables))
    assert [sample.sample_id for sample in found.rows[2]] == ["s000", "s001"]
    assert found.values == [[1, 0], [0, 0], [1, 1]]
    assert (found.unscored, found.unpaired) == (2, 1)
    assert found.clusters == [("group", "g0"), ("group", "g0")]


def test_a_metric_that_needs_more_completions_than_a_file_holds_is_not_compared() -> None:
    absent = Failure("engine", "missing", "the file has no answer", ours=True)

    def missing(sample: str, repeat: int) -> Record:
        request = GenerateRequest(f"{sample}-{repeat}", "sums", sample, repeat, TextPrompt("?"), Sampling(max_tokens=4))
        return Record(1, "run", request, Refusal(request.key, absent), (Score("exact_match", None, failure=absent),))

    ragged = [record("s0", 1), record("s0", 0, 1), record("s1", 0), missing("s1", 1)]
    whole = [record(f"s{i}", 1, repeat) for i in range(2) for repeat in range(2)]
    pairs = paired(ragged, whole, "pass@1").pairs
    assert [(one.value, other.value) for one, other in pairs] == [(0.5, 1), (0, 1)]
    with pytest.raises(DataError, match="pass@2 has no value: 1 samples of a run have fewer completions"):
        paired(ragged, whole, "pass@2")
