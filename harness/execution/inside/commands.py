"""The init process of a sandbox whose program is started by commands: it writes the program's files, builds it, runs it
and reports to the zygote how each step ended.

Trusted. The zygote believes its events, so no program ever inherits a descriptor of the control pipe.
"""

from __future__ import annotations

import marshal
import os

from harness.execution.inside import child_process, wire
from harness.execution.inside.messages import INPUT_FD

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource

    from harness.execution.inside.isolation import Isolation
    from harness.execution.inside.messages import CommandSecret, ProgramSpec
    from harness.execution.inside.supervisor import Writers


def run(spec: ProgramSpec, isolation: Isolation, writers: Writers) -> None:
    """Read the secret from the host's pipe, build the program and run it. Never returns."""
    try:
        secret: CommandSecret = marshal.loads(wire.receive(INPUT_FD))
        writers.send_event("secret_read")
        work = isolation.set_up(spec["work_bytes"])
        _write(secret["files"], work)
        for command in secret["build"]:
            writers.send_event("build")
            pid = _start(command, spec, isolation, (writers, work), (child_process.sealed_file(b""), None))
            end = child_process.describe_exit(*_wait(pid), spec, building=True)
            if end != "exit 0":
                writers.send_event(f"build_failed {end}")
                os._exit(0)
        if secret["build"]:
            for name, _ in secret["files"]:
                os.unlink(os.path.join(work, name))
        inputs = child_process.sealed_file(secret["stdin"]), child_process.sealed_file(secret["request"])
        if not spec["process_list"]:
            isolation.hide_process_list()
        writers.send_event("run")
        pid = _start(secret["command"], spec, isolation, (writers, work), inputs)
        writers.send_event(child_process.describe_exit(*_wait(pid), spec))
    except OSError as error:
        writers.send_event(f"fault {error}")
    finally:
        os._exit(0)


def _write(files: list[tuple[str, bytes]], work: str) -> None:
    for name, data in files:
        path = os.path.join(work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with open(descriptor, "wb") as file:
            file.write(data)


def _start(
    command: list[str],
    spec: ProgramSpec,
    isolation: Isolation,
    where: tuple[Writers, str],
    inputs: tuple[int, int | None],
) -> int:
    """Start one step: the program if there is a request to pass, else a build command. Raises OSError."""
    writers, work = where
    stdin, request = inputs
    errors, error_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        descriptors = [stdin, writers.out, writers.err]
        if request is not None:
            descriptors += [request, writers.report]
        _exec(command, spec, isolation, work, (descriptors, error_writer))
    os.close(error_writer)
    os.close(stdin)
    # A successful exec closes it; a failed one writes the cause
    cause = os.read(errors, 4096)
    os.close(errors)
    if cause:
        raise OSError(cause.decode("utf-8", "replace"))
    return pid


def _exec(command: list[str], spec: ProgramSpec, isolation: Isolation, work: str, given: tuple[list[int], int]) -> None:
    """In the child: drop privileges, set limits, exec. Never returns."""
    descriptors, error_writer = given
    count = len(descriptors)
    try:
        child_process.prepare([*descriptors, error_writer], work)
        error_writer = count
        os.set_inheritable(error_writer, False)
        isolation.restrict()
        child_process.set_limits(spec, isolation, building=count == 3)
        os.execve(command[0], command, {**spec["environment"], **isolation.environment(), "HOME": work, "TMPDIR": work})
    except (OSError, ValueError) as error:
        os.write(error_writer, f"{command[0]} could not be started: {error}".encode())
    finally:
        os._exit(127)


def _wait(pid: int) -> tuple[int, resource.struct_rusage]:
    """Wait for one child and reap orphans meanwhile; return its status and the resources it used."""
    while True:
        ended, status, used = os.wait3(0)
        if ended == pid:
            return status, used
