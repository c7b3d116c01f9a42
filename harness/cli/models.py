"""`harness models inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.inspect_model import Inspection

app = typer.Typer(
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
    model: Annotated[str, typer.Argument(help="hub id, folder, or a name in configs/models")],
    revision: Annotated[Text, typer.Option(help="branch, tag or commit of a hub model")] = None,
    device: Annotated[Text, typer.Option(help="auto, cpu, cuda, cuda:1, mps")] = None,
    dtype: Annotated[Text, typer.Option(help="auto, float32, float16, bfloat16")] = None,
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="find the level on the weights, or on a small random twin")
    ] = True,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="run Python code that the model's repository brings")
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Say what a model is and how the local engine would run it, found out by running it."""
    import json

    from harness.cli.run import read_config
    from harness.inspect_model import inspect

    words = {
        "revision": revision,
        "device": device,
        "dtype": dtype,
        "trust_remote_code": trust_remote_code or None,
    }
    seen = inspect(read_config(model, None, None, words, []).model, weights=weights)
    if json_out:
        print(json.dumps(_document(seen), indent=2, ensure_ascii=False, default=str))
        return
    for label, value in _lines(seen):
        print(f"{label:<12} {value}")


def _document(seen: Inspection) -> dict[str, Any]:
    facts = seen.facts
    return {
        "model": {
            "name": facts.model,
            "path": seen.path,
            "revision": facts.revision,
            "class": seen.model_class,
            "type": seen.model_type,
            "parameters": facts.parameters,
            "vocabulary": seen.vocabulary,
            "context_window": facts.context_window,
            "end_tokens": list(facts.end_tokens),
            "chat_template": seen.has_template,
            "digests": dict(facts.digests),
        },
        "engine": {
            "name": facts.engine,
            "level": seen.level,
            "level_of": "twin" if seen.twin else "weights",
            "style": facts.style,
            "device": facts.device,
            "dtype": facts.dtype,
            "weights_bytes": facts.weights_bytes,
            "kv_bytes_per_token": facts.kv_bytes_per_token,
            "generation": dict(facts.generation),
            "notes": list(facts.notes),
        },
    }


def _lines(seen: Inspection) -> list[tuple[str, str]]:
    """Label and value of each line; what is not known is said to be so."""
    facts = seen.facts
    style = "the model's own chat template" if seen.has_template else "no chat template"
    level = (
        "of a small random twin in float32; the weights were not tried" if seen.twin else "held against transformers"
    )
    return [
        ("model", f"{facts.model} ({seen.path}{f', revision {facts.revision}' if facts.revision else ''})"),
        ("class", f"{seen.model_class} (type {seen.model_type})"),
        ("parameters", _known(facts.parameters, "{:,}")),
        ("weights", f"{_mebibytes(facts.weights_bytes)} in {facts.dtype} on {facts.device}"),
        ("KV cache", _known(facts.kv_bytes_per_token, "{:,} bytes a token")),
        ("window", _known(facts.context_window, "{} tokens")),
        ("vocabulary", f"{seen.vocabulary} tokens"),
        ("end tokens", ", ".join(map(repr, facts.end_tokens)) or "none"),
        ("style", f"{facts.style} ({style})"),
        ("level", f"{seen.level} ({level})"),
        *(("digest", f"{name} {digest}") for name, digest in facts.digests.items()),
        *(("note", note) for note in facts.notes),
    ]


def _known(value: int | None, form: str) -> str:
    return "unknown" if value is None else form.format(value)


def _mebibytes(size: int | None) -> str:
    return "unknown size" if size is None else f"{size / 2**20:,.1f} MiB"
