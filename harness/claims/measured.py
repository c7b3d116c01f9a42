"""Evidence for a claim from run folders: scores, paired differences, languages.

Guarantees: a run under another protocol than the claim's decides nothing, unless the user allows it, which the evidence
then notes; two runs of different protocols are not compared; unscored samples are left out and counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis.protocol import protocol_differences
from harness.analysis.values import SampleValues, join, values_if_any
from harness.claims.early_stopping import SUITE_PREFIX, replay
from harness.claims.judge import AGAIN
from harness.claims.languages import of_languages
from harness.claims.lost_answers import Lost
from harness.claims.ordered_test import OrderedTest
from harness.claims.page import THRESHOLDS, Claim, Party
from harness.claims.protocol import is_named, published_faults, run_faults, run_options
from harness.claims.published import (
    bar_of,
    enough,
    gap_of,
    parts_of,
    required_of,
    source_of,
    times_words,
    whole_counts,
)
from harness.claims.runs import Run, of_comparators, of_subject, task_name
from harness.claims.verdict import NEVER_DIFFERED, Evidence, EvidencePath, Role, Ruling
from harness.engines.base import ONCE_IN_IDENTITY
from harness.errors import RunFolderError, UserError
from harness.stats.relations import Differed, paired_test, unpaired_test, whole_test
from harness.stats.thresholds import Bar, Scored, count_test, macro_test, mean_test


@dataclass(frozen=True, slots=True)
class Measured:
    """Evidence of one model's runs, the parts of the claim without evidence; ruling and paths of a sequential test.

    `model` is empty where there was no run; `unfit` says why runs that were given settle nothing; `lost`: answers that
    the set-up lost.
    """

    model: str = ""
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[str, ...] = ()
    ruling: Ruling | None = None
    paths: tuple[EvidencePath, ...] = ()
    unfit: str = ""
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSource:
    """Where measured numbers are from: a run folder, its id, and the model."""

    folder: Path
    run_id: str
    model: str

    @property
    def text(self) -> str:
        """As evidence shows it."""
        return f"measured here: {self.folder}"


@dataclass(frozen=True, slots=True)
class Part:
    """One run's values on one task of a claim, and why they may not decide.

    `task` as the claim names it, which may be a file; `name` as runs do.
    """

    run: Run
    task: str
    name: str
    values: SampleValues
    total: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def of_runs(claim: Claim, runs: Sequence[Run]) -> Measured:
    """Return the evidence of the subject's runs (compared with the comparators'). Raises as `replayed` does."""
    mine = of_subject(runs, claim)
    if claim.relation == "count>=":
        counted = tuple(one for run in mine for one in of_languages(claim, run, "subject"))
        return Measured(claim.subject.model, counted)
    if mine and (sequential := replayed(claim, mine, "subject")) is not None:
        return sequential
    own = [part for run in mine for part in _parts(claim, run, claim.subject, claim.test.tasks)]
    if not own:
        return Measured(missing=tuple(parts_of(claim)), unfit=_unfit(claim, mine, claim.test.tasks))
    if claim.threshold is not None and claim.relation in THRESHOLDS:
        evidence = _scores(claim, own, "subject")
    else:
        evidence = _differences(claim, own, of_comparators(runs, claim))
    settled = {one.part for one in evidence if one.test is not None}
    missing = () if settled == {"mean"} else tuple(part for part in parts_of(claim) if part not in settled)
    unfit = "" if evidence else f"no run of {' or '.join(party.model for party in claim.comparators)} was given"
    return Measured(claim.subject.model, tuple(evidence), missing, unfit=unfit)


def of_stand_in(claim: Claim, runs: Sequence[Run]) -> Measured:
    """Return the evidence of a stand-in's runs: on the claim's tasks if it was run on these, else on its own.

    A claim about two models takes two runs or more: the first is compared with each of the others.
    """
    first = runs[0]
    if claim.relation == "count>=":
        return Measured(first.model, tuple(of_languages(claim, first, "stand_in")))
    if (sequential := replayed(claim, runs, "stand_in")) is not None:
        return sequential
    tasks = [task for task in claim.test.tasks if task_name(task) in first.tasks]
    if not tasks and claim.subject.stand_in is not None:
        tasks = [task for task in claim.subject.stand_in.tasks if task_name(task) in first.tasks]
    own = _parts(claim, first, None, tasks)
    if claim.threshold is not None and claim.relation in THRESHOLDS:
        evidence = _scores(claim, own, "stand_in")
        return Measured(first.model, tuple(evidence))
    others = [(run, Party(model=run.model)) for run in runs[1:]]
    return Measured(first.model, tuple(_differences(claim, own, others, "stand_in")) if others else ())


def replayed(claim: Claim, runs: Sequence[Run], role: Role) -> Measured | None:
    """Repeat the sequential test of a run that was made for this claim; None if no run was.

    Raises RunFolderError as `early_stopping.replay` does, UserError where it is given together with other runs.
    """
    for run in runs:
        metrics = {task: run.manifest.metric(task) for task in run.tasks}
        test = replay(claim, run.folder, run.records, metrics)
        if test is None:
            if run.manifest.suite_name.startswith(SUITE_PREFIX):
                raise RunFolderError(
                    f"{run.folder} is of an interrupted `harness claim check --run`: run that command again"
                )
            continue
        if len(runs) > 1:
            raise UserError(f"{run.folder} stopped when the claim was settled: give it alone, without other runs")
        return of_sequential_test(test, RunSource(run.folder, run.manifest.run_id, run.model), role)
    return None


def of_sequential_test(test: OrderedTest, source: RunSource, role: Role) -> Measured:
    """The evidence and the ruling of a sequential test."""
    evidence = tuple(replace(one, role=role) for one in test.evidence(source.text, source.model, source.run_id))
    return Measured(source.model, evidence, (), test.ruling(), test.paths)


def _unfit(claim: Claim, runs: Sequence[Run], tasks: Sequence[str]) -> str:
    """Why none of these runs has a score for the claim; empty without runs."""
    wanted = [task_name(task) for task in tasks]
    for run in runs:
        shared = [task for task in wanted if task in run.tasks]
        if shared:
            return f"the run {run.folder} has no score for each sample on {', '.join(shared)}"
    if not runs or not wanted:
        return ""
    return f"the run {runs[0].folder} is on {', '.join(runs[0].tasks)}, and the claim is about {', '.join(wanted)}"


def _parts(claim: Claim, run: Run, party: Party | None, tasks: Sequence[str]) -> list[Part]:
    found = []
    for task in tasks:
        name = task_name(task)
        if name not in run.tasks:
            continue
        metric = run.manifest.metric(name)
        values = values_if_any(run.records, name, metric)
        if values is None:
            continue
        faults = run_faults(claim, party, run.manifest.task(name), run.manifest.identity.model.revision)
        notes = [f"{len(values.unscored)} samples are unscored and left out"] if values.unscored else []
        total = run.manifest.total(name)
        if len(values.samples) + len(values.unscored) < total:
            seed = run.manifest.drawn_with(name)
            part = "the first " if seed is None else ""
            drawn = "no random part, though treated as one" if seed is None else f"drawn with seed {seed}"
            notes.append(f"{part}{len(values.samples)} of {total} items, {drawn}")
        if run.given_as == "subject" and party is not None and not run.is_of(party):
            notes.append(f"the run is of {run.model}; --subject declares it as {party.model}")
        if party is None or run.allow_protocol:
            notes += [f"protocol differs from the claim: {fault}" for fault in faults]
            faults = ()
        elif faults and (options := run_options(claim, run.manifest.task(name), name)):
            notes.append(f"{AGAIN}{' '.join(options)}")
        found.append(Part(run, task, name, values, total, faults, tuple(notes)))
    return found


def _scores(claim: Claim, parts: Sequence[Part], role: Role) -> list[Evidence]:
    alpha = claim.stats.alpha
    if claim.test.aggregate == "mean" and len(parts) > 1 and not any(part.faults for part in parts):
        found = _mean_of_tasks(parts, bar_of(claim, None))
        what = f"mean of {', '.join(part.name for part in parts)}: {parts[0].run.model}"
        base = Evidence(what, _where(parts[0].run), role=role, part="mean", run_id=parts[0].run.manifest.run_id)
        return [_with_score(base, found, claim)]
    evidence = []
    for part in parts:
        base = _evidence(part, role)
        if part.faults:
            low_high = _score_test(part.values, bar_of(claim, None), alpha)
            base = replace(
                base, value=low_high.value, low=low_high.low, high=low_high.high, n=low_high.n, method=low_high.method
            )
            evidence.append(replace(base, faults=part.faults))
        else:
            evidence.append(_with_score(base, _score_test(part.values, bar_of(claim, part.total), alpha), claim))
    return evidence


def _mean_of_tasks(parts: Sequence[Part], bar: Bar) -> Scored:
    """Test the mean of several tasks; where a page is used several times, or a task run twice, samples are shared."""
    values = [(part.values.values, [sample.cluster for sample in part.values.samples]) for part in parts]
    pages = [page for run in {id(part.run): part.run for part in parts}.values() for page in run.manifest.pages]
    return macro_test(values, bar, shared=len(set(pages)) < len(pages))


def _score_test(values: SampleValues, bar: Bar, alpha: float) -> Scored:
    """Test a task's score against the bar, by the exact test where each value is 0 or 1."""
    if values.binary or (bar.size == len(values.samples) and values.zero_or_one):
        return count_test(*values.counts, bar, alpha)
    return mean_test(values.values, values.clusters, bar)


