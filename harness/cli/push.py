"""`harness push`: a run's results to the hub. Without --yes it only says what would be sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.export.hub_push import Push


def push(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run")],
    repo: Annotated[str, typer.Option(metavar="USER/MODEL", help="the model's repository on the hub")],
    results_repo: Annotated[
        str | None,
        typer.Option(metavar="USER/DATASET", help="also the run's tables into this data set, as the results' source"),
    ] = None,
    task_id: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK=ID", help="what the benchmark's eval.yaml calls a task [default: looked up there]"),
    ] = None,
    direct: Annotated[bool, typer.Option("--direct", help="commit to main instead of opening a pull request")] = False,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="send also scores of a part of the data, or with unread answers"),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="send it; without, nothing is sent")] = False,
) -> None:
    """Put a run's results on a model's page of the Hugging Face hub, by default as a pull request.

    Nothing is sent without --yes. The token is that of `hf auth login`, or HF_TOKEN.
    """
    from harness import hub
    from harness.errors import UserError
    from harness.export import hub_push
    from harness.export.base import read_stored
    from harness.export.hub import doubts
    from harness.report.visible import visible_line

    hub.quiet()
    given = dict(_pair(text) for text in task_id or ())
    run = read_stored(folder)
    plan = hub_push.planned(run, repo, results_repo, given, direct=direct)
    found = doubts(run)
    if yes and found and not partial:
        raise UserError(f"{found[0]}; nothing was sent: read the warnings without --yes, or add --partial")
    if yes:
        for address in hub_push.push(plan, given):
            print(address)
        return
    for line in dict.fromkeys([*run.warnings, *found]):
        print(visible_line(f"warning: {line}"))
    _show(plan, given, sends="--partial --yes" if found else "--yes")


def _pair(text: str) -> tuple[str, str]:
    from harness.errors import UserError

    task, sign, name = text.partition("=")
    if not (task and sign and name):
        raise UserError(
            f"--task-id {text}: expected TASK=ID, a task of the run and its id in the benchmark's eval.yaml"
        )
    return task, name


def _show(plan: Push, given: Mapping[str, str], *, sends: str) -> None:
    from harness.export.hub import FOLDER
    from harness.report.tables import score_text
    from harness.report.visible import visible_line

    way = "commit to main of" if plan.direct else "open a pull request on"
    if plan.tables_repo is not None:
        print(f"Would {way} the data set {plan.tables_repo}:")
        for path in plan.tables:
            print(f"  {plan.place}/{path.name}")
    print(f"Would {way} the model {plan.repo}:")
    for result in plan.results:
        score = f"{result.dataset}, {score_text(result.value)}: {result.notes}"
        print(visible_line(f"  {FOLDER}/{result.task}.yaml  {score}"))
        named = "given" if result.task in given else "not looked up yet"
        print(visible_line(f"    task id {result.task_id} ({named})"))
    print(f"Nothing was sent; {sends} sends it.")
