"""Servers as processes of their own: start, count, kill."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from files import REPO

DEMO_MODEL = REPO / "harness/demo/models/demo-larger"
HERE = Path(__file__).resolve().parent


@dataclass
class RunningServer:
    """A server that answers at `url` (with `/v1`); `model` is the name that it goes by."""

    url: str
    model: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it at once, as a lost machine would."""
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(program: str, *words: object, model: str = "demo") -> Iterator[RunningServer]:
    """Run a program of this folder until the block ends. Raises RuntimeError with its output if it does not start."""
    command = [sys.executable, str(HERE / program), *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with contextlib.ExitStack() as stack:
        # Not a pipe: it is not read, and a full one would stop the server
        log = stack.enter_context(tempfile.TemporaryFile())
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"ready "):
                yield RunningServer(line.split()[1].decode(), model, process)
                return
        log.seek(0)
        raise RuntimeError(f"{program} did not start:\n{log.read().decode(errors='replace')[-2000:]}")
