"""A program that was killed from outside is tried again, and then not judged: it is never the model's own failure."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from typing import Literal

import psutil
import pytest

from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.selection import open_sandbox

Check = Literal["by_value", "in_process"]
WAITS = "import subprocess\ndef add(a, b):\n    subprocess.run(['/bin/sleep', '{mark}'])\n    return a + b\n"
TESTS = "assert add(1, 2) == 3\n"
OWN = {
    "itself": "import os\ndef add(a, b): os.kill(os.getpid(), 9)",
    "its child": "import os, time\ndef add(a, b):\n    if os.fork() == 0:\n        os.kill(os.getppid(), 9)\n"
    "        os._exit(0)\n    while True: time.sleep(1)",
    "its group": "import os\ndef add(a, b): os.killpg(0, 9)",
    "a raised signal": "import signal\ndef add(a, b): signal.raise_signal(9)",
}  # fmt: skip


@pytest.fixture(params=["auto", "none"])
def opened(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Sandbox]:
    opened = open_sandbox(str(request.param))
    yield opened
    opened.close()


def killing(mark: str, over: threading.Event, victim: Callable[[psutil.Process], psutil.Process]) -> int:
    """Kill the victim each time that a sleeper of this mark is found, until it is over; return how often."""
    count = 0
    while not over.wait(0.05):
        for process in psutil.process_iter():
            try:
                if process.cmdline()[-1:] == [mark] and process.status() != psutil.STATUS_ZOMBIE:
                    victim(process).kill()
                    count += 1
            except (psutil.Error, AttributeError):
                continue
    return count


def killed(opened: Sandbox, check: Check, victim: Callable[[psutil.Process], psutil.Process]) -> tuple[Verdict, int]:
    mark = f"1000.{secrets.randbits(60)}"
    over, counts = threading.Event(), list[int]()
    killer = threading.Thread(target=lambda: counts.append(killing(mark, over, victim)))
    killer.start()
    try:
        tests = Tests("python", tests=TESTS, check=check)
        verdict = opened.run(Job(WAITS.format(mark=mark), tests), Limits(wall_seconds=300))
    finally:
        over.set()
        killer.join()
    return verdict, counts[0]


@pytest.mark.parametrize("check", ["by_value", "in_process"])
def test_a_program_that_is_killed_each_time_is_not_judged(opened: Sandbox, check: Check) -> None:
    verdict, count = killed(opened, check, lambda sleeper: sleeper.parent())
    # `memory` where something on this machine was killed for want of it at the same time
    assert verdict.status in ("infra", "memory"), verdict
    assert count >= 2, "it was not tried again"


@pytest.mark.parametrize("check", ["by_value", "in_process"])
@pytest.mark.parametrize("who", OWN)
def test_a_program_that_kills_itself_fails(opened: Sandbox, who: str, check: Check) -> None:
    verdict = opened.run(Job(OWN[who], Tests("python", tests=TESTS, check=check)), Limits(wall_seconds=60))
    assert (verdict.status, verdict.signal) == ("signal", 9), verdict


def test_a_program_may_kill_its_children(opened: Sandbox) -> None:
    program = (
        "import subprocess\ndef add(a, b):\n    child = subprocess.Popen(['/bin/sleep', '600'])\n    child.kill()\n"
        "    return a + b if child.wait() == -9 else None\n"
    )
    verdict = opened.run(Job(program, Tests("python", tests=TESTS)), Limits(wall_seconds=60))
    assert verdict.status == "passed", verdict
