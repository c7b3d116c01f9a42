"""Processor time of a tree of processes, by a control group: the only count that misses none of them.

The kernel reports the time of a process's children only for those that it waited for. Processes of a pid namespace
whose first process ends are reaped by the kernel and counted nowhere, so this sandbox would look cheaper than it is.
Without a writable group there is no figure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


class Meter:
    """One group. Does nothing where none can be made."""

    def __init__(self, name: str) -> None:
        """Make the group."""
        self._folder: Path | None = None
        for parent in _parents():
            try:
                (parent / name).mkdir()
            except OSError:
                continue
            self._folder = parent / name
            break

    def take(self, pid: int) -> None:
        """Count this process, and from now on all that come from it."""
        if self._folder is not None:
            (self._folder / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def seconds(self) -> float | None:
        """Processor seconds so far, user and system."""
        if self._folder is None:
            return None
        old = self._folder / "cpuacct.usage"
        if old.is_file():
            return int(old.read_text(encoding="ascii")) / 1e9
        words = (self._folder / "cpu.stat").read_text(encoding="ascii").split()
        return int(words[words.index("usage_usec") + 1]) / 1e6

    def close(self) -> None:
        """Remove the group, which is empty when its processes have ended."""
        if self._folder is not None:
            try:
                self._folder.rmdir()
            except OSError:
                return

    @staticmethod
    def how() -> str | None:
        """What counts processor time here, None where nothing can."""
        for parent in _parents():
            if os.access(parent, os.W_OK):
                return "cgroup v2 cpu.stat" if (parent / "cpu.stat").is_file() else "cgroup v1 cpuacct.usage"
        return None


def _parents() -> Iterator[Path]:
    """Folders in which a group that counts may be made, most exact first."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "cpuacct" in controllers.split(","):
            yield _ROOT / "cpuacct" / path.lstrip("/")
    for line in lines:
        if line.startswith("0::"):
            folder = _ROOT / line[3:].lstrip("/")
            if (folder / "cpu.stat").is_file():
                yield folder
