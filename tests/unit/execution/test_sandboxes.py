"""Toolchains and caches that lie where programs have their work folder: below /tmp, /dev/shm or /work."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import plugins
from harness.datatypes import StdinCase, Tests
from harness.execution.base import Job, Limits
from harness.execution.inside.namespaces import seen_at, work_folder
from harness.execution.language import Program
from harness.execution.process_sandbox import ProcessSandbox
from harness.execution.selection import probe

WORK = "/work"
SCRIPT = """#!/bin/sh
set -e
cat "$(dirname "$0")/data/text"
echo note > /tmp/note && cat /tmp/note
echo here > here && cat "$HOME/here"
if echo x > "$0" 2>/dev/null; then echo "it can write its tool"; fi
"""


@pytest.mark.parametrize(
    ("readable", "work"),
    [
        ([], WORK),
        (["/opt/python", "/workshop/python"], WORK),
        ([f"{WORK}/project/env"], "/work1"),
        ([WORK], "/work1"),
        ([f"{WORK}/a", "/work1"], "/work2"),
    ],
)
def test_the_work_folder_hides_nothing_that_must_be_seen(readable: list[str], work: str) -> None:
    assert work_folder(readable) == work


def test_what_lies_in_a_scratch_folder_keeps_its_path() -> None:
    """/tmp is a link to the work folder inside, so both paths lead to it."""
    assert seen_at("/tmp/env/bin", WORK) == f"{WORK}/env/bin"
    assert seen_at("/dev/shm/env", "/work1") == "/work1/env"
    assert seen_at("/tmpfs/env", WORK) == "/tmpfs/env"


@pytest.fixture
def tool() -> Iterator[Path]:
    """A toolchain below /tmp that every user may read."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="toolchain-") as folder:
        Path(folder).chmod(0o755)
        Path(folder, "data").mkdir()
        Path(folder, "data", "text").write_text("text\n")
        script = Path(folder, "run")
        script.write_text(SCRIPT)
        script.chmod(0o755)
        yield Path(folder)


# Which levels work is the machine's and the user's matter: root cannot use two of them
WORKING = [level for level in ("namespace", "bwrap", "landlock", "none") if not probe(level)]


@pytest.mark.parametrize("level", WORKING)
def test_a_toolchain_below_tmp_works(level: str, tool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Script:
        name = "script"

        def missing(self) -> None:
            return None

        def programs(self, job: Job) -> tuple[Program, ...]:
            wanted = job.tests.cases[0].stdout
            return (Program((str(tool / "run"),), readable=(str(tool),), expected=wanted),)

    sandbox = plugins.load("sandbox", level).build()
    assert isinstance(sandbox, ProcessSandbox)
    monkeypatch.setitem(sandbox._languages, "script", Script())
    wanted = "text\nnote\nhere\n"
    if level in ("landlock", "none"):
        # There /tmp is the machine's: closed in the one, and shared in the other, where nothing is read-only
        own = SCRIPT.replace("/tmp/note", "$TMPDIR/note")
        (tool / "run").write_text(own if level == "landlock" else own.replace('echo x > "$0"', "false"))
    try:
        for _ in range(2):
            verdict = sandbox.run(Job("", Tests("script", cases=(StdinCase("", wanted),))), Limits(wall_seconds=60))
            assert verdict.status == "passed", verdict
    finally:
        sandbox.close()
    assert {path.name for path in tool.iterdir()} == {"run", "data"}
