"""How Python candidates and their tests come together, run for real in the default sandbox."""

from __future__ import annotations

from typing import Literal

import pytest

from harness.datatypes import StdinCase, Tests
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.languages.python import joined, misfit

PROMPT = 'def add(a, b):\n    """Add two numbers.\n    """\n'
CHECK = "def check(candidate):\n    assert candidate(1, 2) == 3\n\ncheck(add)"


def verdict(
    sandbox: Sandbox,
    candidate: str,
    tests: str = CHECK,
    prelude: str = "",
    check: Literal["by_value", "in_process"] = "by_value",
) -> Verdict:
    return sandbox.run(Job(candidate, Tests("python", prelude, tests, "add", check=check)), Limits())


@pytest.mark.parametrize(
    ("prelude", "candidate", "program"),
    [
        (PROMPT, "    return a + b", PROMPT + "    return a + b\n"),
        ("import math", "def f(): ...", "import math\ndef f(): ...\n"),
        ("", "def f(): ...", "def f(): ...\n"),
    ],
)
def test_the_candidate_follows_the_prelude_verbatim(prelude: str, candidate: str, program: str) -> None:
    assert joined(prelude, candidate) == program


def test_a_continuation_and_a_whole_program_both_pass(sandbox: Sandbox) -> None:
    assert verdict(sandbox, "    return a + b\n", prelude=PROMPT).status == "passed"
    assert verdict(sandbox, PROMPT + "    return a + b\n", prelude=PROMPT).status == "passed"
    assert verdict(sandbox, "    return a + b\n\nprint(add(1, 2))", prelude=PROMPT).output == "3\n"


