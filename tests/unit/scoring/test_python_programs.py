"""What is judged of an answer in Python: the solution, with what it uses and without what only runs beside it."""

from __future__ import annotations

import decimal
import sys
import time

import pytest

from harness import datatypes
from harness.datatypes import ChatPrompt, Message, Sample, TextPrompt
from harness.scoring.extractors.code import build
from harness.scoring.extractors.fences import blocks

CHAT = ChatPrompt((Message("user", "Write total."),))
PRELUDE = "from typing import List\n\ndef total(xs: List[int]) -> int:\n    '''Sum.'''\n"
TESTS = "def check(candidate):\n    assert candidate([1, 2]) == 3\n\ncheck(total)\n"
SAMPLE = Sample("s/0", {}, datatypes.Tests("python", PRELUDE, TESTS, "total"))
TOTAL = "def total(xs):\n    return sum(xs)"


def chat(text: str, sample: Sample = SAMPLE) -> str:
    found = build({})(text, CHAT, sample)
    assert found is not None
    return found


def verdict(program: str, prelude: str = "") -> str:
    """Run program and tests as plain Python would; what a program sets for the whole process is taken back."""
    space: dict[str, object] = {"__name__": "program"}
    depth = sys.getrecursionlimit()
    try:
        with decimal.localcontext():
            exec(compile(prelude + program + "\n" + TESTS, "program", "exec"), space)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the program did not pass
        return type(error).__name__
    finally:
        sys.setrecursionlimit(depth)
    return "passed"


@pytest.mark.parametrize(
    "behind",
    [
        "print(total([1, 2], 3))",
        "assert total([1, 2]) == 4",
        "import sys\nsys.exit(0)",
        "exit()",
        "name = input('list? ')",
        "raise SystemExit(total([1]))",
        "result = total(1)\nprint(result)",
        "for case in [None]:\n    print(total(case))",
        "while True:\n    total(None)",
        "with open('/none') as file:\n    print(total(file))",
        "if __name__ == '__main__':\n    main()",
        "@undefined\ndef test_total():\n    assert total([1]) == 1",
        "class TestTotal(unittest.TestCase):\n    pass",
        "try:\n    total()\nfinally:\n    pass",
        "xs = int('x')",
        "print(total([1,",
        "def test_total():\n    '''It",
        "assert total([1]) ==",
        "# Explanation:\nThis function sums the numbers.",
    ],
)
def test_what_only_runs_beside_the_function_is_left_out(behind: str) -> None:
    for text in (f"```python\n{TOTAL}\n\n{behind}\n```", f"```python\n{TOTAL}\n\n{behind}", f"{TOTAL}\n\n{behind}\n"):
        assert verdict(chat(text)) == "passed"


@pytest.mark.parametrize(
    "program",
    [
        "import sys\nsys.setrecursionlimit(5000)\ndef total(xs):\n"
        "    return sum(xs) if sys.getrecursionlimit() == 5000 else 0",
        "table = []\nfor n in range(3):\n    table.append(n)\ndef total(xs):\n    return table[1] + table[2]",
        "table = {}\ndef total(xs):\n    return table[1]\ntable[1] = 3",
        "table = []\ndef total(xs):\n    return table[0]\ntable.append(3)\nprint(total(5))",
        "import functools\n@functools.lru_cache\ndef three():\n    return 3\ndef total(xs):\n"
        "    return three()\nprint(x)",
        "try:\n    from math import sumprod\nexcept ImportError:\n    sumprod = None\ndef total(xs):\n"
        "    return sumprod or 3\n"
        "exit()",
        "count = 0\ndef total(xs):\n    global count\n    count += 3\n    return count\nprint(total())",
        "def three():\n    return 3\ndef total(xs):\n    return globals()['three']()\nexit()",
        "def three():\n    return 3\ndef total(xs):\n    return eval('three' + '()')\nexit()",
        "class Adder:\n    def total(self, xs):\n        return sum(xs)\ntotal = Adder().total\nexit()",
        "total = lambda xs: sum(xs)\nexit()",
        "def total(xs):\n    return 0\ndef total(xs):\n    return sum(xs)\nexit()",
        "import decimal\ndecimal.getcontext().prec = 3\ndef total(xs):\n    return decimal.getcontext().prec\nexit()",
        "base = 3; other = base\ndef total(xs):\n    return other\nexit()",
    ],
)
def test_what_the_function_uses_stays(program: str) -> None:
    found = chat(f"```python\n{program}\n```")
    assert verdict(found) == "passed"
    assert "exit()" not in found and "print(" not in found


