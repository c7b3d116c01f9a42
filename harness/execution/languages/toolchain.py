"""Finds compilers and runtimes on this machine, and caches what is built once for them.

Guaranteed: a cached build lies in a folder named after everything that it depends on, is made by one process at a time
and appears complete or not at all. Not guaranteed: protection of a folder that other users of the machine may write.
The cache folder belongs to the user (`$XDG_CACHE_HOME`, else `~/.cache`; for root `/var/cache`, since programs then run
as an unprivileged user that may not enter root's home).
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
# A build takes seconds; after this long a process that waits for another one's lock fails instead of hanging
LOCK_SECONDS = 300
_START_ONLY = 0o111
# Folders that every sandbox shows
_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/lib")


@functools.cache
def find(*names: str) -> str | None:
    """Return the full path of the first of `names` that is installed, or None."""
    paths = (shutil.which(name) for name in names)
    return next((str(Path(path).absolute()) for path in paths if path), None)


def require(*names: str) -> str:
    """Return the full path of the first of `names`. Raises SandboxError where none is installed."""
    path = find(*names)
    if path is None:
        raise SandboxError(f"{names[0]} is not installed here")
    return path


def install_hint(program: str, package: str) -> str:
    """Return the line for `Language.missing`: the program that is missing, and the package of Debian and Ubuntu."""
    return f"{program} is not installed here; install it (Debian, Ubuntu: apt install {package})"


def frame(name: str) -> str:
    """Return the text of a frame: the harness's own code in another language."""
    return (FRAMES / name).read_text(encoding="utf-8")


def outside_system(*folders: str) -> tuple[str, ...]:
    """Return those of the folders that a sandbox does not show by itself, for `Program.readable`."""
    real = {os.path.realpath(folder) for folder in folders if folder and Path(folder).exists()}
    return tuple(sorted(folder for folder in real if not (folder + "/").startswith(_SYSTEM)))


def output_of(*command: str) -> str:
    """Return the output of a trusted command. Raises SandboxError with its error message if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise SandboxError(f"{command[0]} could not be started: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise SandboxError(f"{command[0]} does not work here: {lines[0] if lines else 'it printed no error'}")
    return done.stdout


def stamp(program: str) -> str:
    """Return a text that changes when a program does: its path, size and time."""
    real = os.path.realpath(program)
    facts = Path(real).stat()
    return f"{real} {facts.st_size} {facts.st_mtime_ns}"


def cached_build(name: str, depends_on: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` fills; it is filled again only if something in `depends_on` changed.

    Raises SandboxError if the cache folder cannot be written.
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
        raise SandboxError(f"{folder} cannot be used: {error}; set XDG_CACHE_HOME to a writable folder") from error
    return whole


def _cache() -> Path:
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache")
    try:
        return Path.home() / ".cache"
    except RuntimeError as error:
        raise SandboxError("this user has no home folder: set XDG_CACHE_HOME to a writable folder") from error


def unreadable(program: str) -> Path:
    """Return a copy of a program, alone in its folder, that may be executed but not read.

    The kernel then forbids other processes of the user to read its memory (`/proc/PID/mem`). Raises
    SandboxError if the cache folder cannot be written.
    """
    name = Path(program).name

    def make(folder: Path) -> None:
        shutil.copyfile(program, folder / name)
        (folder / name).chmod(_START_ONLY)

    return cached_build(f"unreadable-{name}", (stamp(program),), make) / name


def _open_up(folder: Path) -> None:
    """Make a folder readable for the users that programs run as, except the files that may only be executed."""
    for path in (folder, *folder.rglob("*")):
        # The modes of a link are those of its target, which does not belong to the cache
        if path.is_symlink() or stat.S_IMODE(path.stat().st_mode) == _START_ONLY:
            continue
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
