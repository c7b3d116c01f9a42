"""Bash: the tests in one shell, every call of the candidate's function in another one.

A function of the candidate that the tests name is called with its arguments in a fresh `bash`, which first
reads the candidate's program; what it prints and its exit code are all that comes back. So functions, traps,
aliases and options of the candidate never reach the tests.

Guaranteed: no `exit`, trap, redefined builtin, `set -n` or marker on a descriptor is a pass; the secret and
the tests are in the memory of a shell that the candidate is no part of, and in no file, argument or
environment. Not guaranteed: variables that one call sets are gone in the next, where the reference would
keep them; only the system's own tools are there.
"""

from __future__ import annotations

import re
import secrets

from harness.datatypes import Tests
from harness.errors import DataError
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, toolchain

_DEFINITION = r"^[ \t]*(?:function[ \t]+)?([A-Za-z_][\w-]*)[ \t]*\(\)|^[ \t]*function[ \t]+([A-Za-z_][\w-]*)"


ENDINGS = (".sh", ".bash")


class Bash:
    """The `Language` of `tests.language: bash`."""

    name = "bash"

    def missing(self) -> str | None:
        """Whether there is bash."""
        return None if toolchain.find("bash") else toolchain.lacking("bash", "bash")

    def trial(self) -> Job:
        """Doubles a number."""
        tests = '}\nset -e\n[[ $(twice 2) = "4" ]]\n'
        return Job("    echo $((2 * $1))", Tests("bash", "twice() {\n", tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        tests, shell = job.tests, toolchain.need("bash")
        if tests.cases:
            source = tests.prelude + ("\n" if tests.prelude else "") + job.candidate + "\n"
            command = (shell, "--noprofile", "--norc", "./program")
            return tuple(
                Program(
                    command=command,
                    files=(("program", source.encode()),),
                    stdin=case.stdin.encode(),
                    expected=case.stdout,
                    check="exit_marker",
                )
                for case in tests.cases
            )
        if not tests.tests.strip():
            raise DataError("the sample has neither tests nor stdin cases: nothing would be proved by running it")
        candidate, judged = split(job)
        names = sorted(functions(candidate) & assembly.mentions(judged) - functions(judged))
        # On one line before the tests, so that their line numbers stay
        proxies = " ".join(f'{name}() {{ harness_call {name} "$@"; }};' for name in names)
        nonce = secrets.token_hex(16)
        program = Program(
            command=(shell, "--noprofile", "--norc", "-c", toolchain.frame("bash.sh")),
            files=(("candidate", f'{candidate}\n"$@"\n'.encode()),),
            request=f"{nonce}\n{proxies}{judged}\n".encode(),
            nonce=nonce,
            tests=tests.tests,
            check="exit_marker",
        )
        return (program,)


def build() -> Bash:
    """Return the language."""
    return Bash()


def split(job: Job) -> tuple[str, str]:
    """Return the candidate's program and the tests, without the brace with which the tests end its function."""
    tests, candidate = job.tests, job.candidate
    whole = tests.entry_point is None or tests.entry_point in functions(candidate)
    judged = tests.tests
    closes = judged.lstrip().startswith("}") and not tests.prelude.rstrip().endswith("}")
    if closes:
        judged = judged.replace("}", " ", 1)
    if whole:
        return candidate, judged
    before = tests.prelude + ("" if tests.prelude.endswith("\n") or not tests.prelude else "\n")
    return before + candidate + ("\n}" if closes else ""), judged


def functions(source: str) -> set[str]:
    """Return the names of the functions that a program defines."""
    return {name for pair in re.findall(_DEFINITION, source, re.M) for name in pair if name}
