"""Bash: the tests run in one shell, every call of the candidate's function in another one.

A function of the candidate that the tests name is called with its arguments in a new `bash`, which first reads the
candidate's program; only its output and its exit code are returned. So functions, traps, aliases and options of the
candidate never reach the tests.

Guaranteed: no `exit`, trap, redefined builtin, `set -n` or marker on a descriptor passes; the secret and the tests are
only in the memory of the tests' shell, in no file, argument or environment. That shell is started from a copy that may
not be read, so the kernel forbids other processes to read its memory (`toolchain.unreadable`). Not guaranteed:
variables that one call sets are lost in the next, unlike in the reference implementation; only the system's tools are
available.
"""

from __future__ import annotations

import re
import secrets

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain

_DEFINITION = r"^[ \t]*(?:function[ \t]+)?([A-Za-z_][\w-]*)[ \t]*\(\)|^[ \t]*function[ \t]+([A-Za-z_][\w-]*)"


SHAPE = forms.script("bash", _DEFINITION)
ENDINGS = (".sh", ".bash")


class Bash:
    """The `Language` of `tests.language: bash`."""

    name = "bash"

    def missing(self) -> str | None:
        """Whether there is bash."""
        return None if toolchain.find("bash") else toolchain.install_hint("bash", "bash")

    def trial(self) -> Job:
        """Doubles a number."""
        tests = '}\nset -e\n[[ $(twice 2) = "4" ]]\n'
        return Job("    echo $((2 * $1))", Tests("bash", "twice() {\n", tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        tests, shell = job.tests, toolchain.require("bash")
        if tests.cases:
            command = (shell, "--noprofile", "--norc", "./program")
            program = Program(command, files=(("program", assembly.whole_program(job).encode()),))
            return assembly.per_case(program, tests)
        assembly.require_tests(tests.tests)
        candidate, judged = split(forms.normalized(job, SHAPE))
        names = sorted(functions(candidate) & assembly.identifiers(judged) - functions(judged))
        # On one line before the tests, so that their line numbers do not change
        proxies = " ".join(f'{name}() {{ harness_call {name} "$@"; }};' for name in names)
        nonce = secrets.token_hex(16)
        tests_shell = toolchain.unreadable(shell)
        program = Program(
            command=(str(tests_shell), "--noprofile", "--norc", "-c", toolchain.frame("bash.sh")),
            # what the program prints by itself is no answer of the function that is called
            files=(("candidate", f'exec 9>&1 >/dev/null; {candidate}\nexec >&9 9>&-\n"$@"\n'.encode()),),
            readable=(str(tests_shell.parent),),
            request=f"{nonce}\n{proxies}{judged}\n".encode(),
            nonce=nonce,
            tests=tests.tests,
            check="by_value",
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
