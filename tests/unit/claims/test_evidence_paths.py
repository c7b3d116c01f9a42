"""The path of a sequential test: what the test computes at each sample, in order, and where it stopped."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from harness.claims.page import Claim
from harness.claims.paired_claim import PairedClaimTest
from harness.claims.path_text import path_sentence
from harness.claims.sequential_test import SequentialTest
from harness.claims.verdict import CERTAIN, EvidencePath
from harness.html_report.charts.path import thinned
from harness.html_report.sections.claim_paths import path_views
from harness.stats.sequential import log_finite_mixture, log_mixture


def a_claim(**changes: Any) -> Claim:
    page: dict[str, Any] = {
        "id": "mine",
        "quote": "good",
        "reading": "good",
        "source": {"url": "https://example.org", "kind": "press"},
        "subject": {"model": "one"},
        "test": {"metric": "mean", "tasks": ["t"], "about": "skill"},
        "relation": ">=",
        "threshold": 0.7,
    }
    return Claim.model_validate(page | changes)


def path_of(claim: Claim, answers: list[float | None], size: int = 40) -> EvidencePath:
    order = [("t", str(i)) for i in range(size)]
    test = SequentialTest(claim, order, {"t": size})
    test.advance(dict(zip(order, answers, strict=False)))
    return test.paths[0]


@pytest.mark.parametrize("relation", [">=", "<="])
def test_each_step_of_a_skills_path_is_the_e_value_of_the_counts_so_far(relation):
    answers = [float(random.Random(3).random() < 0.5) for _ in range(3)] + [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    path = path_of(a_claim(relation=relation), answers)
    assert path.used == tuple(range(1, len(path.used) + 1))
    for n in path.used:
        right = int(sum(answers[:n]))
        below = log_mixture(right, n - right, 0.7)
        above = log_mixture(n - right, right, 0.3)
        refuted, supported = (below, above) if relation == ">=" else (above, below)
        assert path.value[n - 1] == pytest.approx(right / n)
        assert path.log_refuted[n - 1] == pytest.approx(refuted)
        assert path.log_supported[n - 1] == pytest.approx(supported)


def test_a_benchmarks_path_ends_at_certainty_with_finite_numbers():
    claim = a_claim(test={"metric": "mean", "tasks": ["t"], "about": "benchmark"})
    path = path_of(claim, [1.0, 0.0, 0.0, 0.0], size=4)
    # 3 of 4 are needed: after two wrong answers no more than 2 can come
    assert path.stop == 3 and path.log_refuted[-1] == CERTAIN
    assert path.log_refuted[1] == pytest.approx(log_finite_mixture(1, 1, 3, 4))
    assert "Infinity" not in json.dumps(path.log_refuted + path.log_supported)
    assert "infinite (certain)" in path_sentence(path)


def test_the_path_stops_where_its_bound_is_reached_and_an_unscored_sample_is_no_step():
    path = path_of(a_claim(), [0.0, None, *[0.0] * 38])
    assert path.stop == path.used[-1] < 20 and 2 not in path.used
    assert path.crossing is not None and (path.crossing.word, path.crossing.used) == ("refuted", path.stop)
    assert path.log_refuted[-1] >= path.bound_refuted > path.log_refuted[-2]
    assert path.bound_refuted == pytest.approx(math.log(1 / 0.025))


@pytest.mark.parametrize("relation", [">", "<"])
def test_each_step_of_a_pairs_path_is_the_e_value_of_the_wins_and_losses_so_far(relation):
    claim = a_claim(relation=relation, threshold=None, comparators=[{"model": "two"}])
    order = [("t", str(i)) for i in range(30)]
    test = PairedClaimTest(claim, order, {"t": 30}, ["one", "two"])
    differences = [1, 1, 0, -1, 1, 1, 0, 1, 1, -1]
    mine = {key: float(d > 0) for key, d in zip(order, differences, strict=False)}
    theirs = {key: float(d < 0) for key, d in zip(order, differences, strict=False)}
    test.advance([mine, theirs])
    path = test.paths[0]
    assert len(path.used) == len(differences) and path.difference
    for n in path.used:
        wins, losses = differences[:n].count(1), differences[:n].count(-1)
        ahead, behind = log_mixture(losses, wins, 0.5), log_mixture(wins, losses, 0.5)
        refuted, supported = (behind, ahead) if relation == ">" else (ahead, behind)
        assert path.value[n - 1] == pytest.approx((wins - losses) / n)
        assert path.log_refuted[n - 1] == pytest.approx(refuted)
        assert path.log_supported[n - 1] == pytest.approx(supported)


def test_a_path_within_a_margin_reaches_its_bound_when_the_test_settles():
    claim = a_claim(relation="within", threshold=None, tolerance=0.3, comparators=[{"model": "two"}])
    order = [("t", str(i)) for i in range(400)]
    test = PairedClaimTest(claim, order, {"t": 400}, ["one", "two"])
    same = dict.fromkeys(order, 1.0)
    test.advance([same, {key: float(place % 9 > 0) for place, key in enumerate(order)}])
    path = test.paths[0]
    assert test.settled == "supported"
    assert path.crossing is not None and (path.crossing.word, path.crossing.used) == ("supported", path.stop)


def test_ten_thousand_points_keep_their_extremes_in_four_kilobytes():
    draw = random.Random(1)
    x = [float(n) for n in range(1, 10_001)]
    y = [draw.gauss(0, 1) for _ in x]
    y[1234], y[7777] = 50.0, -50.0
    kept = thinned(x, y)
    assert kept == sorted(kept) and set(kept) <= set(zip(x, y, strict=True))
    assert kept[0][0] == 1 and kept[-1][0] == 10_000
    assert {50.0, -50.0} <= {value for _, value in kept}
    path = path_of(a_claim(threshold=0.5, relation="<"), [float(draw.random() < 0.5) for _ in x], size=10_000)
    (view,) = path_views([path])
    assert len(path.used) == 10_000 or path.crossing
    assert max(len(line.points) for line in (view.refuting, view.supporting, view.values)) <= 4096
