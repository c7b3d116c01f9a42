"""The zygote of the `none` sandbox: limits, a clean environment, a new folder, and a kill of all processes at the end.

Guaranteed: wall, processor, memory and output limits; at the end the process group is killed and, on Linux, also
daemons that left it. Not guaranteed, and not attempted: protection of the user's files, the network and other
processes, this one included. If this process is killed with SIGKILL, the program and its folder are left behind.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import os
import sys
import tempfile
import time

from harness.execution.inside import sigkill_reports, zygote
from harness.execution.inside.isolation import SIGKILL, Isolation
from harness.execution.inside.kernel import Kernel
from harness.execution.inside.supervisor import HostGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.messages import ZygoteConfig

ROUND_SECONDS = 0.002


def main() -> None:
    """Serve the host at stdin and stdout."""
    zygote.serve(Bare())


class Bare(Isolation):
    """No isolation: only a folder and a process tree for each program."""

    def __init__(self) -> None:
        """Start without a program."""
        self._work = ""

    def isolate(self, config: ZygoteConfig) -> None:
        """Become the parent of orphaned descendants."""
        self.packages_folder = config["packages_folder"]
        signal.signal(signal.SIGTERM, _end)
        if sys.platform == "linux":
            calls = Kernel()
            calls.collect_orphans()
            self.kill_listener = sigkill_reports.listen(calls)
            if self.kill_listener is None:
                # Without root privileges, a filter requires that new privileges are forbidden
                calls.forbid_new_privileges()
                self.kill_listener = sigkill_reports.listen(calls)

    def fork(self) -> int:
        """Fork a child with a new folder. The limit on processes counts all processes of the user, not only these."""
        self._work = tempfile.mkdtemp(prefix="harness-program-")
        self.overhead_processes = _processes_of_user()
        return os.fork()

    def on_fork(self) -> None:
        """Start a process group, to be killed as a whole."""
        os.setpgid(0, 0)

    def set_up(self, work_bytes: int) -> str:
        """Return the folder that `fork` made; only the size of each file in it is limited."""
        del work_bytes
        return self._work

    def processes(self) -> list[int]:
        """Process ids of all living descendants of this process; empty on systems other than Linux."""
        descendants, unvisited = [], [os.getpid()]
        while unvisited:
            children = _children(unvisited.pop())
            descendants += children
            unvisited += children
        return descendants

    def tear_down(self, init: int) -> None:
        """Kill and reap every descendant; processes that fork meanwhile are killed in the next round."""
        self._kill(init)
        try:
            while True:
                for pid in self.processes():
                    self._kill(pid)
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
                time.sleep(ROUND_SECONDS)
        except ChildProcessError:
            pass
        _remove(self._work)

    def _kill(self, pid: int) -> None:
        calls = (os.killpg, os.kill) if self.kill_listener is None else (_by_handle,)
        for kill in calls:
            try:
                kill(pid, SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def _remove(folder: str) -> None:
    """Remove a dead program's folder, however deep and whatever its modes.

    Every subfolder is moved to the top before it is emptied, so paths stay short and nothing recurses.
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
                # A folder that may not be written may not be moved either
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
    sigkill_reports.kill(pid)


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                children += [int(word) for word in file.read().split()]
    except OSError:
        return children
    return children


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
