"""The zygote: a process that isolates itself once and then starts one program after another, each in a new sandbox.

It is a newly started interpreter with a clean environment and closed descriptors, so it contains nothing of the host.
It never reads the secrets that prove a pass (`messages.py`), so a candidate that is forked from it cannot find them.
It ends when its host does, and ends all programs with it.
"""

from __future__ import annotations

# `signal` itself would import `enum`, `functools` and `collections`.
import _signal as signal  # type: ignore[import-not-found]
import gc
import marshal
import os

from harness.execution.inside import by_value, commands, wire
from harness.execution.inside.messages import INPUT_FD, OUTPUT_FD
from harness.execution.inside.supervisor import HostGone, Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.isolation import Isolation
    from harness.execution.inside.messages import ProgramSpec, ZygoteConfig

# The modules that programs import most, loaded once for all of them: each import would cost a program milliseconds.
PRELOADED = (
    "bisect", "collections", "copy", "functools", "heapq", "itertools", "json", "math", "operator", "re", "string",
    "sys", "time", "typing",
)  # fmt: skip


def serve(isolation: Isolation) -> None:
    """Read a ZygoteConfig, isolate, confirm it; then run programs until the host is gone. Never returns."""
    config: ZygoteConfig = marshal.loads(wire.receive(INPUT_FD))
    # In another process namespace the host has no process id (0)
    if os.getppid() not in (config["host"], 0):
        os._exit(0)
    os.environ.clear()
    os.environ.update(config["environment"])
    for name in PRELOADED:
        __import__(name)
    by_value.prepare()
    try:
        isolation.isolate(config)
    except OSError as error:
        wire.send(OUTPUT_FD, marshal.dumps(error.strerror or str(error)))
        os._exit(0)
    gc.collect()
    gc.freeze()
    wire.send(OUTPUT_FD, marshal.dumps(""))
    try:
        while _run_program(isolation):
            pass
    except (EOFError, HostGone, BrokenPipeError):
        pass
    finally:
        os._exit(0)


def _run_program(isolation: Isolation) -> bool:
    """Run one program; return whether another one may follow."""
    spec: ProgramSpec = marshal.loads(wire.receive(INPUT_FD))
    supervisor = Supervisor(spec, isolation)
    try:
        init = isolation.fork()
    except OSError as error:
        wire.send(OUTPUT_FD, marshal.dumps(("infra", 0, 0.0, b"", b"", b"", f"no process could be started: {error}")))
        return False
    if init == 0:
        # Where only one user may be mapped, the program may send signals to this process, which judges it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for reader in supervisor.readers:
            os.close(reader)
        os.close(OUTPUT_FD)
        isolation.on_fork()
        if spec["source"] is None:
            commands.run(spec, isolation, supervisor.writers)
        else:
            by_value.run(spec, isolation, supervisor.writers)
        os._exit(0)
    result = supervisor.supervise(init)
    wire.send(OUTPUT_FD, marshal.dumps(result.as_tuple()))
    return result.secret_read
