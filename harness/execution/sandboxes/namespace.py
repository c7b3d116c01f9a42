"""The default sandbox: each program in Linux namespaces of its own, by our own launcher, as root or not.

Guaranteed and not guaranteed: see `harness.execution.inside.namespaces`. Needs Linux 5.12 with user
namespaces; `advice` says what a machine that refuses them needs.
"""

from __future__ import annotations

from harness.execution.base import Sandbox
from harness.execution.conduct import Conductor
from harness.execution.host import Zygotes

_ADVICE = (
    ("write /proc/", "this system lets no program have user namespaces (Ubuntu 24.04 and later): allow them with "
     "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`"),
    ("unshare", "user namespaces are refused: in a container start it with `--security-opt seccomp=unconfined "
     "--security-opt systempaths=unconfined`; on a host set `sysctl user.max_user_namespaces=15000`"),
    ("mount (proc)", "a container hides parts of /proc: start it with `--security-opt systempaths=unconfined`"),
    ("open_tree", "Linux 5.12 or later is needed"),
    ("mount_setattr", "Linux 5.12 or later is needed"),
)  # fmt: skip


def build() -> Sandbox:
    """Return the sandbox; nothing is started or tried yet."""
    return Conductor("namespace", Zygotes("namespaces"))


def advice(reason: str) -> str:
    """Say what to do about the `reason` for which a program could not be run."""
    return next((fix for sign, fix in _ADVICE if sign in reason), "run on Linux 5.12 or later")
