"""`harness completion`: the script with which a shell completes commands, options and names of pages."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from harness.config.places import page_names

PROGRAM = "harness"
# Set by the script when the shell asks for words; by the name, click's own machinery answers instead of a command
VARIABLE = "_HARNESS_COMPLETE"


class Shell(StrEnum):
    """The shells that there is a script for."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish")]) -> None:
    """Print a script for shell completion. For bash: add `eval "$(harness completion bash)"` to ~/.bashrc.

    For zsh the same with `zsh`, in ~/.zshrc behind compinit; for fish: `harness completion fish >
    ~/.config/fish/completions/harness.fish`.
    """
    from typer._completion_shared import get_completion_script

    print(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell.value))


def answer_the_shell() -> None:
    """Prepare the answer where a shell asks for words; nothing otherwise, so that no other command waits for it."""
    if VARIABLE in os.environ:
        from typer.completion import get_completion_inspect_parameters

        # Makes typer's classes for the shells known, as its option --install-completion would
        get_completion_inspect_parameters()


def task_names(incomplete: str) -> list[str]:
    """Tasks that begin so; `--tasks` takes several with commas, of which the last one is completed."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in page_names("tasks") if name.startswith(last)]


def suite_names(incomplete: str) -> list[str]:
    """Suites that begin so."""
    return _beginning("configs/suites", incomplete)


def model_names(incomplete: str) -> list[str]:
    """Models with a page that begin so."""
    return _beginning("configs/models", incomplete)


def claim_names(incomplete: str) -> list[str]:
    """Pages of claims that begin so."""
    return _beginning("configs/claims", incomplete)


def _beginning(kind: str, incomplete: str) -> list[str]:
    return [name for name in page_names(kind) if name.startswith(incomplete)]
