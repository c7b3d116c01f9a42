"""Runs on a Ray cluster whose nodes and processes die, come late or are missing: records are those of one machine."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from cluster.ray_nodes import Nodes, Run, answers

from harness.store.run_folder import read_run

pytestmark = pytest.mark.cluster
# Small batches, so that a run takes long enough to be in the middle of it
SLOWLY = ("--batch-size", "2")
# More than a run could do before a busy test interrupts it
ENDLESS = ("--set", "tasks.demo_math.sampling.temperature=1", "--set", "tasks.demo_math.repeats=20")
# One of two replicas may not have begun when the other has its first answers
GONE = "(was lost|did not start)"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float | None]]:
    """Both demo tasks without Ray."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    command = [sys.executable, "-m", "harness", "run", "--tasks", "demo_math,demo_code", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, cwd=folder.parent)
    return answers(folder)


def notes(folder: Path) -> str:
    return "\n".join(read_run(folder)[0].engine["notes"])


def agree(folder: Path, alone: dict[str, tuple[str, float | None]], count: int) -> None:
    found = answers(folder)
    assert len(found) == count
    assert found == {key: alone[key] for key in found}


def test_a_killed_worker_is_replaced_and_a_late_node_joins_in(nodes: Nodes, alone, tmp_path: Path) -> None:
    first, second = nodes.add(), nodes.add()
    words = ("--ray", nodes.address, "--replicas", 3, "--tasks", "demo_math", *SLOWLY)
    run = Run(tmp_path / "run", *words)
    run.wait_for_records(5)
    with run.held():
        (nodes.processes(first) or nodes.processes(second))[0].kill()
        third = nodes.add()
    code, said = run.end()
    for node in (first, second, third):
        nodes.lose(node)
    assert code == 0, said
    agree(run.folder, alone, 80)
    # Whether the run also says what the third replica waits for depends on how soon it is over
    assert re.search(f"{GONE}: its process was killed or crashed", notes(run.folder)), notes(run.folder)


def test_a_lost_node_takes_no_answer_and_no_program_with_it(nodes: Nodes, alone, tmp_path: Path) -> None:
    stays, goes = nodes.add(), nodes.add()
    words = ("--ray", nodes.address, "--replicas", 2, "--tasks", "demo_code", *SLOWLY, "--ray-scoring")
    run = Run(tmp_path / "run", *words)
    run.wait_for_records(5)
    run.wait_until(lambda: nodes.processes(goes))
    with run.held():
        nodes.lose(goes)
    code, said = run.end()
    nodes.lose(stays)
    assert code == 0, said
    agree(run.folder, alone, 80)
    # Ray may notice the connection first, or the node
    why = "its node (is gone|or process does not answer)"
    assert re.search(f"{GONE}: {why}", notes(run.folder)), notes(run.folder)
    assert "programs run on 2 other nodes" in said


def test_without_a_node_that_has_room_the_run_ends_with_one_line(nodes: Nodes, tmp_path: Path) -> None:
    room = ("--set", "engine.cpus_per_replica=64", "--set", "engine.ray_start_seconds=2")
    code, said = Run(tmp_path / "run", "--ray", nodes.address, *room, "--tasks", "demo_math", "--quiet").end()
    assert code == 3
    assert "no node with 64 CPUs free within 2 s" in said
    assert said.count("\n") == 1, said


def test_an_interrupt_ends_the_ray_that_the_run_started(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", "--ray", "--tasks", "demo_math", *SLOWLY, *ENDLESS)
    run.wait_for_records(2)
    started = psutil.Process(run.process.pid).children(recursive=True)
    assert any("raylet" in " ".join(one.cmdline()) for one in started)
    run.process.send_signal(signal.SIGINT)
    code, said = run.end()
    assert code == 130, said
    _, left = psutil.wait_procs(started, timeout=60)
    assert not left
