"""The path of a sequential test: what the test computes at each sample, in order, and where it stopped."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from harness.claims.page import Claim
from harness.claims.paired_claim import PairedClaimTest
from harness.claims.path_text import path_sentence
from harness.claims.sequential_test import SequentialTest
from harness.claims.verdict import EvidencePath
from harness.html_report.charts.path import thinned
from harness.html_report.sections.claim_paths import path_views
from harness.stats.coin_walk import evidence
from harness.stats.exact_stopping import items_rule, skill_rule


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
@pytest.mark.parametrize("about", ["skill", "benchmark"])
def test_each_step_of_a_path_has_the_scores_at_which_the_test_would_stop_there(relation, about):
    claim = a_claim(relation=relation, test={"metric": "mean", "tasks": ["t"], "about": about})
    path = path_of(claim, [1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    assert path.used == tuple(range(1, 9)) and path.crossing is None
    # "At most 0.7" is "at least 0.3" of wrong answers, 12 of 40
    needed, share = (28, 0.7) if relation == ">=" else (12, 0.3)
    rule = items_rule(needed, 40, 40, 0.05, 0.05) if about == "benchmark" else skill_rule(share, 40, 0.05, 0.05)
    for n in range(1, 9):
        few = [right for right in range(n + 1) if rule.word(n, right) == "refuted"]
        many = [right for right in range(n + 1) if rule.word(n, right) == "supported"]
        if relation == "<=":
            few, many = sorted(n - right for right in many), sorted(n - right for right in few)
        low, high = path.low_edge[n - 1] * n, path.high_edge[n - 1] * n
        assert low == pytest.approx(few[-1]) if few else low < 0
        assert high == pytest.approx(many[0]) if many else high > n


def test_a_benchmarks_path_ends_at_certainty():
    claim = a_claim(test={"metric": "mean", "tasks": ["t"], "about": "benchmark"})
    path = path_of(claim, [1.0, 0.0, 0.0, 0.0], size=4)
    # 3 of 4 are needed: after two wrong answers no more than 2 can come
    assert path.stop == 3 and path.crossing is not None and path.crossing.word == "refuted"
    assert "Infinity" not in json.dumps(path.low_edge + path.high_edge)
    assert "as refuted was reached after 3 samples; 1 was not needed" in path_sentence(path)


@pytest.mark.parametrize(("relation", "word"), [(">=", "refuted"), ("<", "supported")])
def test_the_path_stops_where_its_edge_is_reached_and_an_unscored_sample_is_no_step(relation, word):
    path = path_of(a_claim(relation=relation), [0.0, None, *[0.0] * 38])
    assert path.stop == path.used[-1] < 20 and 2 not in path.used
    assert path.crossing is not None and (path.crossing.word, path.crossing.used) == (word, path.stop)
    assert path.value[-1] <= path.low_edge[-1] and path.value[-2] > path.low_edge[-2]


@pytest.mark.parametrize("relation", [">", "<"])
def test_each_step_of_a_pairs_path_is_the_evidence_of_the_wins_and_losses_so_far(relation):
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
        ahead, behind = evidence(wins, wins + losses), evidence(losses, wins + losses)
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
