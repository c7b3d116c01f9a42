"""Ruby: the tests run in one process, the candidate in another; they exchange values.

Guaranteed: the candidate has no access to the tests or the secret; results of its functions arrive as plain core
values (numbers, strings, symbols, lists, maps); `exit`, `at_exit`, a marker or a reopened class never passes. Not
guaranteed: changes of arguments are not copied back; tests cannot use the candidate's classes or pass blocks; gems are
not available.
"""

from __future__ import annotations

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import forms, scripted, toolchain

FUNCTION = r"^[ \t]*def\s+([A-Za-z_]\w*[?!]?)"
SHAPE = forms.script("ruby", FUNCTION)
ENDINGS = (".rb",)
_TESTS = "raise 'wrong' unless twice([1, 2]) == [2, 4]\n"


class Ruby:
    """The `Language` of `tests.language: ruby`."""

    name = "ruby"

    def missing(self) -> str | None:
        """Whether there is an interpreter."""
        return None if toolchain.find("ruby") else toolchain.install_hint("ruby", "ruby")

    def trial(self) -> Job:
        """Doubles the numbers of a list."""
        return Job("  values.map { |value| 2 * value }\nend\n", Tests("ruby", "def twice(values)\n", _TESTS, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        return scripted.programs(job, _interpreter())


def build() -> Ruby:
    """Return the language."""
    return Ruby()


def _interpreter() -> scripted.Interpreter:
    return scripted.Interpreter(
        command=(toolchain.require("ruby"), "--disable=gems"),
        ending=".rb",
        frame="ruby.rb",
        worker="ruby_worker.rb",
        function=FUNCTION,
        check="by_value",
    )
