"""What a limit allows and what it reports; `programs/` tests that each limit ends a program in time."""

# ruff: noqa: E501 - a hostile or honest program is data, and reads best as its author would write it

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import psutil
import pytest
from hostile import LIMITS

from harness.execution.base import Verdict

Try = Callable[..., Verdict]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output(stream: str, attempt: Try) -> None:
    verdict = attempt(f"import sys\nwhile True: sys.{stream}.write('\\x1b[31m no end ' * 1000)")
    assert verdict.status == "output_limit"
    assert "\x1b" not in verdict.output
    assert len(verdict.output) < 20_000


def test_processes(attempt: Try) -> None:
    program = (
        "import os, time\nstarted = 0\ntry:\n    while started < 200:\n        if os.fork() == 0:\n            time.sleep(30)\n            os._exit(0)\n"
        "        started += 1\nexcept BlockingIOError: pass\n"
    )
    assert attempt(program, tests=f"assert 0 < started <= {LIMITS.processes}").status == "passed"


def test_threads(attempt: Try) -> None:
    program = (
        "import threading, time\nstarted = 0\ntry:\n    while started < 200:\n"
        "        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n        started += 1\nexcept RuntimeError: pass\n"
    )
    assert attempt(program, tests=f"assert 0 < started <= {LIMITS.processes}").status == "passed"


def test_disk(attempt: Try) -> None:
    fill = (
        "written = 0\ntry:\n    for name in range(64):\n        with open(str(name), 'wb', 0) as file:\n            written += file.write(bytes(1 << 20))\n"
        "except OSError: pass\n"
    )
    assert attempt(fill, tests=f"assert 0 < written <= {LIMITS.work_bytes}").status == "passed"
    files = "made = 0\ntry:\n    while made < 20000:\n        open(str(made), 'w').close()\n        made += 1\nexcept OSError: pass\n"
    assert attempt(files, tests="assert 0 < made < 5000").status == "passed"


def test_a_crash_has_its_signal(attempt: Try) -> None:
    verdict = attempt("import ctypes\nctypes.string_at(0)")
    assert (verdict.status, verdict.signal, verdict.message) == ("signal", 11, "killed by SIGSEGV")


def test_reading_where_there_is_no_input_does_not_hang(attempt: Try) -> None:
    assert attempt("input()").message.startswith("load: EOFError")


def test_the_memory_of_the_machine_is_bounded_while_it_lasts(attempt: Try) -> None:
    limit = 200 << 20
    # Each grows slowly: together they pass the limit with their second step and would need 15 seconds for all of it, so
    # that a look that comes late on a busy machine is still in time
    bomb = (
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0:\n        kept = []\n        for _ in range(30):\n"
        "            kept.append(b'x' * (5 << 20))\n            time.sleep(0.5)\n        time.sleep(60)\ntime.sleep(60)"
    )
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    memory = process.memory_info()
                    total += memory.rss - memory.shared
                except psutil.Error:
                    continue
            most[0] = max(most[0], total)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        verdict = attempt(bomb, limits=dataclasses.replace(LIMITS, memory_bytes=limit))
    finally:
        over.set()
        watcher.join()
    assert verdict.status == "memory", verdict
    # Private copies of a forked interpreter, and what is taken between two looks, come on top; all children together
    # would take 20 * 150 MiB
    assert limit / 2 < most[0] < 20 * (120 << 20)
