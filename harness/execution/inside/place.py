"""What a zygote must know of the way in which its programs are kept apart: one subclass for each way."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.order import Hello

SIGKILL = 9


class Place:
    """A way of isolating. Used by the zygote (`enter`, `fork`, `members`, `clear`), by the first process of a world
    (`begin`, `furnish`) and by the program itself (`restrict`).
    """

    # Processes of ours that a limit on the number of processes counts as well
    own_processes = 0
    # Where calls that send SIGKILL are reported, None where they cannot be
    listener: int | None = None

    # The folder that holds the packages that programs may import, empty where there are none
    library = ""

    def enter(self, hello: Hello) -> None:
        """Isolate this process once, for all programs to come. Raises OSError. May return in a descendant only."""

    def environment(self) -> dict[str, str]:
        """What programs find in their environment because of the packages that they may import.

        One thread for linear algebra: each more would take of the program's limits on memory and threads.
        """
        one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        return {"PYTHONPATH": self.library, **one} if self.library else {}

    def fork(self) -> int:
        """Start the first process of a new world: 0 in it, its number in the zygote."""
        raise NotImplementedError

    def begin(self) -> None:
        """In the first process, before anything else."""

    def furnish(self, work_bytes: int) -> str:
        """In the first process, or its first child: make the world; return its empty work folder. Raises OSError."""
        raise NotImplementedError

    def cover_process_list(self) -> None:
        """In the first process: leave the program no /proc, where there is one of its own."""

    def guard(self) -> None:
        """In the first process, once the program is split off: give up what only furnishing needed."""

    def restrict(self) -> None:
        """In the program, just before strangers' code: give up every privilege."""

    def members(self) -> list[int]:
        """Living processes of the present world, as the zygote sees them."""
        raise NotImplementedError

    def clear(self, first: int) -> None:
        """Kill and collect everything of the world whose first process is `first`; remove its folder."""
        raise NotImplementedError
