"""`harness runs --leaderboard`: the listed runs ranked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import UserError

if TYPE_CHECKING:
    from harness.store.listing import ListedRun


def print_leaderboard(runs: Sequence[ListedRun], task: str, faults: Sequence[str], *, as_json: bool) -> None:
    """Print the rankings of finished runs, of all tasks or of one; raises UserError where none is finished."""
    from dataclasses import replace

    from harness.cli.screen import console
    from harness.html_report.reading import read_runs
    from harness.leaderboard import leaderboards
    from harness.report.leaderboard import leaderboard_document, leaderboard_tables
    from harness.report.terminal import print_table

    # By name, so that the first table of a task does not change with the time at which a run was made
    finished = sorted(run.folder for run in runs if run.state == "finished" and not run.manifest.shard)
    if not finished:
        raise UserError("no finished run was selected; a leaderboard needs scores")
    rankings = leaderboards(read_runs(finished), [task] if task else ())
    left_out = [
        f"{run.folder}: left out: {run.manifest.shard_text or run.state}"
        for run in runs
        if run.state != "finished" or run.manifest.shard
    ]
    if as_json:
        document = {**leaderboard_document(rankings), "warnings": [*left_out, *faults]}
        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
        return
    *tables, last = leaderboard_tables(rankings)
    for table in tables:
        print_table(table, console())
        print()
    print_table(replace(last, warnings=(*left_out, *faults)), console())
