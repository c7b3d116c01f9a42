"""Sets up what a hostile program could damage or steal, and checks afterwards whether it did.

The bait is a secret in the environment, files that every user may change, listening sockets, and a process that could
be killed. This process adopts orphans, so that a daemon which escaped from its sandbox is among its descendants.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from hostile import CHECKOUT, Candidate, candidates

from harness.execution.base import Sandbox, Verdict

_PR_SET_CHILD_SUBREAPER = 36
_SECRET = "not for programs"
# Folders in which every user may leave a file
_OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
PATIENCE = 10.0


class Bait:
    """Set it up with `laid`; call `traces` after each program."""

    def __init__(self, stack: ExitStack) -> None:
        """Closing `stack` removes everything."""
        self.head, self.tail = "hf_" + secrets.token_hex(8), secrets.token_hex(8)
        # In an argument of `sleep`, so a number; and no other file or process has it in its name
        self.mark = f"1000.{secrets.randbits(60)}"
        self.folder = Path(tempfile.mkdtemp(prefix="bait-", dir="/tmp"))
        stack.callback(shutil.rmtree, self.folder)
        self.folder.chmod(0o777)
        self.secret = self.folder / "secret"
        self.secret.write_text(_SECRET, encoding="utf-8")
        self.secret.chmod(0o666)
        self.local = f"harness-bait-{secrets.token_hex(8)}"
        self.listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0)))]
        port = self.listeners[0].getsockname()[1]
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", port))
        for address in (f"\0{self.local}", str(self.folder / "listener")):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
            self.listeners.append(listener)
        (self.folder / "listener").chmod(0o777)
        self.listeners.append(datagrams)
        for listener in self.listeners:
            listener.setblocking(False)
        self.bystander = subprocess.Popen(["/bin/sleep", "3600"])
        stack.callback(self.bystander.wait)
        stack.callback(self.bystander.kill)
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        stack.callback(ctypes.CDLL(None).prctl, _PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        self.segments = _segments()
        self.calm = 0

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the harness that is under attack."""
        return {"HF_TOKEN": self.head + self.tail}

    def addresses(self) -> dict[str, str]:
        """The values of the markers in programs."""
        return {
            "CANARY": str(self.folder),
            "CHECKOUT": str(CHECKOUT),
            "MARK": self.mark,
            "PORT": str(self.listeners[0].getsockname()[1]),
            "SOCKET": self.local,
            "BYSTANDER": str(self.bystander.pid),
            "HOST": str(os.getpid()),
            "SECRET_HEAD": self.head,
            "SECRET_TAIL": self.tail,
        }

    def settle(self, sandbox: Sandbox) -> None:
        """Run an honest program of each language; then store the number of processes while none runs."""
        for name, honest in candidates("honest").items():
            if name.startswith("adds."):
                sandbox.run(honest.job(self.addresses()), honest.limits)
        self.calm = len(_descendants())

    def judge(self, candidate: Candidate, sandbox: Sandbox) -> None:
        """Run a program; its verdict must be one of the right ones, and it must have done no harm."""
        verdict = sandbox.run(candidate.job(self.addresses()), candidate.limits)
        may_pass = candidate.aimed and verdict.check != "by_value"
        assert verdict.status in candidate.right | ({"passed"} if may_pass else set()), (candidate.tries, verdict)
        assert self.traces(verdict) == [], candidate.tries

    def traces(self, verdict: Verdict) -> list[str]:
        """What a program left, read or reached; empty if there was no harm."""
        shown = verdict.message + verdict.output
        found = [f"listener {n} was reached" for n, listener in enumerate(self.listeners) if _was_reached(listener)]
        if self.head in shown or self.tail in shown or _SECRET in shown:
            found.append("a secret is in its output")
        if odd := _CONTROL.search(shown):
            found.append(f"a control character is in its output: {odd.group()!r}")
        if self.bystander.poll() is not None:
            found.append("a bystander was killed")
        names = sorted(path.name for path in self.folder.iterdir())
        if names != ["listener", "secret"] or self.secret.read_text(encoding="utf-8") != _SECRET:
            found.append(f"files outside were changed: {names}")
        for folder in (*_OPEN_FOLDERS, "/", "/home", str(Path.home()), str(CHECKOUT), "/usr", "/etc"):
            found += [path for path in _names(folder) if self.mark in path]
        if _segments() != self.segments:
            found.append("System V memory was left")
        found += self._left_running()
        return found

    def _left_running(self) -> list[str]:
        """Processes that still run after a while; a zygote that is being replaced needs one."""
        deadline = time.monotonic() + PATIENCE
        while len(left := _descendants()) > self.calm and time.monotonic() < deadline:
            time.sleep(0.02)
        return [f"left running: {process}" for process in left] if len(left) > self.calm else []


@contextmanager
def laid() -> Iterator[Bait]:
    """Bait for as long as the block lasts."""
    with ExitStack() as stack:
        yield Bait(stack)


def _descendants() -> list[psutil.Process]:
    """Every living process that came from this one, however it tried to get away."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def _was_reached(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(1)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def _names(folder: str) -> list[str]:
    try:
        return [str(path) for path in Path(folder).iterdir()]
    except OSError:
        return []


def _segments() -> list[str]:
    """System V memory, queues and semaphores of the machine's own space, by key and owner."""
    found = []
    for kind in ("shm", "msg", "sem"):
        try:
            lines = Path(f"/proc/sysvipc/{kind}").read_text(encoding="utf-8").splitlines()[1:]
        except OSError:
            continue
        found += [line for line in lines if int(line.split()[0]) == 0x61647665]
    return found
