"""Retries and exclusive second tries, with a launcher that plays back what a loaded machine would do."""

from __future__ import annotations

import threading
import time

import pytest

from harness.datatypes import Tests
from harness.errors import SandboxError, UnknownName
from harness.execution import process_sandbox
from harness.execution.base import Job, Limits
from harness.execution.language import Outcome, Program
from harness.execution.process_sandbox import ProcessSandbox

JOB = Job("x = 1", Tests("python", tests="assert x == 1"))


class Playback:
    """Gives the outcomes in order; `pass` is a report with the program's own secret."""

    def __init__(self, *ends: str) -> None:
        self.ends = list(ends)
        self.launches = 0

    def launch(self, program: Program, limits: Limits) -> Outcome:
        del limits
        self.launches += 1
        end = self.ends.pop(0)
        if end == "pass":
            return Outcome("exit", report=f"{program.nonce}\npassed\ncall\n\n\n0\n".encode())
        return Outcome(end, message="of ours")  # type: ignore[arg-type]

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("ends", "status", "launches"),
    [
        (["timeout", "pass"], "passed", 2),
        (["timeout", "timeout"], "timeout", 2),
        (["infra", "infra", "pass"], "passed", 3),
        (["infra", "infra", "infra"], "infra", 3),
        (["memory"], "memory", 1),
        (["killed", "pass"], "passed", 2),
        (["killed", "killed"], "infra", 2),
        (["starved", "pass"], "passed", 2),
        (["starved", "starved"], "infra", 2),
        (["timeout", "starved"], "infra", 2),
        (["killed", "timeout"], "timeout", 2),
        (["signal"], "signal", 1),
    ],
)
def test_what_may_be_the_machines_fault_is_tried_again(ends: list[str], status: str, launches: int) -> None:
    launcher = Playback(*ends)
    assert ProcessSandbox("test", launcher).run(JOB, Limits()).status == status
    assert launcher.launches == launches


@pytest.mark.parametrize(
    ("ends", "killed", "status"),
    [
        (["killed", "killed"], [0, 1, 1, 2], "memory"),
        # A child of the program was killed, and the program failed for that
        (["exit", "exit"], [0, 1, 1, 2], "memory"),
        (["exit", "pass"], [0, 1, 1], "passed"),
        # What was killed beside the first try had nothing to do with this program
        (["exit", "exit"], [0, 1, 1, 1], "exited"),
        (["killed", "killed"], [0, 0, 0, 0], "infra"),
        (["pass"], [0, 1], "passed"),
    ],
)
def test_a_shortage_of_memory_is_no_plain_failure(
    ends: list[str], killed: list[int], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`killed`: the values of the kernel's counter of out-of-memory kills, read by read."""
    monkeypatch.setattr(process_sandbox.oom_kills, "count", lambda: killed.pop(0))
    assert ProcessSandbox("test", Playback(*ends)).run(JOB, Limits()).status == status


def test_the_second_try_of_a_timeout_runs_alone() -> None:
    class Busy:
        def __init__(self) -> None:
            self.running = 0
            self.most_beside_retry = 0
            self.lock = threading.Lock()
            self.tries: dict[str, int] = {}

        def launch(self, program: Program, limits: Limits) -> Outcome:
            del limits
            with self.lock:
                self.running += 1
                tries = self.tries[program.nonce] = self.tries.get(program.nonce, 0) + 1
            time.sleep(0.01)
            with self.lock:
                if tries == 2:
                    self.most_beside_retry = max(self.most_beside_retry, self.running)
                self.running -= 1
            return Outcome("timeout")

        def close(self) -> None:
            pass

    launcher = Busy()
    sandbox = ProcessSandbox("test", launcher)
    threads = [threading.Thread(target=sandbox.run, args=(JOB, Limits())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(launcher.tries.values()) == [2] * 8
    assert launcher.most_beside_retry == 1


def test_tests_that_do_not_parse_are_our_fault_and_start_nothing() -> None:
    launcher = Playback()
    verdict = ProcessSandbox("test", launcher).run(Job("x = 1", Tests("python", tests="assert (")), Limits())
    assert verdict.status == "infra"
    assert "tests are not valid Python" in verdict.message


def test_no_tests_are_no_pass() -> None:
    assert ProcessSandbox("test", Playback()).run(Job("x = 1", Tests("python")), Limits()).status == "infra"


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'python'"):
        ProcessSandbox("test", Playback()).run(Job("x", Tests("pyton", tests="x")), Limits())


def test_a_closed_sandbox_says_so() -> None:
    from harness.execution.sandboxes import none

    sandbox = none.build()
    sandbox.close()
    sandbox.close()
    with pytest.raises(SandboxError, match="closed"):
        sandbox.run(JOB, Limits())
