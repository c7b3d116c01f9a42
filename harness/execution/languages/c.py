"""C by gcc (else clang): `-std=gnu17 -O1`. `native.py` states what is guaranteed."""

from __future__ import annotations

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import native, toolchain

FLAGS = ("-std=gnu17", "-O1")


SHAPE = native.SHAPE
ENDINGS = (".c",)


class C:
    """The `Language` of `tests.language: c`."""

    name = "c"

    def missing(self) -> str | None:
        """Whether there is a compiler."""
        return None if toolchain.find("gcc", "clang") else toolchain.install_hint("a C compiler (gcc)", "gcc libc6-dev")

    def trial(self) -> Job:
        """Doubles a number."""
        prelude = "#include <assert.h>\nint twice(int value){\n"
        return Job("    return 2 * value;\n}\n", Tests("c", prelude, "int main(){ assert(twice(2) == 4); }\n", "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        return native.programs(job, native.Compiler(toolchain.require("gcc", "clang"), "c", FLAGS, "!!"))


def build() -> C:
    """Return the language."""
    return C()
