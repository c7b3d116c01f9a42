"""Nothing outlives a program, a sandbox or a harness, however they end."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.selection import open_sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
# Long enough for a machine that does much else; what is waited for is an event
PATIENCE = 120.0

DAEMON = """
import os, subprocess, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 64)
        os.execv("/bin/sleep", ["sleep", "MARK"])
    os._exit(0)
time.sleep(0.2)
"""

HARNESS = """
from harness.datatypes import Tests
from harness.execution.base import Job, Limits
from harness.execution.selection import open_sandbox
program = "import subprocess, time\\nsubprocess.Popen(['/bin/sleep', 'MARK'])\\ntime.sleep(600)"
open_sandbox("LEVEL").run(Job(program, Tests("python", tests="pass")), Limits(wall_seconds=600))
"""


@pytest.fixture
def mark() -> str:
    """A number of seconds that no other process on the machine sleeps."""
    return f"1000.{secrets.randbits(60)}"


@pytest.fixture(params=["auto", "none"])
def level(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[str]:
    yield str(request.param)


def sleepers(mark: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[-1:] == [mark] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; it may end between two looks at it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(met)


def work_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("harness-*"))


def test_a_daemon_dies_with_its_program(mark: str, level: str) -> None:
    sandbox = open_sandbox(level)
    verdict = sandbox.run(Job(DAEMON.replace("MARK", mark), Tests("python", tests="pass")), Limits())
    sandbox.close()
    assert verdict.status == "passed", verdict
    assert sleepers(mark) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_programs_die_with_the_harness(mark: str, level: str, how: signal.Signals) -> None:
    script = HARNESS.replace("MARK", mark).replace("LEVEL", level)
    folders, mounts = work_folders(), Path("/proc/self/mounts").read_text()
    harness = subprocess.Popen(
        [sys.executable, "-c", script], cwd=CHECKOUT, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        assert until(lambda: sleepers(mark)), "the program never started"
        # The sleeper was started by a process that is in this list, and waits for it
        family = psutil.Process(harness.pid).children(recursive=True)
        assert len(family) >= 2
        if how == signal.SIGINT:
            os.killpg(harness.pid, how)  # as a terminal does
        else:
            harness.send_signal(how)
        harness.wait(PATIENCE)
        assert until(lambda: not sleepers(mark))
        assert until(lambda: not [process for process in family if alive(process)])
        assert until(lambda: not work_folders() - folders)
        assert Path("/proc/self/mounts").read_text() == mounts
    finally:
        harness.kill()
        harness.wait()


def test_a_killed_zygote_is_replaced_and_its_job_is_tried_again(mark: str, sandbox: Sandbox) -> None:
    # Not at the level `none`: no process knows what its killed zygote had started
    sandbox = open_sandbox(sandbox.level)
    before = set(psutil.Process().children())
    program = f"import subprocess\nsubprocess.run(['/bin/sleep', '{mark}'])"
    verdicts: list[Verdict] = []
    folders = work_folders()
    thread = threading.Thread(
        target=lambda: verdicts.append(
            sandbox.run(Job(program, Tests("python", tests="pass")), Limits(wall_seconds=600))
        )
    )
    thread.start()
    assert until(lambda: sleepers(mark)), "the program never started"
    first = sleepers(mark)
    for zygote in set(psutil.Process().children()) - before:
        zygote.kill()
    # The second try waits for its sleeper as the first did, until that is ended
    assert until(lambda: set(sleepers(mark)) - set(first)), "the job was not tried again"
    for pid in sleepers(mark):
        psutil.Process(pid).kill()
    thread.join(PATIENCE)
    sandbox.close()
    assert [verdict.status for verdict in verdicts] == ["passed"]
    assert until(lambda: not sleepers(mark))
    assert until(lambda: not work_folders() - folders)


def test_closing_ends_what_still_runs(mark: str, level: str) -> None:
    sandbox = open_sandbox(level)
    program = f"import subprocess, time\nsubprocess.Popen(['/bin/sleep', '{mark}'])\ntime.sleep(600)"
    verdicts: list[Verdict] = []

    def run() -> None:
        verdicts.append(sandbox.run(Job(program, Tests("python", tests="pass")), Limits(wall_seconds=600)))

    thread = threading.Thread(target=run)
    thread.start()
    assert until(lambda: sleepers(mark)), "the program never started"
    sandbox.close()
    thread.join(PATIENCE)
    assert [verdict.status for verdict in verdicts] == ["infra"]
    assert until(lambda: not sleepers(mark))


def test_no_mount_and_no_descriptor_is_left(sandbox: Sandbox) -> None:
    def traces() -> tuple[str, int]:
        return Path("/proc/self/mounts").read_text(), len(list(Path("/proc/self/fd").iterdir()))

    job = Job("x = 1", Tests("python", tests="assert x == 1"))
    assert sandbox.run(job, Limits()).status == "passed"
    before = traces()
    for _ in range(3):
        assert sandbox.run(job, Limits()).status == "passed"
    assert traces() == before


def test_a_deep_folder_is_removed_and_harms_no_process(mark: str, level: str) -> None:
    program = (
        "import os\ndef dig():\n    for _ in range(1500):\n        os.mkdir('n')\n        os.chdir('n')\n"
        "    os.mkdir('closed', 0)\n    return 1\n"
    )
    folders = work_folders()
    sandbox = open_sandbox(level)
    verdict = sandbox.run(Job(program, Tests("python", tests="assert dig() == 1")), Limits(wall_seconds=60))
    again = sandbox.run(Job("x = 1", Tests("python", tests="assert x == 1")), Limits(wall_seconds=60))
    sandbox.close()
    assert (verdict.status, again.status) == ("passed", "passed"), (verdict, again)
    assert until(lambda: not work_folders() - folders)


def test_unprotected_programs_leave_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = open_sandbox("none")
    program = "import os\nprint(os.getcwd(), flush=True)\nopen('left', 'w').close()\nos.kill(os.getpid(), 9)"
    verdict = sandbox.run(Job(program, Tests("python", tests="pass")), Limits())
    sandbox.close()
    assert verdict.status == "signal"
    folder = Path(verdict.output.strip())
    assert folder.is_absolute()
    assert not folder.exists()
