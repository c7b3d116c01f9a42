"""`harness models`: the pages of configs/models, and what a model is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import App

if TYPE_CHECKING:
    from harness.config.options import RunOptions
    from harness.config.schema import ModelPage, RunConfig

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
    model: Annotated[
        Text, typer.Argument(help="hub id, folder, config file (.json), or a name in configs/models")
    ] = None,
    endpoint: Annotated[
        Text, typer.Option(help="base URL of a server: find out what it really does, with some 15 small requests")
    ] = None,
    served: Annotated[Text, typer.Option("--model", help="with --endpoint: the model's name on the server")] = None,
    engine: Annotated[Text, typer.Option(help="with --endpoint: the engine that knows the server's protocol")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="with --endpoint: a key of engine, as engine.key_env=MY_KEY")
    ] = None,
    revision: Annotated[Text, typer.Option(help="branch, tag or commit of a hub model")] = None,
    device: Annotated[Text, typer.Option(help="auto, cpu, cuda, cuda:1, mps")] = None,
    dtype: Annotated[Text, typer.Option(help="auto, float32, float16, bfloat16")] = None,
    adapter: Annotated[
        Text, typer.Option(help="PEFT adapter to merge into the model: folder or hub id", metavar="PATH[@REV]")
    ] = None,
    quantize: Annotated[Text, typer.Option(help="int8, int4: round the weights at load, to save memory")] = None,
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

    A config alone is enough; only small files are downloaded, unless --weights is given. With --endpoint, show what a
    server really does and what that means for runs.
    """
    import json

    from harness.cli.run import read_config
    from harness.models.inspect import inspect
    from harness.models.server import is_served
    from harness.models.text import document, lines

    options: RunOptions = {
        "revision": revision,
        "device": device,
        "dtype": dtype,
        "adapter": adapter,
        "quantize": quantize,
        "trust_remote_code": trust_remote_code or None,
    }
    name = _one_name(model, served)
    file = Path(name).expanduser()
    if endpoint is None and file.suffix == ".json":
        page = _page_of_file(name, options)
    else:
        config = read_config(name, {**options, "endpoint": endpoint, "engine": engine}, settings or [])
        if endpoint is not None or is_served(config.engine):
            _refuse_idle("for a model on a server", {"--context": context, "--weights": weights})
            _print_server(config, as_json=json_out)
            return
        page = config.model
    _refuse_idle("without --endpoint", {"--engine": engine, "--set": settings})
    seen = inspect(page, weights=weights, context=context)
    if json_out:
        print(json.dumps(document(seen), indent=2, ensure_ascii=False, default=str))
        return
    for line in lines(seen):
        print(line)


@app.command("list")
def list_models(json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """List the models that have a page: name, engine, path, price page, and what each is."""
    import json

    from harness.cli.screen import console
    from harness.config import pages
    from harness.models.listing import model_facts, model_table
    from harness.report.terminal import print_table

    listed = [model_facts(pages.model_page(name)) for name in pages.index("configs/models")]
    if json_out:
        print(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    print_table(model_table(listed), console())


@app.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="a name in configs/models, or a page (.yaml)")],
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Show one model page: every key that is set. `harness models inspect` shows the model itself."""
    import json

    from harness.config import pages
    from harness.config.yaml_page import shown
    from harness.models.listing import page_lines, path_text

    file = pages.find("configs/models", "model", name, "harness models list")
    page = pages.model_page(name)
    if json_out:
        print(
            json.dumps(
                {**page.model_dump(exclude_none=True), "path": path_text(page.path), "page": shown(file)},
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    for line in (*page_lines(page), f"page       {shown(file)}"):
        print(line)


def _print_server(config: RunConfig, *, as_json: bool) -> None:
    """Print what the probe of a server found."""
    import json

    from harness.cli.output import printable
    from harness.models.server import inspect_server
    from harness.models.server_text import server_document, server_lines

    seen = inspect_server(config.model, config.engine)
    if as_json:
        print(json.dumps(server_document(seen), indent=2, ensure_ascii=False, default=str))
        return
    for line in server_lines(seen):
        print(printable(line))


def _one_name(model: str | None, served: str | None) -> str:
    """The model's name, given before the options or with --model. Raises ConfigError."""
    from harness.errors import ConfigError

    names = [name for name in (model, served) if name]
    if len(set(names)) != 1:
        raise ConfigError("name one model: `harness models inspect MODEL`, or --endpoint URL --model NAME")
    return names[0]


def _refuse_idle(where: str, flags: Mapping[str, object]) -> None:
    """Raise ConfigError for the first flag that is given and has no effect."""
    from harness.errors import ConfigError

    for flag, value in flags.items():
        if value:
            raise ConfigError(f"{flag} has no effect {where}; leave it out")


def _page_of_file(name: str, options: RunOptions) -> ModelPage:
    """A config file is a model by its own name."""
    from harness.config.checking import check_values
    from harness.config.pages import label
    from harness.config.schema import ModelPage

    file = Path(name).expanduser()
    own = file.resolve().parent.name if file.name == "config.json" else file.stem
    given = {key: value for key, value in options.items() if value is not None}
    return check_values(ModelPage, {"name": label(own), "path": name, **given}, "the command line")
