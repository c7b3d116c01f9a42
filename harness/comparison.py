"""Runs against a first one: read, held to one protocol, joined by sample, compared.

Guarantees that runs of different protocols are refused with the fields named, unless the caller allows them; then
the fields stay in the result. Reads run folders only: no model, no data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis.compare import Join, as_family, compare, join
from harness.analysis.protocol import Difference, protocol_differences
from harness.datatypes import Comparison
from harness.engines.base import ONCE_IN_IDENTITY
from harness.errors import UserError
from harness.store.manifest import Manifest
from harness.store.run_folder import DRAWN_FILE, read_manifest, read_scores

# Fields named in one line of an error
NAMED = 6
# Longest value shown of a field
SHOWN = 40


@dataclass(frozen=True, slots=True)
class RunSide:
    """One of the runs: what it is called in tables, and where it is."""

    label: str
    run_id: str
    model: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Compared:
    """Everything that a comparison found. `runs[0]` is the baseline (a) of every comparison.

    `joins[i]` holds the samples behind `comparisons[i]`. `protocol` are settings that differ though they must not,
    told by run label; `warnings` what else a reader must know.
    """

    runs: tuple[RunSide, ...]
    comparisons: tuple[Comparison, ...]
    joins: tuple[Join, ...]
    protocol: tuple[tuple[str, Difference], ...]
    warnings: tuple[str, ...]


def compare_runs(folders: Sequence[Path], *, allow_protocol: bool = False) -> Compared:
    """Compare every run after the first with the first, on all tasks that both hold, as one family of tests.

    Raises RunFolderError for a folder that is no run, UserError for fewer than two runs, no common task, or a
    protocol that differs and is not allowed to, DataError where a task has no sample scored in both.
    """
    if len(folders) < 2:
        raise UserError("compare needs two run folders or more: the baseline first, then what is held against it")
    manifests = [read_manifest(folder) for folder in folders]
    sides = _sides(folders, manifests)
    _, first = read_scores(folders[0])
    comparisons: list[Comparison] = []
    joins: list[Join] = []
    protocol: list[tuple[str, Difference]] = []
    warnings = [
        f"{side.label}: the run is not finished ({manifest.status}): only the samples that it answered are compared"
        for side, manifest in zip(sides, manifests, strict=True)
        if manifest.status != "finished"
    ]
    warnings += [
        f"{side.label}: its samples were drawn until a claim was settled: n was not fixed beforehand, so p is too small"
        for side in sides
        if (side.folder / DRAWN_FILE).exists()
    ]
    for side, manifest in zip(sides[1:], manifests[1:], strict=True):
        tasks, notes = _common_tasks(sides[0], manifests[0], side, manifest)
        identities = (manifests[0].identity.written, manifest.identity.written)
        found = protocol_differences(*identities, tasks, ONCE_IN_IDENTITY)
        if found.refused and not allow_protocol:
            raise UserError(_refusal(sides[0], side, found.refused))
        protocol += [(side.label, difference) for difference in found.refused]
        warnings += notes
        warnings += [f"{side.label}: {said(difference)}" for difference in found.told]
        # One run beside the first at a time: each may hold a hundred thousand records
        _, other = read_scores(side.folder)
        for task in tasks:
            joined = join(task, manifests[0].metric(task), first, other)
            if joined is None:
                warnings.append(f"{task}: not compared: its metric has no value per sample")
                continue
            comparisons.append(compare(joined, sides[0].label, side.label))
            joins.append(joined)
            warnings += _left_out(joined, side)
    if not comparisons:
        raise UserError("nothing to compare: no common task has a metric with a value per sample")
    return Compared(sides, as_family(comparisons), tuple(joins), tuple(protocol), tuple(dict.fromkeys(warnings)))


def said(difference: Difference) -> str:
    """Say a difference in short: `field: one | other`."""
    return f"{difference.field}: {_short(difference.a)} | {_short(difference.b)}"


def _sides(folders: Sequence[Path], manifests: Sequence[Manifest]) -> tuple[RunSide, ...]:
    """Label runs by their models; by their folders where two are of one model, with numbers where even these agree."""
    models = [manifest.model_name for manifest in manifests]
    labels = models if len(set(models)) == len(models) else [str(folder) for folder in folders]
    if len(set(labels)) < len(labels):
        labels = [f"{label} #{place}" for place, label in enumerate(labels, 1)]
    return tuple(
        RunSide(label, manifest.run_id, model, folder)
        for label, manifest, model, folder in zip(labels, manifests, models, folders, strict=True)
    )


def _common_tasks(
    first: RunSide, one: Manifest, side: RunSide, other: Manifest
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tasks of both, in the baseline's order, and what is only in one."""
    held_one, held_other = one.identity.tasks, other.identity.tasks
    common = tuple(task for task in held_one if task in held_other)
    if not common:
        raise UserError(f"{first.folder} and {side.folder} have no task in common")
    notes = [f"{task}: not compared: only in {first.label}" for task in held_one if task not in held_other]
    notes += [f"{task}: not compared: only in {side.label}" for task in held_other if task not in held_one]
    return common, tuple(notes)


def _refusal(first: RunSide, side: RunSide, refused: Sequence[Difference]) -> str:
    shown = "; ".join(said(difference) for difference in refused[:NAMED])
    more = f"; and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
    return (
        f"{first.folder} and {side.folder} were not run under one protocol: {shown}{more} "
        "(--allow-protocol compares them all the same)"
    )


def _left_out(joined: Join, side: RunSide) -> list[str]:
    lines = []
    if joined.unscored:
        lines.append(f"{joined.task}, {side.label}: {joined.unscored} samples left out: unscored in one of the runs")
    if joined.unpaired:
        lines.append(f"{joined.task}, {side.label}: {joined.unpaired} samples left out: only in one of the runs")
    return lines


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