def test_a_local_name_does_not_keep_a_statement_of_the_same_name() -> None:
    """`xs` of the example is not the `xs` of the function."""
    assert verdict(chat(f"```python\n{TOTAL}\nxs = [int(n) for n in input().split()]\n```")) == "passed"


def test_a_program_that_needs_nothing_is_returned_as_written() -> None:
    program = f"# first\nimport math\n\n\n# second\ndef helper():\n    pass\n\n\n{TOTAL}  # last"
    assert chat(f"```python\n{program}\n```") == program


@pytest.mark.parametrize(
    "program",
    [
        "def total(xs):\n    result = 0\n    for x in xs:\n        result += (x",
        "def total(xs):\n    xs.sort()\n    return sum(",
        "def total(xs:\n    return sum(xs)",
    ],
)
def test_a_function_that_is_cut_in_its_body_is_not_shortened(program: str) -> None:
    assert chat(f"```python\n{program}") == program


def test_a_wrong_function_stays_wrong() -> None:
    wrong = "def total(xs):\n    return len(xs)"
    assert (
        verdict(chat(f"```python\n{wrong}\n\nassert total([1, 2]) == 2\n```\n```python\nprint(total([3]))\n```"))
        != "passed"
    )


def test_a_stdin_program_keeps_all_its_statements() -> None:
    sample = Sample("s/1", {}, datatypes.Tests("python", cases=(datatypes.StdinCase("1 2", "3\n"),)))
    program = "def total(xs):\n    return sum(xs)\n\nprint(total(map(int, input().split())))"
    assert chat(f"```python\n{program}\n```", sample) == program


@pytest.mark.parametrize(
    "blocks_before",
    [
        "```python\nimport functools\n```\n```python\ndef total(xs):\n"
        "    return functools.reduce(lambda a, b: a + b, xs)\n```",
        "First:\n```python\ndef add(a, b):\n    return a + b\n```\nThen:\n```python\ndef total(xs):\n"
        "    return add(*xs)\n```",
        "```python\ndef total(xs):\n    return add(*xs)\n```\nwhere\n```python\ndef add(a, b):\n    return a + b\n```",
        "```python\nfrom math import fsum\nprint(fsum([1]))\n```\n```python\ndef total(xs):\n"
        "    return int(fsum(xs))\n```",
        "```python\ndef add(xs):\n    return int(fsum(xs))\n```\n```python\nfrom math import fsum\n```\n"
        "```python\ndef total(xs):\n    return add(xs)\n```",
        "```python\ndef add(a, b):\n    pass\n```\n```python\ndef add(a, b):\n    return a + b\n```\n```python\n"
        "from __future__ import annotations\ndef total(xs: Any) -> int:\n    return add(*xs)\n```",
    ],
)
def test_what_the_function_uses_is_taken_from_the_other_blocks(blocks_before: str) -> None:
    assert verdict(chat(blocks_before)) == "passed"


def test_an_example_in_another_block_does_not_replace_a_built_in_name() -> None:
    text = f"```python\nsum = 3\nprint(sum)\n```\n```python\n{TOTAL}\n```"
    assert chat(text) == TOTAL


