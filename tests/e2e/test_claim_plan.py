"""`harness claim check CLAIM --plan FILE`: the plan's samples are a budget of the test that stops early."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.claim_plan import kept


def planned(cli: Callable) -> int:
    """Plan the claim in p.yaml; how many samples there are."""
    made = cli("plan", "dsv4-python", "--models", "demo-larger", "--budget", "4k tokens", "-q", "--out", "p.yaml")
    assert made.code == 0, made.err
    said = " ".join(made.out.split())
    assert "harness claim check dsv4-python --plan p.yaml --stand-in" in said
    assert "Both are for one test at the end" in said and "as a rule settles less with as many" in said
    (samples,) = re.findall(r'"samples": (\d+)', Path("p.yaml").read_text(encoding="utf-8"))
    return int(samples)


def test_a_plan_of_something_else_and_one_that_no_longer_holds_are_one_line(cli: Callable):
    planned(cli)
    text = Path("p.yaml").read_text(encoding="utf-8")
    Path("changed.yaml").write_text(re.sub(r'("data": {"demo-larger": )"\w+"', r'\1"0123"', text), encoding="utf-8")
    Path("suite.yaml").write_text(re.sub(r"  claims:\n.*\n", "", text), encoding="utf-8")
    for words, said in (
        (["dsv4-cpp", "--plan", "p.yaml"], "is a plan for dsv4-python, not for dsv4-cpp"),
        (["dsv4-python", "--plan", "suite.yaml"], "is a plan for no claim, not for dsv4-python"),
        (["dsv4-python", "--plan", "p.yaml", "--limit", 3], "--limit: --plan names the models and the samples"),
        (["dsv4-python", "--plan", "none.yaml"], "none.yaml: cannot be read"),
        (["dsv4-python", "--plan", "changed.yaml", "-q"], "prompts of demo_code are no longer those that were planned"),
    ):
        seen = cli("claim", "check", *words)
        assert seen.code == 2 and seen.err.count("\n") == 1 and said in seen.err, seen.err


@pytest.mark.slow
def test_the_planned_samples_are_a_budget_that_a_larger_one_continues(cli: Callable):
    samples = planned(cli)
    first = cli("claim", "check", "dsv4-python", "--plan", "p.yaml", "--stand-in", "--json", "-q")
    assert first.code == 0, first.err
    (folder,) = Path("runs").glob("claim-dsv4-python-*")
    kept = json.loads((folder / "claim.json").read_text(encoding="utf-8"))
    # Order and boundaries are those of all items, as without a plan
    assert kept["used"] == kept["limit"] == samples < len(kept["order"]) == 80
    words = ("--run", "--model", "demo-larger", "--stand-in", "--set", "tasks.demo_code.repeats=1")
    more = cli("claim", "check", "dsv4-python", *words, "--json", "-q")
    assert more.code == 0, more.err
    going_on = json.loads((folder / "claim.json").read_text(encoding="utf-8"))
    assert going_on["order"] == kept["order"] and going_on["used"] > samples


def test_a_second_model_for_a_claim_about_one_score_is_refused_before_it_is_tried(cli: Callable):
    models = ("--models", "demo-larger,demo-smaller", "--budget", "4k tokens", "-q", "--try", 3)
    seen = cli("plan", "dsv4-python", *models)
    assert seen.code == 2 and seen.err.count("\n") == 1, seen.err
    assert "demo-smaller would not be planned: dsv4-python is about one score, plan one model" in seen.err
    assert not list(Path("runs").glob("try-*"))


DUEL = """\
name: duel
about: One model against its smaller sibling.
claims:
  - id: adds-better
    quote: "adds better than its sibling"
    reading: "more additions right"
    source: {url: "https://example.org", kind: press}
    subject: {model: demo-larger}
    comparators: [{model: demo-smaller}]
    test: {metric: accuracy, tasks: [demo_math], about: skill}
    relation: ">"
    protocol: {shots: 0, samples: 1}
"""


def test_a_claim_of_two_models_is_planned_and_checked_on_the_models_that_it_names(cli: Callable):
    Path("duel.yaml").write_text(DUEL, encoding="utf-8")
    models = ("--models", "demo-larger,demo-smaller", "--budget", "20k tokens")
    made = cli("plan", "./duel.yaml:adds-better", *models, "--out", "p.yaml", "-q")
    assert made.code == 0, made.err
    assert "Stand-in" not in made.out and "--stand-in" not in made.out
    seen = cli("claim", "check", "./duel.yaml:adds-better", "--plan", "p.yaml", "--json", "-q")
    assert seen.code == 0, seen.err
    (verdict,) = json.loads(seen.out)["verdicts"]
    assert verdict["word"] == "supported"
    (samples,) = set(re.findall(r'"samples": (\d+)', Path("p.yaml").read_text(encoding="utf-8")))
    folders = [
        json.loads(one.read_text(encoding="utf-8")) for one in Path("runs").glob("claim-adds-better-*/claim.json")
    ]
    assert len(folders) == 2 and all(one["used"] <= int(samples) == one["limit"] for one in folders)


def test_a_plan_keeps_its_protocol_and_leaves_out_its_folder_and_its_parts():
    page = {"tasks.demo_math.fewshot.leave_one_out": True, "tasks.demo_math.fewshot.count": 3}
    own = {"out": "runs/plan", "tasks.demo_math.data.sample": {"count": 20, "seed": 0}}
    assert kept(own | page) == page
