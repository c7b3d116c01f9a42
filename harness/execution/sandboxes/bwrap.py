"""The sandbox for systems that refuse namespaces to the harness but allow them to bubblewrap (such as Ubuntu 24.04).

Guaranteed and not guaranteed: see `harness.execution.inside.bubblewrap`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.execution.base import Sandbox
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
from harness.execution.process_sandbox import ProcessSandbox
from harness.execution.zygote_pool import ZygotePool

_INSIDE = Path(__file__).resolve().parent.parent / "inside"


def build() -> Sandbox:
    """Return the sandbox; nothing is started or tried yet."""
    return ProcessSandbox("bwrap", ZygotePool("bubblewrap", _wrapped))


def advice(reason: str) -> str:
    """Return the fix for the `reason` why a program could not be run."""
    if "No such file" in reason:
        return "install bubblewrap (Debian and Ubuntu: apt install bubblewrap)"
    return "bubblewrap may not create user namespaces here: on Ubuntu load its AppArmor profile (bwrap-userns-restrict)"


def _wrapped(command: tuple[str, ...], readable: tuple[str, ...], packages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that starts a zygote in bubblewrap."""
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
