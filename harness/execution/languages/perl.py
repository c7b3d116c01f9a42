"""Perl: the tests run in one process, the candidate in another; they exchange values.

Guaranteed: the candidate has no access to the tests or the secret; results of its functions arrive as plain values
(strings, numbers, lists, maps), never blessed; `exit`, `END`, `$SIG{__DIE__}`, a marker or an overloaded operator never
passes. Not guaranteed: changes of arguments are not copied back; tests cannot use the candidate's packages; references
to code cannot be passed; a float arrives with as many digits as Perl prints.
"""

from __future__ import annotations

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import forms, scripted, toolchain

FUNCTION = r"^[ \t]*sub\s+([A-Za-z_]\w*)"
SHAPE = forms.script("perl", FUNCTION)
ENDINGS = (".pl",)
_TESTS = 'die "wrong" unless twice(2) == 4;\n'


class Perl:
    """The `Language` of `tests.language: perl`."""

    name = "perl"

    def missing(self) -> str | None:
        """Whether there is an interpreter."""
        return None if toolchain.find("perl") else toolchain.install_hint("perl", "perl")

    def trial(self) -> Job:
        """Doubles a number."""
        return Job(
            "    my ($value) = @_;\n    return 2 * $value;\n}\n", Tests("perl", "sub twice {\n", _TESTS, "twice")
        )

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        return scripted.programs(job, _interpreter())


def build() -> Perl:
    """Return the language."""
    return Perl()


def _interpreter() -> scripted.Interpreter:
    return scripted.Interpreter(
        command=(toolchain.require("perl"),),
        ending=".pl",
        frame="perl.pl",
        worker="perl_worker.pl",
        function=FUNCTION,
        check="by_value",
    )
