"""The plan of claims: samples of each task so that as much as possible is settled within a budget.

What n samples settle is the chance that the claim's own test, with this n, refutes or supports it, averaged over what
is believed of the true scores (`stats.decision`). That is an earlier run here, else the published numbers of the
claim's page, each counted as at most FIFTY samples, else every score alike. Tests of one task share its samples; a
claim of several parts is tested at its alpha divided by their number, in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.claims.check import is_subject, party_of
from harness.claims.page import THRESHOLDS, Claim, Party
from harness.claims.protocol import PLAIN, is_named
from harness.claims.published import bar_of, gap_of
from harness.config.schema import RunConfig
from harness.errors import ConfigError, UserError
from harness.planning.budget import shown
from harness.planning.costs import KEPT_BACK, SampleCost
from harness.planning.document import Decision, Line, PlannedRun, StandIns, TaskChoice
from harness.planning.earlier import Earlier
from harness.planning.sizes import ModelSize
from harness.planning.suites import CORRELATION, Wish
from harness.stats.allocation import Step, most_settled
from harness.stats.decision import Prior, difference_decided, score_decided
from harness.stats.two_model_power import Margins

FIFTY = 50
# Numbers of samples that are tried for a task
TRIED = 14


@dataclass(frozen=True, slots=True)
class Tested:
    """A test of a claim on a task: the subject alone, or with one other model. `parts`: tests that the claim has."""

    claim: Claim
    task: str
    models: tuple[str, ...]
    parts: int


@dataclass(frozen=True, slots=True)
class ClaimTests:
    """The tests of claims with the given models, and the claims that are left aside, each with its reason.

    `stand_ins`: claims with models that they do not mention, which settle nothing about those that they do.
    """

    tests: tuple[Tested, ...]
    aside: tuple[str, ...]
    stand_ins: tuple[StandIns, ...] = ()

    def models_of(self, task: str) -> list[str]:
        """The models that a task needs, in the order of the tests."""
        return list(dict.fromkeys(name for test in self.tests if test.task == task for name in test.models))


def unplannable(claim: Claim) -> str:
    """Why no number of samples can be planned for a claim; "" where one can."""
    test = claim.test
    if test.not_measured:
        return test.not_measured
    if not test.tasks:
        return "it is about facts, prices or a count, which `harness claim check` settles without samples"
    if claim.relation == "=" or claim.times is not None:
        return "no sample size is planned for an equality or a ratio"
    if test.aggregate == "mean" and len(test.tasks) > 1:
        return "no sample size is planned for a mean over tasks"
    if test.metric not in PLAIN:
        return f"no sample size is planned for the metric {test.metric}"
    if claim.threshold is not None and not 0 < bar_of(claim, None).value < 1:
        return f"{claim.bar:g} is no score between 0 and 1"
    return ""


def tests_of(
    claims: Sequence[Claim], configs: Mapping[str, RunConfig], tasks: Mapping[str, Sequence[str]]
) -> ClaimTests:
    """Match models with the parties of each claim, by name, else in the order given (as stand-ins).

    `configs` are by model's name, `tasks` the names of each claim's tasks by its id. Raises UserError where no claim
    can be settled, ConfigError for a model that no test needs: its requests would be paid for nothing.
    """
    tests: list[Tested] = []
    aside: list[str] = []
    stand_ins: list[StandIns] = []
    protocols: dict[str, Claim] = {}
    for claim in claims:
        reason = unplannable(claim)
        others: list[str] = []
        if not reason:
            subject, others, reason = _parties(claim, configs)
        clash = next((task for task in tasks[claim.id] if _differs(protocols.get(task), claim)), None)
        if not reason and clash is not None:
            reason = f"it needs another protocol on {clash} than {protocols[clash].id}: plan it alone"
        if reason:
            aside.append(f"{claim.id}: {reason}")
            continue
        used = [subject] if claim.threshold is not None else [subject, *others]
        foreign = tuple(
            name for name in used if not is_subject(claim, configs[name]) and party_of(claim, configs[name]) is None
        )
        if foreign:
            about = claim.subject.model if foreign[0] == subject else claim.comparators[others.index(foreign[0])].model
            stand_ins.append(StandIns(claim.id, about, foreign))
        for task in tasks[claim.id]:
            protocols.setdefault(task, claim)
            if claim.threshold is not None and claim.relation in THRESHOLDS:
                tests.append(Tested(claim, task, (subject,), len(tasks[claim.id])))
            else:
                count = len(tasks[claim.id]) * len(others)
                tests += [Tested(claim, task, (subject, other), count) for other in others]
    unused = [name for name in configs if not any(name in test.models for test in tests)]
    if tests and unused:
        one = len(claims) == 1 and claims[0].threshold is not None
        why = f"{claims[0].id} is about one score, plan one model" if one else "no planned claim needs it, leave it out"
        raise ConfigError(f"--models: {', '.join(unused)} would not be planned: {why}")
    if not tests:
        first, more = aside[0], f" (and {len(aside) - 1} more claims)" if len(aside) > 1 else ""
        raise UserError(f"no samples settle {first}{more}")
    return ClaimTests(tuple(tests), tuple(aside), tuple(stand_ins))


def plan_claims(
    wish: Wish,
    found: ClaimTests,
    sizes: Sequence[ModelSize],
    earlier: Mapping[tuple[str, str], Earlier],
    costs: Mapping[tuple[str, str], SampleCost],
    starts: Mapping[str, float],
) -> PlannedRun:
    """Plan the tests of claims. Raises ConfigError for a budget that is too small for any of them."""
    unit, size_of = wish.limit.unit, {size.name: size for size in sizes}
    tasks = list(dict.fromkeys(test.task for test in found.tests))
    needed = {task: found.models_of(task) for task in tasks}
    totals = {task: size_of[needed[task][0]].tasks[task].total for task in tasks}
    each = {task: math.fsum(costs[name, task].of(unit) or 0.0 for name in needed[task]) for task in tasks}
    models = list(dict.fromkeys(name for task in tasks for name in needed[task]))
    begin = math.fsum(starts[name] for name in models) if unit == "seconds" else 0.0
    kept = wish.limit.amount * (1 - KEPT_BACK) - begin
    tried: dict[str, list[int]] = {}
    curves, chances = [], {}
    for task in tasks:
        own = [test for test in found.tests if test.task == task]
        tried[task] = _grid(min(wish.min_n, totals[task]), totals[task])
        for n in tried[task]:
            chances[task, n] = [_chance(test, n, totals[task], earlier) for test in own]
        curves.append([Step(n, n * each[task], math.fsum(chances[task, n])) for n in tried[task]])
    steps = most_settled(curves, kept)
    chosen = {task: step.n if step else 0 for task, step in zip(tasks, steps, strict=True)}
    if not any(chosen.values()):
        cheapest = min(tasks, key=lambda task: tried[task][0] * each[task])
        need = (tried[cheapest][0] * each[cheapest] + begin) / (1 - KEPT_BACK)
        raise ConfigError(
            f"--budget {wish.limit.text}: too small for anything: {tried[cheapest][0]} samples of {cheapest}, the "
            f"cheapest task, take {shown(need, unit)}; give more, or a smaller --min-n"
        )
    decisions = [
        Decision(
            test.claim.id,
            test.task,
            _against(test),
            chosen[test.task],
            _chance(test, chosen[test.task], totals[test.task], earlier) if chosen[test.task] else 0.0,
            chances[test.task, totals[test.task]][[one for one in found.tests if one.task == test.task].index(test)],
            "; ".join(_prior(test.claim, name, test.task, earlier)[1] for name in test.models),
        )
        for test in found.tests
    ]
    cheaper = "samples of other tasks settle more for what these cost"
    return PlannedRun(
        what=wish.what,
        kind="claim",
        limit=wish.limit,
        sees="difference",
        goal=None,
        min_n=wish.min_n,
        seed=wish.seed,
        models=tuple(models),
        tasks=tuple(
            TaskChoice(task, totals[task], chosen[task], None, "", "" if chosen[task] else cheaper) for task in tasks
        ),
        decisions=tuple(decisions),
        lines=tuple(
            Line(chosen[task], costs[name, task])
            for name in models
            for task in tasks
            if chosen[task] and name in needed[task]
        ),
        starts={name: starts[name] for name in models},
        used=begin + math.fsum(chosen[task] * each[task] for task in tasks),
        aside=found.aside,
        stand_ins=found.stand_ins,
    )


def _parties(claim: Claim, configs: Mapping[str, RunConfig]) -> tuple[str, list[str], str]:
    """The subject's model, one model for each comparator, and what is missing."""
    free = list(configs)
    matched = {party.model: name for name in configs if (party := party_of(claim, configs[name])) is not None}
    subject = next((name for name in free if is_subject(claim, configs[name])), None)
    subject = subject or next((name for name in free if name not in matched.values()), free[0])
    free = [name for name in free if name != subject and name not in matched.values()]
    if claim.threshold is not None:
        return subject, [], ""
    others: list[str] = []
    for party in claim.comparators:
        name = matched.get(party.model) or (free.pop(0) if free else None)
        if name is None or name == subject:
            return subject, [], f"it compares with {party.model}: add a model for it to --models"
        others.append(name)
    return subject, others, ""


