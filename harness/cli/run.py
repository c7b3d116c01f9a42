"""`harness run`: run a model on a suite."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from harness.cli.completion import model_names, suite_names, task_names
from harness.cli.gates import Gates, read_gates, refuse_unknown
from harness.cli.loudness import Loudness, Quiet, Verbose, loudness
from harness.cli.run_options import with_run_options
from harness.config.options import RunOptions

if TYPE_CHECKING:
    from harness.config.schema import RunConfig

Text = str | None
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        autocompletion=task_names,
        help="tasks instead of a suite: names, patterns ('humanevalx_*') or files; with commas or repeated",
    ),
]
Sweep = Annotated[
    list[str] | None,
    typer.Option(metavar="AXIS=VALUE,...", help="each task under several protocols: shots=0,5,prompts=text,chat"),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="any config key, e.g. tasks.gsm8k.repeats=4"),
]


@with_run_options(after="tasks")
def run(
    model: Annotated[
        Text,
        typer.Option(
            autocompletion=model_names, help="hub id, folder, or a name in configs/models [default: demo-larger]"
        ),
    ] = None,
    suite: Annotated[
        Text, typer.Option(autocompletion=suite_names, help="name in configs/suites, or a file [default: demo]")
    ] = None,
    tasks: Tasks = None,
    settings: Settings = None,
    sweep: Sweep = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(metavar="[TASK=]SCORE", help="exit with 1 if a task's score is lower: of every task, or of TASK"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show prompts and cost; load only the tokenizer")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="print scores.json instead of the table")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    report: Annotated[
        bool, typer.Option("--report", help="also write report.html into the run folder, as `harness report` does")
    ] = False,
    **options: Unpack[RunOptions],
) -> None:
    """Run a model on a suite and print its scores. Alone: the demo model on the demo suite.

    The run folder keeps every answer; the same command again finishes a run that was cut off.
    """
    said = loudness(quiet, verbose)
    gates = read_gates(fail_under or [])
    config = read_config(model, suite, tasks, options, settings or [], sweep or [])
    refuse_unknown(gates, config)
    if dry_run:
        from harness.cli.preview import show_preview

        show_preview(config, as_json=json_out, said=said)
        return
    execute(config, as_json=json_out, gates=gates, said=said, report=report)


def read_config(
    model: str | None,
    suite: str | None,
    tasks: list[str] | None,
    options: RunOptions,
    settings: list[str],
    sweep: list[str] | None = None,
) -> RunConfig:
    """Turn flags, `--sweep` and `--set` into a checked RunConfig. Raises ConfigError, UnknownName."""
    from harness.cli.settings import read_settings, read_sweep
    from harness.config.building import config_keys, flags_of, run_config

    names = None if tasks is None else [name.strip() for entry in tasks for name in entry.split(",") if name.strip()]
    # A switch that is off sets nothing
    given = {name: None if value is False else value for name, value in options.items()}
    typed = read_settings(settings)
    keys = config_keys(given, typed)
    flags = flags_of(given, typed)
    return run_config(model, suite, names, keys, "the command line", read_sweep(sweep or []), flags)


def execute(
    config: RunConfig,
    *,
    as_json: bool,
    gates: Gates | None = None,
    said: Loudness = Loudness.normal,
    report: bool = False,
) -> None:
    """Run, write the tables, print them; exit with 1 when a sample is unscored or a gate fails.

    `report`: write the HTML report of this run beside its tables.
    """
    from harness.cli import output
    from harness.cli.progress import Progress
    from harness.run import evaluate

    try:
        with Progress(said) as progress:
            result = evaluate(config, sys.argv, progress)
    except KeyboardInterrupt:
        print("harness: interrupted; run the same command again to resume", file=sys.stderr)
        raise typer.Exit(130) from None
    output.show(result, as_json=as_json, folded=said is not Loudness.verbose)
    output.show_verdicts(result, config, as_json=as_json)
    if not as_json and said is not Loudness.quiet:
        verb = "is finished" if result.requested else "was finished already; nothing was done"
        print(f"\nThe run {verb}: {result.folder}")
    if report:
        from harness.claims.runs import Given
        from harness.html_report.writing import write_report

        written = write_report(result.folder / "report.html", Given((result.folder,)))
        if not as_json:
            print(f"Its report, for a browser: {written}")
    output.exit_for(result, gates)
