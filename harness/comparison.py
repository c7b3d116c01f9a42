"""Runs compared with a baseline run: read, checked for the same protocol, paired by sample, compared.

Guarantees that runs of different protocols are refused with the fields named, unless the caller allows them; then
the result lists the fields. Reads run folders only: no model, no data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from harness.analysis.compare import PairedTask, as_family, compare, pair_values
from harness.analysis.protocol import Difference, ProtocolDifferences, protocol_differences
from harness.analysis.repeatability import differences_within_repeats
from harness.analysis.served import ServedRun, may_explain
from harness.analysis.values import NoSampleValues, SampleValues, values_of
from harness.datatypes import Record
from harness.engines.base import ONCE_IN_IDENTITY
from harness.errors import UserError
from harness.privacy import presentable
from harness.results import Comparison
from harness.store.manifest import Manifest
from harness.store.run_folder import DRAWN_FILE, read_manifest, read_scores

# Fields named in one line of an error
NAMED = 6
ALL = "all"
# Longest value shown of a field
SHOWN = 40


@dataclass(frozen=True, slots=True)
class RunSide:
    """One of the runs: its label in tables, and its folder."""

    label: str
    run_id: str
    model: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that was not compared with the baseline, and the settings of its protocol that differ."""

    run: str
    fields: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of comparing runs. `runs[0]` is the baseline (a) of every comparison.

    `pairings[i]` holds the samples of `comparisons[i]`. `protocol`: settings that differ though they must not, each
    with the run's label; `warnings`: what else a reader must know; `explanations`: what else than the models may have
    made a difference, each with the label of the run that is compared with the baseline; `refused`: runs that were not
    compared.
    """

    runs: tuple[RunSide, ...]
    comparisons: tuple[Comparison, ...]
    pairings: tuple[PairedTask, ...]
    protocol: tuple[tuple[str, Difference], ...]
    warnings: tuple[str, ...]
    explanations: tuple[tuple[str, str], ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run that was read. `records` may have no texts (`store.slim`)."""

    side: RunSide
    manifest: Manifest
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class _Part:
    """One run compared with the baseline."""

    comparisons: tuple[Comparison, ...]
    pairings: tuple[PairedTask, ...]
    warnings: tuple[str, ...]
    explanations: tuple[tuple[str, str], ...]


def compare_runs(folders: Sequence[Path], *, allow_protocol: bool = False) -> Compared:
    """Compare every run after the first with the first, on all tasks that both hold, as one family of tests.

    Raises RunFolderError for a folder that is no run, UserError for fewer than two runs, no common task, or a
    protocol that differs and is not allowed to, DataError where a task has no sample scored in both.
    """
    if len(folders) < 2:
        raise UserError("compare needs two run folders or more: the baseline first, then the runs to compare with it")
    manifests = [read_manifest(folder) for folder in folders]
    sides = run_sides(folders, manifests)
    first = ComparedRun(sides[0], manifests[0], read_scores(folders[0])[1])
    baseline = _Baseline(first)
    parts: list[_Part] = []
    protocol: list[tuple[str, Difference]] = []
    warnings = not_of_fixed_n(sides, manifests)
    for side, manifest in zip(sides[1:], manifests[1:], strict=True):
        tasks, notes = _common_tasks(sides[0], manifests[0], side, manifest)
        if not tasks:
            raise UserError(f"{sides[0].folder} and {side.folder} have no task in common")
        found = _protocols(manifests[0], manifest, tasks)
        if found.refused and not allow_protocol:
            raise UserError(_refusal(sides[0], side, found.refused))
        protocol += [(side.label, difference) for difference in found.refused]
        warnings += [*notes, *_noted(side, found)]
        # One run beside the first at a time: each may hold a hundred thousand records
        parts.append(_with_first(baseline, ComparedRun(side, manifest, read_scores(side.folder)[1]), tasks))
    if not any(part.comparisons for part in parts):
        raise UserError("nothing to compare: no common task has a metric with a value per sample")
    return _together(sides, parts, protocol, warnings)


def compare_read(runs: Sequence[ComparedRun], *, allow_protocol: bool = False) -> Compared:
    """Compare runs that were read, as `compare_runs` does, but leave out what it refuses.

    A run under another protocol is in `refused`; one with no common task, and a task without a common scored sample,
    are in the warnings. `comparisons` may be empty. Raises ValueError for no run.
    """
    if not runs:
        raise ValueError("no runs to compare")
    first, parts, protocol, refused = runs[0], [], list[tuple[str, Difference]](), list[Refused]()
    baseline, sides = _Baseline(first), tuple(run.side for run in runs)
    warnings = not_of_fixed_n(sides, [run.manifest for run in runs])
    for run in runs[1:]:
        tasks, notes = _common_tasks(first.side, first.manifest, run.side, run.manifest)
        if not tasks:
            warnings.append(f"{run.side.label}: not compared: it has no task in common with {first.side.label}")
            continue
        found = _protocols(first.manifest, run.manifest, tasks)
        if found.refused and not allow_protocol:
            refused.append(Refused(run.side.label, found.refused))
            continue
        protocol += [(run.side.label, difference) for difference in found.refused]
        warnings += [*notes, *_noted(run.side, found)]
        parts.append(_with_first(baseline, run, tasks, lenient=True))
    return replace(_together(sides, parts, protocol, warnings), refused=tuple(refused))


