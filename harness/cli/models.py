"""`harness models inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import App

if TYPE_CHECKING:
    from harness.config.options import RunOptions
    from harness.config.schema import ModelPage

app = App(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at models.",
)

Text = str | None


@app.callback()
def models() -> None:
    """Look at models."""


@app.command("inspect")
def inspect_model(
    model: Annotated[str, typer.Argument(help="hub id, folder, config file (.json), or a name in configs/models")],
    revision: Annotated[Text, typer.Option(help="branch, tag or commit of a hub model")] = None,
    device: Annotated[Text, typer.Option(help="auto, cpu, cuda, cuda:1, mps")] = None,
    dtype: Annotated[Text, typer.Option(help="auto, float32, float16, bfloat16")] = None,
    context: Annotated[
        int | None, typer.Option(min=1, help="sequence length for the memory estimate [default: the context window]")
    ] = None,
    weights: Annotated[
        bool | None,
        typer.Option(
            "--weights/--no-weights",
            help="self-check on the weights or on a tiny random model of the class [default: weights, if downloaded]",
        ),
    ] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="run Python code that the model's repository brings")
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Show what a model is (parameters, attention, cache, memory, licence) and how the default engine would run it.

    A config alone is enough; only small files are downloaded, unless --weights is given.
    """
    import json

    from harness.models.inspect import inspect
    from harness.models.text import document, lines

    options: RunOptions = {
        "revision": revision,
        "device": device,
        "dtype": dtype,
        "trust_remote_code": trust_remote_code or None,
    }
    seen = inspect(_page(model, options), weights=weights, context=context)
    if json_out:
        print(json.dumps(document(seen), indent=2, ensure_ascii=False, default=str))
        return
    for line in lines(seen):
        print(line)


def _page(model: str, options: RunOptions) -> ModelPage:
    """A name, folder or hub id as every command takes it; a config file by its own name."""
    from harness.cli.run import read_config
    from harness.config.checking import check_values
    from harness.config.pages import label
    from harness.config.schema import ModelPage

    file = Path(model).expanduser()
    if file.suffix != ".json":
        return read_config(model, None, None, options, []).model
    name = file.resolve().parent.name if file.name == "config.json" else file.stem
    given = {key: value for key, value in options.items() if value is not None}
    return check_values(ModelPage, {"name": label(name), "path": model, **given}, "the command line")
