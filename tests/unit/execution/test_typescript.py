"""TypeScript: compiled with its types, judged by values. Needs tsc (npm install -g typescript)."""

from __future__ import annotations

import pytest

from harness.datatypes import StdinCase, Tests
from harness.execution.base import Job, Limits, Sandbox

PROMPT = "//Add two numbers.\nfunction add(a: number, b: number): number {\n"
TESTS = (
    "declare var require: any;\nconst assert = require('node:assert');\n\n\nfunction test() {\n"
    "  let candidate = add;\n  assert.deepEqual(candidate(1, 2),3);\n}\n\ntest();\n"
)


pytestmark = pytest.mark.toolchain("typescript")


@pytest.mark.parametrize(
    ("candidate", "status"),
    [
        ("  return a + b;\n}", "passed"),
        (PROMPT + "  const sum: number = a + b;\n  return sum;\n}\n", "passed"),
        ("  return a - b;\n}", "failed"),
        # node alone would run it: the type is wrong, the value right
        ("  const sum: string = a + b;\n  return sum as any;\n}", "compile_error"),
        ("  return a +;\n}", "compile_error"),
        ("  require('fs');\n  return a + b;\n}", "passed"),
        ("  process.exit(0);\n}", "compile_error"),
        ("  require('process').exit(0);\n  return 3;\n}", "exited"),
        ("  return { valueOf: () => 3 } as any;\n}", "failed"),
    ],
)
def test_programs_are_compiled_and_judged_by_value(sandbox: Sandbox, candidate: str, status: str) -> None:
    verdict = sandbox.run(Job(candidate, Tests("typescript", PROMPT, TESTS, "add")), Limits())
    assert (verdict.status, verdict.check) == (status, "by_value"), verdict.message


def test_whole_programs_read_stdin(sandbox: Sandbox) -> None:
    program = "const text: string = require('fs').readFileSync(0, 'utf8');\nconsole.log(Number(text) * 2);\n"
    cases = (StdinCase("4\n", "8\n"), StdinCase("1.5", "3"))
    assert sandbox.run(Job(program, Tests("typescript", cases=cases)), Limits()).status == "passed"