def _with_score(base: Evidence, found: Scored, claim: Claim) -> Evidence:
    found_here = replace(
        base,
        value=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        method=found.method,
        test=found.test,
        required=required_of(claim),
    )
    return enough(claim, found_here)


def _differences(
    claim: Claim, parts: Sequence[Part], others: Sequence[tuple[Run, Party]], role: Role = "subject"
) -> list[Evidence]:
    """Differences from each comparator's run on the same samples, or from its published number if there is no run."""
    evidence = []
    for part in parts:
        compared = set()
        for run, party in others:
            for other in _parts(claim, run, party if role == "subject" else None, [part.task]):
                compared.add(party.model)
                evidence.append(_against_run(claim, part, other, party, role))
        if role == "subject":
            evidence += _against_published(claim, part, compared)
    return evidence


def _against_run(claim: Claim, part: Part, other: Part, party: Party, role: Role) -> Evidence:
    base = replace(_evidence(part, role), part=f"{part.task}, {party.model}", notes=(*part.notes, *other.notes))
    base = replace(base, what=f"{part.name}: {part.run.model} less {other.run.model}")
    base = replace(base, source=f"{_where(part.run)} and {other.run.folder}")
    identities = (part.run.manifest.identity.written, other.run.manifest.identity.written)
    apart = protocol_differences(*identities, [part.name], ONCE_IN_IDENTITY)
    faults = [*part.faults, *other.faults, *(f"{d.field}: {d.a} | {d.b}" for d in apart.refused)]
    if faults and part.run.allow_protocol:
        base, faults = replace(base, notes=(*base.notes, *(f"allowed: {fault}" for fault in faults))), []
    joined = join(part.values, other.values)
    if not joined.n:
        return replace(base, faults=(*faults, "no sample was scored in both runs"))
    values, baseline = joined.values
    if claim.test.about == "benchmark" and joined.n == max(part.total, other.total):
        found = whole_test(values, baseline, gap_of(claim), strict=claim.relation in (">", "<"))
    else:
        found = paired_test(values, baseline, joined.clusters, gap_of(claim))
        if claim.test.about == "benchmark":
            # All items settle it
            found = replace(found, test=replace(found.test, needed=max(part.total, other.total) - joined.n))
    if values == baseline:
        base = replace(base, notes=(*base.notes, f"{NEVER_DIFFERED} on these {joined.n} samples"))
    ours, theirs = math.fsum(values) / joined.n, found.baseline
    less = f"less {times_words(claim)}{other.run.model} {theirs:.3f}"
    base = replace(base, what=f"{part.name}: {part.run.model} {ours:.3f} {less}")
    return _with_difference(claim, base, found, tuple(faults))


