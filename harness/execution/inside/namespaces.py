"""The zygote of the `namespace` sandbox: it lives in Linux namespaces and creates nested ones for each program.

The process that the host starts creates the outer namespaces, stays outside of them and waits. The *zygote* is process
1 in them, with a read-only root. The *init process* of each program's sandbox is process 1 of nested namespaces, with
a process list and a work folder of its own. The program is its child, without any privilege. Guaranteed: the program
sees its toolchain and the system's program folders read-only, harmless devices, and one small work folder, which is
also its /tmp; no network, not even loopback; no processes but its own; no system call that honest programs do not need.
Everything is in memory and namespaces, so nothing is left behind however the processes end: the kernel kills a sandbox
whose process 1 dies, and the zygote ends with the host. Not guaranteed: protection against a fault of the kernel.
"""

from __future__ import annotations

import os
import select

from harness.execution.inside import kernel, seccomp, sigkill_reports, zygote
from harness.execution.inside.isolation import SIGKILL, Isolation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.messages import ZygoteConfig

PACKAGES = "/packages"
WORK_FILES = 4096
ROOT_BYTES = 1 << 20
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
# Not `zero`: a writable mapping of it is memory that does not count in a process's size
DEVICES = ("null", "full", "random", "urandom")
# Other names of the work folder, for programs that write there
SCRATCH = ("/tmp", "/dev/shm")
LINKS = (("/dev/fd", "/proc/self/fd"),)

# Unused user ids of the host, two per zygote: the limit on processes is counted per user and does not bind root
FIRST_UNUSED_ID = 0x70000000
# User ids inside: init processes are 0, programs 1. If only one user may be mapped, both have ONLY_ID.
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

# Of each program's sandbox
_NESTED = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC


def work_folder(readable: list[str]) -> str:
    """Return the path of the work folder: /work, or /work1 and so on if a readable folder lies there."""
    number = 0
    while True:
        work = f"/work{number or ''}"
        if not any(f"{path}/".startswith(f"{work}/") for path in readable):
            return work
        number += 1


def seen_at(path: str, work: str) -> str:
    """Return the path inside the sandbox of a path of the machine: /tmp is another name of the work folder there."""
    for scratch in SCRATCH:
        if path.startswith(f"{scratch}/"):
            return work + path.removeprefix(scratch)
    return path


def main() -> None:
    """Serve the host at stdin and stdout."""
    zygote.serve(Namespaces())


class Namespaces(Isolation):
    """Namespaces for the zygote, and nested ones for each program."""

    def __init__(self) -> None:
        """Isolate nothing yet."""
        self._calls = kernel.Kernel()
        self._two_users = os.geteuid() == 0
        self._user = PROGRAM_ID if self._two_users else ONLY_ID
        # If only one user may be mapped, the limit counts the zygote, the init process and the helper too
        self.overhead_processes = 0 if self._two_users else 3
        self._work = ""
        # Readable paths that lie inside the work folder of each program
        self._inside_work: list[str] = []

    def _set_paths(self, config: ZygoteConfig) -> None:
        self._work = work_folder(config["readable"])
        inside = [seen_at(path, self._work) for path in config["readable"]]
        self._inside_work = [path for path in inside if path.startswith(f"{self._work}/")]
        self.packages_folder = PACKAGES if config["packages"] else ""

    def isolate(self, config: ZygoteConfig) -> None:
        """Return as process 1 of new namespaces with a root of its own; the original process waits for its end."""
        calls = self._calls
        host = _open_process(os.getppid())
        _unshare(calls, self._two_users)
        alive, held_open = os.pipe()
        pid = os.fork()
        if pid:
            _wait_with(pid, host)
        os.close(held_open)
        if host is not None:
            os.close(host)
        os.umask(0o022)
        calls.die_with_parent()
        _exit_if_orphaned(alive)
        calls.make_mounts_private()
        self._set_paths(config)
        trees = _clone_trees(calls, config, self._work)
        if self._two_users:
            os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
            calls.die_with_parent()
            _exit_if_orphaned(alive)
        os.close(alive)
        _build_root(calls, trees, self._work)
        self._drop_rights()

    def _drop_rights(self) -> None:
        """Keep only the rights that setting up sandboxes needs, in this process and its descendants; done once."""
        calls = self._calls
        calls.hide()
        calls.forbid_new_privileges()
        calls.bound_capabilities()
        seccomp.install(calls, seccomp.program(allowed=seccomp.SET_UP_CALLS))
        self._filter = seccomp.program(only=seccomp.SET_UP_CALLS)
        self.kill_listener = sigkill_reports.listen(calls)

    def fork(self) -> int:
        """Fork a process into new process, mount and message namespaces."""
        return self._calls.fork(_NESTED)

    def set_up(self, work_bytes: int) -> str:
        """Mount the sandbox's own process list and work folder."""
        secure = kernel.MS_NOSUID | kernel.MS_NODEV
        self._calls.mount("proc", "/proc", secure | kernel.MS_NOEXEC | kernel.MS_RDONLY, "hidepid=2")
        sizes = f"size={work_bytes},nr_inodes={WORK_FILES},mode=700,uid={self._user},gid={self._user}"
        trees = [(path, self._calls.clone_tree(path)) for path in self._inside_work]
        self._calls.mount("tmpfs", self._work, secure, sizes)
        for path, tree in trees:
            _make_mount_point(path, is_folder=_is_folder(tree))
            self._calls.attach(tree, path)
            os.close(tree)
        return self._work

    def hide_process_list(self) -> None:
        """Mount an empty folder over the sandbox's process list."""
        secure = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_RDONLY
        self._calls.mount("tmpfs", "/proc", secure, "size=4k,nr_inodes=1,mode=555")

    def drop_set_up_rights(self) -> None:
        """Drop all capabilities, so that the tests run without privileges too."""
        self._calls.drop_capabilities()
        seccomp.install(self._calls, self._filter)

    def restrict(self) -> None:
        """Become the unused user, without capabilities, with the system call filter."""
        calls = self._calls
        if self._two_users:
            os.setresgid(self._user, self._user, self._user)
            os.setresuid(self._user, self._user, self._user)
        calls.drop_capabilities()
        calls.show()
        seccomp.install(calls, self._filter)

    def processes(self) -> list[int]:
        """All processes in the zygote's process list except the zygote itself."""
        return [int(name) for name in os.listdir("/proc") if name.isdecimal() and name != "1"]

    def tear_down(self, init: int) -> None:
        """Kill the init process: the kernel then kills the rest of the sandbox and removes its mounts."""
        # It is not reaped yet, so the process id is valid even if it has ended
        kill = sigkill_reports.kill if self.kill_listener is not None else _kill
        kill(init)
        os.waitpid(init, 0)


