"""The shipped difficulties: of which items they are, and what `claim power` says with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from harness.claims.difficulty import (
    KIND,
    DifficultyPage,
    TaskFigures,
    choose_figures,
    difficulty_for,
    difficulty_named,
    digest_of,
    matched,
)
from harness.claims.difficulty_test import DifficultyTest
from harness.claims.ordered_test import random_order
from harness.claims.page import Claim
from harness.claims.planning import power_of
from harness.claims.text import power_table
from harness.config import pages
from harness.config.yaml_page import YamlPage
from harness.validate import Rows, bind_one

NAMES = sorted(pages.index(KIND))


def a_claim(task: str, about: str = "benchmark", threshold: float = 0.5, **test: Any) -> Claim:
    return Claim.model_validate(
        {
            "id": "half",
            "quote": "half",
            "reading": "at least half",
            "source": {"url": "https://example.org", "kind": "press"},
            "subject": {"model": "a"},
            "test": {"metric": "pass@1", "tasks": [task], "about": about, **test},
            "relation": ">=",
            "threshold": threshold,
        }
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_page_names_its_sources_and_the_data_of_its_tasks(name: str):
    difficulty = difficulty_named(name)
    page = difficulty.page
    assert all(one.url.startswith("https://") and one.licence for one in page.sources)
    if page.item is None:
        assert len(difficulty.solved) == pages.task_page(next(iter(page.tasks)))[0].expected_count
    first = pages.task_page(next(iter(page.tasks)))[0].data
    assert (first.path, first.revision, first.split) == (page.data.path, page.data.revision, page.data.split)
    assert all(page.tasks.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_figures_are_of_the_samples_that_the_task_pages_make(name: str, mirror: Path):
    difficulty = difficulty_named(name)
    for task, digest in difficulty.page.tasks.items():
        page, source = pages.task_page(task)
        style = "text" if page.prompt.text else "chat"
        bound = bind_one(page, source, style, page.expected_count or 0, Rows(str(mirror)))
        assert digest_of(difficulty, bound) == digest
        assert len(matched(difficulty, bound).values) == page.expected_count


def test_a_claim_gets_them_where_replays_save_samples_and_it_is_about_these_items():
    for task, expected in (("cruxeval_o", "cruxeval_output"), ("mbpp_instruct", "mbpp"), ("minerva_math", None)):
        found = difficulty_for(a_claim(task), task)
        assert (found.page.name if found else None) == expected
    assert difficulty_for(a_claim("mbpp", about="skill"), "mbpp") is None
    assert difficulty_for(a_claim("mbpp", difficulty="none"), "mbpp") is None
    named = difficulty_for(a_claim("minerva_math", difficulty="math"), "minerva_math")
    assert named is not None and named.page.item is not None


@pytest.mark.parametrize(
    ("task", "inside", "outside"),
    [
        ("mbpp", 0.8, 0.9),
        ("gsm8k", 0.9, 0.95),
        ("cruxeval_i", 0.75, 0.9),
        ("cruxeval_o", 0.85, 0.9),
        ("mbpp", 0.25, 0.1),
    ],
)
def test_a_page_is_used_by_itself_only_for_thresholds_where_it_saves(task: str, inside: float, outside: float):
    assert difficulty_for(a_claim(task, threshold=inside), task) is not None
    assert difficulty_for(a_claim(task, threshold=outside), task) is None
    page = "cruxeval_input" if task == "cruxeval_i" else "cruxeval_output" if task == "cruxeval_o" else task
    assert difficulty_for(a_claim(task, threshold=outside, difficulty=page), task) is not None


@pytest.mark.parametrize("wrong", [[0.9, 0.1], [0.5], True, [0.2, 80]])
def test_a_range_of_thresholds_that_is_none_is_refused(wrong: object):
    page = difficulty_named("mbpp").page.model_dump()
    with pytest.raises(ValueError, match="automatic"):
        DifficultyPage.model_validate(page | {"automatic": wrong})


def test_a_stand_in_on_its_own_tasks_has_no_use_for_the_claims_difficulties():
    demo = bind_one(*pages.task_page("demo_code"), "text", 2, Rows())
    assert not choose_figures(a_claim("humaneval", difficulty="humaneval"), [demo]).figures


@pytest.mark.slow
def test_claim_power_predicts_where_the_test_stops_and_names_it():
    claim = a_claim("humaneval", difficulty="humaneval")
    (plan,) = power_of(claim, YamlPage(Path("x.yaml"), {}, {}))
    assert any("difficulty from humaneval as a control variate" in note for note in power_table(plan).notes)
    row = next(one for one in plan.scores if one.truth == 0.6)
    assert row.items is not None
    difficulty = difficulty_named("humaneval")
    figures = TaskFigures("humaneval", 8, difficulty.page.slope, difficulty.solved)
    inside = np.clip(list(difficulty.solved.values()), 0.03, 0.97)
    # Independent answers whose logit follows that of the figures; about 0.6 of them are right
    ease = difficulty.page.discrimination * np.log(inside / (1 - inside))
    shift = brentq(lambda by: float(np.mean(expit(ease + by))) - 0.6, -10, 10)
    chances = dict(zip(difficulty.solved, expit(ease + shift), strict=True))
    draw, used = np.random.default_rng(8), []
    for seed in range(30):
        order = random_order([("humaneval", one) for one in difficulty.solved], seed)
        test = DifficultyTest(claim, order, {"humaneval": 164}, {"humaneval": figures})
        test.advance({key: float(draw.random() < chances[key[1]]) for key in order})
        assert test.settled
        used.append(test.used)
    assert np.mean(used) == pytest.approx(row.items.mean, rel=0.25)