def _against_published(claim: Claim, part: Part, compared: set[str]) -> list[Evidence]:
    evidence = []
    for party in claim.comparators:
        for row in claim.published:
            fits = row.task == part.task and row.n is not None and is_named(row.model, party)
            if party.model in compared or not fits or row.n is None:
                continue
            base = replace(_evidence(part, "subject"), part=f"{part.task}, {party.model}")
            less = f"less {times_words(claim)}{row.model} {row.value:.3f}"
            base = replace(
                base,
                what=f"{part.name}: {part.run.model} {part.values.mean:.3f} {less}",
                source=f"{_where(part.run)}; {source_of(row)}",
            )
            found = unpaired_test(part.values.counts, whole_counts(row.value, row.n), gap_of(claim))
            evidence.append(_with_difference(claim, base, found, (*part.faults, *published_faults(claim, party, row))))
    return evidence


def _with_difference(claim: Claim, base: Evidence, found: Differed, faults: tuple[str, ...]) -> Evidence:
    found_here = replace(
        base,
        value=found.difference,
        low=found.low,
        high=found.high,
        n=found.n,
        method=found.method,
        baseline=found.baseline,
        test=None if faults else found.test,
        faults=faults,
        required=required_of(claim),
    )
    return enough(claim, found_here)


def _evidence(part: Part, role: Role) -> Evidence:
    what, run_id = f"{part.name}: {part.run.model}", part.run.manifest.run_id
    return Evidence(what, _where(part.run), notes=part.notes, run_id=run_id, role=role, part=part.task)


def _where(run: Run) -> str:
    return f"measured here: {run.folder}"
