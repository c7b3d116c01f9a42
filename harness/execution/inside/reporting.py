"""The report of a tester or runner: six lines, as `harness.execution.language` describes them."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


class Trap:
    """A context manager that catches and stores any exception of its block."""

    def __init__(self) -> None:
        """Start with no exception."""
        self.caught: BaseException | None = None
        self.traceback: TracebackType | None = None

    def __enter__(self) -> Trap:
        return self

    def __exit__(self, kind: object, caught: BaseException | None, traceback: TracebackType | None) -> bool:
        self.caught, self.traceback = caught, traceback
        return True

    def line(self, file: str) -> int:
        """Last line of `file` in the traceback; 0 if there is none."""
        line, step = 0, self.traceback
        while step is not None:
            if step.tb_frame.f_code.co_filename == file:
                line = step.tb_lineno
            step = step.tb_next
        return line


def write_report(descriptor: int, nonce: str, verdict: tuple[str, str, str, str, int]) -> None:
    """Write the six lines; `verdict` is ending, stage, error type, message and line of the tests."""
    fields = (nonce, *map(str, verdict))
    data = "\n".join(field.replace("\r", " ").replace("\n", " ") for field in fields) + "\n"
    os.write(descriptor, data.encode("utf-8", "replace"))
