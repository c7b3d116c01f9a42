"""Lua (5.3 or later): candidate and tests in one process, in separate environments.

The candidate gets copies of the libraries, without `debug`, `package` and loading of files; results are copied without
metatables. Guaranteed: `os.exit`, a marker, a patched library or an `__eq` never passes; the secret is a local variable
of the frame, which only `debug` could find. Not guaranteed: candidate and tests share a process, so code that
targets this harness can read its memory through the system. Tests cannot use the candidate's metatables.
"""

from __future__ import annotations

import re

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import forms, scripted, toolchain

FUNCTION = r"^[ \t]*(?:local\s+)?function\s+([A-Za-z_]\w*)"
SHAPE = forms.script("lua", FUNCTION)
ENDINGS = (".lua",)
_NAMES = ("lua5.4", "lua5.3", "lua")
_TRIAL = Tests("lua", "function twice(values)\n", "local seen = twice({1, 2})\nassert(seen[2] == 4)\n", "twice")


class Lua:
    """The `Language` of `tests.language: lua`."""

    name = "lua"

    def missing(self) -> str | None:
        """Whether there is an interpreter."""
        return None if toolchain.find(*_NAMES) else toolchain.install_hint("lua", "lua5.4")

    def trial(self) -> Job:
        """Doubles the numbers of a list."""
        return Job("  for i, value in ipairs(values) do values[i] = 2 * value end\n  return values\nend\n", _TRIAL)

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        return scripted.programs(job, _interpreter())


def build() -> Lua:
    """Return the language."""
    return Lua()


def _interpreter() -> scripted.Interpreter:
    return scripted.Interpreter(
        command=(toolchain.require(*_NAMES),),
        ending=".lua",
        frame="lua.lua",
        worker="",
        function=FUNCTION,
        check="exit_marker",
        before=("/bin/sh", "-c", 'exec "$@" <&3 2>&4 3<&- 4>&-', "sh"),
        packed=_packed,
    )


def _packed(request: dict[str, object]) -> bytes:
    """Lua reads no JSON: the secret, the candidate's length and text, names, tests."""
    names = request["names"]
    assert isinstance(names, list)
    # The tests may call the candidate's local functions, as in the single file of the reference implementation
    candidate = re.sub(r"^local\s+(?=function\b)", "", str(request["candidate"]), flags=re.MULTILINE).encode()
    head = f"{request['nonce']}\n{len(candidate)}\n".encode()
    return head + candidate + " ".join(names).encode() + b"\n" + str(request["tests"]).encode()
