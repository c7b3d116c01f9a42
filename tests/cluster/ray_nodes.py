"""Nodes of a Ray cluster that tests add and remove, runs on it, and what they recorded."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STORE_BYTES = 80 << 20


def started(start: Callable[[], Any]) -> Any:
    """Start something of Ray's, again where its processes did not come up in time."""
    for tries_left in (2, 1, 0):
        try:
            return start()
        except Exception as error:
            if "timed out" not in str(error) or not tries_left:
                raise


class Nodes:
    """The nodes of one cluster."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.address: str = cluster.address

    def add(self) -> Any:
        return started(lambda: self._cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES))

    def lose(self, node: Any) -> None:
        """As if the machine lost power: its raylet is killed."""
        self._cluster.remove_node(node, allow_graceful=False)

    def processes(self, node: Any) -> list[Any]:
        """The processes of replicas on a node."""
        import psutil

        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        return [one for one in raylet.children() if "ReplicaActor" in " ".join(one.cmdline())]


class Run:
    """A run of the command on a cluster, in a process of its own: Ray adds and removes nodes in a main thread only."""

    def __init__(self, folder: Path, *words: object) -> None:
        command = [sys.executable, "-m", "harness", "run", *map(str, words), "--out", str(folder)]
        self.folder = folder
        self._said = folder.with_suffix(".log")
        with self._said.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder.parent)

    def wait_for_records(self, count: int) -> None:
        """Return as soon as there are so many. Fails if the run ends before."""
        journal = self.folder / "records.jsonl"
        self.wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= count)

    def wait_until(self, happened: Callable[[], object]) -> None:
        """Return as soon as something has happened. Fails if the run ends before."""
        while not happened():
            assert self.process.poll() is None, self._said.read_text(encoding="utf-8")
            time.sleep(0.02)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Stop the run itself meanwhile, so that it is not over before a test has done what it does in its middle."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and all that it said, which is never a traceback."""
        code = self.process.wait()
        said = self._said.read_text(encoding="utf-8")
        assert "Traceback" not in said, said
        return code, said


def answers(folder: Path) -> dict[str, tuple[str, float | None]]:
    """Text and score of each request. Fails for a request with two records."""
    found: dict[str, tuple[str, float | None]] = {}
    for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        key = record["request"]["key"]
        assert key not in found, f"{key} is there twice"
        found[key] = (record["reply"]["text"], record["scores"][0]["value"])
    return found
