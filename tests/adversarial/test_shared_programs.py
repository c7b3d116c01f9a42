"""Hostile programs that we did not write, from `../shared/evil`, with the verdicts that its README expects."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox

EVIL = Path(__file__).resolve().parents[2] / ".." / "shared" / "evil"
CANARY = Path("/tmp/evil_canary")
BAIT = {"keep.txt": "keep", "dir/x": "x", "secret": "EVILCANARY"}
NAMES = sorted(path.stem for path in EVIL.glob("*.py"))
LIMITS = Limits(wall_seconds=1.0, memory_bytes=1 << 30, output_bytes=4 << 20, work_bytes=32 << 20, processes=32)
CHECK = """
def check(candidate):
    assert candidate(1, 2) == 3
    assert candidate(-5, 5) == 0
    assert abs(candidate(0.1, 0.2) - 0.3) < 1e-6
    assert candidate(10**6, 1) == 1000001
check(add)
"""
pytestmark = pytest.mark.skipif(not NAMES, reason=f"no hostile programs at {EVIL}")


def announced(name: str) -> tuple[str, set[str]]:
    text = (EVIL / f"{name}.py").read_text(encoding="utf-8")
    expected = json.loads(text.splitlines()[0].split("evil:", 1)[1])["expect"]
    return text, {status.split(":")[0] for status in expected}


@pytest.fixture(scope="module", autouse=True)
def bait() -> Iterator[Path]:
    """A secret in the environment, files to steal or delete, and a listener that nobody may reach."""
    CANARY.mkdir(exist_ok=True)
    CANARY.chmod(0o777)
    (CANARY / "dir").mkdir(exist_ok=True)
    for name, text in BAIT.items():
        (CANARY / name).write_text(text)
        (CANARY / name).chmod(0o666)
    with (
        pytest.MonkeyPatch.context() as patch,
        # Several workers of one test run may listen side by side.
        socket.create_server(("127.0.0.1", 18765), reuse_port=True) as listener,
    ):
        patch.setenv("HF_TOKEN", "hf_EVILCANARY_HEAP=1")
        yield CANARY
        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()
    # `make test` gives a file to one worker, so nobody else stands in this folder
    shutil.rmtree(CANARY)


@pytest.mark.parametrize("name", NAMES)
def test_shared_program(name: str, sandbox: Sandbox) -> None:
    text, expected = announced(name)
    verdict = sandbox.run(Job(text, Tests("python", tests=CHECK, entry_point="add")), LIMITS)
    assert verdict.status in expected, verdict
    assert "EVILCANARY" not in verdict.output
    assert {str(path.relative_to(CANARY)) for path in CANARY.rglob("*") if path.is_file()} == set(BAIT)
