"""The sandbox as another user sees it: a child process that became an unprivileged user, and judges jobs for us.

`python other_user.py become READABLE...` starts as root, makes what the user needs reachable in a mount namespace of
its own (a home folder may be closed to others), becomes nobody and starts itself again to `serve`: jobs come as lines
of JSON, verdicts go back the same way.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.datatypes import Tests
from harness.errors import SandboxError
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.selection import open_sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
# An unused user id, so that limits per user count no other processes
USER = 64_321


class OtherUser:
    """A `Sandbox` that lives in another user's process."""

    def __init__(self, readable: list[str], environment: dict[str, str]) -> None:
        """Start it. Raises SandboxError with the other side's own words."""
        folders = [str(Path(path, "bin")) for path in readable]
        environment = {
            "PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)]),
            # What was made once for us is read by the other user as well
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or "/var/cache",
            "HOME": "/nonexistent",
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }
        self._process = subprocess.Popen(
            [sys.executable, __file__, "become", *readable],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd="/",
        )
        hello = self._line()
        if "refused" in hello:
            raise SandboxError(hello["refused"])
        self.level: str = hello["level"]
        self.user: int = hello["user"]

    def run(self, job: Job, limits: Limits) -> Verdict:
        """Hand a job over and wait for its verdict."""
        assert self._process.stdin is not None
        tests = dataclasses.asdict(job.tests) | {"cases": []}
        print(json.dumps([job.candidate, tests, dataclasses.asdict(limits)]), file=self._process.stdin, flush=True)
        return Verdict(**self._line())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the other user's process ended: {self._process.poll()}"
        answer: dict[str, Any] = json.loads(line)
        return answer


def _become(readable: list[str]) -> None:
    """As root: make `readable` accessible, then become an unprivileged user. Never returns."""
    closed = sorted({str(ancestor) for path in readable for ancestor in [_closed(Path(path))] if ancestor})
    if closed:
        _open_ways(readable, closed)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    # A new program, because one that changed its user may not write its own maps of users
    os.execv(sys.executable, [sys.executable, __file__, "serve"])


def _closed(path: Path) -> Path | None:
    """The highest folder above `path` that other users may not enter."""
    above = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
    return above[0] if above else None


def _open_ways(readable: list[str], closed: list[str]) -> None:
    """Put empty folders over the closed ones, for this process's eyes only, and in them only what is `readable`."""
    from harness.execution.inside.kernel import CLONE_NEWNS, Kernel

    calls = Kernel()
    calls.unshare(CLONE_NEWNS)
    calls.make_mounts_private()
    trees = {path: calls.clone_tree(path) for path in readable if _closed(Path(path))}
    for folder in closed:
        calls.mount("tmpfs", folder, 0, "size=1m,mode=755")
    for path, tree in trees.items():
        Path(path).mkdir(parents=True, exist_ok=True)
        calls.attach(tree, path)
        os.close(tree)


def _serve() -> None:
    """Open a sandbox, say so, and answer jobs until there are no more."""
    assert os.geteuid() != 0
    try:
        sandbox: Sandbox = open_sandbox("auto")
    except SandboxError as error:
        print(json.dumps({"refused": str(error)}), flush=True)
        return
    print(json.dumps({"level": sandbox.level, "user": os.geteuid()}), flush=True)
    for line in sys.stdin:
        candidate, tests, limits = json.loads(line)
        job = Job(candidate, Tests(**tests | {"cases": (), "packages": ()}))
        try:
            verdict = sandbox.run(job, Limits(**limits | {"packages": ()}))
        except SandboxError as error:
            verdict = Verdict("infra", message=str(error))
        print(json.dumps(dataclasses.asdict(verdict)), flush=True)
    sandbox.close()


if __name__ == "__main__":
    _become(sys.argv[2:]) if sys.argv[1] == "become" else _serve()
