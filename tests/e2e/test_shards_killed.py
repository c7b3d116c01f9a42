"""Tasks of an array that die at any instant, are ended by the batch system, and run again, lose and double nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sharded_tasks
from files import REPO, read_jsonl

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
# Far beyond what a run takes on a busy machine: reached only by one that hangs
LIMIT = 1800
RUN = ("run", "--engine", "by_key", "--tasks", "./sums.yaml,./families.yaml,./choices.yaml", "--set")
SLOWLY = (*RUN, "engine.delay=0.02")
TIMES = frozenset({"finished_at", "seconds", "run_id"})


@pytest.fixture(autouse=True)
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sharded_tasks.install(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)


def start(*words: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "harness", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ})


def finish(*words: object) -> None:
    process = start(*words)
    errors = process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 0, errors.decode()


def records(folder: str | Path) -> list[str]:
    """Records without times, in the order of their keys."""

    def timeless(value: object) -> object:
        if isinstance(value, dict):
            return {key: timeless(inner) for key, inner in value.items() if key not in TIMES}
        return [timeless(inner) for inner in value] if isinstance(value, list) else value

    return sorted(json.dumps(timeless(one), sort_keys=True) for one in read_jsonl(Path(folder) / "records.jsonl"))


def lines(folder: str) -> int:
    journal = Path(folder) / "records.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def end_at(process: subprocess.Popen[bytes], folder: str, count: int, number: signal.Signals) -> int:
    """Send the signal when so many records are there, or the process has ended by itself; return its exit code."""
    begun = time.monotonic()
    while lines(folder) < count and process.poll() is None and time.monotonic() - begun < LIMIT:
        time.sleep(0.005)
    process.send_signal(number)
    process.communicate(timeout=LIMIT)
    return process.returncode


def test_shards_killed_at_random_instants_and_run_again_make_the_whole_run():
    finish(*SLOWLY, "--out", "whole")
    generator = random.Random(20261126)
    killed = 0
    for number in (1, 2, 3):
        folder = f"part-shard-{number}-of-3"
        for _ in range(2):
            code = end_at(
                start(*SLOWLY, "--out", "part", "--shard", f"{number}/3"),
                folder,
                lines(folder) + generator.randrange(1, 12),
                signal.SIGKILL,
            )
            killed += code == -signal.SIGKILL
        finish(*SLOWLY, "--out", "part", "--shard", f"{number}/3")
    assert killed >= 4
    finish("merge", *(f"part-shard-{number}-of-3" for number in (1, 2, 3)))
    assert records("part") == records("whole")
    assert len(records("part")) == 24 + 24 * 3 + 14


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_batch_system_that_ends_a_task_leaves_a_run_to_go_on_with(number: signal.Signals):
    code = end_at(start(*SLOWLY, "--out", "part", "--shard", "1/2"), "part-shard-1-of-2", 3, number)
    assert code == 130
    manifest = json.loads(Path("part-shard-1-of-2/manifest.json").read_text())
    assert manifest["status"] == "interrupted"
    before = lines("part-shard-1-of-2")
    finish(*SLOWLY, "--out", "part", "--shard", "1/2")
    assert lines("part-shard-1-of-2") > before >= 3
    assert len(set(records("part-shard-1-of-2"))) == lines("part-shard-1-of-2")


def test_a_merge_that_is_killed_leaves_nothing_that_passes_for_a_run():
    for number in (1, 2):
        finish(*RUN, "engine.delay=0", "--out", "part", "--shard", f"{number}/2")
    folders = ("part-shard-1-of-2", "part-shard-2-of-2")
    kill = (
        "import os, signal, sys\n"
        "from harness.cli.main import main\n"
        "from harness.merging import folder\n"
        "folder._rename = lambda hidden, target: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.argv = ['harness', *sys.argv[1:]]\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", kill, "merge", *folders], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL and not Path("part").exists()
    listed = subprocess.run([sys.executable, "-m", "harness", "runs", "."], capture_output=True, text=True, check=True)
    assert ".merging" not in listed.stdout
    finish("merge", *folders)
    assert len(records("part")) == 24 + 24 * 3 + 14 and not list(Path().glob(".*merging*"))


def test_the_script_for_slurm_requeues_a_task_whose_time_is_up(monkeypatch: pytest.MonkeyPatch):
    """Tasks one after the other, as Slurm would start them; `scontrol` notes what it is called with."""
    commands = Path("bin")
    commands.mkdir()
    for name, line in {
        "harness": f'exec {sys.executable} -m harness "$@"',
        "scontrol": 'echo "$*" >> requeued',
    }.items():
        (commands / name).write_text(f"#!/bin/bash\n{line}\n")
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands.resolve()}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "77")
    monkeypatch.setenv("SHARDS", "2")

    def task(number: int) -> subprocess.Popen[bytes]:
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", str(number))
        words = [str(REPO / "examples/slurm/array.sh"), *SLOWLY[1:], "--out", "part"]
        return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    assert task(1).wait(LIMIT) == 0
    assert end_at(task(2), "part-shard-2-of-2", 3, signal.SIGUSR1) == 130
    assert Path("requeued").read_text() == "requeue 77_2\n"
    assert task(2).wait(LIMIT) == 0
    finish("merge", "part-shard-1-of-2", "part-shard-2-of-2")
    assert len(records("part")) == 24 + 24 * 3 + 14
