"""The sandbox for ordinary containers, where namespaces are refused: rules over files, sockets, signals and calls.

Guaranteed and not guaranteed: see `harness.execution.inside.landlock`. Chosen by itself only in a container.
"""

from __future__ import annotations

from harness.execution.base import Sandbox
from harness.execution.conduct import Conductor
from harness.execution.host import Zygotes

_CAUTION = "weaker than namespaces, which this container refuses; do not keep secrets in it (docs/security.md)"


def build() -> Sandbox:
    """Return the sandbox; nothing is started or tried yet."""
    return Conductor("landlock", Zygotes("landlock", links=True), _CAUTION)


def advice(reason: str) -> str:
    """Say what to do about the `reason` for which a program could not be run."""
    del reason
    return "Linux 6.7 with Landlock is needed (6.12 for other users than root), and a container that lets it through"
