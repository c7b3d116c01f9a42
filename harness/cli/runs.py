"""`harness runs`: the runs under a folder, newest first."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class RunState(StrEnum):
    """Whether a run is finished; one that was killed or interrupted is stopped."""

    finished = "finished"
    running = "running"
    stopped = "stopped"


def runs(
    folder: Annotated[Path, typer.Argument(help="where to look, with all folders below it")] = Path("runs"),
    suite: Annotated[str, typer.Option(help="only of this suite")] = "",
    model: Annotated[str, typer.Option(help="only of models with this in their name (case is ignored)")] = "",
    task: Annotated[str, typer.Option(help="only with this task; scores are of it")] = "",
    state: Annotated[RunState | None, typer.Option(help="only in this state")] = None,
    leaderboard: Annotated[
        bool, typer.Option("--leaderboard", help="rank finished runs: scores, and ranks that paired tests leave open")
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """List the runs under a folder: model, suite, when, finished or not, score. Newest first."""
    import json
    import sys

    from harness.cli.screen import console
    from harness.errors import UserError
    from harness.report.runs import runs_document, runs_table
    from harness.report.terminal import print_table
    from harness.report.visible import visible_line
    from harness.store.listing import ListedRun, runs_under

    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the one that your runs are in (--out of `harness run`)")
    found = list(runs_under(folder))
    kept = [
        run
        for run in found
        if isinstance(run, ListedRun)
        and (not suite or run.manifest.suite_name == suite)
        and model.casefold() in run.manifest.model_name.casefold()
        and (not task or task in run.manifest.tasks)
        and (state is None or run.state == state.value)
    ]
    kept.sort(key=lambda run: -run.manifest.started_at)
    faults = [f"{run.folder} is damaged: {run.reason}" for run in found if not isinstance(run, ListedRun)]
    if leaderboard:
        from harness.cli.leaderboard import print_leaderboard

        print_leaderboard(kept, task, faults, as_json=json_out)
    elif json_out:
        for fault in faults:
            print(visible_line(f"harness: {fault}"), file=sys.stderr)
        print(json.dumps(runs_document(kept), indent=2, ensure_ascii=False))
    elif kept or faults:
        print_table(runs_table(kept, task, faults), console())
    else:
        print(f"{folder} has {len(found)} runs, none that was selected" if found else f"{folder} has no runs")
