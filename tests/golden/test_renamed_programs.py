"""Renamed HumanEval and MBPP in the sandbox: right solutions pass, those with the old names and empty ones fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import pytest
from originals import originals

from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox
from harness.execution.selection import open_sandbox
from harness.perturb.base import LeftOut, Original, PerturbOptions
from harness.perturb.names import build

LIMITS = Limits(wall_seconds=60)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The strongest sandbox here."""
    opened = open_sandbox("auto")
    yield opened
    opened.close()


@dataclass(frozen=True)
class Verdicts:
    """How often each verdict was given; `missing` samples have no variant."""

    right: Counter[str]
    by_heart: Counter[str]
    empty: Counter[str]
    missing: list[str]


def verdicts(sandbox: Sandbox, samples: list[Original], seed: int) -> Verdicts:
    """Rename each sample once; run the renamed solution, the solution as published, and one that does nothing."""
    perturbation = build(PerturbOptions())
    missing: list[str] = []

    def one(original: Original) -> tuple[str, str, str] | None:
        made = perturbation.variants(original, 1, Random(f"names {seed} {original.sample.id}"))
        if isinstance(made, LeftOut):
            missing.append(f"{original.sample.id}: {made.reason}")
            return None
        variant = original.bind(made[0].columns)
        old, new = original.sample.reference, variant.reference
        assert isinstance(old, Tests) and isinstance(new, Tests) and variant.gold and original.sample.gold
        # Whole programs, as a model that knows the benchmark by heart would write them
        heart = (
            original.sample.gold if original.sample.gold.startswith(old.prelude) else old.prelude + original.sample.gold
        )
        programs = (variant.gold, heart, "    pass\n" if new.prelude else "x = 1\n")
        right, by_heart, empty = (sandbox.run(Job(program, new), LIMITS).status for program in programs)
        return right, by_heart, empty

    with ThreadPoolExecutor(2) as pool:
        seen = [each for each in pool.map(one, samples) if each is not None]
    return Verdicts(*(Counter(column) for column in zip(*seen, strict=True)), missing)


def test_a_sample_of_humaneval_and_mbpp(sandbox, mirror):
    samples = [*originals("humaneval", mirror)][::12] + [*originals("mbpp", mirror)][::45]
    seen = verdicts(sandbox, samples, seed=1)
    assert not seen.missing
    assert seen.right == {"passed": len(samples)}
    assert "passed" not in seen.by_heart + seen.empty


@pytest.mark.slow
@pytest.mark.parametrize("task", ["humaneval", "humaneval_plus"])
def test_all_canonical_solutions_of_humaneval_pass_after_renaming(sandbox, mirror, task):
    seen = verdicts(sandbox, [*originals(task, mirror)], seed=0)
    assert not seen.missing
    assert seen.right == {"passed": 164}
    assert "passed" not in seen.by_heart + seen.empty


@pytest.mark.slow
def test_all_974_reference_solutions_of_mbpp_pass_after_renaming(sandbox, mirror):
    splits = ("test", "train", "validation", "prompt")
    keys = {"expected_count": None, "fewshot": None}
    samples = [each for split in splits for each in originals("mbpp", mirror, data__split=split, **keys)]
    seen = verdicts(sandbox, samples, seed=0)
    assert not seen.missing
    assert seen.right == {"passed": 974}
    assert "passed" not in seen.by_heart + seen.empty


def test_the_demo_functions_and_all_draws(sandbox):
    perturbation = build(PerturbOptions())
    for original in [*originals("demo_code")][:10]:
        made = perturbation.variants(original, 5, Random(3))
        again = perturbation.variants(original, 5, Random(3))
        assert not isinstance(made, LeftOut) and not isinstance(again, LeftOut)
        assert [each.columns for each in made] == [each.columns for each in again]
        assert len({each.columns["entry_point"] for each in made} | {original.columns["entry_point"]}) == 6
        for variant in made:
            bound = original.bind(variant.columns)
            assert isinstance(bound.reference, Tests) and bound.gold
            assert sandbox.run(Job(bound.gold, bound.reference), LIMITS).status == "passed"
