"""Finds out who sent a SIGKILL: the program itself, or an outside process (the out-of-memory killer, a job scheduler).

The exit status of a process does not name the sender. So the zygote installs a filter for itself and its descendants
that reports every call that sends SIGKILL to the zygote and then lets the call continue (seccomp user notification,
Linux 5.5). The zygote kills through process handles, a call that this filter ignores. Without such a filter (an older
kernel, or a container that already uses the one listener that a process may have) all kills count as sent from outside.
Source of numbers and layouts: linux/seccomp.h.
"""

from __future__ import annotations

# `signal` itself would import `enum`, `functools` and `collections`.
import _signal as signal  # type: ignore[import-not-found]
import fcntl
import os
import struct

from harness.execution.inside import seccomp
from harness.execution.inside.isolation import SIGKILL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.kernel import Kernel

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTIFICATION_BYTES = 80
_CONTINUE = 1


def listen(calls: Kernel) -> int | None:
    """Listen to this process and its descendants; return a descriptor to poll, None if the system offers none."""
    if not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return calls.listen_to_calls(seccomp.signal_filter(SIGKILL))
    except OSError:
        return None


def allow_reported_call(listener: int) -> bool:
    """Let a reported call continue; return whether there was one."""
    notification = bytearray(_NOTIFICATION_BYTES)
    try:
        fcntl.ioctl(listener, _RECEIVE, notification)
        fcntl.ioctl(listener, _SEND, struct.pack("=QqiI", *struct.unpack_from("=Q", notification), 0, 0, _CONTINUE))
    except OSError:
        # The sender was killed in the meantime
        return any(notification)
    return True


def kill(pid: int) -> None:
    """Kill a process without being reported. Raises OSError."""
    handle = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(handle, SIGKILL)
    finally:
        os.close(handle)
