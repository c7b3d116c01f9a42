"""A batch system ends a run with replicas: the driver alone, or every process of the job at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.slow]
# Far beyond what a run takes on a busy machine: reached only by one that hangs
LIMIT = 1800
COMMAND = (
    *(sys.executable, "-m", "harness", "run", "--tasks", "demo_math"),
    *("--device", "cpu", "--replicas", "2", "--out", "run"),
)


def lines() -> list[str]:
    journal = Path("run/records.jsonl")
    return journal.read_text().splitlines() if journal.exists() else []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("group", [False, True], ids=["driver", "group"])
def test_a_run_with_replicas_that_is_ended_goes_on_with_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, group: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("log").open("wb") as log:
        process = subprocess.Popen(COMMAND, stdout=log, stderr=log, start_new_session=True)
    begun = time.monotonic()
    while len(lines()) < 3 and process.poll() is None and time.monotonic() - begun < LIMIT:
        time.sleep(0.01)
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(LIMIT) == 130, Path("log").read_text()
    # The replicas are the driver's to end: none of them is lost
    assert "lost" not in Path("log").read_text()
    assert json.loads(Path("run/manifest.json").read_text())["status"] == "interrupted"
    begun = time.monotonic()
    while (left := alive_in_session(process.pid)) and time.monotonic() - begun < 60:
        time.sleep(0.1)
    assert not left
    before = lines()
    assert 3 <= len(before) < 80
    done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    keys = {json.loads(line)["request"]["key"] for line in lines()}
    assert len(keys) == len(lines()) == 80 and lines()[: len(before)] == before


def alive_in_session(session: int) -> list[int]:
    """The processes of a session that have not ended; zombies have."""
    found = []
    for one in psutil.process_iter(["status"]):
        with suppress(OSError):
            if one.info["status"] != psutil.STATUS_ZOMBIE and os.getsid(one.pid) == session:
                found.append(one.pid)
    return found
