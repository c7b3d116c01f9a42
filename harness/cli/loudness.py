"""How much a command says besides its results: `--quiet` and `--verbose`, the same in every command that has them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class Loudness(Enum):
    """`quiet`: results and errors. `verbose`: each task by itself, all warnings, how long each phase took."""

    quiet = "quiet"
    normal = "normal"
    verbose = "verbose"


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="only results and errors, no progress")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="each task's facts, every warning, the time of each phase")
]


def loudness(quiet: bool, verbose: bool) -> Loudness:
    """What the two flags say. Raises UserError where both are given."""
    from harness.errors import UserError

    if quiet and verbose:
        raise UserError("--quiet and --verbose exclude each other; give one")
    return Loudness.quiet if quiet else Loudness.verbose if verbose else Loudness.normal
