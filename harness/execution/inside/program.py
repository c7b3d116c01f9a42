"""From a process of ours to a stranger's program: descriptors, limits, privileges. Runs in the child.

Guaranteed: the program inherits the descriptors that it is given and no other, leads a session of its own, and
has its limits before its first instruction.
"""

from __future__ import annotations

# `signal` itself would import `enum`, `functools` and `collections`.
import _signal as signal  # type: ignore[import-not-found]
import fcntl
import os
import resource

from harness.execution.inside.place import SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.order import Order
    from harness.execution.inside.place import Place

# Between the wall limit and this, the processor limit of each process ends what the supervisor could not.
CPU_EXTRA_SECONDS = 2
# Deep recursion through C code needs more than the usual 8 MB.
STACK_BYTES = 64 << 20
FILE_BYTES = 16 << 20
BUILD_FILE_BYTES = 256 << 20
OPEN_FILES = 256


def settle(descriptors: list[int], work: str) -> None:
    """Put `descriptors` at 0, 1, 2, ...; close all others; lead a session, in folder `work`."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in descriptors]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number, inheritable=True)
    os.closerange(len(descriptors), 1 << 16)
    os.setsid()
    os.chdir(work)
    os.umask(0o022)
    # The interpreter ignores these two; a program expects the system's own behaviour.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def limit(order: Order, place: Place, *, building: bool = False) -> None:
    """Bound this process and all that come from it."""
    seconds = order["build_seconds"] if building else order["wall_seconds"]
    memory = order["build_memory_bytes"] if building else order["memory_bytes"]
    cpu = int(seconds) + CPU_EXTRA_SECONDS
    # Compilers reserve memory by the gigabyte as well; what they touch is bound by the whole tree's limit
    space = resource.RLIMIT_DATA if order["reserves"] or building else resource.RLIMIT_AS
    limits = {
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        space: (memory,) * 2,
        resource.RLIMIT_FSIZE: (BUILD_FILE_BYTES if building else min(FILE_BYTES, order["work_bytes"]),) * 2,
        resource.RLIMIT_NOFILE: (OPEN_FILES,) * 2,
        resource.RLIMIT_NPROC: (order["processes"] + place.own_processes,) * 2,
        resource.RLIMIT_STACK: (STACK_BYTES,) * 2,
        resource.RLIMIT_CORE: (0, 0),
    }
    for kind, (soft, hard) in limits.items():
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(kind, (soft, hard))


def ending(status: int, used: resource.struct_rusage, order: Order, *, building: bool = False) -> str:
    """Say how a process ended: the word for the zygote.

    A process that ignores SIGXCPU is killed at its limit of processor time, a second later.
    """
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    seconds = order["build_seconds"] if building else order["wall_seconds"]
    if number == SIGKILL and used.ru_utime + used.ru_stime >= int(seconds) + CPU_EXTRA_SECONDS:
        number = signal.SIGXCPU
    return f"signal {int(number)}"


def sealed(data: bytes) -> int:
    """Return a descriptor to read `data` from; nothing can change it and no reader can block the writer."""
    if not hasattr(os, "memfd_create"):
        import tempfile

        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            return os.dup(file.fileno())
    descriptor = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor
