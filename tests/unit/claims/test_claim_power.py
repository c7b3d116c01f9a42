"""`harness claim power` where samples are in groups, have several completions or partial credit: a stop, and what it
assumes.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.claims.page import Claim, find_claims
from harness.claims.planned_samples import Assumed, PlannedSamples
from harness.claims.planned_scores import score_plans
from harness.claims.planning import Power, power_of
from harness.claims.text import power_table
from harness.errors import ConfigError
from harness.stats.bets_stop import Groups

CLAIM: dict[str, Any] = {
    "id": "one",
    "quote": "q",
    "reading": "r",
    "source": {"url": "https://example.org", "kind": "press"},
    "subject": {"model": "a"},
    "test": {"metric": "accuracy", "tasks": ["sums"], "about": "skill"},
    "relation": ">=",
    "threshold": 0.75,
}


PAIRS: dict[str, Any] = {"relation": ">", "threshold": None, "comparators": [{"model": "b"}]}


def planned(
    monkeypatch: pytest.MonkeyPatch,
    group: str | None,
    repeats: int,
    scorer: str,
    assumed: Assumed | None = None,
    *,
    size: int = 60,
    **changes: Any,
) -> Power:
    claim = Claim.model_validate({key: value for key, value in (CLAIM | changes).items() if value is not None})
    _, claim_page = find_claims("dsv4-python")[0]
    page = SimpleNamespace(
        repeats=repeats, data=SimpleNamespace(group=group), score=[{"by": scorer}], expected_count=size
    )
    with monkeypatch.context() as patched:
        patched.setattr("harness.config.pages.task_page", lambda name: (page, None))
        patched.setattr("harness.config.pages.is_file_name", lambda name: True)
        (found,) = power_of(claim, claim_page, assumed)
    return found


@pytest.mark.parametrize(
    ("group", "repeats", "scorer", "why", "options"),
    [
        ("{{ of }}", 1, "exact_match", "samples are in groups", ["--group-size", "--icc"]),
        (None, 5, "exact_match", "a sample has several completions", ["--spread"]),
        (None, 1, "rouge", "there is partial credit", ["--spread"]),
        (None, 1, "exact_match", "", []),
    ],
)
@pytest.mark.parametrize("pairs", [False, True])
def test_stops_are_shown_with_all_that_they_assume(
    monkeypatch: pytest.MonkeyPatch,
    group: str | None,
    repeats: int,
    scorer: str,
    why: str,
    options: list[str],
    pairs: bool,
):
    changes = PAIRS if pairs else {}
    found = planned(monkeypatch, group, repeats, scorer, **changes)
    table = power_table(found)
    assert found.by_bets == why
    assert sum("Stop" in column.heading for column in table.columns) == 2
    assert any("by bets" in note for note in table.notes) == bool(why)
    assumed = [note for note in table.notes if note.startswith("Stops assume")]
    assert len(assumed) == len(options)
    assert all(f"default; change it with {option}" in note for option, note in zip(options, assumed, strict=True))
    assert all(len(row.cells) == len(table.columns) for row in table.rows)


def test_groups_of_alike_samples_take_more_and_several_completions_fewer(monkeypatch: pytest.MonkeyPatch):
    def half(group: str | None = None, repeats: int = 1, assumed: Assumed | None = None) -> list[int]:
        found = planned(monkeypatch, group, repeats, "exact_match", assumed, size=120)
        return [plan.skill.half for plan in found.scores if plan.skill and abs(plan.truth - 0.75) >= 0.19]

    alike, mixed = (half("{{ of }}", 1, Assumed(icc=icc)) for icc in (0.9, 0.0))
    several, other = (half(None, 8, Assumed(spread=spread)) for spread in (0.15, 0.4))
    assert all(one > other for one, other in zip(alike, mixed, strict=True))
    assert all(one < other for one, other in zip(several, other, strict=True))


def test_a_spread_beyond_what_the_mean_allows_is_said_to_be_capped():
    samples = PlannedSamples(repeats=4, assumed=Assumed(spread=0.5))
    (said,) = samples.lines(pairs=False)
    assert "is 0.5, or the largest that its mean allows where that is less (at 0.95: 0.22)" in said
    assert samples.score(0.95).deviation == pytest.approx(0.95**0.5 * 0.05**0.5)
    assert samples.score(0.5).deviation == 0.5


@pytest.mark.parametrize("groups", [Groups(5000.0, 5000), Groups(2.5, 61)])
def test_a_group_has_no_more_samples_than_its_benchmark(monkeypatch: pytest.MonkeyPatch, groups: Groups):
    with pytest.raises(ConfigError, match=f"sums has 60 samples, so no group has {groups.largest}$"):
        planned(monkeypatch, "{{ of }}", 1, "exact_match", Assumed(groups=groups))


def test_a_claim_of_exactly_these_items_needs_no_groups(monkeypatch: pytest.MonkeyPatch):
    about = {"test": CLAIM["test"] | {"about": "benchmark"}}
    grouped = planned(monkeypatch, "{{ of }}", 1, "exact_match", **PAIRS, **about)
    assert grouped.by_bets == "" and grouped == planned(monkeypatch, None, 1, "exact_match", **PAIRS, **about)


@pytest.mark.parametrize(
    ("assumed", "said"),
    [
        (Assumed(spread=0.2), "--spread: samples of sums are only right or wrong"),
        (Assumed(icc=0.2, groups=Groups(2.0, 2)), "--icc, --group-size: samples of sums are in no groups"),
    ],
)
def test_an_assumption_that_concerns_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, assumed: Assumed, said: str):
    with pytest.raises(ConfigError, match=said):
        planned(monkeypatch, None, 1, "exact_match", assumed)


def test_a_stop_is_not_predicted_before_the_least_number_of_samples():
    claim = Claim.model_validate(CLAIM | {"stats": {"min_n": 30}})
    for plan in score_plans(claim, 60):
        assert plan.skill is not None and 30 <= plan.skill.half <= plan.skill.most and plan.skill.mean >= 30
