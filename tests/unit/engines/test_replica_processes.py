"""Real processes that are killed and stopped, with an engine in them that needs no model."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from harness.datatypes import Sampling
from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.hf.token_jobs import Generated, GenerateJob, Outcome
from harness.engines.local.engine import LocalOptions
from harness.engines.replicas.dispatch import Dispatcher, Patience
from harness.engines.replicas.processes import Processes, exit_text

JOBS = [GenerateJob(f"k{number}", tuple(range(number, 3000)), 4, Sampling(4), 0) for number in range(60)]


def count_ids(connection: Connection, spec: ModelSpec, options: dict[str, Any], sharers: int) -> None:
    """A replica whose answer to a prompt is its length."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection.send(EngineFacts("local", spec.path, "text", device=spec.device))
    try:
        while True:
            for job in connection.recv():
                time.sleep(0.01)
                connection.send(Generated(job.key, (len(job.ids),), stopped=False, ended=True))
    except (EOFError, OSError):
        return


class Pair:
    """Two replicas and their driver."""

    def __init__(self, restarts: int, stuck_seconds: float = 60.0) -> None:
        self.lines: list[str] = []
        self.pool = Processes(ModelSpec("m"), LocalOptions(), ["cpu", "cpu"], restarts, count_ids)
        self.driver = Dispatcher(self.pool, 2, 8, Patience(stuck_seconds), say=self.say)
        self.driver.start()
        while self.pool.starting():
            self.driver.attend(0.1)

    def say(self, line: str, *, lasting: bool) -> None:
        self.lines.append(line)

    def done_after(self, first: int, harm: Callable[[int], None]) -> list[Outcome]:
        """All outcomes; after the first few, the process of one replica is harmed."""
        found: list[Outcome] = []
        for outcome in self.driver.answer(JOBS):
            found.append(outcome)
            if len(found) == first:
                harm(self.pool.process_ids()["1"])
        return found


@pytest.fixture
def pairs() -> Iterator[Callable[..., Pair]]:
    made: list[Pair] = []

    def make(*arguments: Any) -> Pair:
        made.append(Pair(*arguments))
        return made[-1]

    yield make
    for pair in made:
        pair.driver.close()


def right(outcomes: list[Outcome]) -> bool:
    wanted = {job.key: (len(job.ids),) for job in JOBS}
    found = {one.key: one.ids for one in outcomes if isinstance(one, Generated)}
    return found == wanted and len(outcomes) == len(JOBS)


@pytest.mark.slow
def test_the_jobs_of_a_killed_process_go_to_the_other_and_another_is_started(pairs: Callable[..., Pair]) -> None:
    pair = pairs(1)
    assert right(pair.done_after(5, lambda process: os.kill(process, signal.SIGKILL)))
    assert any(line.endswith("of its requests go to others") and "SIGKILL" in line for line in pair.lines)
    while pair.pool.starting():
        pair.driver.attend(0.1)
    assert set(pair.pool.process_ids()) == {"1.1", "2"}


def test_a_stopped_process_is_ended_though_its_pipe_is_full(pairs: Callable[..., Pair]) -> None:
    """The hands are larger than a pipe holds: a driver that writes to it itself would wait for ever."""
    pair = pairs(0, 0.5)
    stopped = pair.pool.process_ids()["1"]
    os.kill(stopped, signal.SIGSTOP)
    assert right(pair.done_after(0, lambda process: None))
    deadline = time.monotonic() + 30
    while Path(f"/proc/{stopped}").exists() and time.monotonic() < deadline:
        assert right(pair.done_after(0, lambda process: None))
    assert any("was stuck and is ended: no sign of life" in line for line in pair.lines)
    assert set(pair.pool.process_ids()) == {"2"}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (3, "it ended with exit code 3"),
        (-9, "it was killed by SIGKILL (out of memory?)"),
        (None, "its connection broke"),
    ],
)
def test_how_a_process_ended(code: int | None, text: str) -> None:
    assert exit_text(code) == text
