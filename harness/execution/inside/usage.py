"""What the processes of a world took so far: memory, and time for which they were ready to run and had no core."""

from __future__ import annotations

import os
import resource

_PAGE = resource.getpagesize()
# A thread counts as busy if it ran or waited for a core for this part of the time
_BUSY = 0.25


def memory(pids: list[int], limit: int) -> int:
    """Bytes of memory of all processes: resident pages, or proportional shares where that sum is too much.

    Pages shared after a fork count once per process in the first sum, so it only says when to look closer.
    """
    resident = sum(_field(f"/proc/{pid}/statm", 1) for pid in pids) * _PAGE
    if resident <= limit or len(pids) == 1:
        return resident
    return sum(_proportional(pid) for pid in pids)


def waited(first: int, pids: list[int], elapsed: float) -> float:
    """Seconds that a world lost because others had the cores; 0 where the kernel does not say.

    `first` is its first process, `pids` are all of them, `elapsed` is how long it has run. The first process and the
    program's main thread work in turn, so their waiting adds up; else the thread that waited most counts. A world
    with more busy threads than cores competes with itself: its waiting is its own affair, and none of it counts.
    """
    main = min((pid for pid in pids if _parent(pid) == first), key=_started, default=first)
    in_turn, longest, busy = 0.0, 0.0, 0
    for pid in {first, *pids}:
        for thread in _threads(pid):
            ran, lost = _scheduled(pid, thread)
            busy += ran + lost >= _BUSY * elapsed
            longest = max(longest, lost)
            if thread in (first, main):
                in_turn += lost
    if busy > cores():
        return 0.0
    return min(elapsed, max(in_turn, longest))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _scheduled(pid: int, thread: int) -> tuple[float, float]:
    """Seconds that a thread ran, and that it was ready to run and did not (Documentation/scheduler/sched-stats)."""
    try:
        with open(f"/proc/{pid}/task/{thread}/schedstat", "rb") as file:
            ran, lost = file.read().split()[:2]
        return int(ran) / 1e9, int(lost) / 1e9
    except (OSError, ValueError):
        return 0.0, 0.0


def _threads(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _parent(pid: int) -> int:
    return _of_stat(pid, 1)


def _started(pid: int) -> int:
    return _of_stat(pid, 19)


def _of_stat(pid: int, index: int) -> int:
    """A number of /proc/PID/stat, counted from the state, which follows the command's name in brackets."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[index])
    except (OSError, IndexError, ValueError):
        return 0


def _field(path: str, index: int) -> int:
    try:
        with open(path, "rb") as file:
            return int(file.read().split()[index])
    except (OSError, IndexError, ValueError):
        return 0


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return next((int(line.split()[1]) << 10 for line in file if line.startswith(b"Pss:")), 0)
    except OSError:
        return 0
