"""The options of a run as flags of a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer

from harness.config.options import run_options
from harness.engines import BUILT_IN, DEFAULT_ENGINE, REPLAY_ENGINE

Command = TypeVar("Command", bound=Callable[..., Any])
# Options that the environment may set too
ENVIRONMENT = {"mirror": "HARNESS_MIRROR"}
# Only the engines' package knows its engines
ENGINE_HELP = {
    "engine": f"what answers: {', '.join(BUILT_IN)} [default: {DEFAULT_ENGINE}]",
    "completions": f"answers for --engine {REPLAY_ENGINE} (JSON lines)",
}


def with_run_options(
    *,
    after: str,
    names: Sequence[str] | None = None,
    help: Mapping[str, str] | None = None,
    least: Mapping[str, int] | None = None,
) -> Callable[[Command], Command]:
    """Give a command that takes `**options` a flag for each option of a run, behind the parameter `after`.

    `names` are the options that it has (default: all), `help` another text and `least` the smallest value of some.
    """
    options = run_options()

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        flags = []
        for name in names or options:
            kind, option = options[name]
            text = {**ENGINE_HELP, **(help or {})}.get(name, option.help)
            # A switch has no `--no-` form
            declared = (f"--{name.replace('_', '-')}",) if kind is bool else ()
            flag = typer.Option(
                *declared,
                help=text,
                metavar=option.metavar,
                envvar=ENVIRONMENT.get(name),
                min=(least or {}).get(name),
            )
            flags.append(_parameter(name, kind, flag))
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                parameters.append(parameter)
            if parameter.name == after:
                parameters += flags
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return decorate


def _parameter(name: str, kind: type, flag: Any) -> inspect.Parameter:
    annotation = Annotated[bool, flag] if kind is bool else Annotated[kind | None, flag]
    default = False if kind is bool else None
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)
