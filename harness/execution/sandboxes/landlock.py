"""The sandbox for ordinary containers, which refuse namespaces: rules for files, sockets, signals and system calls.

Guaranteed and not guaranteed: see `harness.execution.inside.landlock`. `auto` takes it only in a container.
"""

from __future__ import annotations

from harness.execution.base import Sandbox
from harness.execution.process_sandbox import ProcessSandbox
from harness.execution.zygote_pool import ZygotePool

_CAUTION = "weaker than namespaces, which this container refuses; keep no secrets in it (docs/security.md)"


def build() -> Sandbox:
    """Return the sandbox; nothing is started or tried yet."""
    return ProcessSandbox("landlock", ZygotePool("landlock", links=True), _CAUTION)


def advice(reason: str) -> str:
    """Return the fix for the `reason` why a program could not be run."""
    del reason
    return "needs Linux 6.7 with Landlock (6.12 for users other than root), in a container that allows Landlock's calls"
