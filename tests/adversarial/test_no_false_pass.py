"""Ways to look successful where the tests must share the candidate's process. Those that do not aim at this harness
may not pass, and each must get the name of what it did. Where tests run by value, `programs/` tries much more.
"""

# ruff: noqa: E501 - a hostile or honest program is data, and reads best as its author would write it

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.execution.base import Verdict

WRONG = "def add(a, b): return 0\n"

TRICKS = {
    "leaves by os._exit while loading": ("import os\nos._exit(0)", "exited"),
    "leaves by os._exit when called": ("import os\ndef add(a, b): os._exit(0)", "exited"),
    "leaves by sys.exit while loading": ("import sys\nsys.exit(0)", "exited"),
    "leaves by SystemExit when called": ("def add(a, b): raise SystemExit(0)", "exited"),
    "leaves by the exit built-in": ("def add(a, b): exit()", "exited"),
    "leaves by the C library": ("import ctypes\ndef add(a, b): ctypes.CDLL(None)._exit(0)", "exited"),
    "becomes another program": ("import os\ndef add(a, b): os.execv('/bin/true', ['true'])", "exited"),
    "raises an exception of its own base class": (
        "class Quiet(BaseException): pass\ndef add(a, b): raise Quiet",
        "error",
    ),
    "kills itself": ("import os\ndef add(a, b): os.kill(os.getpid(), 9)", "signal"),
    "ends by a signal handler": (
        "import os, signal\nsignal.signal(signal.SIGALRM, lambda *a: os._exit(0))\nsignal.setitimer(0, 0.01)\n"
        "def add(a, b):\n    while True: pass\n",
        "exited",
    ),
    "leaves from a thread": (
        "import os, threading, time\nthreading.Thread(target=lambda: os._exit(0)).start()\n"
        "def add(a, b): time.sleep(60)\n",
        "exited",
    ),
    "leaves at exit": ("import atexit, os\natexit.register(os._exit, 0)\n" + WRONG, "failed"),
    "replaces the hook for exceptions": ("import os, sys\nsys.excepthook = lambda *a: os._exit(0)\n" + WRONG, "failed"),
    "prints what a runner might": ("print('passed', 'OK', 'call', 0, sep='\\n', flush=True)\n" + WRONG, "failed"),
    "writes passes to every descriptor": (
        "import os\nfor fd in range(1, 64):\n    try: os.write(fd, b'passed\\n' * 8)\n    except OSError: pass\nos._exit(0)",
        "exited",
    ),
    "closes every descriptor": ("import os\nos.closerange(0, 256)\ndef add(a, b): return a + b", "exited"),
    "makes assertions silent": ("import builtins\nbuiltins.AssertionError = type('A', (), {})\n" + WRONG, "failed"),
    "replaces built-ins": (
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.print = builtins.exec = lambda *a: None\n"
        "def add(a, b): return a + b if a != 0.1 else 7.0",
        "failed",
    ),
    "replaces os.write": ("import os\nos.write = lambda fd, data: len(data)\n" + WRONG, "failed"),
    "defines check first": ("def check(candidate): pass\n" + WRONG, "failed"),
    "traces lines to jump over assertions": (
        "import sys\ndef trace(frame, event, arg):\n    if frame.f_code.co_name == 'check' and event == 'line':\n"
        "        frame.f_lineno = frame.f_code.co_firstlineno + 3\n    return trace\nsys.settrace(trace)\n" + WRONG,
        "failed",
    ),
    "returns a value equal to everything": (
        "class Any:\n    def __eq__(self, other): return True\n    __lt__ = __eq__\n"
        "    def __sub__(self, other): return self\n    def __abs__(self): return self\ndef add(a, b): return Any()",
        "failed",
    ),
    "returns a number equal to everything": (
        "class Any(int):\n    def __eq__(self, other): return True\ndef add(a, b): return Any()",
        "failed",
    ),
    "compares by a built-in function": (
        "import functools\nAny = type('Any', (int,), {'__eq__': functools.partial(bool, 1)})\ndef add(a, b): return Any()",
        "failed",
    ),
    "comes back from the call twice": (
        "import os\ndef add(a, b):\n    child = os.fork()\n    if child == 0: return a + b\n    return 0",
        "failed",
    ),
    "lets its fork speak and leaves": (
        "import os, time\nif os.fork():\n    time.sleep(0.3)\n    os._exit(0)\ndef add(a, b): return a + b",
        "exited",
    ),
    "ends in an open string": ("def add(a, b): return a + b\n'''", "error"),
    "ends in an open block": ("def add(a, b): return a + b\nif False:", "error"),
    "reads the secret from descriptors": (
        "import os\ndef add(a, b):\n    got = []\n    for fd in range(3, 64):\n        try: got.append(os.pread(fd, 1 << 16, 0))\n"
        "        except OSError: pass\n    return a + b if any(got) else None",
        "failed",
    ),
    "looks for the tests in files": (
        "import os\ndef add(a, b):\n    for top in ('/work', '/tmp', '/dev'):\n        for folder, _, names in os.walk(top):\n"
        "            for name in names:\n                with open(os.path.join(folder, name), 'rb') as file:\n"
        "                    if b'candidate(1' in file.read(4096): return a + b\n",
        "failed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_a_program_that(trick: str, attempt: Callable[..., Verdict]) -> None:
    candidate, status = TRICKS[trick]
    verdict = attempt(candidate, check="in_process")
    assert verdict.status == status, verdict
    assert verdict.check == "in_process"


def test_unequal_comparison_is_guarded_as_well(attempt: Callable[..., Verdict]) -> None:
    same = "class Any:\n    def __ne__(self, other): return False\ndef add(a, b): return Any()"
    assert attempt(same, tests="if add(1, 2) != 3: raise AssertionError", check="in_process").status == "failed"


def test_values_inside_containers_are_looked_at(attempt: Callable[..., Verdict]) -> None:
    same = "class Any:\n    def __eq__(self, other): return True\n    __hash__ = None\ndef add(a, b): return {a: [(Any(),)]}"
    assert attempt(same, tests="assert add(1, 2) == {1: [(3,)]}", check="in_process").status == "failed"
