"""Linux system calls that Python does not offer: namespaces, mounts, capabilities. Thin, typed; each raises OSError.

Mounts are made through descriptors (`open_tree`, `move_mount`, `mount_setattr`; Linux 5.12): a folder is cloned while
this process may still access its path, and attached after it has become a user that may not.
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_MNT_DETACH = 2

ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
_AT_FDCWD = -100
_AT_EMPTY_PATH, _AT_RECURSIVE = 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4

# The same on every architecture: calls added since Linux 5.1 share one table.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
# The system call filter supports only these two architectures too
_CLONE = 220 if os.uname().machine == "aarch64" else 56
_SECCOMP = 277 if os.uname().machine == "aarch64" else 317
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_SIGKILL, _SIGCHLD = 9, 17
_EINVAL = 22


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class Kernel:
    """The system calls. One instance per process; creating it loads the C library."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(None, use_errno=True)
        # PyDLL keeps the interpreter's lock, as a fork requires
        self._locked = ctypes.PyDLL(None, use_errno=True)
        # Looked up once here, not in every child: each page that a child writes to must be copied first
        self._prctl, self._mount, self._capset, self._clone = (
            self._c.prctl, self._c.mount, self._c.capset, self._locked.syscall,
        )  # fmt: skip
        python = ctypes.pythonapi
        self._before, self._parent, self._child = (
            python.PyOS_BeforeFork, python.PyOS_AfterFork_Parent, python.PyOS_AfterFork_Child,
        )  # fmt: skip

    def fork(self, flags: int) -> int:
        """Fork into new namespaces; return 0 in the child. Runs the interpreter's fork hooks, as `os.fork` does."""
        number, all_flags = ctypes.c_long(_CLONE), ctypes.c_ulong(flags | _SIGCHLD)
        self._before()
        pid: int = self._clone(number, all_flags, 0, 0, 0, 0)
        if pid == 0:
            self._child()
            return 0
        self._parent()
        self._check("clone", pid)
        return pid

    def filter_calls(self, instructions: bytes) -> None:
        """Install a system call filter for this process and its descendants."""
        buffer = ctypes.create_string_buffer(instructions, len(instructions))
        program = _FilterProgram(len(instructions) // 8, ctypes.addressof(buffer))
        self._check("prctl (seccomp)", self._prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0))

    def listen_to_calls(self, instructions: bytes) -> int:
        """Install a filter that reports calls of this process and its descendants; return the listener's descriptor."""
        buffer = ctypes.create_string_buffer(instructions, len(instructions))
        program = _FilterProgram(len(instructions) // 8, ctypes.addressof(buffer))
        return self._call("seccomp", _SECCOMP, _SET_MODE_FILTER, ctypes.c_uint(_NEW_LISTENER), ctypes.byref(program))

    def die_with_parent(self) -> None:
        """Be killed when the thread that started this process ends. A change of user id resets it."""
        self._check("prctl", self._prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0))

    def collect_orphans(self) -> None:
        """Become the parent of orphaned descendants."""
        self._check("prctl", self._prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))

    def hide(self) -> None:
        """Forbid processes of the same user to read this process's memory or descriptors."""
        self._check("prctl", self._prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0))

    def show(self) -> None:
        """Undo `hide`, so that the zygote can measure the memory of the sandbox."""
        self._check("prctl", self._prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0))

    def unshare(self, flags: int) -> None:
        self._check("unshare (making namespaces)", self._c.unshare(flags))

    def bound_capabilities(self) -> None:
        """Empty the bounding set: no program started from here can gain a capability. Needs a capability itself."""
        for capability in range(64):
            if self._prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
                if ctypes.get_errno() == _EINVAL:
                    return
                self._check("prctl (bounding capabilities)", -1)

    def drop_capabilities(self) -> None:
        """Give up every capability that this process has."""
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        self._check("capset", self._capset(header, (ctypes.c_uint32 * 6)()))

    def forbid_new_privileges(self) -> None:
        self._check("prctl", self._prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))

    def landlock(self, number: int, *arguments: object) -> int:
        """Call one of Landlock's three system calls."""
        return self._call("landlock", number, *arguments)

    def make_mounts_private(self) -> None:
        """Hide all later mounts from other namespaces."""
        result = self._mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)
        self._check("mount (private)", result)

    def mount(self, kind: str, target: str, flags: int, options: str) -> None:
        name = kind.encode()
        result = self._mount(name, target.encode(), name, ctypes.c_ulong(flags), options.encode())
        self._check(f"mount ({kind})", result)

    def clone_tree(self, path: str) -> int:
        """Return a descriptor of a detached copy of the mounts at and below `path`."""
        flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE
        return self._call(f"open_tree {path}", _OPEN_TREE, _AT_FDCWD, path.encode(), ctypes.c_uint(flags))

    def set_attributes(self, descriptor: int, attributes: int) -> None:
        """Add attributes to a detached tree and everything in it."""
        self._set_attributes(descriptor, b"", _AT_EMPTY_PATH | _AT_RECURSIVE, attributes)

    def set_path_attributes(self, path: str, attributes: int) -> None:
        """Add attributes to the one mount at `path`."""
        self._set_attributes(_AT_FDCWD, path.encode(), 0, attributes)

    def attach(self, descriptor: int, target: str) -> None:
        """Mount a detached tree at `target`."""
        path = target.encode()
        flags = _MOVE_MOUNT_F_EMPTY_PATH
        self._call(f"move_mount {target}", _MOVE_MOUNT, descriptor, b"", _AT_FDCWD, path, flags)

    def become_root_folder(self) -> None:
        """Make the working folder (a mount) the root and unmount the old root."""
        self._check("pivot_root", self._c.pivot_root(b".", b"."))
        self._check("umount", self._c.umount2(b".", _MNT_DETACH))
        os.chdir("/")

    def _set_attributes(self, descriptor: int, path: bytes, flags: int, attributes: int) -> None:
        wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
        size = ctypes.c_size_t(ctypes.sizeof(wanted))
        self._call("mount_setattr", _MOUNT_SETATTR, descriptor, path, flags, wanted, size)

    def _call(self, what: str, number: int, *arguments: object) -> int:
        result: int = self._c.syscall(ctypes.c_long(number), *arguments)
        self._check(what, result)
        return result

    def _check(self, what: str, result: int) -> None:
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, f"{what}: {os.strerror(error)}")
