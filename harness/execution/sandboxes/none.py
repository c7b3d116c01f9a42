"""No sandbox: limits and a fresh folder, nothing more. Only for a machine that may be thrown away.

Guaranteed: the same verdicts and limits as elsewhere, an empty environment, and no process left (on Linux, unless the
process that starts programs is killed outright). Not guaranteed: anything else. The program reads and writes what the
user may, reaches the network, and can signal the user's processes.
"""

from __future__ import annotations

from harness.execution.base import Sandbox
from harness.execution.conduct import Conductor
from harness.execution.host import Zygotes

_CAUTION = "programs may read, change and send whatever you may"


def build() -> Sandbox:
    """Return the sandbox."""
    return Conductor("none", Zygotes("bare", links=True), _CAUTION)


def advice(reason: str) -> str:
    """Say what to do about the `reason` for which a program could not be run."""
    del reason
    return "check that processes can be started on this machine"
