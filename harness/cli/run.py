"""`harness run`: run a model on a suite."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from harness.cli.completion import model_names, suite_names, task_names
from harness.cli.gates import Gates, read_gates, refuse_of_shard, refuse_unknown
from harness.cli.loudness import Loudness, Quiet, Verbose, loudness
from harness.cli.run_options import with_run_options
from harness.config.options import RunOptions
from harness.report.visible import visible_line

if TYPE_CHECKING:
    from harness.config.run_file import RunChoices
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
    config_file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="a run file (YAML); options here replace its keys")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="a plan of `harness plan --out`: run its models, then compare")
    ] = None,
    save_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the options of this run to a run file, then run")
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
    line = read_choices(model, suite, tasks, options, settings or [], sweep or [], fail_under or [])
    if plan is not None:
        from harness.cli.plan_run import PlanWords, run_plan

        words = PlanWords(plan, config_file, save_config, dry_run=dry_run, as_json=json_out, report=report, said=said)
        run_plan(words, line)
        return
    config, choices, notes = read_run(config_file, line)
    gates = read_gates(choices.gates)
    refuse_unknown(gates, config)
    refuse_of_shard(gates, config)
    for note in notes:
        print(visible_line(f"harness: {note}"), file=sys.stderr)
    if save_config is not None:
        save(save_config, choices)
    if dry_run:
        from harness.cli.preview import show_preview

        show_preview(config, as_json=json_out, said=said)
        return
    execute(config, as_json=json_out, gates=gates, said=said, report=report)


def read_choices(
    model: str | None,
    suite: str | None,
    tasks: list[str] | None,
    options: RunOptions,
    settings: list[str],
    sweep: list[str],
    fail_under: list[str],
) -> RunChoices:
    """Turn flags, `--sweep` and `--set` into what they choose. Raises ConfigError, UnknownName."""
    from harness.cli.settings import read_settings, read_sweep
    from harness.config.building import config_keys, flags_of
    from harness.config.run_file import RunChoices

    names = None if tasks is None else [name.strip() for entry in tasks for name in entry.split(",") if name.strip()]
    # A switch that is off sets nothing
    given = {name: None if value is False else value for name, value in options.items()}
    typed = read_settings(settings)
    return RunChoices(
        model,
        suite,
        None if names is None else tuple(names),
        read_sweep(sweep),
        config_keys(given, typed),
        tuple(fail_under),
        flags_of(given, typed),
    )


def read_run(file: Path | None, line: RunChoices) -> tuple[RunConfig, RunChoices, list[str]]:
    """Return the config of the choices of a run file, if there is one, and of the command line; those choices; notes.

    The notes say what of the file has no effect. Raises ConfigError, UnknownName.
    """
    from harness.config.run_file import config_of, foreign_code, merged, read_run_file, without_other_tasks

    if file is None:
        return config_of(line), line, []
    line = _without_environment(line, chosen := read_run_file(file))
    choices, notes = merged(chosen, line)
    config = config_of(choices)
    if line.tasks is not None or line.suite is not None:
        known = [name for entry in config.suite.tasks for name in (entry.label, entry.page)]
        choices, more = without_other_tasks(choices, known)
        config, notes = config_of(choices) if more else config, [*notes, *more]
    return config, choices, [*notes, *foreign_code(chosen, line, config)]


def _without_environment(line: RunChoices, file: RunChoices) -> RunChoices:
    """The command line without the mirror of the environment, which counts less than that of a file."""
    key = "data.mirror"
    if key not in file.settings or line.settings.get(key) != os.environ.get("HARNESS_MIRROR"):
        return line
    return replace(line, settings={name: value for name, value in line.settings.items() if name != key})


def read_config(model: str | None, options: RunOptions, settings: list[str]) -> RunConfig:
    """Turn a model, flags and `--set` into a checked RunConfig. Raises ConfigError, UnknownName."""
    return read_run(None, read_choices(model, None, None, options, settings, [], []))[0]


def run_file_of(choices: RunChoices) -> str:
    """Return the text of a run file. Raises ConfigError for what looks like a secret."""
    from importlib.metadata import version

    from harness.config.run_file_text import run_file_text

    facts = {"written by": f"harness {version('harness')}"}
    mirror = os.environ.get("HARNESS_MIRROR")
    if mirror and choices.settings.get("data.mirror") == mirror:
        # It is of this machine, and `--config` on another would look for it there
        rest = {key: value for key, value in choices.settings.items() if key != "data.mirror"}
        choices, facts = replace(choices, settings=rest), {**facts, "environment": "HARNESS_MIRROR was set"}
    return run_file_text(choices, facts)


def write_new(path: Path, text: str, option: str) -> None:
    """Write a file that an option names. Raises ConfigError where another one is there, UserError or StorageError."""
    from harness.errors import ConfigError, error_prefix, unwritable

    try:
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise ConfigError(f"{option} {path}: exists already; delete it, or give another name")
        path.write_text(text, encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{option} {path}: exists already; delete it, or give another name") from None
    except OSError as error:
        with error_prefix(f"{option}: "):
            raise unwritable(path, error) from None


def save(path: Path, choices: RunChoices) -> None:
    """Write a run file. Raises ConfigError where another file is there, or for what looks like a secret."""
    write_new(path, run_file_of(choices), "--save-config")
    print(visible_line(f"harness: the options are in {path}: harness run --config {path}"), file=sys.stderr)


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
        if result.manifest.shard and not result.scored:
            verb = "is finished: it has no sample"
        print(f"\nThe run {verb}: {result.folder}")
    if report:
        from harness.claims.runs import Given
        from harness.html_report.writing import write_report

        written = write_report(result.folder / "report.html", Given((result.folder,)))
        if not as_json and said is not Loudness.quiet:
            print(f"Its report, for a browser: {written}")
    output.exit_for(result, gates)
