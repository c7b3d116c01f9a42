"""The zygote of the `namespace` sandbox: worlds within a world, each gone when its program is.

The process that the host starts makes the namespaces and stays outside, waiting; the *zygote* is process 1 of them,
with a read-only root; the first process of each program's *world* is process 1 of smaller ones, with a process list
and a work folder of their own; the program is its child without any privilege. Guaranteed: the program sees its
toolchain and the system's program folders read-only, harmless devices, and one small work folder, which is also its
/tmp; no network, not even a loopback; no process but its own; no system call that honest programs have no use for.
Everything is memory and namespaces, so nothing is left behind however the processes end: the kernel kills a world
whose process 1 dies, and the zygote ends with the host. Not guaranteed: anything against a fault of the kernel.
"""

from __future__ import annotations

import os
import select

from harness.execution.inside import kernel, kills, seccomp, zygote
from harness.execution.inside.place import SIGKILL, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.order import Hello

PACKAGES = "/packages"
WORK_FILES = 4096
ROOT_BYTES = 1 << 20
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
# Not `zero`: mapped for writing it is memory that no process's size tells of
DEVICES = ("null", "full", "random", "urandom")
# Where programs write as well: other names of their work folder
SCRATCH = ("/tmp", "/dev/shm")
LINKS = (("/dev/fd", "/proc/self/fd"),)

# Host users that nobody is: a limit on processes does not bind root, and is counted per user. Two each.
FIRST_UNUSED_ID = 0x70000000
# Inside: init is 0, the program 1. Where only one user may be mapped, both are that one.
PROGRAM_ID = 1
ONLY_ID = 1000

_NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
)


_WORLD = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC


def work_folder(readable: list[str]) -> str:
    """Return where the work folder is: /work, or a name like it under which nothing else must be seen."""
    number = 0
    while True:
        work = f"/work{number or ''}"
        if not any(f"{path}/".startswith(f"{work}/") for path in readable):
            return work
        number += 1


def seen_at(path: str, work: str) -> str:
    """Return where a path of the machine lies inside: /tmp is another name of the work folder there."""
    for scratch in SCRATCH:
        if path.startswith(f"{scratch}/"):
            return work + path.removeprefix(scratch)
    return path


def main() -> None:
    """Serve the host at stdin and stdout."""
    zygote.serve(Namespaces())


class Namespaces(Place):
    """One world for the zygote, and in it a smaller one for each program."""

    def __init__(self) -> None:
        """Nothing is isolated yet."""
        self._calls = kernel.Kernel()
        self._two_users = os.geteuid() == 0
        self._user = PROGRAM_ID if self._two_users else ONLY_ID
        # Where only one user may be mapped, its limit counts zygote, first process and helper as well
        self.own_processes = 0 if self._two_users else 3
        self._work = ""
        # What must be seen within the work folder of each program
        self._kept: list[str] = []

    def _arrange(self, hello: Hello) -> None:
        self._work = work_folder(hello["readable"])
        inside = [seen_at(path, self._work) for path in hello["readable"]]
        self._kept = [path for path in inside if path.startswith(f"{self._work}/")]
        self.library = PACKAGES if hello["packages"] else ""

    def enter(self, hello: Hello) -> None:
        """Return as process 1 of new namespaces with a root of its own; this process waits for that one's end."""
        calls = self._calls
        host = _open_process(os.getppid())
        _enter(calls, self._two_users)
        alive, kept = os.pipe()
        pid = os.fork()
        if pid:
            _wait_with(pid, host)
        os.close(kept)
        if host is not None:
            os.close(host)
        os.umask(0o022)
        calls.die_with_parent()
        _leave_if_alone(alive)
        calls.make_mounts_private()
        self._arrange(hello)
        trees = _clone_trees(calls, hello, self._work)
        if self._two_users:
            os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            calls.die_with_parent()
            _leave_if_alone(alive)
        os.close(alive)
        _build_root(calls, trees, self._work)
        self._give_up()

    def _give_up(self) -> None:
        """Let this process and all that come from it have only what making worlds needs: once, not for each program."""
        calls = self._calls
        calls.hide()
        calls.forbid_new_privileges()
        calls.bound_capabilities()
        seccomp.install(calls, seccomp.program(spared=seccomp.OURS))
        self._filter = seccomp.program(only=seccomp.OURS)
        self.listener = kills.listen(calls)

    def fork(self) -> int:
        """A process in new process, mount and message namespaces."""
        return self._calls.fork(_WORLD)

    def furnish(self, work_bytes: int) -> str:
        """Mount the world's own process list and work folder."""
        secure = kernel.MS_NOSUID | kernel.MS_NODEV
        self._calls.mount("proc", "/proc", secure | kernel.MS_NOEXEC | kernel.MS_RDONLY, "hidepid=2")
        sizes = f"size={work_bytes},nr_inodes={WORK_FILES},mode=700,uid={self._user},gid={self._user}"
        kept = [(path, self._calls.clone_tree(path)) for path in self._kept]
        self._calls.mount("tmpfs", self._work, secure, sizes)
        for path, tree in kept:
            _make_place(path, is_folder=_is_folder(tree))
            self._calls.attach(tree, path)
            os.close(tree)
        return self._work

    def cover_process_list(self) -> None:
        """Mount nothing over the world's process list."""
        secure = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_RDONLY
        self._calls.mount("tmpfs", "/proc", secure, "size=4k,nr_inodes=1,mode=555")

    def guard(self) -> None:
        """Keep nothing that tests could need protection from."""
        self._calls.drop_capabilities()
        seccomp.install(self._calls, self._filter)

    def restrict(self) -> None:
        """Become the user that is nobody, without capabilities, behind the filter of system calls."""
        calls = self._calls
        if self._two_users:
            os.setresgid(self._user, self._user, self._user)
            os.setresuid(self._user, self._user, self._user)
        calls.drop_capabilities()
        calls.show()
        seccomp.install(calls, self._filter)

    def members(self) -> list[int]:
        """Everything but the zygote itself, in the zygote's own process list."""
        return [int(name) for name in os.listdir("/proc") if name.isdecimal() and name != "1"]

    def clear(self, first: int) -> None:
        """Kill the first process: the kernel kills its world with it, and unmounts what was mounted there."""
        # Not yet collected, so there is somebody to kill even if it has ended
        kill = kills.kill if self.listener is not None else _kill
        kill(first)
        os.waitpid(first, 0)


