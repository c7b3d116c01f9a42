"""No sandbox: only limits and a new folder. For machines that hold nothing of value.

Guaranteed: the same verdicts and limits as elsewhere, an empty environment, and no process left running (on Linux,
unless the process that starts programs is killed with SIGKILL). Not guaranteed: anything else. The program can read
and write all files of the user, use the network and signal the user's processes.
"""

from __future__ import annotations

from harness.execution.base import Sandbox
from harness.execution.process_sandbox import ProcessSandbox
from harness.execution.zygote_pool import ZygotePool

_CAUTION = "programs can read, change and send everything that you can"


def build() -> Sandbox:
    """Return the sandbox."""
    return ProcessSandbox("none", ZygotePool("bare", links=True), _CAUTION)


def advice(reason: str) -> str:
    """Return the fix for the `reason` why a program could not be run."""
    del reason
    return "check that processes can be started on this machine"
