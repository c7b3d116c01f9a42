"""The system call filter: a deny list, as a program for the kernel's packet filter machine (BPF).

Refused are calls that honest programs do not need and that reach deep into the kernel or to other processes. They fail
with EPERM instead of a kill, because honest code probes for them too. Refused with ENOSYS: `clone3` (a filter cannot
read its flags; C libraries fall back to `clone`). Also refused is memory that does not count in a process's size:
System V segments, files in memory, larger socket buffers, and (with ENOMEM) shared mappings without a file. Sockets
are allowed only in the given families. System calls of other architectures kill the process.
Source of the layout: linux/filter.h, linux/seccomp.h.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.execution.inside.kernel import Kernel

# name: number on x86_64, on aarch64 (None: the call does not exist there)
_DENIED: dict[str, tuple[int, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "syslog": (103, 116), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None),
    "modify_ldt": (154, None), "lookup_dcookie": (212, 18), "fanotify_init": (300, 262), "vhangup": (153, 58),
    "nfsservctl": (180, 42), "migrate_pages": (256, 238), "move_pages": (279, 239), "personality": (135, 92),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186),
    "uselib": (134, None), "sysfs": (139, None), "ustat": (136, None),
}  # fmt: skip
_OTHERS = {
    "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198), "prlimit64": (302, 261), "mmap": (9, 222),
    "setsockopt": (54, 208), "pidfd_send_signal": (424, 424),
}  # fmt: skip
# Calls that send a signal: numbers, and which argument is the signal
_SENDING = (((62, 129), 1), ((200, 130), 1), ((234, 131), 2), ((129, 138), 1), ((297, 240), 2))
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
# Every flag of clone that makes a namespace
_NEW_NAMESPACES = 0x7E020080
_X32 = 0x40000000

_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _JUMP_IF_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL, _REPORT = 0x7FFF0000, 0x00050000, 0x80000000, 0x7FC00000
_EPERM, _ENOMEM, _ENOSYS, _EAFNOSUPPORT = 1, 12, 38, 97
_MAP_SHARED, _MAP_ANONYMOUS = 1, 0x20
_SOL_SOCKET = 1
_BUFFER_SIZES = (7, 8, 32, 33)
_NUMBER, _ARCHITECTURE, _ARGUMENT, _SECOND, _THIRD, _FOURTH = 0, 4, 16, 24, 32, 40

LOCAL, IPV4, IPV6 = 1, 2, 10


# Calls that a zygote and an init process need, and programs do not
SET_UP_CALLS = ("mount", "memfd_create", "clone", "open_tree", "move_mount", "pidfd_send_signal")


def program(
    families: tuple[int, ...] = (LOCAL, IPV4, IPV6), *, only: Collection[str] = (), allowed: Collection[str] = ()
) -> bytes:
    """Return the instructions, 8 bytes each, of a filter that refuses all calls of the deny list, `only` some of them,
    or all but the `allowed`.

    If a process has several filters, the strictest applies. Raises OSError on an unsupported architecture.
    """
    column, code = _begin()
    chosen = set(only or (*_DENIED, *_OTHERS)).difference(allowed)
    for name, numbers in _DENIED.items():
        number = numbers[column]
        if number is not None and name in chosen:
            code += [_step(_JUMP_IF_EQUAL, number, 0, 1), _step(_RETURN, _ERRNO | _EPERM)]
    for name, checks in _argument_checks(families).items():
        if name in chosen:
            code += _for_call(_OTHERS[name][column], checks)
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def signal_filter(number: int) -> bytes:
    """Return the instructions of a filter that reports the calls which send this signal, and refuses none.

    `pidfd_send_signal` is not reported: programs may not call it, and the zygote uses it.
    """
    column, code = _begin()
    for numbers, argument in _SENDING:
        load = _step(_LOAD, _ARGUMENT + 8 * argument)
        code += _for_call(numbers[column], [load, _step(_JUMP_IF_EQUAL, number, 0, 1), _step(_RETURN, _REPORT)])
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _begin() -> tuple[int, list[bytes]]:
    """The column of this machine's call numbers, and instructions that refuse other architectures. Raises OSError."""
    machine = os.uname().machine
    if machine not in _ARCHITECTURES:
        raise OSError(0, f"the system call filter does not support {machine} (only x86_64 and aarch64)")
    column, architecture = _ARCHITECTURES[machine]
    return column, [
        _step(_LOAD, _ARCHITECTURE), _step(_JUMP_IF_EQUAL, architecture, 1, 0), _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER), _step(_JUMP_IF_AT_LEAST, _X32, 0, 1), _step(_RETURN, _ERRNO | _ENOSYS),
    ]  # fmt: skip


def install(calls: Kernel, instructions: bytes) -> None:
    """Filter the calls of this process and its descendants, irrevocably. New privileges must be forbidden before."""
    calls.filter_calls(instructions)


def _argument_checks(families: tuple[int, ...]) -> dict[str, list[bytes]]:
    """Instructions for the calls that are refused by their arguments."""
    sockets = [_step(_JUMP_IF_EQUAL, family, len(families) - index, 0) for index, family in enumerate(families)]
    refused = _step(_RETURN, _ERRNO | _EPERM)
    return {
        "clone3": [_step(_RETURN, _ERRNO | _ENOSYS)],
        "clone": [_step(_LOAD, _ARGUMENT), _step(_JUMP_IF_SET, _NEW_NAMESPACES, 0, 1), refused],
        # A program may not change the limits of other processes
        "prlimit64": [_step(_LOAD, _ARGUMENT), _step(_JUMP_IF_EQUAL, 0, 1, 0), refused],
        "socket": [_step(_LOAD, _ARGUMENT), *sockets, _step(_RETURN, _ERRNO | _EAFNOSUPPORT)],
        "mmap": _NO_SHARED_MEMORY,
        "setsockopt": _NO_BUFFERS,
        # Programs fall back to `kill`, which is reported (`sigkill_reports.py`)
        "pidfd_send_signal": [_step(_RETURN, _ERRNO | _ENOSYS)],
    }


def _for_call(number: int, checks: list[bytes]) -> list[bytes]:
    """Run the checks for one call; allow it if none of them refused it."""
    return [_step(_JUMP_IF_EQUAL, number, 0, len(checks) + 1), *checks, _step(_RETURN, _ALLOW)]


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", operation, if_true, if_false, value)


_NO_SHARED_MEMORY = [
    _step(_LOAD, _FOURTH), _step(_JUMP_IF_SET, _MAP_ANONYMOUS, 0, 2), _step(_JUMP_IF_SET, _MAP_SHARED, 0, 1),
    _step(_RETURN, _ERRNO | _ENOMEM),
]  # fmt: skip
_NO_BUFFERS = [
    _step(_LOAD, _SECOND), _step(_JUMP_IF_EQUAL, _SOL_SOCKET, 0, 2 + len(_BUFFER_SIZES)), _step(_LOAD, _THIRD),
    *(_step(_JUMP_IF_EQUAL, option, len(_BUFFER_SIZES) - index - 1, index == len(_BUFFER_SIZES) - 1)
      for index, option in enumerate(_BUFFER_SIZES)),
    _step(_RETURN, _ERRNO | _ENOMEM),
]  # fmt: skip
