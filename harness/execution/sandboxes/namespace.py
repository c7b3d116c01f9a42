"""The default sandbox: each program runs in Linux namespaces of its own, which the harness creates, as root or not.

Guaranteed and not guaranteed: see `harness.execution.inside.namespaces`. Needs Linux 5.12 with user
namespaces; `advice` returns the fix for a machine that refuses them.
"""

from __future__ import annotations

from harness.execution.base import Sandbox
from harness.execution.process_sandbox import ProcessSandbox
from harness.execution.zygote_pool import ZygotePool

_ADVICE = (
    ("write /proc/", "this system forbids user namespaces (Ubuntu 24.04 and later): allow them with "
     "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`"),
    ("unshare", "user namespaces are refused: in a container start it with `--security-opt seccomp=unconfined "
     "--security-opt systempaths=unconfined`; on a host set `sysctl user.max_user_namespaces=15000`"),
    ("mount (proc)", "a container hides parts of /proc: start it with `--security-opt systempaths=unconfined`"),
    ("open_tree", "needs Linux 5.12 or later"),
    ("mount_setattr", "needs Linux 5.12 or later"),
)  # fmt: skip


def build() -> Sandbox:
    """Return the sandbox; nothing is started or tried yet."""
    return ProcessSandbox("namespace", ZygotePool("namespaces"))


def advice(reason: str) -> str:
    """Return the fix for the `reason` why a program could not be run."""
    return next((fix for sign, fix in _ADVICE if sign in reason), "run on Linux 5.12 or later")
