"""The interface between a zygote and a way of isolating programs. Each way is a subclass of `Isolation`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.messages import ZygoteConfig

SIGKILL = 9


class Isolation:
    """A way of isolating programs. Its methods run in three kinds of process, in this order.

    The zygote calls `isolate` once, then for each program `fork`, `processes` and `tear_down`. The init process, which
    is the first process of a program's sandbox, calls `on_fork`, `set_up`, `hide_process_list` and
    `drop_set_up_rights`. The program's own process calls `restrict` before untrusted code starts.
    """

    # Processes of the harness that the limit on the number of processes counts too
    overhead_processes = 0
    # Descriptor on which the kernel reports calls that send SIGKILL; None if it cannot
    kill_listener: int | None = None

    # Folder of the packages that programs may import, empty if there are none
    packages_folder = ""

    def isolate(self, config: ZygoteConfig) -> None:
        """Isolate the zygote once, for all its programs. Raises OSError. May return only in a descendant process."""

    def environment(self) -> dict[str, str]:
        """Environment variables that programs need for the packages that they may import.

        Linear algebra gets one thread: each further one would use up the program's limits of memory and threads.
        """
        one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        return {"PYTHONPATH": self.packages_folder, **one} if self.packages_folder else {}

    def fork(self) -> int:
        """Start the init process of a new sandbox: 0 in it, its process id in the zygote."""
        raise NotImplementedError

    def on_fork(self) -> None:
        """Called in the init process before anything else."""

    def set_up(self, work_bytes: int) -> str:
        """In the init process, or its first child: set up the sandbox; return its empty work folder. Raises OSError."""
        raise NotImplementedError

    def hide_process_list(self) -> None:
        """In the init process: hide /proc from the program, if the sandbox has a /proc of its own."""

    def drop_set_up_rights(self) -> None:
        """In the init process, after the program was forked: give up the rights that only `set_up` needs."""

    def restrict(self) -> None:
        """In the program's process, just before untrusted code runs: give up every privilege."""

    def processes(self) -> list[int]:
        """Process ids of the living processes of the current sandbox, in the zygote's numbering."""
        raise NotImplementedError

    def tear_down(self, init: int) -> None:
        """Kill and reap all processes of the sandbox whose init process is `init`; remove its folder."""
        raise NotImplementedError
