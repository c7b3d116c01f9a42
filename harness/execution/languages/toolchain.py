"""Compilers and runtimes: found on this machine, never assumed, and what is made once for them.

Guaranteed: what is made lies in a folder named after everything that it depends on, is made by one process
at a time and appears whole or not at all. Not guaranteed: that a folder which another user of the machine
may write is as it was left; the cache folder is the user's own (`$XDG_CACHE_HOME`, else `~/.cache`; for root
`/var/cache`, since its programs run as nobody, to whom root's home may be closed).
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import SandboxError

FRAMES = Path(__file__).resolve().parent / "frames"
# Making takes seconds; a process that waits this long for another one's lock says so instead of hanging.
LOCK_SECONDS = 300
_START_ONLY = 0o111
# Folders that every sandbox shows anyway
_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/lib")


@functools.cache
def find(*names: str) -> str | None:
    """Return the full path of the first of `names` that this machine has."""
    found = (shutil.which(name) for name in names)
    return next((str(Path(path).absolute()) for path in found if path), None)


def require(*names: str) -> str:
    """Return the full path of the first of `names`. Raises SandboxError where none is installed."""
    path = find(*names)
    if path is None:
        raise SandboxError(f"{names[0]} is not installed here")
    return path


def install_hint(program: str, package: str) -> str:
    """Word what `Language.missing` says: which program is not here, which package of Debian and Ubuntu has it."""
    return f"{program} is not installed here; install it (Debian, Ubuntu: apt install {package})"


def frame(name: str) -> str:
    """Return the text of a frame: the harness's own code in another language."""
    return (FRAMES / name).read_text(encoding="utf-8")


def outside_system(*folders: str) -> tuple[str, ...]:
    """Return those folders that a sandbox does not show by itself, as `Program.readable` wants them."""
    real = {os.path.realpath(folder) for folder in folders if folder and Path(folder).exists()}
    return tuple(sorted(folder for folder in real if not (folder + "/").startswith(_SYSTEM)))


def output_of(*command: str) -> str:
    """Return what a trusted command prints. Raises SandboxError with its complaint when it fails."""
    try:
        seen = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise SandboxError(f"{command[0]} could not be started: {error}") from error
    if seen.returncode != 0:
        lines = (seen.stderr or seen.stdout).strip().splitlines()
        raise SandboxError(f"{command[0]} does not work here: {lines[0] if lines else 'it said nothing'}")
    return seen.stdout


def stamp(program: str) -> str:
    """Return what changes when a program does: its path, size and time."""
    real = os.path.realpath(program)
    seen = Path(real).stat()
    return f"{real} {seen.st_size} {seen.st_mtime_ns}"


def cached_build(name: str, depends_on: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` fills; made anew only where something in `depends_on` changed.

    Raises SandboxError when the cache folder cannot be written.
    """
    digest = hashlib.sha256("\0".join(depends_on).encode()).hexdigest()[:16]
    return _made(name, digest, make)


def _made(name: str, digest: str, make: Callable[[Path], None]) -> Path:
    from filelock import FileLock, Timeout

    folder = _cache() / "harness" / "toolchains"
    whole = folder / f"{name}-{digest}"
    if whole.is_dir():
        return whole
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{name}-{digest}.lock", timeout=LOCK_SECONDS):
            if not whole.is_dir():
                partial = Path(tempfile.mkdtemp(dir=folder, prefix=f".{name}-"))
                try:
                    make(partial)
                    _open_up(partial)
                    partial.rename(whole)
                except BaseException:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise
    except (OSError, Timeout) as error:
        raise SandboxError(f"{folder} cannot be used: {error}; set XDG_CACHE_HOME to a folder of yours") from error
    return whole


def _cache() -> Path:
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache")
    try:
        return Path.home() / ".cache"
    except RuntimeError as error:
        raise SandboxError("this user has no home folder: set XDG_CACHE_HOME to a folder of yours") from error


def unreadable(program: str) -> Path:
    """Return a copy of a program, alone in its folder, that may be started but not read.

    The kernel closes the memory of a process that was started so to others of its user (`/proc/PID/mem`). Raises
    SandboxError when the cache folder cannot be written.
    """
    name = Path(program).name

    def make(folder: Path) -> None:
        shutil.copyfile(program, folder / name)
        (folder / name).chmod(_START_ONLY)

    return cached_build(f"unreadable-{name}", (stamp(program),), make) / name


def _open_up(folder: Path) -> None:
    """Let the uids that programs run under read what is there, but for what nobody shall read."""
    for path in (folder, *folder.rglob("*")):
        # A link is as its target is, which is not ours
        if path.is_symlink() or stat.S_IMODE(path.stat().st_mode) == _START_ONLY:
            continue
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
