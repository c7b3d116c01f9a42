"""Repeat the paired test of stored runs that were made for a claim together; n is never treated as fixed in advance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.claims.early_stopping import limit_in
from harness.claims.page import Claim
from harness.claims.paired_claim import STOPPING, PairedClaimTest, in_their_place
from harness.claims.paired_running import tested_as
from harness.claims.runs import Run
from harness.claims.test_choice import kinds_in, values_so_far
from harness.errors import RunFolderError, UserError
from harness.store.run_folder import DRAWN_FILE


def paired_record(run: Run) -> dict[str, Any] | None:
    """Return what `claim.json` in the run's folder says of a paired test; None if there is none."""
    path = run.folder / DRAWN_FILE
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error}") from None
    return record if isinstance(record, dict) and record.get("paired") else None


def replay_pairs(claim: Claim, runs: Sequence[Run]) -> tuple[PairedClaimTest, list[Run], bool] | None:
    """Repeat the test of runs that were made together; also return them in its order, and whether they are stand-ins.

    None if no run is of such a test. Raises RunFolderError for a record that cannot be read or is of another claim,
    UserError where a run that belongs to it is not given, or one that does not is.
    """
    found = [(run, record) for run in runs if (record := paired_record(run)) is not None]
    if not found:
        return None
    run, record = found[0]
    path = run.folder / DRAWN_FILE
    try:
        order = [(str(task), str(sample)) for task, sample in record["order"]]
        sizes = {str(task): int(size) for task, size in record["sizes"].items()}
        models = [str(model) for model in record["models"]]
        kinds = kinds_in(record, order)
        partners = [(str(one["run_id"]), str(one["folder"])) for one in record["runs"]]
        kept, stand_in, tested = str(record["claim"]), bool(record["stand_in"]), record["tested"]
        word, stopping, limit = str(record["word"]), record.get("stopping"), limit_in(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error!r}") from None
    if kept != claim.id or tested != tested_as(claim):
        raise RunFolderError(
            f"{run.folder} was run for the claim {kept!r} as it then was, and stopped when that one was settled; it "
            f"cannot decide {claim.id!r}"
        )
    by_id = {one.manifest.run_id: one for one in runs}
    missing = [folder for run_id, folder in partners if run_id not in by_id]
    if missing:
        raise UserError(f"{run.folder} was run together with {', '.join(missing)}: give these, too")
    others = [str(one.folder) for one in runs if one.manifest.run_id not in {run_id for run_id, _ in partners}]
    if others:
        raise UserError(f"{run.folder} stopped when the claim was settled: give it without {', '.join(others)}")
    sides = [by_id[run_id] for run_id, _ in partners]
    tested_claim = in_their_place(claim, models, list(sizes)) if stand_in else claim
    test = PairedClaimTest(tested_claim, order, sizes, models, kinds)
    test.limit = limit
    metrics = {task: run.manifest.metric(task) for task in sizes}
    test.advance([values_so_far(metrics, kinds, side.records) for side in sides])
    # One of another version may have stopped where the test of today would go on
    if stopping != STOPPING and (stopping is not None or test.ruling().word != word):
        raise RunFolderError(
            f"{path}: another version stopped these runs as {word}, by a rule of its own: use that version, or run "
            "`harness claim check --run` again"
        )
    return test, sides, stand_in
