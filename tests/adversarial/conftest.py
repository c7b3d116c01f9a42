"""One probed sandbox for hostile programs, with small limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from hostile import LIMITS, TESTS

from harness.datatypes import Tests
from harness.errors import SandboxError
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.selection import open_sandbox

Try = Callable[..., Verdict]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The default sandbox; it was probed to bound processes before any of this may run."""
    try:
        opened = open_sandbox("auto")
    except SandboxError as error:
        pytest.skip(str(error))
    yield opened
    opened.close()


@pytest.fixture
def attempt(sandbox: Sandbox) -> Try:
    """Run a candidate for `add(a, b)`; `tests` and `limits` override the usual ones, `check` sets where tests run."""

    def run(
        candidate: str,
        tests: str = TESTS["python"],
        limits: Limits = LIMITS,
        check: Literal["by_value", "in_process"] = "by_value",
    ) -> Verdict:
        return sandbox.run(Job(candidate, Tests("python", tests=tests, entry_point="add", check=check)), limits)

    return run