@pytest.mark.parametrize(
    "text",
    [
        f"[BEGIN]\n{TOTAL}\n[DONE]",
        f"[BEGIN]\n{TOTAL}\n[DONE]\n\nYou are an expert Python programmer.\n[BEGIN]\ndef total(xs):\n"
        f"    return 0\n[DONE]",
        f"[PYTHON]\n{TOTAL}\n[/PYTHON]\n[TESTS]\nassert total([1]) == 2\n[/TESTS]",
        f"{TOTAL}\n[DONE]\nassert",
        f"[BEGIN]\n```python\n{TOTAL}\n```\n[DONE]",
        ">>> def total(xs):\n...     return sum(xs)\n...\n>>> total([1, 2])\n3",
        "```pycon\n>>> def total(xs):\n...     return sum(xs)\n>>> total([1, 2], 3)\n"
        "Traceback (most recent call last):\n```",
        "```\n>>> import math\n>>> def total(xs):\n...     return int(math.fsum(xs))\n```",
        "```ipython\nIn [1]: def total(xs):\n   ...:     return sum(xs)\n   ...:\nIn [2]: total([1])\nOut[2]: 1\n```",
        'Here:\n\n```python\ndef total(xs):\n    """Sum.\n    ```\n    total([1])\n    ```\n    """\n'
        "    return sum(xs)\n```\nDone.",
        "```python\ndef total(xs):\n    '''Sum.\n\n    ```python\n    total([1])\n    ```\n    '''\n"
        "    return sum(xs)\n```",
        f"```python\ndef total(xs):\n    '''Never closed\n    return 0\n```\nBetter:\n```python\n{TOTAL}\n```",
        f'```python\n# don\'t use """\n{TOTAL}\n```\nThat is all.',
    ],
)
def test_marks_prompts_and_fences_inside_strings_are_no_part_of_the_program(text: str) -> None:
    assert verdict(chat(text)) == "passed"


def test_a_docstring_with_examples_keeps_its_prompts() -> None:
    program = 'def total(xs):\n    """Sum.\n\n    >>> total([1])\n    1\n    """\n    return sum(xs)'
    assert chat(f"```python\n{program}\n```") == program


def test_marks_of_the_prompt_end_a_completion_too() -> None:
    read = build({})
    assert read(f"{TOTAL}\n[DONE]\nmore", TextPrompt("[BEGIN]\n"), SAMPLE) == f"{TOTAL}\n"
    assert read("    return xs[0]\n    [1]\n", TextPrompt(""), SAMPLE) == "    return xs[0]\n    [1]\n"


def test_imports_of_another_block_stand_before_a_program_in_another_language() -> None:
    sample = Sample("s/2", {}, datatypes.Tests("cpp", entry_point="total"))
    code = "int total(vector<int> xs) {\n  return accumulate(xs.begin(), xs.end(), 0);\n}"
    text = f"```cpp\n#include <numeric>\nusing namespace std;\n```\n```cpp\n{code}\n```"
    assert chat(text, sample) == f"#include <numeric>\nusing namespace std;\n{code}"


def test_a_fence_inside_a_string_is_part_of_the_block_only_where_that_is_asked() -> None:
    text = 'say:\n```\nx = """\n```\n"""\n```\nend'
    assert [block.code for block in blocks(text, in_strings=True)[1]] == ['x = """\n```\n"""']
    assert len(blocks(text)[1]) == 2


@pytest.mark.parametrize(
    "program",
    [
        f"{TOTAL}\nx = " + "(" * 3_000,
        f"{TOTAL}\n" + "x = (\n" * 10_000,
        f"{TOTAL}\nx = " + "+".join("1" * 2_000),
        f"{TOTAL}\n" + "y = 1\n" * 10_000,
        'total = """\n```\n' * 10_000,
    ],
)
def test_a_hostile_program_costs_seconds_at_most(program: str) -> None:
    started = time.process_time()
    chat(f"```python\n{program}\n```")
    assert time.process_time() - started < 5
