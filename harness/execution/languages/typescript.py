"""TypeScript by tsc and node: the candidate is compiled with all checks of tsc but the strict ones, then runs as
JavaScript.

A program with a type error does not run, as in MultiPL-E. The tests must be JavaScript but for their `declare` lines:
those are checked with the candidate and left out when it runs. What is guaranteed and what not is in `javascript.py`.
tsc is the one on the path (`npm install -g typescript`), with the folder of packages that it is in.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, node, toolchain

SHAPE = forms.braces(node.DEFINITION, backticks=True)
ENDINGS = (".ts",)
_DECLARED = re.compile(r"^[ \t]*declare\b[^\n]*$", re.MULTILINE)
_OPTIONS = ("--target", "es2022", "--module", "commonjs", "--strict", "false", "--skipLibCheck", "--pretty", "false")


class TypeScript:
    """The `Language` of `tests.language: typescript`."""

    name = "typescript"

    def missing(self) -> str | None:
        """Whether there are node and tsc."""
        if node.missing() is None and toolchain.find("tsc") is None:
            return "tsc is not installed here; install it (npm install -g typescript)"
        return node.missing()

    def trial(self) -> Job:
        """Doubles the numbers of an array."""
        tests = "declare var require: any;\nrequire('node:assert').deepEqual(twice([1, 2]), [2, 4]);\n"
        body = "  return values.map((value) => 2 * value);\n}\n"
        return Job(body, Tests("typescript", "function twice(values: number[]): number[] {\n", tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        compiler = Path(toolchain.require("tsc")).resolve()
        packages = next((folder for folder in compiler.parents if folder.name == "node_modules"), compiler.parents[1])
        base = replace(
            node.program(str(packages)),
            build=((node.interpreter(), str(compiler), *_OPTIONS, "candidate.ts"),),
        )
        if job.tests.cases:
            source = assembly.whole_program(job) + "declare var require: any;\n"
            base = replace(base, command=(node.interpreter(), "./candidate.js"))
            return assembly.per_case(replace(base, files=(("candidate.ts", source.encode()),)), job.tests)
        parts = node.parted(job, SHAPE)
        source = "\n".join([assembly.joined(parts), *_DECLARED.findall(parts.tests), ""])
        base = replace(base, files=(("candidate.ts", source.encode()),))
        plain = replace(parts, tests=_DECLARED.sub("", parts.tests))
        return (node.framed(base, plain, source, job.tests.tests, built="candidate.js"),)


def build() -> TypeScript:
    """Return the language."""
    return TypeScript()
