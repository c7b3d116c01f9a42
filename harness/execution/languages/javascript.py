"""JavaScript by node: the tests run in one isolate, the candidate in another (a worker thread); they exchange values.

The candidate's functions are called by value: arguments and results are structured clones, and changes of arguments
are copied back. `console.assert` fails the tests; the tests may `require` any module and get an unmodified one, since
the candidate has its own.

Guaranteed: the candidate has no access to the tests, their built-in objects or the secret; patched prototypes, modules,
getters, `toJSON` and objects that claim to be equal affect only values; `process.exit`, an exit code or a marker on any
descriptor never passes. Not guaranteed: both isolates are in one process, so a native addon, or code that breaks V8,
could reach the tests. What cannot be cloned (functions, promises) arrives as an object that equals nothing; tests that
create objects of the candidate's classes cannot run.
"""

from __future__ import annotations

from dataclasses import replace

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, node

SHAPE = forms.braces(node.DEFINITION, backticks=True)
ENDINGS = (".js", ".cjs")


class JavaScript:
    """The `Language` of `tests.language: javascript`."""

    name = "javascript"

    def missing(self) -> str | None:
        """Whether there is node."""
        return node.missing()

    def trial(self) -> Job:
        """Doubles the numbers of an array."""
        tests = "require('node:assert').deepEqual(twice([1, 2]), [2, 4]);\n"
        body = "  return values.map((value) => 2 * value);\n}\n"
        return Job(body, Tests("javascript", "const twice = (values) => {\n", tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        base = node.program()
        if job.tests.cases:
            files = (("program.js", assembly.whole_program(job).encode()),)
            command = (node.interpreter(), "./program.js")
            return assembly.per_case(replace(base, command=command, files=files), job.tests)
        parts = node.parted(job, SHAPE)
        return (node.framed(base, parts, assembly.joined(parts), job.tests.tests),)


def build() -> JavaScript:
    """Return the language."""
    return JavaScript()
