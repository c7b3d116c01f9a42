"""Selects a sandbox. Each one is tested by running a program in it; the user never gets a weaker one than requested.

`auto` takes the strongest level that works on this machine. It never falls back to `none`: the scores would be the
same but the machine would not be safe, so a machine without isolation is refused with the reason and the fix.
"""

from __future__ import annotations

import socket
from pathlib import Path

from harness import plugins
from harness.datatypes import Tests
from harness.errors import SandboxError
from harness.execution.base import Job, Limits, Sandbox

# Strongest first, without `none`. `landlock` is added only inside a container, which hides the machine's files already.
AUTOMATIC = ("namespace", "bwrap")
IN_CONTAINERS = "landlock"
_CONTAINER_SIGNS = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")

_PROBE_LIMITS = Limits(wall_seconds=20.0, processes=12, work_bytes=1 << 20)
_WORKS = "assert 1 + 1 == 2\n"
_ISOLATED = "assert look() == [], look()\n"
# Each step tests one guarantee of `base.py` from inside the sandbox.
_LOOK = """
import os, socket, time

def look():
    faults = []
    allowed = "PATH LANG LC_CTYPE TZ HOME TMPDIR PYTHONHASHSEED PYTHONDONTWRITEBYTECODE".split()
    if [name for name in os.environ if name not in allowed]:
        faults.append("the environment is visible")
    for path in ("/etc/passwd", "/proc/1/environ"):
        try:
            open(path, "rb").read()
            faults.append(path + " can be read")
        except OSError:
            pass
    for path in ("/written", "/usr/written", "/proc/self/oom_score_adj"):
        try:
            open(path, "w").close()
            faults.append(path + " can be written")
        except OSError:
            pass
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=1)
        faults.append("the network is reachable")
    except OSError:
        pass
    for pid in (os.getppid(), 1):
        try:
            os.kill(pid, 0)
            if os.getpid() > 100:
                faults.append("processes of the machine can be reached")
        except OSError:
            pass
    started = []
    try:
        for _ in range(30):
            pid = os.fork()
            if pid == 0:
                time.sleep(20)
                os._exit(0)
            started.append(pid)
        faults.append("the number of processes is not bounded")
    except OSError:
        pass
    for pid in started:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return faults
"""


def open_sandbox(name: str) -> Sandbox:
    """Return a working sandbox: the strongest one for `auto`, else the one with this name.

    Raises SandboxError with the failed probe and the fix, UnknownName if no sandbox has this name.
    """
    levels = (*AUTOMATIC, *((IN_CONTAINERS,) if in_container() else ())) if name == "auto" else (name,)
    reasons = []
    for level in levels:
        reason = probe(level)
        if reason is None:
            sandbox: Sandbox = plugins.load("sandbox", level).build()
            return sandbox
        reasons.append(f"sandbox {level!r}: {reason}")
    unprotected = "; `--sandbox none` runs programs unprotected" if name == "auto" else ""
    raise SandboxError("; ".join(reasons) + unprotected)


def in_container() -> bool:
    """Whether this process seems to run in an ordinary container."""
    if any(Path(sign).exists() for sign in _CONTAINER_SIGNS):
        return True
    try:
        groups = Path("/proc/1/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(word in groups for word in ("docker", "kubepods", "containerd", "libpod", "lxc"))


def probe(name: str) -> str | None:
    """Test sandbox `name` on this machine. Return None if it isolates programs, else one line: why not, what to do."""
    module = plugins.load("sandbox", name)
    sandbox: Sandbox = module.build()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        look = f"PORT = {listener.getsockname()[1]}\n{_LOOK}"
        job = Job("", Tests("python", tests=_WORKS)) if name == "none" else Job(look, Tests("python", tests=_ISOLATED))
        try:
            verdict = sandbox.run(job, _PROBE_LIMITS)
        finally:
            sandbox.close()
    if verdict.status == "passed":
        return None
    if verdict.status == "infra":
        return f"{verdict.message}: {module.advice(verdict.message)}"
    return f"it does not isolate ({verdict.status}: {verdict.message}); please report it with your kernel version"
