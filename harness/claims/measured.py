"""What run folders say of a claim: scores, paired differences, languages, as evidence.

Guarantees: a run under another protocol than the claim's decides nothing, unless the user allows it, and then says so;
two runs that were asked differently are not compared; an unscored sample is left out and told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis.protocol import protocol_differences
from harness.analysis.values import Values, score_test, values_of
from harness.claims.early_stopping import DRAWN, replay
from harness.claims.judge import AGAIN
from harness.claims.languages import of_languages
from harness.claims.page import THRESHOLDS, Claim, Party
from harness.claims.protocol import is_named, published_faults, run_faults, run_options
from harness.claims.published import bar_of, gap_of, parts_of, source_of, times_words, whole_counts
from harness.claims.runs import Run, of_comparators, of_subject
from harness.claims.sequential_test import Walk
from harness.claims.verdict import Evidence, Role, Ruling
from harness.engines.base import ONCE_IN_IDENTITY
from harness.errors import RunFolderError, UserError
from harness.stats.hypothesis import HypothesisTest
from harness.stats.relations import Differed, paired_test, unpaired_test
from harness.stats.thresholds import Scored, macro_test


@dataclass(frozen=True, slots=True)
class Measured:
    """Evidence of one model's runs, the parts of the sentence that it leaves open, and the ruling if one is fixed.

    `model` is empty where there was no run.
    """

    model: str = ""
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    ruling: Ruling | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One run's values on one task of a claim, and why they may not decide."""

    run: Run
    task: str
    values: Values
    total: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def of_runs(claim: Claim, runs: Sequence[Run]) -> Measured:
    """Return what the subject's runs say (against the comparators'). Raises as `replayed` does."""
    mine = of_subject(runs, claim)
    if claim.relation == "count>=":
        counted = tuple(one for run in mine for one in of_languages(claim, run, "subject"))
        return Measured(claim.subject.model, counted)
    if mine and (drawn := replayed(claim, mine, "subject")) is not None:
        return drawn
    own = [part for run in mine for part in _parts(claim, run, claim.subject, claim.test.tasks)]
    if not own:
        return Measured(missing=tuple(parts_of(claim)))
    if claim.threshold is not None and claim.relation in THRESHOLDS:
        evidence = _scores(claim, own, "subject")
    else:
        evidence = _differences(claim, own, of_comparators(runs, claim))
    settled = {one.part for one in evidence if one.test is not None}
    missing = () if settled == {"mean"} else tuple(part for part in parts_of(claim) if part not in settled)
    return Measured(claim.subject.model, tuple(evidence), missing)


def of_stand_in(claim: Claim, runs: Sequence[Run]) -> Measured:
    """Return what a stand-in's own numbers say: on the claim's tasks if it was asked these, else on its own.

    A claim of two models takes two runs: the first is held against each other one.
    """
    first = runs[0]
    if claim.relation == "count>=":
        return Measured(first.model, tuple(of_languages(claim, first, "stand_in")))
    if (drawn := replayed(claim, runs, "stand_in")) is not None:
        return drawn
    tasks = [task for task in claim.test.tasks if task in first.tasks]
    if not tasks and claim.subject.stand_in is not None:
        tasks = [task for task in claim.subject.stand_in.tasks if task in first.tasks]
    own = _parts(claim, first, None, tasks)
    if claim.threshold is not None and claim.relation in THRESHOLDS:
        evidence = _scores(claim, own, "stand_in")
        return Measured(first.model, tuple(evidence))
    others = [(run, Party(model=run.model)) for run in runs[1:]]
    return Measured(first.model, tuple(_differences(claim, own, others, "stand_in")) if others else ())


def replayed(claim: Claim, runs: Sequence[Run], role: Role) -> Measured | None:
    """Walk a run that was drawn for this claim again; None if none was. One such run stands alone.

    Raises RunFolderError as `drawing.replay` does, UserError where it is given together with others.
    """
    for run in runs:
        metrics = {task: run.manifest.metric(task) for task in run.tasks}
        walk = replay(claim, run.folder, run.records, metrics)
        if walk is None:
            if run.manifest.suite_name.startswith(DRAWN):
                raise RunFolderError(
                    f"{run.folder} was cut off while it was drawn for a claim: run the same command again"
                )
            continue
        if len(runs) > 1:
            raise UserError(f"{run.folder} stopped when the claim was settled: give it alone, not with other runs")
        return of_walk(walk, run.model, (f"measured here: {run.folder}", run.manifest.run_id), role)
    return None


def of_walk(walk: Walk, model: str, where: tuple[str, str], role: Role) -> Measured:
    """What a walk found; `where` is the source and the run id."""
    evidence = tuple(replace(one, role=role) for one in walk.evidence(where[0], model, where[1]))
    return Measured(model, evidence, (), walk.ruling())


def _parts(claim: Claim, run: Run, party: Party | None, tasks: Sequence[str]) -> list[Part]:
    found = []
    for task in tasks:
        if task not in run.tasks:
            continue
        metric = run.manifest.metric(task)
        values = values_of(run.records, task, metric)
        if values is None or not values.values:
            continue
        faults = run_faults(claim, party, run.manifest.task(task), run.manifest.identity.model.revision)
        notes = [f"{len(values.unscored)} samples are unscored and left out"] if values.unscored else []
        total = run.manifest.total(task)
        if len(values.values) + len(values.unscored) < total:
            notes.append(f"the first {len(values.values)} of {total} items, taken as if drawn at random")
        if run.said == "subject" and party is not None and not run.is_of(party):
            notes.append(f"the run is of {run.model}: that this is {party.model} is the user's word")
        if party is None or run.allow_protocol:
            notes += [f"protocol is not the claim's: {fault}" for fault in faults]
            faults = ()
        elif faults and (options := run_options(claim, run.manifest.task(task), task)):
            notes.append(f"{AGAIN}{' '.join(options)}")
        found.append(Part(run, task, values, total, faults, tuple(notes)))
    return found