def _unshare(calls: kernel.Kernel, two_users: bool) -> None:
    """Move into new namespaces and map their users."""
    if not two_users:
        user, group = os.geteuid(), os.getegid()
        calls.unshare(_NAMESPACES)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{ONLY_ID} {user} 1")
        _write("/proc/self/gid_map", f"{ONLY_ID} {group} 1")
        return
    # Only a process outside the namespace may map users other than its own
    start, start_writer = os.pipe()
    done, cause_writer = os.pipe()
    target = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(start_writer)
        _map_from_outside(target, start, cause_writer)
    os.close(cause_writer)
    calls.unshare(_NAMESPACES)
    os.write(start_writer, b"1")
    cause = os.read(done, 4096)
    os.waitpid(helper, 0)
    if cause:
        raise OSError(0, cause.decode("utf-8", "replace"))


def _map_from_outside(target: int, start: int, cause_writer: int) -> None:
    """In the helper: map two unused users into the namespace of `target`. Writes only a failure. Never returns."""
    try:
        if os.read(start, 1):
            first = FIRST_UNUSED_ID + 2 * target
            _write(f"/proc/{target}/uid_map", f"0 {first} 2")
            _write(f"/proc/{target}/gid_map", f"0 {first} 2")
    except OSError as error:
        os.write(cause_writer, _cause(error))
    finally:
        os._exit(0)


def _kill(pid: int) -> None:
    os.kill(pid, SIGKILL)


def _open_process(pid: int) -> int | None:
    return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None


def _wait_with(pid: int, host: int | None) -> None:
    """In the process outside of the namespaces: end when the zygote or the host does. Never returns."""
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


def _clone_trees(calls: kernel.Kernel, config: ZygoteConfig, work: str) -> dict[str, int]:
    """Clone detached read-only mounts of what programs may see, while this process may still access the paths."""
    trees: dict[str, int] = {}
    mounts = [(path, seen_at(path, work)) for path in (*SYSTEM_FOLDERS, *SYSTEM_FILES, *config["readable"])]
    mounts += [(path, f"{PACKAGES}/{os.path.basename(path)}") for path in config["packages"]]
    for path, target in mounts:
        inside_another = any(f"{target}/".startswith(parent + "/") for parent in trees)
        if not inside_another and os.path.exists(path) and (target != path or not os.path.islink(path)):
            trees[target] = calls.clone_tree(path)
            calls.set_attributes(trees[target], kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV)
    for name in DEVICES:
        trees[f"/dev/{name}"] = calls.clone_tree(f"/dev/{name}")
    return trees


def _build_root(calls: kernel.Kernel, trees: dict[str, int], work: str) -> None:
    """Build a root from `trees`, a process list and a work folder, nothing else; then make it read-only."""
    links = [(path, os.readlink(path)) for path in SYSTEM_FOLDERS if os.path.islink(path)]
    secure = kernel.MS_NOSUID | kernel.MS_NODEV
    # This covers the old /tmp, which is unmounted with the old root below
    calls.mount("tmpfs", "/tmp", secure, f"size={ROOT_BYTES},mode=755")
    os.chdir("/tmp")
    for path, tree in trees.items():
        _make_mount_point(path, is_folder=_is_folder(tree))
        calls.attach(tree, "." + path)
        os.close(tree)
    _make_mount_point("/proc", is_folder=True)
    calls.mount("proc", "proc", secure | kernel.MS_NOEXEC, "")
    _make_mount_point(work, is_folder=True)
    for path, target in (*links, *LINKS, *((scratch, work) for scratch in SCRATCH)):
        os.symlink(target, "." + path)
    calls.become_root_folder()
    # In a new user namespace the program would regain capabilities, if only over its own objects
    _write("/proc/sys/user/max_user_namespaces", "0")
    calls.set_path_attributes("/proc", kernel.ATTR_RDONLY)
    calls.set_path_attributes("/", kernel.ATTR_RDONLY)


def _make_mount_point(path: str, *, is_folder: bool) -> None:
    """Create an empty folder or file to mount on, below the working folder."""
    parts = path.strip("/").split("/")
    for count in range(1, len(parts) + is_folder):
        folder = "/".join(parts[:count])
        if not os.path.isdir(folder):
            os.mkdir(folder, 0o755)
    if not is_folder:
        os.close(os.open("/".join(parts), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _is_folder(descriptor: int) -> bool:
    return (os.fstat(descriptor).st_mode & 0o170000) == 0o040000


def _exit_if_orphaned(alive: int) -> None:
    """Exit if the outer process died before `die_with_parent` took effect."""
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


def _cause(error: OSError) -> bytes:
    return (error.strerror or str(error)).encode()
