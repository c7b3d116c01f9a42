"""Run folders -> what the report shows of them. Reads records without their texts; needs no model and no data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.analysis.changed_questions import not_changed
from harness.analysis.estimates import estimate_suite, estimate_task
from harness.comparison import labelled
from harness.config.task_page import DrawnRows
from harness.datatypes import Record
from harness.errors import UserError
from harness.html_report.document import ReportRun
from harness.publish import first_ones
from harness.report.folding import warning_lines
from harness.results import Estimate
from harness.store.listing import listed
from harness.store.manifest import Manifest
from harness.store.run_folder import DRAWN_FILE, read_manifest, read_scores
from harness.store.scores import read_estimates

# Such a run has no scores.json
STOPPED = (
    "the run stopped when a claim was settled: its scores are of the samples until then, and their intervals, made "
    "for a number of samples fixed in advance, do not hold; those of the claim do"
)


def read_runs(folders: Sequence[Path]) -> tuple[ReportRun, ...]:
    """Read the runs, each labelled by its model, or by its folder where two have the same model.

    The scores of a finished run are those of scores.json, those of another one (also of one that stopped when a claim
    was settled) the primary ones of its records so far.
    Raises RunFolderError for a folder that holds no run, UserError for a folder that is given twice.
    """
    if twice := [folder for place, folder in enumerate(folders) if folder.resolve() in _before(folders, place)]:
        raise UserError(f"{twice[0]} is given twice; give each run once")
    labels = labelled(folders, [read_manifest(folder) for folder in folders])
    return tuple(_read(folder, label) for folder, label in zip(folders, labels, strict=True))


def _before(folders: Sequence[Path], place: int) -> set[Path]:
    return {folder.resolve() for folder in folders[:place]}


def _read(folder: Path, label: str) -> ReportRun:
    manifest, records = read_scores(folder)
    state = listed(folder).state
    stopped = (folder / DRAWN_FILE).is_file()
    if state == "finished" and not stopped:
        found = read_estimates(folder)
        warnings = (*found.warnings, *first_ones(manifest))
        return ReportRun(label, folder, manifest, state, records, found.estimates, found.overall, warnings)
    estimates = _so_far(manifest, records)
    overall = estimate_suite(manifest.suite_name, estimates) if len(estimates) > 1 else None
    warning = STOPPED if stopped else f"the run is not finished ({state}): these are the scores of the answers so far"
    of_scores = warning_lines(estimates if overall is None else (*estimates, overall))
    warnings = (warning, *of_scores, *first_ones(manifest))
    return ReportRun(label, folder, manifest, state, records, estimates, overall, warnings)


def _so_far(manifest: Manifest, records: Sequence[Record]) -> tuple[Estimate, ...]:
    answered = {record.request.task for record in records}
    return tuple(
        estimate_task(
            task,
            records,
            [identity.metric],
            identity.repeats,
            manifest.total(task),
            drawn=DrawnRows.model_validate(part) if (part := manifest.tasks[task].get("sample")) else None,
            not_changed=not_changed(manifest, task),
        )[0]
        for task, identity in manifest.identity.tasks.items()
        if task in answered
    )
