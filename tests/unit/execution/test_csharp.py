"""C#: a continuation, a class and a bare method are judged by the tests of the prompt's class. Needs Mono."""

from __future__ import annotations

import pytest

from harness.datatypes import StdinCase, Tests
from harness.execution.base import Job, Limits, Sandbox

PROMPT = (
    "using System;\nusing System.Diagnostics;\nusing System.Collections.Generic;\nusing System.Linq;\n"
    "class Problem {\n    // Add two numbers.\n    public static long Add(long a, long b) {\n"
)
TESTS = (
    "    }\n    public static void Main(string[] args) {\n    Debug.Assert(Add((1L), (2L)) == (3L));\n"
    "    Debug.Assert(Add((2L), (2L)) == (4L));\n    }\n\n}\n"
)
RIGHT = "        return a + b;"


pytestmark = pytest.mark.toolchain("csharp")


@pytest.mark.parametrize(
    ("candidate", "status"),
    [
        (RIGHT, "passed"),
        (RIGHT + "\n    }\n", "passed"),
        (PROMPT + RIGHT + "\n    }\n}\n", "passed"),
        (PROMPT + RIGHT + "\n    }\n    static void Main() { Console.WriteLine(Add(1, 2)); }\n}\n", "passed"),
        ("public static long Add(long a, long b) {\n    return a + b;\n}\n", "passed"),
        ("        return a - b;", "failed"),
        ("        return x;", "compile_error"),
        ('        throw new Exception("no");', "error"),
        ("        Environment.Exit(0);\n        return 3;", "exited"),
        ("        return Add(a, b);", "exited"),
    ],
)
def test_forms_of_answers_are_judged(sandbox: Sandbox, candidate: str, status: str) -> None:
    verdict = sandbox.run(Job(candidate, Tests("csharp", PROMPT, TESTS, "Add")), Limits())
    assert verdict.status == status, verdict.message


def test_whole_programs_read_stdin(sandbox: Sandbox) -> None:
    program = (
        "using System;\nclass A { static void Main() { Console.WriteLine(2 * int.Parse(Console.ReadLine())); } }\n"
    )
    assert sandbox.run(Job(program, Tests("csharp", cases=(StdinCase("4\n", "8"),))), Limits()).status == "passed"
