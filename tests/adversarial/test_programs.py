"""Every hostile program of `programs/` and every honest one of `honest/`, as the user who runs this."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bait import Bait, laid
from hostile import candidates

from harness.errors import SandboxError
from harness.execution.base import Sandbox
from harness.execution.selection import open_sandbox

HOSTILE = candidates("programs")
HONEST = candidates("honest")


@pytest.fixture(scope="module")
def bait() -> Iterator[Bait]:
    with laid() as bait, pytest.MonkeyPatch.context() as patch:
        for name, value in bait.environment.items():
            patch.setenv(name, value)
        yield bait


@pytest.fixture(scope="module")
def sandbox(bait: Bait) -> Iterator[Sandbox]:
    """A sandbox of this file's own: it starts while the secret is in the environment."""
    try:
        opened = open_sandbox("auto")
    except SandboxError as error:
        pytest.skip(str(error))
    bait.settle(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str, sandbox: Sandbox, bait: Bait) -> None:
    bait.judge(HOSTILE[name], sandbox)


@pytest.mark.parametrize("name", HONEST)
def test_honest(name: str, sandbox: Sandbox, bait: Bait) -> None:
    bait.judge(HONEST[name], sandbox)
