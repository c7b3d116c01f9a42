"""Runs compared with a baseline run: read, checked for the same protocol, paired by sample, compared.

Guarantees that runs of different protocols are refused with the fields named, unless the caller allows them; then
the result lists the fields. Reads run folders only: no model, no data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis.compare import PairedTask, as_family, compare, pair_task
from harness.analysis.protocol import Difference, protocol_differences
from harness.analysis.repeatability import differences_within_repeats
from harness.analysis.served import ServedRun, may_explain
from harness.analysis.values import NoSampleValues
from harness.datatypes import Record
from harness.engines.base import ONCE_IN_IDENTITY
from harness.errors import UserError
from harness.results import Comparison
from harness.store.manifest import Manifest
from harness.store.run_folder import DRAWN_FILE, read_manifest, read_scores

# Fields named in one line of an error
NAMED = 6
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
class Compared:
    """The result of comparing runs. `runs[0]` is the baseline (a) of every comparison.

    `pairings[i]` holds the samples of `comparisons[i]`. `protocol`: settings that differ though they must not, each
    with the run's label; `warnings`: what else a reader must know; `explanations`: what else than the models may have
    made a difference, each with the label of the run that is compared with the baseline.
    """

    runs: tuple[RunSide, ...]
    comparisons: tuple[Comparison, ...]
    pairings: tuple[PairedTask, ...]
    protocol: tuple[tuple[str, Difference], ...]
    warnings: tuple[str, ...]
    explanations: tuple[tuple[str, str], ...] = ()


def compare_runs(folders: Sequence[Path], *, allow_protocol: bool = False) -> Compared:
    """Compare every run after the first with the first, on all tasks that both hold, as one family of tests.

    Raises RunFolderError for a folder that is no run, UserError for fewer than two runs, no common task, or a
    protocol that differs and is not allowed to, DataError where a task has no sample scored in both.
    """
    if len(folders) < 2:
        raise UserError("compare needs two run folders or more: the baseline first, then the runs to compare with it")
    manifests = [read_manifest(folder) for folder in folders]
    sides = _sides(folders, manifests)
    _, first = read_scores(folders[0])
    comparisons: list[Comparison] = []
    pairings: list[PairedTask] = []
    protocol: list[tuple[str, Difference]] = []
    explanations: list[tuple[str, str]] = []
    warnings = _not_of_fixed_n(sides, manifests)
    for side, manifest in zip(sides[1:], manifests[1:], strict=True):
        tasks, notes = _common_tasks(sides[0], manifests[0], side, manifest)
        identities = (manifests[0].identity.written, manifest.identity.written)
        found = protocol_differences(*identities, tasks, ONCE_IN_IDENTITY)
        if found.refused and not allow_protocol:
            raise UserError(_refusal(sides[0], side, found.refused))
        protocol += [(side.label, difference) for difference in found.refused]
        warnings += notes
        warnings += [f"{side.label}: {difference_text(difference)}" for difference in found.noted]
        # One run beside the first at a time: each may hold a hundred thousand records
        _, other = read_scores(side.folder)
        before = len(pairings)
        for task in tasks:
            try:
                paired = pair_task(task, manifests[0].metric(task), first, other)
            except NoSampleValues as error:
                if not error.of_corpus:
                    raise
                warnings.append(f"{task}: not compared: its metric has no value per sample")
                continue
            comparisons.append(compare(paired, sides[0].label, side.label))
            pairings.append(paired)
            warnings += [*_part(paired, manifests[0], manifest), *_left_out(paired, side)]
            warnings += differences_within_repeats(
                comparisons[-1], (sides[0].folder, sides[0].run_id, first), (side.folder, side.run_id, other)
            )
        runs = ((sides[0], manifests[0], first), (side, manifest, other))
        explanations += [(side.label, line) for line in _explanations(runs, pairings[before:])]
    if not comparisons:
        raise UserError("nothing to compare: no common task has a metric with a value per sample")
    return Compared(
        sides,
        as_family(comparisons),
        tuple(pairings),
        tuple(protocol),
        tuple(dict.fromkeys(warnings)),
        tuple(explanations),
    )


def _not_of_fixed_n(sides: Sequence[RunSide], manifests: Sequence[Manifest]) -> list[str]:
    """Warnings of runs that are not finished, or that stopped when a claim was settled."""
    unfinished = [
        f"{side.label}: the run is not finished ({manifest.status}): only the samples answered so far are compared"
        for side, manifest in zip(sides, manifests, strict=True)
        if manifest.status != "finished"
    ]
    return unfinished + [
        f"{side.label}: its run stopped as soon as a claim was settled: n was not fixed in advance, so p is too small"
        for side in sides
        if (side.folder / DRAWN_FILE).exists()
    ]


def difference_text(difference: Difference) -> str:
    """Return a difference in short: `field: a | b`, or a sentence for another engine."""
    if difference.field == "engine.name":
        return f"another engine: {_short(difference.a)}, {_short(difference.b)}"
    return f"{difference.field}: {_short(difference.a)} | {_short(difference.b)}"


def labelled(folders: Sequence[Path], manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Label runs by model; by folder where two have the same model, with a number where the folders are equal too."""
    models = [manifest.model_name for manifest in manifests]
    labels = models if len(set(models)) == len(models) else [str(folder) for folder in folders]
    if len(set(labels)) < len(labels):
        labels = [f"{label} #{place}" for place, label in enumerate(labels, 1)]
    return tuple(labels)


def _sides(folders: Sequence[Path], manifests: Sequence[Manifest]) -> tuple[RunSide, ...]:
    return tuple(
        RunSide(label, manifest.run_id, manifest.model_name, folder)
        for label, manifest, folder in zip(labelled(folders, manifests), manifests, folders, strict=True)
    )


def _common_tasks(
    first: RunSide, one: Manifest, side: RunSide, other: Manifest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tasks of both, in the baseline's order, and notes on the tasks of only one."""
    tasks_one, tasks_other = one.identity.tasks, other.identity.tasks
    common = tuple(task for task in tasks_one if task in tasks_other)
    if not common:
        raise UserError(f"{first.folder} and {side.folder} have no task in common")
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


def _part(paired: PairedTask, one: Manifest, other: Manifest) -> list[str]:
    """Which part of the task the runs are compared on, where it is one."""
    n, total = paired.samples.n, one.total(paired.task)
    if n >= total:
        return []
    seeds = {manifest.drawn_with(paired.task) for manifest in (one, other)}
    if None not in seeds and len(seeds) == 1:
        return [f"{paired.task}: compared on {n} of {total} samples, a random part drawn with seed {seeds.pop()}"]
    if seeds == {None} and n in (one.config.get("limit"), other.config.get("limit")):
        return [f"{paired.task}: compared on the first {n} of {total} samples, which are no random part of the task"]
    return [f"{paired.task}: compared on {n} of {total} samples, those that both runs have"]


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