def _enter(calls: kernel.Kernel, two_users: bool) -> None:
    """Move into new namespaces, with users of our own."""
    if not two_users:
        user, group = os.geteuid(), os.getegid()
        calls.unshare(_NAMESPACES)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{ONLY_ID} {user} 1")
        _write("/proc/self/gid_map", f"{ONLY_ID} {group} 1")
        return
    # Only a process that stayed outside may map users other than one's own.
    go, going = os.pipe()
    done, telling = os.pipe()
    watcher = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(going)
        _map_from_outside(watcher, go, telling)
    os.close(telling)
    calls.unshare(_NAMESPACES)
    os.write(going, b"1")
    complaint = os.read(done, 4096)
    os.waitpid(helper, 0)
    if complaint:
        raise OSError(0, complaint.decode("utf-8", "replace"))


def _map_from_outside(watcher: int, go: int, telling: int) -> None:
    """Helper: give the watcher's namespace two unused users. Never returns; silence is success."""
    try:
        if os.read(go, 1):
            first = FIRST_UNUSED_ID + 2 * watcher
            _write(f"/proc/{watcher}/uid_map", f"0 {first} 2")
            _write(f"/proc/{watcher}/gid_map", f"0 {first} 2")
    except OSError as error:
        os.write(telling, _reason(error))
    finally:
        os._exit(0)


def _kill(pid: int) -> None:
    os.kill(pid, SIGKILL)


def _open_process(pid: int) -> int | None:
    return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None


def _wait_with(pid: int, host: int | None) -> None:
    """The process that stays outside: end when the zygote or the host does. Never returns."""
    os.close(0)
    os.close(1)
    watched = [descriptor for descriptor in (host, _open_process(pid)) if descriptor is not None]
    try:
        if host is not None and len(watched) == 2:
            select.select(watched, [], [])
            os.kill(pid, SIGKILL)
        os.waitpid(pid, 0)
    finally:
        os._exit(0)


def _clone_trees(calls: kernel.Kernel, hello: Hello, work: str) -> dict[str, int]:
    """Take detached read-only copies of what the program may see, while this still is who may reach it."""
    trees: dict[str, int] = {}
    shown = [(path, seen_at(path, work)) for path in (*SYSTEM_FOLDERS, *SYSTEM_FILES, *hello["readable"])]
    shown += [(path, f"{PACKAGES}/{os.path.basename(path)}") for path in hello["packages"]]
    for path, place in shown:
        inside_another = any(f"{place}/".startswith(parent + "/") for parent in trees)
        if not inside_another and os.path.exists(path) and (place != path or not os.path.islink(path)):
            trees[place] = calls.clone_tree(path)
            calls.set_attributes(trees[place], kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV)
    for name in DEVICES:
        trees[f"/dev/{name}"] = calls.clone_tree(f"/dev/{name}")
    return trees


def _build_root(calls: kernel.Kernel, trees: dict[str, int], work: str) -> None:
    """Make a root of `trees`, a process list, a place for work and nothing else; then forbid changes to it."""
    links = [(path, os.readlink(path)) for path in SYSTEM_FOLDERS if os.path.islink(path)]
    secure = kernel.MS_NOSUID | kernel.MS_NODEV
    # The old /tmp is only covered, and gone with the old root a few lines below.
    calls.mount("tmpfs", "/tmp", secure, f"size={ROOT_BYTES},mode=755")
    os.chdir("/tmp")
    for path, tree in trees.items():
        _make_place(path, is_folder=_is_folder(tree))
        calls.attach(tree, "." + path)
        os.close(tree)
    _make_place("/proc", is_folder=True)
    calls.mount("proc", "proc", secure | kernel.MS_NOEXEC, "")
    _make_place(work, is_folder=True)
    for path, target in (*links, *LINKS, *((scratch, work) for scratch in SCRATCH)):
        os.symlink(target, "." + path)
    calls.become_root_folder()
    # A new user namespace would hand the program capabilities again, if only over what it owns.
    _write("/proc/sys/user/max_user_namespaces", "0")
    calls.set_path_attributes("/proc", kernel.ATTR_RDONLY)
    calls.set_path_attributes("/", kernel.ATTR_RDONLY)


def _make_place(path: str, *, is_folder: bool) -> None:
    """Make an empty folder or file to mount on, below the working folder."""
    parts = path.strip("/").split("/")
    for count in range(1, len(parts) + is_folder):
        folder = "/".join(parts[:count])
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o755)
    if not is_folder:
        os.close(os.open("/".join(parts), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _is_folder(descriptor: int) -> bool:
    return (os.fstat(descriptor).st_mode & 0o170000) == 0o040000


def _leave_if_alone(alive: int) -> None:
    """End if the outer process died before it could take this one with it."""
    if select.select([alive], [], [], 0)[0]:
        os._exit(0)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise OSError(error.errno, f"write {path}: {os.strerror(error.errno or 0)}") from None
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> bytes:
    return (error.strerror or str(error)).encode()