def _scores(claim: Claim, parts: Sequence[Part], role: Role) -> list[Evidence]:
    alpha = claim.stats.alpha
    if claim.test.aggregate == "mean" and len(parts) > 1 and not any(part.faults for part in parts):
        found = macro_test([(p.values.mean, p.values.stderr, len(p.values.values)) for p in parts], bar_of(claim, None))
        what = f"mean of {', '.join(part.task for part in parts)}: {parts[0].run.model}"
        told = Evidence(what, _where(parts[0].run), role=role, part="mean", run_id=parts[0].run.manifest.run_id)
        return [_with_score(told, found, claim)]
    evidence = []
    for part in parts:
        told = _told(part, role)
        if part.faults:
            low_high = score_test(part.values, bar_of(claim, None), alpha)
            told = replace(
                told, value=low_high.value, low=low_high.low, high=low_high.high, n=low_high.n, method=low_high.method
            )
            evidence.append(replace(told, faults=part.faults))
        else:
            evidence.append(_with_score(told, score_test(part.values, bar_of(claim, part.total), alpha), claim))
    return evidence


def _with_score(told: Evidence, found: Scored, claim: Claim) -> Evidence:
    test = found.test if found.n >= claim.stats.min_n else HypothesisTest(1.0, 1.0, claim.stats.min_n - found.n)
    return replace(told, value=found.value, low=found.low, high=found.high, n=found.n, method=found.method, test=test)


def _differences(
    claim: Claim, parts: Sequence[Part], others: Sequence[tuple[Run, Party]], role: Role = "subject"
) -> list[Evidence]:
    """Against each comparator's run on the same samples; against its printed number where there is no run."""
    evidence = []
    for part in parts:
        met = set()
        for run, party in others:
            tasks = [part.task] if part.task in run.tasks else []
            for other in _parts(claim, run, party if role == "subject" else None, tasks):
                met.add(party.model)
                evidence.append(_against_run(claim, part, other, party, role))
        if role == "subject":
            evidence += _against_printed(claim, part, met)
    return evidence


def _against_run(claim: Claim, part: Part, other: Part, party: Party, role: Role) -> Evidence:
    told = replace(_told(part, role), part=f"{part.task}, {party.model}", notes=(*part.notes, *other.notes))
    told = replace(told, what=f"{part.task}: {part.run.model} less {other.run.model}")
    told = replace(told, source=f"{_where(part.run)} and {other.run.folder}")
    identities = (part.run.manifest.identity.written, other.run.manifest.identity.written)
    apart = protocol_differences(*identities, [part.task], ONCE_IN_IDENTITY)
    faults = [*part.faults, *other.faults, *(f"{d.field}: {d.a} | {d.b}" for d in apart.refused)]
    if faults and part.run.allow_protocol:
        told, faults = replace(told, notes=(*told.notes, *(f"allowed: {fault}" for fault in faults))), []
    held = dict(zip(other.values.ids, other.values.values, strict=True))
    both = [at for at, name in enumerate(part.values.ids) if name in held]
    if not both:
        return replace(told, faults=(*faults, "samples: none was scored in both runs"))
    values = [part.values.values[at] for at in both]
    clusters = [part.values.clusters[at] for at in both] if part.values.clusters else None
    found = paired_test(values, [held[part.values.ids[at]] for at in both], clusters, gap_of(claim))
    ours, theirs = math.fsum(values) / len(values), found.baseline
    less = f"less {times_words(claim)}{other.run.model} {theirs:.3f}"
    told = replace(told, what=f"{part.task}: {part.run.model} {ours:.3f} {less}")
    return _with_difference(told, found, tuple(faults))


def _against_printed(claim: Claim, part: Part, met: set[str]) -> list[Evidence]:
    evidence = []
    for party in claim.comparators:
        for row in claim.published:
            fits = row.task == part.task and row.n is not None and is_named(row.model, party)
            if party.model in met or not fits or row.n is None:
                continue
            told = replace(_told(part, "subject"), part=f"{part.task}, {party.model}")
            less = f"less {times_words(claim)}{row.model} {row.value:.3f}"
            told = replace(
                told,
                what=f"{part.task}: {part.run.model} {part.values.mean:.3f} {less}",
                source=f"{_where(part.run)}; {source_of(row)}",
            )
            found = unpaired_test(part.values.counts, whole_counts(row.value, row.n), gap_of(claim))
            evidence.append(_with_difference(told, found, (*part.faults, *published_faults(claim, party, row))))
    return evidence


def _with_difference(told: Evidence, found: Differed, faults: tuple[str, ...]) -> Evidence:
    return replace(
        told,
        value=found.difference,
        low=found.low,
        high=found.high,
        n=found.n,
        method=found.method,
        baseline=found.baseline,
        test=None if faults else found.test,
        faults=faults,
    )


def _told(part: Part, role: Role) -> Evidence:
    what, run_id = f"{part.task}: {part.run.model}", part.run.manifest.run_id
    return Evidence(what, _where(part.run), notes=part.notes, run_id=run_id, role=role, part=part.task)


def _where(run: Run) -> str:
    return f"measured here: {run.folder}"
