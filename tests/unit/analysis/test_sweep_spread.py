"""How much of a score is the protocol: published variance components, chance counted out, no spread from nothing."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from samples import all_values

from harness.analysis.sweep import Sweep, mean_squares, protocol_variance, spread_by_chance, sweep_of
from harness.stats.paired import paired_difference

# Shrout and Fleiss 1979, Psychol. Bull. 86:420-428, table 2: six targets under four judges
JUDGES = [[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]]


def protocols(accuracies: list[float], n: int = 200, seed: int = 0, alike: float = 0.7) -> dict[str, dict[str, float]]:
    """Right or wrong by protocol and sample; a hard sample is hard under most protocols."""
    generator = np.random.default_rng(seed)
    shared = generator.random(n)
    found = {}
    for place, accuracy in enumerate(accuracies):
        own = np.where(generator.random(n) < alike, shared, generator.random(n))
        found[f"p{place}"] = {str(i): float(x < accuracy) for i, x in enumerate(own)}
    return found


def swept(accuracies: list[float], n: int = 200, seed: int = 0) -> Sweep:
    return sweep_of(all_values(protocols(accuracies, n, seed)))


def test_mean_squares_are_those_of_the_published_table():
    between, residual = mean_squares(JUDGES)
    assert (round(between, 2), round(residual, 2)) == (32.49, 1.02)
    assert protocol_variance(JUDGES) == pytest.approx((32.486 - 1.019) / 6, abs=1e-3)


def test_chance_is_what_all_exchanges_of_protocols_say():
    """Every way of exchanging three protocols within four samples, counted out."""
    rows = [[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.5, 0.0, 1.0]]
    columns = [list(permutations(column)) for column in zip(*rows, strict=True)]
    spreads = [np.ptp(np.sum(shuffle, axis=0)) for shuffle in product(*columns)]
    seen = np.ptp(np.sum(rows, axis=1))
    exact = np.mean([spread >= seen - 1e-9 for spread in spreads])
    bound, p = spread_by_chance(rows, draws=20_000)
    assert p == pytest.approx(exact, abs=0.01)
    assert bound == pytest.approx(np.quantile(spreads, 0.95, method="higher") / 4)


def test_protocols_that_matter_stand_out_from_noise():
    found = swept([0.8, 0.5, 0.65])
    assert (found.best, found.worst) == ("p0", "p1")
    assert found.p < 0.001 and found.spread > found.chance_spread
    assert found.share is not None and found.share > 0.8
    assert found.protocols[0].difference is None and found.protocols[0].p is None
    assert found.protocols[1].p is not None and found.protocols[1].p < 0.001


def test_protocols_that_do_not_differ_show_a_spread_no_larger_than_chance():
    """Four alike: max - min is never 0, and yet p is uniform and the protocol's share small."""
    tables = [[list(own.values()) for own in protocols([0.6] * 4, 100, seed).values()] for seed in range(150)]
    spreads = [np.ptp(np.mean(table, axis=1)) for table in tables]
    chances = [spread_by_chance(table, draws=400) for table in tables]
    assert min(spreads) > 0
    assert np.mean([p <= 0.05 for _, p in chances]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    assert np.mean([seen <= bound for seen, (bound, _) in zip(spreads, chances, strict=True)]) >= 0.88
    share = np.mean([swept([0.6] * 4, n=100, seed=seed).share or 0.0 for seed in range(20)])
    assert share < 0.15


def test_variance_between_protocols_is_estimated_without_bias():
    """Protocols drawn with a standard deviation of 0.1 about 0.5, on a hundred sweeps."""
    generator = np.random.default_rng(5)
    variances = []
    for seed in range(100):
        truths = list(np.clip(generator.normal(0.5, 0.1, 6), 0.05, 0.95))
        variances.append(protocol_variance([list(own.values()) for own in protocols(truths, 150, seed).values()]))
    assert np.sqrt(np.mean(variances)) == pytest.approx(0.1, abs=0.01)


def test_the_first_is_the_baseline_and_differences_are_paired():
    values = protocols([0.7, 0.6])
    found = sweep_of(all_values(values))
    paired = paired_difference(list(values["p1"].values()), list(values["p0"].values()))
    difference = found.protocols[1].difference
    assert difference is not None
    assert (difference.difference, difference.low) == (pytest.approx(paired.difference), pytest.approx(paired.low))


def test_only_samples_that_every_protocol_scored_enter():
    values = protocols([0.7, 0.6])
    del values["p1"]["3"], values["p0"]["5"]
    found = sweep_of(all_values(values))
    assert (found.n, found.left_out) == (198, 2)


def test_samples_of_a_group_are_exchanged_together():
    """Five copies of each sample are one sample's worth of evidence."""
    once = protocols([0.7, 0.5], n=40, seed=2)
    copies = {name: {f"{s}-{c}": v for s, v in own.items() for c in range(5)} for name, own in once.items()}
    groups = {sample: sample.split("-")[0] for sample in copies["p0"]}
    grouped, alone = sweep_of(all_values(copies, groups)), sweep_of(all_values(once))
    assert grouped.spread == pytest.approx(alone.spread)
    assert grouped.p == pytest.approx(alone.p, abs=0.03)
    assert sweep_of(all_values(copies)).p < alone.p


def test_the_same_answers_under_every_protocol_are_no_spread():
    values = {"a": {"1": 1.0, "2": 0.0, "3": 1.0}}
    found = sweep_of(all_values({**values, "b": values["a"]}))
    assert (found.spread, found.p, found.protocol_sd) == (0.0, 1.0, 0.0)
    assert found.share == 0.0


@pytest.mark.parametrize(
    ("values", "said"), [({"a": {"1": 1.0}}, "two protocols"), ({"a": {"1": 1.0}, "b": {"2": 1.0}}, "no sample")]
)
def test_what_is_no_sweep_is_refused(values, said):
    with pytest.raises(ValueError, match=said):
        sweep_of(all_values(values))
