"""Prepares a child process to run an untrusted program: its descriptors, session and limits.

Guaranteed: the program inherits the given descriptors and no others, leads a session of its own, and has its limits
before its first instruction.
"""

from __future__ import annotations

# `signal` itself would import `enum`, `functools` and `collections`.
import _signal as signal  # type: ignore[import-not-found]
import fcntl
import os
import resource

from harness.execution.inside.isolation import SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.isolation import Isolation
    from harness.execution.inside.messages import ProgramSpec

# The processor-time limit of each process is the wall limit plus this: it ends what the supervisor could not
CPU_EXTRA_SECONDS = 2
# Deep recursion through C code needs more than the default 8 MB.
STACK_BYTES = 64 << 20
FILE_BYTES = 16 << 20
BUILD_FILE_BYTES = 256 << 20
OPEN_FILES = 256


def prepare(descriptors: list[int], work: str) -> None:
    """Move `descriptors` to 0, 1, 2, ...; close all others; start a session; enter the folder `work`."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 64) for descriptor in descriptors]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number, inheritable=True)
    os.closerange(len(descriptors), 1 << 16)
    os.setsid()
    os.chdir(work)
    os.umask(0o022)
    # The interpreter ignores the first two; a program expects the system's default behaviour.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def set_limits(spec: ProgramSpec, isolation: Isolation, *, building: bool = False) -> None:
    """Set the limits of this process and its descendants."""
    seconds = spec["build_seconds"] if building else spec["wall_seconds"]
    memory = spec["build_memory_bytes"] if building else spec["memory_bytes"]
    cpu = int(seconds) + CPU_EXTRA_SECONDS
    # Compilers reserve gigabytes of memory too; the limit of the process tree bounds what they touch
    space = resource.RLIMIT_DATA if spec["reserves"] or building else resource.RLIMIT_AS
    limits = {
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        space: (memory,) * 2,
        resource.RLIMIT_FSIZE: (BUILD_FILE_BYTES if building else min(FILE_BYTES, spec["work_bytes"]),) * 2,
        resource.RLIMIT_NOFILE: (OPEN_FILES,) * 2,
        resource.RLIMIT_NPROC: (spec["processes"] + isolation.overhead_processes,) * 2,
        resource.RLIMIT_STACK: (STACK_BYTES,) * 2,
        resource.RLIMIT_CORE: (0, 0),
    }
    for kind, (soft, hard) in limits.items():
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(kind, (soft, hard))


def describe_exit(status: int, used: resource.struct_rusage, spec: ProgramSpec, *, building: bool = False) -> str:
    """Describe how a process ended, as the event for the zygote.

    A process that ignores SIGXCPU is killed at its limit of processor time, a second later.
    """
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    seconds = spec["build_seconds"] if building else spec["wall_seconds"]
    if number == SIGKILL and used.ru_utime + used.ru_stime >= int(seconds) + CPU_EXTRA_SECONDS:
        number = signal.SIGXCPU
    return f"signal {int(number)}"


def sealed_file(data: bytes) -> int:
    """Return a descriptor to read `data` from. No process can change the data, and no reader can block the writer."""
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
