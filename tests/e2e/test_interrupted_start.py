"""Ctrl-C while the command line is still importing, or a library swallows it: 130, one line, no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = "import sys, time\nprint('here', flush=True)\n{wait}\n"
WAITS = {
    "passes it on": "time.sleep(600)",
    "swallows it": "try:\n    time.sleep(600)\nexcept BaseException:\n    time.sleep(600)",
    "cannot raise it": (
        "class Gone:\n    def __del__(self):\n        time.sleep(600)\ngone = Gone()\ndel gone\ntime.sleep(600)"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("module", ["typer", "transformers"])
@pytest.mark.parametrize("wait", WAITS)
def test_an_interrupt_during_an_import(tmp_path: Path, module: str, wait: str) -> None:
    (tmp_path / f"{module}.py").write_text(SLOW.format(wait=WAITS[wait]))
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    code = "import sys; sys.argv = ['harness', 'run', '--limit', '1']; from harness.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    # Where the start took longer than a second
    others = err.removeprefix("harness run: reading the configs\n").splitlines()
    # Behind the line of a phase that had begun seconds before
    phases = [] if module == "typer" else ["opening the local engine for demo-larger"]
    assert process.returncode == 130, err
    assert others[:-1] in ([], phases) and others[-1].startswith("harness: interrupted"), err


def test_an_interrupt_that_is_ignored_stays_ignored() -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from harness.cli.interrupts import Interrupts, leave_to_the_run\n"
        "with Interrupts():\n    leave_to_the_run(); signal.raise_signal(signal.SIGINT)\nprint('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout) == (0, "goes on\n"), done.stderr
