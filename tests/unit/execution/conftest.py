"""One probed sandbox for the tests of this package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.errors import SandboxError
from harness.execution.base import Sandbox
from harness.execution.selection import open_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The default sandbox, or a skip with the reason that the harness gives."""
    try:
        opened = open_sandbox("auto")
    except SandboxError as error:
        pytest.skip(str(error))
    yield opened
    opened.close()
