"""Resources that the processes of a sandbox used: memory, and time in which they were ready to run but had no core."""

from __future__ import annotations

import os
import resource

_PAGE = resource.getpagesize()
# A thread counts as busy if it ran or waited for a core for this share of the time
_BUSY = 0.25


def memory(pids: list[int], limit: int) -> int:
    """Bytes of memory of all processes: resident pages, or proportional shares if the resident sum exceeds `limit`.

    Pages shared after a fork count once per process in the resident sum, so it only decides when to measure exactly.
    """
    resident = sum(_field(f"/proc/{pid}/statm", 1) for pid in pids) * _PAGE
    if resident <= limit or len(pids) == 1:
        return resident
    return sum(_proportional(pid) for pid in pids)


def waited(init: int, pids: list[int], elapsed: float) -> float:
    """Seconds that a sandbox lost because other programs had the cores; 0 if the kernel does not report it.

    `init` is its init process, `pids` are all its processes, `elapsed` are the seconds since its start. The init
    process and the program's main thread work in turn, so their waiting times are added; otherwise the thread that
    waited longest counts. A sandbox with more busy threads than cores competes with itself, so its waiting counts as 0.
    """
    main = min((pid for pid in pids if _parent(pid) == init), key=_started, default=init)
    in_turn, longest, busy = 0.0, 0.0, 0
    for pid in {init, *pids}:
        for thread in _threads(pid):
            ran, lost = _scheduled(pid, thread)
            busy += ran + lost >= _BUSY * elapsed
            longest = max(longest, lost)
            if thread in (init, main):
                in_turn += lost
    if busy > cores():
        return 0.0
    return min(elapsed, max(in_turn, longest))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _scheduled(pid: int, thread: int) -> tuple[float, float]:
    """Seconds that a thread ran, and that it waited for a core (Documentation/scheduler/sched-stats)."""
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
    return _stat_field(pid, 1)


def _started(pid: int) -> int:
    return _stat_field(pid, 19)


def _stat_field(pid: int, index: int) -> int:
    """A field of /proc/PID/stat, counted from the state, which follows the command's name in brackets."""
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
