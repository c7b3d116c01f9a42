"""Counts the processes that the kernel killed because memory ran out, where this process may read the counters.

Source: Documentation/admin-guide/cgroup-v2.rst (memory.events: oom_kill), cgroup-v1/memory.rst (memory.oom_control),
and /proc/vmstat (oom_kill, of the whole machine) if this process has no control group of its own.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_MACHINE = Path("/proc/vmstat")
_COUNTER = b"\noom_kill "
_MOST_BYTES = 1 << 16


def count() -> int:
    """Out-of-memory kills in this control group, else on this machine, since it started; 0 if unknown."""
    return sum(_count(path) for path in _counters())


@functools.cache
def _counters() -> tuple[Path, ...]:
    paths = [path for path in _group_counters() if path.is_file()]
    return tuple(paths) or (_MACHINE,)


def _group_counters() -> list[Path]:
    """Counter files of the control groups of this process; inside a container its group is the root."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if "memory" in controllers.split(","):
            folders = [_GROUPS / "memory" / group.lstrip("/"), _GROUPS / "memory"]
            return [next((f / "memory.oom_control" for f in folders if f.is_dir()), _MACHINE)]
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:
            folders = [_GROUPS / group.lstrip("/"), _GROUPS]
            return [next((f / "memory.events" for f in folders if (f / "memory.events").is_file()), _MACHINE)]
    return []


def _count(path: Path) -> int:
    # Not `read_text`: this runs before every program
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        text = os.read(descriptor, _MOST_BYTES)
    finally:
        os.close(descriptor)
    _, counter, rest = text.partition(_COUNTER)
    return int(rest.split(None, 1)[0]) if counter else 0
