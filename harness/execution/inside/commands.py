"""The first process of a world whose program is started by commands: writes its files, builds it, runs it, and tells
the zygote how each step ended.

Trusted. What it says on the control pipe is believed, so no descriptor of it is ever inherited by a program.
"""

from __future__ import annotations

import marshal
import os

from harness.execution.inside import program, wire
from harness.execution.inside.order import INPUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource

    from harness.execution.inside.order import Commands, Order
    from harness.execution.inside.place import Place
    from harness.execution.inside.supervise import Ends


def run(order: Order, place: Place, ends: Ends) -> None:
    """Take the secret from the host's pipe and see the program through. Never returns."""
    try:
        secret: Commands = marshal.loads(wire.receive(INPUT))
        ends.tell("got")
        work = place.furnish(order["work_bytes"])
        _write(secret["files"], work)
        for command in secret["build"]:
            ends.tell("build")
            pid = _start(command, order, place, (ends, work), (program.sealed(b""), None))
            end = program.ending(*_wait(pid), order, building=True)
            if end != "exit 0":
                ends.tell(f"build_failed {end}")
                os._exit(0)
        if secret["build"]:
            for name, _ in secret["files"]:
                os.unlink(os.path.join(work, name))
        inputs = program.sealed(secret["stdin"]), program.sealed(secret["request"])
        if not order["process_list"]:
            place.cover_process_list()
        ends.tell("run")
        pid = _start(secret["command"], order, place, (ends, work), inputs)
        ends.tell(program.ending(*_wait(pid), order))
    except OSError as error:
        ends.tell(f"broken {error}")
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
    command: list[str], order: Order, place: Place, where: tuple[Ends, str], inputs: tuple[int, int | None]
) -> int:
    """Start a step: the program where there is a request to hand over, else a part of its building."""
    ends, work = where
    stdin, request = inputs
    failed, failing = os.pipe()
    pid = os.fork()
    if pid == 0:
        descriptors = [stdin, ends.out, ends.err]
        if request is not None:
            descriptors += [request, ends.report]
        _become(command, order, place, work, (descriptors, failing))
    os.close(failing)
    os.close(stdin)
    # Closed by a successful exec, or carries the reason of a failed one
    reason = os.read(failed, 4096)
    os.close(failed)
    if reason:
        raise OSError(reason.decode("utf-8", "replace"))
    return pid


def _become(command: list[str], order: Order, place: Place, work: str, given: tuple[list[int], int]) -> None:
    """Child: limit, restrict, exec. Never returns."""
    descriptors, failing = given
    count = len(descriptors)
    try:
        program.settle([*descriptors, failing], work)
        failing = count
        os.set_inheritable(failing, False)
        place.restrict()
        program.limit(order, place, building=count == 3)
        os.execve(command[0], command, {**order["environment"], **place.environment(), "HOME": work, "TMPDIR": work})
    except (OSError, ValueError) as error:
        os.write(failing, f"{command[0]} could not be started: {error}".encode())
    finally:
        os._exit(127)


def _wait(pid: int) -> tuple[int, resource.struct_rusage]:
    """Wait for one child, collecting orphans on the way; return its status and what it used."""
    while True:
        ended, status, used = os.wait3(0)
        if ended == pid:
            return status, used
