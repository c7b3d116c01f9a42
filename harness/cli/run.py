"""`harness run`: a model times a suite."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.engines import BUILT_IN, DEFAULT_ENGINE, REPLAY_ENGINE

if TYPE_CHECKING:
    from harness.config.schema import RunConfig

Text = str | None
ENGINE_HELP = f"what answers: {', '.join(BUILT_IN)} [default: {DEFAULT_ENGINE}]"
Tasks = Annotated[
    list[str] | None,
    typer.Option(help="tasks instead of a suite: names, patterns ('humanevalx_*') or files; with commas or repeated"),
]
Sweep = Annotated[
    list[str] | None,
    typer.Option(metavar="AXIS=VALUE,...", help="each task under several protocols: shots=0,5,prompts=text,chat"),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="any config key, e.g. tasks.gsm8k.repeats=4"),
]
TrustPageCode = Annotated[
    bool, typer.Option("--trust-page-code", help="run the Python file beside a page that is not the project's own")
]


def run(
    model: Annotated[
        Text, typer.Option(help="hub id, folder, or a name in configs/models [default: demo-larger]")
    ] = None,
    suite: Annotated[Text, typer.Option(help="name in configs/suites, or a file [default: demo]")] = None,
    tasks: Tasks = None,
    limit: Annotated[int | None, typer.Option(help="only the first so many samples of each task")] = None,
    out: Annotated[Text, typer.Option(help="run folder [default: runs/SUITE-MODEL-HASH]")] = None,
    engine: Annotated[Text, typer.Option(help=ENGINE_HELP)] = None,
    completions: Annotated[Text, typer.Option(help=f"answers for --engine {REPLAY_ENGINE} (JSON lines)")] = None,
    completion_column: Annotated[Text, typer.Option(help="key of the file's completions; a list is repeats")] = None,
    verdict_column: Annotated[
        Text, typer.Option(help="key of recorded verdicts to compare with [default: verdict, is_correct, passed]")
    ] = None,
    only_answered: Annotated[
        bool, typer.Option("--only-answered", help="leave out samples that the file of completions does not answer")
    ] = False,
    revision: Annotated[Text, typer.Option(help="branch, tag or commit of a hub model")] = None,
    device: Annotated[Text, typer.Option(help="auto, cpu, cuda, cuda:1, mps; cuda:0,1: a copy on each")] = None,
    dtype: Annotated[Text, typer.Option(help="auto, float32, float16, bfloat16")] = None,
    batch_size: Annotated[int | None, typer.Option(help="most prompts at once [default: by memory]")] = None,
    max_memory: Annotated[float | None, typer.Option(metavar="GB", help="for cache and logits")] = None,
    style: Annotated[Text, typer.Option(help="auto, chat (the model's template), text")] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="run Python code that the model's repository brings")
    ] = False,
    mirror: Annotated[Text, typer.Option(envvar="HARNESS_MIRROR", help="folder that stands for the data hub")] = None,
    trust_page_code: TrustPageCode = False,
    sandbox: Annotated[Text, typer.Option(help="auto, namespace, none (runs programs unprotected)")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of sampled answers [default: 0]")] = None,
    settings: Settings = None,
    sweep: Sweep = None,
    fail_under: Annotated[
        float | None, typer.Option(min=0, max=1, help="exit with 1 if a task's score is lower")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show prompts and cost; load only the tokenizer")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="print scores.json instead of the table")] = False,
) -> None:
    """Run a model on a suite and print its scores. Alone: the demo model on the demo suite.

    The run folder keeps every answer; the same command again finishes a run that was cut off.
    """
    given = dict(locals())
    from harness.config.building import WORDS

    # A flag that is not given is no setting
    words = {word: None if given[word] is False else given[word] for word in WORDS}
    config = read_config(model, suite, tasks, words, settings or [], sweep or [])
    if dry_run:
        from harness.cli.preview import show_preview

        show_preview(config, as_json=json_out)
        return
    execute(config, as_json=json_out, fail_under=fail_under)


def read_config(
    model: str | None,
    suite: str | None,
    tasks: list[str] | None,
    words: dict[str, Any],
    settings: list[str],
    sweep: list[str] | None = None,
) -> RunConfig:
    """Flags, then `--sweep` and `--set`, to a checked RunConfig. Raises ConfigError, UnknownName."""
    from harness.cli.settings import read_settings, read_sweep
    from harness.config.building import run_config, spelled_out

    names = None if tasks is None else [name.strip() for one in tasks for name in one.split(",") if name.strip()]
    said = spelled_out(words, read_settings(settings))
    return run_config(model, suite, names, said, "the command line", read_sweep(sweep or []))


def execute(config: RunConfig, *, as_json: bool, fail_under: float | None) -> None:
    """Run, write the tables, print them; exit with 1 when something is unscored or scores too low."""
    from harness.cli import output
    from harness.cli.progress import Progress
    from harness.run import evaluate

    try:
        with Progress() as progress:
            result = evaluate(config, sys.argv, progress)
    except KeyboardInterrupt:
        print("harness: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        raise typer.Exit(130) from None
    output.show(result, as_json=as_json)
    output.show_verdicts(result, config, as_json=as_json)
    if not as_json:
        verb = "is finished" if result.asked else "was finished already; nothing was done"
        print(f"\nThe run {verb}: {result.folder}")
    output.exit_for(result, fail_under)
