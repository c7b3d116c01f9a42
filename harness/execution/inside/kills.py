"""Who sent SIGKILL: the program itself, or somebody outside (the kernel short of memory, a cluster's job control).

A process's end does not say who ended it. So the zygote puts a filter over itself and all that come from it, which
reports every call that sends SIGKILL to the zygote and then lets it go on (seccomp user notification, Linux 5.5). The
zygote's own kills go by process handle, a call that this filter does not look at. Where there is no such filter (an
older kernel, a container that uses the one that a process may have) the program's own kills count as somebody else's.
Source of numbers and layouts: linux/seccomp.h.
"""

from __future__ import annotations

# `signal` itself would import `enum`, `functools` and `collections`.
import _signal as signal  # type: ignore[import-not-found]
import fcntl
import os
import struct

from harness.execution.inside import seccomp
from harness.execution.inside.place import SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.kernel import Kernel

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTIFICATION_BYTES = 80
_CONTINUE = 1


def listen(calls: Kernel) -> int | None:
    """Watch this process and all that come from it; return what to poll, None where that cannot be had."""
    if not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return calls.listen_to_calls(seccomp.sends(SIGKILL))
    except OSError:
        return None


def let_through(listener: int) -> bool:
    """Let a reported call go on; whether there was one."""
    notification = bytearray(_NOTIFICATION_BYTES)
    try:
        fcntl.ioctl(listener, _RECEIVE, notification)
        fcntl.ioctl(listener, _SEND, struct.pack("=QqiI", *struct.unpack_from("=Q", notification), 0, 0, _CONTINUE))
    except OSError:
        # Its sender was killed meanwhile
        return any(notification)
    return True


def kill(pid: int) -> None:
    """Kill a process without being reported. Raises OSError."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, SIGKILL)
    finally:
        os.close(handle)
