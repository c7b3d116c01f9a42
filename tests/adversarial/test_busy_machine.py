"""A busy machine does not change verdicts: a program is charged for what it ran, not for what it waited."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox
from harness.execution.selection import open_sandbox

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


@pytest.fixture
def fresh() -> Iterator[Sandbox]:
    opened = open_sandbox("auto")
    yield opened
    opened.close()


def unscored(status: str, message: str) -> bool:
    """On a machine that gives a program next to no processor time the harness may refuse to judge it."""
    return status == "infra" and "processor time" in message


@pytest.mark.slow
def test_an_honest_program_is_not_charged_for_its_neighbours(hogs: None, fresh: Sandbox) -> None:
    burn = "import time\ndef f():\n    while time.process_time() < 0.9:\n        pass\n    return 1\n"
    verdict = fresh.run(Job(burn, Tests("python", tests="assert f() == 1")), Limits(wall_seconds=1.5))
    assert verdict.status == "passed" or unscored(verdict.status, verdict.message), verdict


@pytest.mark.slow
def test_an_endless_program_still_ends_on_a_busy_machine(hogs: None, fresh: Sandbox) -> None:
    tests = Tests("python", tests="assert f() == 1")
    verdict = fresh.run(Job("def f():\n    while True: pass\n", tests), Limits(wall_seconds=1.0))
    assert verdict.status == "timeout" or unscored(verdict.status, verdict.message), verdict


def test_sleep_is_charged_on_a_busy_machine(hogs: None, fresh: Sandbox) -> None:
    tests = Tests("python", tests="assert f() == 1")
    program = "import time\ndef f():\n    for _ in range(300): time.sleep(0.1)\n    return 1\n"
    verdict = fresh.run(Job(program, tests), Limits(wall_seconds=1.0))
    assert verdict.status == "timeout", verdict


def test_waiting_children_stretch_no_limit(fresh: Sandbox) -> None:
    """More busy children than cores wait for each other; that is the program's own affair."""
    program = (
        f"import os, time\ndef f():\n    for _ in range({4 * (os.cpu_count() or 1) + 4}):\n"
        "        if os.fork() == 0:\n            while True: pass\n"
        "    for _ in range(80): time.sleep(0.1)\n    return 1\n"
    )
    limits = Limits(wall_seconds=2.0, processes=4 * (os.cpu_count() or 1) + 16)
    verdict = fresh.run(Job(program, Tests("python", tests="assert f() == 1")), limits)
    assert verdict.status == "timeout", verdict