def by_task(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return each task's records."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.request.task, []).append(record)
    return found


class _Baseline:
    """The first run's values of each task, computed once for all runs that are compared with it."""

    def __init__(self, run: ComparedRun) -> None:
        """Fold nothing yet."""
        self.run = run
        self._records = by_task(run.records)
        self._values: dict[str, SampleValues] = {}

    def values(self, task: str) -> SampleValues:
        """Raise NoSampleValues as `values_of` does."""
        if task not in self._values:
            self._values[task] = values_of(self._records.get(task, ()), task, self.run.manifest.metric(task))
        return self._values[task]


def _with_first(baseline: _Baseline, other: ComparedRun, tasks: Sequence[str], *, lenient: bool = False) -> _Part:
    """Compare a run with the baseline on these tasks.

    `lenient`: a task that cannot be compared is a warning; the n needed are not computed.
    """
    comparisons: list[Comparison] = []
    pairings: list[PairedTask] = []
    warnings: list[str] = []
    first, own = baseline.run, by_task(other.records)
    a, b = first.side, other.side
    for task in tasks:
        try:
            values, metric = baseline.values(task), first.manifest.metric(task)
            paired = pair_values(values, values_of(own.get(task, ()), task, metric, values.scorer))
        except NoSampleValues as error:
            if not error.of_corpus and not lenient:
                raise
            reason = "its metric has no value per sample" if error.of_corpus else str(error)
            warnings.append(f"{task}: not compared: {reason}")
            continue
        if lenient and not paired.samples.n:
            warnings.append(f"{task}: not compared: no sample is scored in both {a.label} and {b.label}")
            continue
        comparisons.append(compare(paired, a.label, b.label, needed=not lenient))
        pairings.append(paired)
        warnings += [*_limited(paired, first.manifest, other.manifest), *_left_out(paired, b)]
        warnings += differences_within_repeats(
            comparisons[-1], (a.folder, a.run_id, first.records), (b.folder, b.run_id, other.records)
        )
    runs = ((a, first.manifest, first.records), (b, other.manifest, other.records))
    explanations = tuple((b.label, line) for line in _explanations(runs, pairings))
    return _Part(tuple(comparisons), tuple(pairings), tuple(warnings), explanations)


def _together(
    sides: tuple[RunSide, ...],
    parts: Sequence[_Part],
    protocol: Sequence[tuple[str, Difference]],
    warnings: Sequence[str],
) -> Compared:
    """All comparisons as one family."""
    comparisons = [comparison for part in parts for comparison in part.comparisons]
    return Compared(
        sides,
        as_family(comparisons),
        tuple(pairing for part in parts for pairing in part.pairings),
        tuple(protocol),
        tuple(dict.fromkeys([*warnings, *(line for part in parts for line in part.warnings)])),
        tuple(explanation for part in parts for explanation in part.explanations),
    )


def _protocols(first: Manifest, other: Manifest, tasks: Sequence[str]) -> ProtocolDifferences:
    return protocol_differences(first.identity.written, other.identity.written, tasks, ONCE_IN_IDENTITY)


def _noted(side: RunSide, found: ProtocolDifferences) -> list[str]:
    return [f"{side.label}: {difference_text(difference)}" for difference in found.noted]


def not_of_fixed_n(sides: Sequence[RunSide], manifests: Sequence[Manifest]) -> list[str]:
    """Return warnings of runs that are not finished, are shards, or stopped when a claim was settled."""
    unfinished = [
        f"{side.label}: the run is not finished ({manifest.status}): only the samples answered so far are compared"
        for side, manifest in zip(sides, manifests, strict=True)
        if manifest.status != "finished"
    ]
    shards = [
        f"{side.label}: {manifest.shard_text}: only this part of its run is compared"
        for side, manifest in zip(sides, manifests, strict=True)
        if manifest.shard
    ]
    return [
        *unfinished,
        *shards,
    ] + [
        f"{side.label}: its run stopped as soon as a claim was settled: n was not fixed in advance, so p is too small"
        for side in sides
        if (side.folder / DRAWN_FILE).exists()
    ]


def difference_text(difference: Difference) -> str:
    """Return a difference in short: `field: a | b`, or a sentence for another engine or rounded weights."""
    if difference.field == "engine.name":
        return f"another engine: {_short(difference.a)}, {_short(difference.b)}"
    if difference.field == "engine.dtype" and any("(" in str(value) for value in (difference.a, difference.b)):
        return f"weights stored in other ways, so other models: {_short(difference.a)} | {_short(difference.b)}"
    return f"{difference.field}: {_short(difference.a)} | {_short(difference.b)}"


def labelled(folders: Sequence[Path], manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Label runs by model; where two have the same model, with the shortest end of the folder's path that differs too.

    A user's own folder is not shown; runs that nothing else tells apart are numbered.
    """
    models = [manifest.shown_name for manifest in manifests]
    if len(set(models)) == len(models):
        return tuple(models)
    paths = [PurePath(presentable(str(folder.absolute()))).parts for folder in folders]
    labels = tuple(f"{model} ({_end(parts, paths)})" for model, parts in zip(models, paths, strict=True))
    if len(set(labels)) == len(labels):
        return labels
    return tuple(f"{label} #{place}" for place, label in enumerate(labels, 1))


def _end(parts: Sequence[str], paths: Sequence[Sequence[str]]) -> str:
    """The shortest end of a path that no other path has; its last part where all of it is another's."""
    for depth in range(1, len(parts) + 1):
        if sum(other[-depth:] == parts[-depth:] for other in paths) == 1:
            return "/".join(parts[-depth:])
    return parts[-1] if parts else ""


def run_sides(folders: Sequence[Path], manifests: Sequence[Manifest]) -> tuple[RunSide, ...]:
    """Return the runs of these folders, labelled."""
    return tuple(
        RunSide(label, manifest.run_id, manifest.model_name, folder)
        for label, manifest, folder in zip(labelled(folders, manifests), manifests, folders, strict=True)
    )


def _common_tasks(
    first: RunSide, one: Manifest, side: RunSide, other: Manifest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tasks of both, perhaps none, in the baseline's order, and notes on the tasks of only one."""
    tasks_one, tasks_other = one.identity.tasks, other.identity.tasks
    common = tuple(task for task in tasks_one if task in tasks_other)
    notes = [f"{task}: not compared: only in {first.label}" for task in tasks_one if task not in tasks_other]
    notes += [f"{task}: not compared: only in {side.label}" for task in tasks_other if task not in tasks_one]
    return common, tuple(notes)


def _explanations(
    runs: tuple[tuple[RunSide, Manifest, Sequence[Record]], tuple[RunSide, Manifest, Sequence[Record]]],
    pairings: Sequence[PairedTask],
) -> tuple[str, ...]:
    """What of the servers may explain that two runs differ, on the tasks on which they do."""
    differing = {paired.task for paired in pairings if paired.discordant}
    if not differing:
        return ()
    a, b = (
        ServedRun(
            side.label,
            manifest.model_path,
            manifest.engine,
            [record for record in records if record.request.task in differing],
        )
        for side, manifest, records in runs
    )
    return may_explain(a, b)


def _refusal(first: RunSide, side: RunSide, refused: Sequence[Difference]) -> str:
    shown = "; ".join(difference_text(difference) for difference in refused[:NAMED])
    more = f"; and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
    return (
        f"{first.folder} and {side.folder} were run under different protocols: {shown}{more} "
        "(--allow-protocol compares them anyway)"
    )


def _left_out(paired: PairedTask, side: RunSide) -> list[str]:
    lines, samples = [], paired.samples
    if samples.unscored:
        lines.append(f"{paired.task}, {side.label}: {samples.unscored} samples left out: unscored in one of the runs")
    if samples.unpaired:
        lines.append(f"{paired.task}, {side.label}: {samples.unpaired} samples left out: only in one of the runs")
    return lines


def _limited(paired: PairedTask, one: Manifest, other: Manifest) -> list[str]:
    """Which part of the task the runs are compared on, where it is one."""
    n, total = paired.samples.n, one.total(paired.task)
    if n >= total:
        return []
    parts = [_drawn(paired.task, manifest) for manifest in (one, other)]
    drawn = sorted({part for part in parts if part.startswith("drawn")})
    compared = f"{paired.task}: compared on {n} of {total} samples"
    if len(drawn) == 1 and set(parts) <= {*drawn, ALL}:
        return [f"{compared}, a random part {drawn[0]}"]
    if not drawn and n in (one.config.get("limit"), other.config.get("limit")):
        return [f"{paired.task}: compared on the first {n} of {total} samples, which are no random part of the task"]
    shared = "those that both runs have"
    return [f"{compared}, {shared} ({parts[0]}; {parts[1]})" if drawn else f"{compared}, {shared}"]


def _drawn(task: str, manifest: Manifest) -> str:
    """Which samples of a task a run was to answer, in words."""
    seed, limit = manifest.drawn_with(task), manifest.config.get("limit")
    if seed is not None:
        return f"drawn with seed {seed}"
    return ALL if limit is None or limit >= manifest.total(task) else f"the first {limit}"


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
