"""`harness probe`: what a model knows of a benchmark besides its score."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from harness.cli.app import App
from harness.cli.completion import model_names
from harness.cli.loudness import Loudness, Quiet, Verbose, loudness
from harness.cli.run_options import with_run_options
from harness.config.options import RunOptions, run_options

if TYPE_CHECKING:
    from harness.probes.contamination import Probed
    from harness.probes.plan import ProbePlan
    from harness.results import ProbeCost, ProbeFinding

app = App(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Find out what a model knows of a benchmark besides its score.",
)
# Options of a run that a probe has not: it takes rows as they are and in order, requests each once, runs no program
LEFT_OUT = {
    "limit_seed", "shard", "repeat_check", "completions", "completion_column", "verdict_column", "only_answered",
    "ray_scoring", "style", "sandbox", "skip_missing", "replicas", "ray", "gpus_per_replica",
    "perturb", "perturb_draws", "perturb_file",
}  # fmt: skip


@app.callback()
def probe() -> None:
    """Find out what a model knows of a benchmark besides its score."""


@app.command("contamination")
@with_run_options(
    after="tasks",
    names=[name for name in run_options() if name not in LEFT_OUT],
    help={
        "limit": "only the first N rows of each task",
        "out": "folder of the probe [default: runs/contamination-MODEL-HASH]",
        "seed": "seed of the shuffles and the re-phrasings [default: 0]",
    },
)
def contamination(
    model: Annotated[
        str, typer.Argument(help="hub id, folder, or a name in configs/models", autocompletion=model_names)
    ],
    tasks: Annotated[
        list[str], typer.Option("--tasks", metavar="NAMES", help="task names or files; several with commas")
    ],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="any config key, as for `harness run`")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would be tested and its cost; load only the tokenizer")
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="print probe.json instead of the table")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **options: Unpack[RunOptions],
) -> None:
    """Test whether a model has seen the rows of a benchmark: their published order, and their wording.

    The order test needs log-likelihoods and rows in random order; both are checked first. Shows the cost before it
    begins; the same command again goes on where it was cut off. docs/probes.md explains the tests.
    """
    import json
    from dataclasses import asdict

    from harness.cli.progress import Progress
    from harness.cli.run import read_choices, read_run
    from harness.engines.registry import open_engine
    from harness.probes.contamination import probe as run_probe
    from harness.probes.plan import planned_probe

    said = loudness(quiet, verbose)
    config = read_run(None, read_choices(model, None, tasks, options, settings or [], [], []))[0]
    with (
        Progress(said) as progress,
        planned_probe(config, opener=open_engine, dry=dry_run, doing=progress.waiting) as plan,
    ):
        progress.waiting("counting tokens")
        cost = plan.cost()
        progress.waiting("")
        if dry_run and json_out:
            refused = {one.task.name: dict(one.refused) for one in plan.tasks}
            print(json.dumps({"cost": asdict(cost), "refused": refused}, indent=2))
            return
        if dry_run or said is not Loudness.quiet:
            for line in _plan_lines(plan, cost):
                print(line, file=sys.stdout if dry_run else sys.stderr)
        if dry_run:
            return
        try:
            found = run_probe(plan, cost, progress, sys.argv)
        except KeyboardInterrupt:
            print("harness: interrupted; run the same command again to resume", file=sys.stderr)
            raise typer.Exit(130) from None
    if json_out:
        print(json.dumps(found.document, indent=2, ensure_ascii=False, default=str))
    else:
        _show(found, said)
    if any(finding.unanswered for finding in found.findings):
        raise typer.Exit(1)


def _plan_lines(plan: ProbePlan, cost: ProbeCost) -> list[str]:
    """What will be tested, and what it takes."""
    from harness.report.probes import cost_lines, task_lines
    from harness.results import BY_HEART, ORDER

    lines: list[str] = []
    for one in plan.tasks:
        requests = {ORDER: len(one.order), BY_HEART: len(one.points)}
        lines += task_lines(one.task.name, len(one.task.rows), one.task.total, requests, one.refused)
    return [*lines, *cost_lines(cost)]


def _show(found: Probed, said: Loudness) -> None:
    from harness.cli.screen import console
    from harness.probes.calibration import calibration_lines
    from harness.report.probes import probe_table
    from harness.report.terminal import print_table
    from harness.results import PROBE_LEVEL

    shown: list[ProbeFinding] = list(found.findings)
    print_table(probe_table(shown, PROBE_LEVEL, calibration_lines(shown)), console())
    if said is not Loudness.quiet:
        verb = "is finished" if found.requested else "was finished already; nothing was requested"
        print(f"\nThe probe {verb}: {found.folder}")
