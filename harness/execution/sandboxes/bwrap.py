"""The sandbox where bubblewrap is installed and namespaces of our own are refused (Ubuntu 24.04, for one).

Guaranteed and not guaranteed: see `harness.execution.inside.bubble`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.execution.base import Sandbox
from harness.execution.conduct import Conductor
from harness.execution.host import Zygotes
from harness.execution.inside.namespaces import (
    DEVICES,
    LINKS,
    PACKAGES,
    SCRATCH,
    SYSTEM_FILES,
    SYSTEM_FOLDERS,
    seen_at,
    work_folder,
)  # fmt: skip

_INSIDE = Path(__file__).resolve().parent.parent / "inside"


def build() -> Sandbox:
    """Return the sandbox; nothing is started or tried yet."""
    return Conductor("bwrap", Zygotes("bubble", _wrapped))


def advice(reason: str) -> str:
    """Say what to do about the `reason` for which a program could not be run."""
    if "No such file" in reason:
        return "install bubblewrap (Debian and Ubuntu: apt install bubblewrap)"
    return "bubblewrap may make no user namespaces here: on Ubuntu load its AppArmor profile (bwrap-userns-restrict)"


def _wrapped(command: tuple[str, ...], readable: tuple[str, ...], packages: tuple[str, ...]) -> tuple[str, ...]:
    """The command that starts a zygote in bubblewrap."""
    words = [shutil.which("bwrap") or "/usr/bin/bwrap", "--unshare-all", "--unshare-user", "--as-pid-1"]
    words += ["--uid", "0", "--gid", "0", "--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP"]
    for folder in map(Path, SYSTEM_FOLDERS):
        if folder.is_symlink():
            words += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            words += ["--ro-bind", str(folder), str(folder)]
    work = work_folder(list(readable))
    for path in (*SYSTEM_FILES, *readable):
        words += ["--ro-bind-try", path, seen_at(path, work)]
    for path in packages:
        words += ["--ro-bind", path, f"{PACKAGES}/{Path(path).name}"]
    for name in DEVICES:
        words += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    words += ["--proc", "/proc", "--dir", work, "--ro-bind", str(_INSIDE), seen_at(str(_INSIDE), work)]
    for path, target in (*LINKS, *((scratch, work) for scratch in SCRATCH)):
        words += ["--symlink", target, path]
    return (*words, "--remount-ro", "/", "--", *command)
