"""The zygote of the `landlock` sandbox: for containers, which refuse namespaces.

Guaranteed: programs can read only the system's program folders, their toolchain and their work folder, and write only
the work folder; no sockets; no signals to other processes and no access to their memory (Linux 6.12; or as root, where
programs run as an unused user); no system call that honest programs do not need. Not guaranteed: what `namespaces`
guarantees in addition. A program can test whether a file exists (`stat`), it sees no process list at all, its work
folder is on the disk and only the size of each file is limited, and it shares the container's kernel objects.
"""

from __future__ import annotations

import ctypes
import os
import struct

from harness.execution.inside import kernel, seccomp, zygote
from harness.execution.inside.bare import Bare
from harness.execution.inside.namespaces import DEVICES, FIRST_UNUSED_ID, SYSTEM_FILES, SYSTEM_FOLDERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.messages import ZygoteConfig

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
# Version of the Landlock interface -> number of its file rights (bits)
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_SCOPES_SINCE = 6
LEAST_VERSION = 4


def main() -> None:
    """Serve the host at stdin and stdout."""
    zygote.serve(Landlock())


class Landlock(Bare):
    """Rules for files, sockets and signals, set irrevocably for each program."""

    def __init__(self) -> None:
        """Restrict nothing yet."""
        super().__init__()
        self._calls = kernel.Kernel()
        self._version = 0
        self._user = FIRST_UNUSED_ID + 2 * os.getpid() if os.geteuid() == 0 else None
        self._readable: list[str] = []
        self._filter = b""

    def isolate(self, config: ZygoteConfig) -> None:
        """Check the kernel's Landlock version. Raises OSError for one that cannot give every guarantee."""
        self._version = self._calls.landlock(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))
        if self._version < LEAST_VERSION:
            raise OSError(
                0,
                f"landlock: needs version {LEAST_VERSION} of its interface, the kernel has {self._version}",
            )
        if self._version < _SCOPES_SINCE and self._user is None:
            raise OSError(0, f"landlock: version {self._version} lets programs signal this user's processes")
        readable = [*config["readable"], *config["packages"]]
        if config["packages_folder"]:
            readable.append(config["packages_folder"])
        if self._user is not None:
            for path in readable:
                _require_access(path)
        self._calls.forbid_new_privileges()
        super().isolate(config)
        self._readable = [path for path in (*SYSTEM_FOLDERS, *SYSTEM_FILES, *readable) if os.path.exists(path)]
        self._filter = seccomp.program(families=())
        self._calls.hide()

    def set_up(self, work_bytes: int) -> str:
        """Give the folder to the user that the program runs as."""
        work = super().set_up(work_bytes)
        if self._user is not None:
            os.chown(work, self._user, self._user)
            self.overhead_processes = 0
        self._calls.hide()
        return work

    def restrict(self) -> None:
        """Become the unused user, set the rules and the system call filter."""
        calls = self._calls
        rules = self._rules()
        if self._user is not None:
            os.setgroups([])
            calls.bound_capabilities()
            os.setresgid(self._user, self._user, self._user)
            os.setresuid(self._user, self._user, self._user)
        calls.drop_capabilities()
        calls.forbid_new_privileges()
        calls.show()
        calls.landlock(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint(0))
        os.close(rules)
        seccomp.install(calls, self._filter)

    def _rules(self) -> int:
        """Return a descriptor of the rule set; created while this process may still open every path."""
        rights = (1 << _FILE_RIGHTS.get(self._version, 16)) - 1
        scopes = 3 if self._version >= _SCOPES_SINCE else 0
        wanted = struct.pack("QQQ", rights, 3, scopes)[: 24 if scopes else 16]
        made = self._calls.landlock(_CREATE_RULESET, wanted, ctypes.c_size_t(len(wanted)), ctypes.c_uint(0))
        for path in self._readable:
            self._allow(made, path, _READ)
        for name in DEVICES:
            self._allow(made, f"/dev/{name}", _READ_FILE | _WRITE_FILE)
        self._allow(made, self._work, rights)
        return made

    def _allow(self, rules: int, path: str, rights: int) -> None:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not os.path.isdir(path):
                rights &= _OF_FILES
            rule = struct.pack("=Qi", rights, descriptor)
            self._calls.landlock(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint(0))
        finally:
            os.close(descriptor)


def _require_access(path: str) -> None:
    """Raise OSError if the unused user cannot enter the folders that lead to a toolchain or package."""
    if os.path.isfile(path):
        path = os.path.dirname(path)
    while path != "/":
        if not os.stat(path).st_mode & 0o001:
            raise OSError(0, f"landlock: programs run as an unprivileged user that may not enter {path}")
        path = os.path.dirname(path)
