"""Hostile programs that we did not write, from `../shared/evil`, with the verdicts that its README expects."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from filelock import FileLock
from hostile import CHECKOUT, LANGUAGES, PRELUDES, TESTS, found_languages

from harness.datatypes import Tests
from harness.errors import SandboxError
from harness.execution.base import Job, Limits, Sandbox
from harness.execution.selection import open_sandbox

EVIL = CHECKOUT / ".." / "shared" / "evil"
CANARY = Path("/tmp/evil_canary")
BAIT = {"keep.txt": "keep", "dir/x": "x", "secret": "EVILCANARY"}
FOUND = sorted(p.name for p in EVIL.glob("*.*") if LANGUAGES.get(p.suffix[1:]) in found_languages())
LIMITS = Limits(
    wall_seconds=0.7, memory_bytes=1 << 30, output_bytes=4 << 20, work_bytes=32 << 20, processes=32, build_seconds=10.0
)

if not FOUND:
    pytest.skip(f"no hostile programs at {EVIL}", allow_module_level=True)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox that starts with a secret in the environment, files to steal or delete, and listeners around it."""
    with ExitStack() as stack:
        # The programs know this one folder, so two runs of these tests on one machine must not overlap
        stack.enter_context(FileLock(f"{CANARY}.lock", timeout=600))
        CANARY.mkdir(exist_ok=True)
        stack.callback(shutil.rmtree, CANARY)
        CANARY.chmod(0o777)
        (CANARY / "dir").mkdir(exist_ok=True)
        for name, text in BAIT.items():
            (CANARY / name).write_text(text)
            (CANARY / name).chmod(0o666)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("HF_TOKEN", "hf_EVILCANARY_HEAP=1")
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 18765), reuse_port=True))]
        listeners.append(stack.enter_context(socket.socket(socket.AF_UNIX)))
        listeners[1].bind("\0evilcanary")
        listeners[1].listen()
        try:
            opened = open_sandbox("auto")
        except SandboxError as error:
            pytest.skip(str(error))
        stack.callback(opened.close)
        yield opened
        for listener in listeners:
            listener.settimeout(0.1)
            with pytest.raises(TimeoutError):
                listener.accept()


@pytest.mark.parametrize("name", FOUND)
def test_shared_program(name: str, sandbox: Sandbox) -> None:
    text = (EVIL / name).read_text(encoding="utf-8")
    about = json.loads(text.splitlines()[0].split("evil:", 1)[1])
    language = LANGUAGES[Path(name).suffix[1:]]
    # A package clause may occur only once
    text = text.replace("package main\n", "")
    verdict = sandbox.run(Job(text, Tests(language, PRELUDES.get(language, ""), TESTS[language], "add")), LIMITS)
    # How a build ends that is stopped is a matter of wording
    stopped = {"compile_error", "compile_timeout"} & {verdict.status}
    right = {status.split(":")[0] for status in about["expect"]}
    assert verdict.status in right or (stopped and not about.get("pass_ok")), verdict
    assert "EVILCANARY" not in verdict.output + verdict.message
    assert {str(path.relative_to(CANARY)) for path in CANARY.rglob("*") if path.is_file()} == set(BAIT)