def _differs(before: Claim | None, claim: Claim) -> bool:
    if before is None:
        return False
    keys = ("max_tokens", "temperature", "samples", "prompt")
    return any(getattr(before.protocol, key) != getattr(claim.protocol, key) for key in keys)


def _grid(least: int, most: int) -> list[int]:
    """Numbers of samples from `least` to `most`, each about the same factor above the one before."""
    steps = [round(least * (most / least) ** (step / (TRIED - 1))) for step in range(TRIED)]
    return sorted({*steps, least, most})


def _chance(test: Tested, n: int, total: int, earlier: Mapping[tuple[str, str], Earlier]) -> float:
    claim, alpha = test.claim, test.claim.stats.alpha / test.parts
    priors = [_prior(claim, name, test.task, earlier)[0] for name in test.models]
    if len(test.models) == 1:
        size = total if claim.test.about == "benchmark" else None
        return score_decided(n, bar_of(claim, None).value, priors[0], size, alpha)
    gap = gap_of(claim)
    margins = Margins(-gap.margin, gap.margin) if gap.within else Margins(low=gap.shift)
    return difference_decided(n, margins, (priors[0], priors[1]), CORRELATION, alpha)


def _prior(claim: Claim, name: str, task: str, earlier: Mapping[tuple[str, str], Earlier]) -> tuple[Prior, str]:
    """What is believed of a model's score on a task, and where that is from."""
    run = earlier.get((name, task))
    if run is not None and run.right is not None and run.values is not None:
        n = len(run.values.samples)
        return Prior(run.right, n - run.right), f"{name}: {run.right / n:.3f} in {run.folder} (n {n})"
    rows = [
        row
        for row in claim.published
        if row.task == task
        and 0 < row.value < 1
        and is_named(row.model, _party(claim, row.model))
        and is_named(name, _party(claim, row.model))
    ]
    if rows:
        weight = math.fsum(min(row.n or FIFTY, FIFTY) for row in rows) / len(rows)
        mean = math.fsum(row.value for row in rows) / len(rows)
        return Prior(mean * weight, (1 - mean) * weight), f"{name}: {mean:.3f} as published, counted as n {weight:.0f}"
    return Prior(), f"{name}: every score alike"


def _party(claim: Claim, model: str) -> Party:
    return next((one for one in (claim.subject, *claim.comparators) if is_named(model, one)), Party(model=""))


def _against(test: Tested) -> str:
    if len(test.models) == 1:
        return f"{test.claim.relation} {bar_of(test.claim, None).value:g}"
    return f"{test.claim.relation} {test.models[1]}"
