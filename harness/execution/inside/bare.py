"""The zygote of the `none` sandbox: limits, a clean environment, a fresh folder, and a kill at the end.

Guaranteed: wall, processor, memory and output limits, the process group killed at the end and, on Linux, also
daemons that left it. Not guaranteed, and not attempted: keeping the program from the user's files, the network and
other processes, this one among them; who kills this one outright leaves the program and its folder behind.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import os
import sys
import tempfile
import time

from harness.execution.inside import kills, zygote
from harness.execution.inside.kernel import Kernel
from harness.execution.inside.place import SIGKILL, Place
from harness.execution.inside.supervise import HostGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.order import Hello

ROUND_SECONDS = 0.002


def main() -> None:
    """Serve the host at stdin and stdout."""
    zygote.serve(Bare())


class Bare(Place):
    """No isolation."""

    def __init__(self) -> None:
        """No program runs yet."""
        self._work = ""

    def enter(self, hello: Hello) -> None:
        """Become the one to whom lost processes fall."""
        self.library = hello["library"]
        signal.signal(signal.SIGTERM, _end)
        if sys.platform == "linux":
            calls = Kernel()
            calls.collect_orphans()
            self.listener = kills.listen(calls)
            if self.listener is None:
                # Without the privileges of root, only what gains none any more may be given a filter
                calls.forbid_new_privileges()
                self.listener = kills.listen(calls)

    def fork(self) -> int:
        """A child with a folder; the limit on processes counts every one of the user, not only the program's."""
        self._work = tempfile.mkdtemp(prefix="harness-program-")
        self.own_processes = _processes_of_user()
        return os.fork()

    def begin(self) -> None:
        """What is not lost ends together."""
        os.setpgid(0, 0)

    def furnish(self, work_bytes: int) -> str:
        """The folder is there; nothing bounds its size but the size of one file."""
        del work_bytes
        return self._work

    def members(self) -> list[int]:
        """Every living descendant of this process; only Linux tells."""
        found, unseen = [], [os.getpid()]
        while unseen:
            children = _children(unseen.pop())
            found += children
            unseen += children
        return found

    def clear(self, first: int) -> None:
        """Kill and collect every descendant; what forks meanwhile is met again in the next round."""
        self._kill(first)
        try:
            while True:
                for pid in self.members():
                    self._kill(pid)
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
                time.sleep(ROUND_SECONDS)
        except ChildProcessError:
            pass
        _remove(self._work)

    def _kill(self, pid: int) -> None:
        ways = (os.killpg, os.kill) if self.listener is None else (_by_handle,)
        for kill in ways:
            try:
                kill(pid, SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def _remove(folder: str) -> None:
    """Remove a dead program's folder, however deep and whatever its modes.

    Every folder in it is moved to the top before it is emptied, so no path gets long and no call nests.
    """
    pending, count = [folder], 0
    while pending:
        path = pending.pop()
        try:
            os.chmod(path, 0o700)
            entries = list(os.scandir(path))
        except OSError:
            continue
        for entry in entries:
            try:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                # Whoever may not write a folder may not move it either
                os.chmod(entry.path, 0o700)
                while os.path.lexists(moved := f"{folder}/{count}.removed"):
                    count += 1
                os.rename(entry.path, moved)
                pending.append(moved)
            except OSError:
                continue
        if path != folder:
            _remove_empty(path)
    _remove_empty(folder)


def _remove_empty(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        return


def _end(number: int, frame: object) -> None:
    raise HostGone


def _by_handle(pid: int, number: int) -> None:
    del number
    kills.kill(pid)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        return found
    return found


def _processes_of_user() -> int:
    try:
        names = [name for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return 0
    me = os.geteuid()
    count = 0
    for name in names:
        try:
            if os.stat(f"/proc/{name}").st_uid == me:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return count