@pytest.mark.parametrize(
    ("candidate", "status", "message"),
    [
        ("def add(a, b): return a - b", "failed", "AssertionError: assert candidate(1, 2) == 3"),
        ("def add(a, b): assert a > b, 'no'", "error", "call: AssertionError: no"),
        ("def add(a, b): return a + c", "error", "call: NameError: name 'c' is not defined"),
        ("1 / 0", "error", "load: ZeroDivisionError: division by zero"),
        ("def add(a, b)\n    return 1", "error", "compile: SyntaxError: expected ':' (<candidate>, line 1)"),
        ("", "error", "call: NameError: name 'add' is not defined"),
        ("def add(a, b): raise KeyboardInterrupt", "error", "call: KeyboardInterrupt"),
        ("def add(a, b): return [0] * (1 << 40)", "memory", "call: MemoryError: "),
        ("x = '\\x00'\ny = \0", "error", "compile: SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_what_went_wrong_is_judged_and_where(sandbox: Sandbox, candidate: str, status: str, message: str) -> None:
    judged = verdict(sandbox, candidate)
    # Python before 3.11.4 calls null bytes a ValueError
    shown = judged.message.replace("ValueError: source code", "SyntaxError: source code")
    assert (judged.status, shown) == (status, message.strip())


def test_main_guards_do_not_run_beside_tests(sandbox: Sandbox) -> None:
    program = "def add(a, b): return a + b\nif __name__ == '__main__':\n    print(input())\n"
    assert verdict(sandbox, program).status == "passed"


def test_programs_are_run_once_per_stdin_case(sandbox: Sandbox) -> None:
    cases = (StdinCase("1 2\n", "3\n"), StdinCase("4 5\n", "9"))
    right = "if __name__ == '__main__':\n    print(sum(map(int, input().split())))\n    exit(0)\n"
    passed = sandbox.run(Job(right, Tests("python", cases=cases)), Limits())
    assert (passed.status, passed.check) == ("passed", "by_value")
    failed = sandbox.run(Job("print(3)", Tests("python", cases=cases)), Limits())
    assert (failed.status, failed.message) == ("failed", "line 1 is '3', expected '9'")
    error = sandbox.run(Job("print(int(input()))", Tests("python", cases=cases)), Limits())
    assert error.status == "error"
    assert error.message.startswith("call: ValueError: invalid literal")


def test_a_task_about_a_class_may_use_that_classes_comparison(sandbox: Sandbox) -> None:
    money = "class Money:\n    def __init__(self, n): self.n = n\n    def __eq__(self, o): return self.n == o\n"
    assert (
        verdict(sandbox, money, tests="assert Money(5) == 5\nassert [Money(1)] == [1]", check="in_process").status
        == "passed"
    )


def test_standard_types_compare_as_ever(sandbox: Sandbox) -> None:
    program = (
        "from collections import Counter, OrderedDict, namedtuple\nfrom fractions import Fraction\n"
        "from dataclasses import dataclass\nP = namedtuple('P', 'x y')\n@dataclass\nclass D:\n    x: int\n"
    )
    tests = (
        "assert Counter('aab') == {'a': 2, 'b': 1}\nassert OrderedDict(a=1) == {'a': 1}\nassert P(1, 2) == (1, 2)\n"
        "assert Fraction(1, 2) == 0.5 and 1 < Fraction(3, 2)\nassert D(1) == D(1) and D(1) != D(2)\n"
        "x = [1]; x.append(x)\nassert x == x\nassert 1 < 2 < 3"
    )
    assert verdict(sandbox, program, tests=tests, check="in_process").status == "passed"


VALUES = {
    "plain": "(None, True, 3, -2.5, 'a\\ud800', b'x', 2 ** 200, float('inf'), 1j)",
    "containers": "[(1, [2]), {'a': {3}}, frozenset({4}), {(1, 2): [None]}, range(3)]",
    "standard library": "(deque([1]), Counter('aab'), Decimal('1.5'), Fraction(1, 3), OrderedDict(a=1))",
    "subclasses": "(P(1, 2), I(7), S('s'), L([1]))",
}
MAKERS = (
    "from collections import Counter, OrderedDict, deque, namedtuple\nfrom decimal import Decimal\n"
    "from fractions import Fraction\nP = namedtuple('P', 'x y')\nclass I(int): pass\nclass S(str): pass\n"
    "class L(list): pass\n"
)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_values_arrive_as_they_are(sandbox: Sandbox, value: str) -> None:
    tests = f"{MAKERS}assert add(1, 2) == {value}, add(1, 2)\nassert add(1, 2) != [{value}]"
    judged = verdict(sandbox, f"{MAKERS}def add(a, b): return {value}", tests=tests)
    assert judged.status == "passed", judged


def test_arguments_changed_in_place_are_changed_for_the_tests(sandbox: Sandbox) -> None:
    program = "def add(a, b):\n    a.append([9]); a.sort(); b[0]['k'] = a[0]; return None"
    tests = (
        "x, y = [[3], [2]], [{'k': 1}]\ninner = y[0]\nassert add(x, y) is None\n"
        "assert x == [[2], [3], [9]]\nassert inner == {'k': [2]}"
    )
    assert verdict(sandbox, program, tests=tests).status == "passed"


def test_tests_may_expect_the_candidates_exceptions(sandbox: Sandbox) -> None:
    program = "class Own(KeyError): pass\ndef add(a, b):\n    raise Own('no') if a else ValueError('v')"
    tests = (
        "for given, kind in ((0, ValueError), (1, KeyError)):\n    try:\n        add(given, 0)\n"
        "    except kind: continue\n    assert False"
    )
    assert verdict(sandbox, program, tests=tests).status == "passed"
    assert verdict(sandbox, program).message == "call: Own: 'no'"


def test_an_object_that_is_no_data_goes_back_to_the_candidate_and_decides_nothing(sandbox: Sandbox) -> None:
    program = "class Box:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return True\n"
    program += "def make(x): return Box(x)\ndef add(a, b): return a.x + b.x\n"
    assert verdict(sandbox, program, tests="assert add(make(1), make(2)) == 3").status == "passed"
    assert verdict(sandbox, program, tests="assert make(1) == 1").status == "failed"
    assert verdict(sandbox, program, tests="assert make(1) != 1").status == "failed"


def test_functions_that_the_prelude_completes_are_the_tests_own(sandbox: Sandbox) -> None:
    prelude = "def twice(x): return 2 * x\n\ndef add(a, b):\n    'Add.'\n"
    cheat = "    return 0\ndef twice(x): return 0\n"
    assert verdict(sandbox, cheat, "assert add(2, 4) == twice(3)", prelude).status == "failed"
    assert verdict(sandbox, "    return a + b\n", "assert add(2, 4) == twice(3)", prelude).status == "passed"


def test_tests_that_cannot_run_by_value_leave_the_sample_unscored(sandbox: Sandbox) -> None:
    judged = verdict(sandbox, "def add(a, b): return a(b)", tests="assert add(lambda x: x, 1) == 1")
    assert judged.status == "infra"
    assert judged.message == "the tests pass a function, which is not plain data: this sample needs `check: in_process`"


def test_verdicts_repeat_for_programs_that_depend_on_the_order_of_sets(sandbox: Sandbox) -> None:
    program = "def add(a, b): return list({'one', 'two', 'three', 'four'})"
    outputs = {verdict(sandbox, program + "\nprint(add(1, 2))").output for _ in range(4)}
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("candidate", "known"),
    [
        ("    return x\n", True),
        ("def f(x):\n    return x\n", True),
        ("import math\n\n\ndef f(x):\n    return x\n", True),
        ("f = abs\n", True),
        ("", True),
        ("return x\n", False),
        ("y = x\n    return y\n", False),
        ("def g(x):\n    return x\n", False),
    ],
)
def test_a_completion_that_is_neither_a_body_nor_the_function_has_no_known_form(candidate, known):
    tests = Tests("python", 'def f(x):\n    """As it is."""\n', "assert f(1) == 1\n", "f")
    assert (misfit(Job(candidate, tests)) == "") is known
    assert misfit(Job(candidate, Tests("python", "import math\n", "assert f(1) == 1\n", "f"))) == ""


def test_future_imports_of_a_program_come_before_its_prompt():
    found = joined("import math\n\ndef f():\n", "# mine\nfrom __future__ import annotations\ndef f():\n    pass\n")
    assert found == "from __future__ import annotations\nimport math\n\ndef f():\n\n\ndef f():\n    pass\n\n"
    found = joined("def f():\n", '"""About f."""\n\nfrom __future__ import annotations\ndef f():\n    pass\n')
    assert found.startswith("from __future__ import annotations\ndef f():\n")
    for kept in ("x = 1\nfrom __future__ import annotations\n", "    from __future__ import annotations\n"):
        assert joined("import math\n", kept) == f"import math\n{kept}\n"
    assert joined("", "from __future__ import annotations\n") == "from __future__ import annotations\n\n"
