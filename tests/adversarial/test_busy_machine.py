"""A busy machine does not change verdicts: a program is charged for what it ran, not for what it waited."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.datatypes import Tests
from harness.execution.base import Job, Limits
from harness.execution.choose import open_sandbox

HOG = "while True: pass"


@pytest.fixture
def hogs() -> Iterator[None]:
    """More busy processes than cores, for as long as the test runs."""
    # Sessions of their own: the kernel shares cores fairly between sessions first, and the program has its own too
    processes = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", HOG], start_new_session=True)
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    yield
    for process in processes:
        process.kill()
        process.wait()


def test_an_honest_program_gets_its_time_on_a_busy_machine(hogs: None) -> None:
    burn = "import time\ndef f():\n    while time.process_time() < 0.9:\n        pass\n    return 1\n"
    sandbox = open_sandbox("auto")
    verdict = sandbox.run(Job(burn, Tests("python", tests="assert f() == 1")), Limits(wall_seconds=2.0))
    sandbox.close()
    assert verdict.status == "passed", verdict
    assert verdict.seconds > 2.0, "the machine was not busy enough to prove anything"


def test_an_endless_program_still_ends_on_a_busy_machine(hogs: None) -> None:
    sandbox = open_sandbox("auto")
    tests = Tests("python", tests="assert f() == 1")
    verdict = sandbox.run(Job("def f():\n    while True: pass\n", tests), Limits(wall_seconds=1.0))
    sandbox.close()
    assert verdict.status == "timeout", verdict
