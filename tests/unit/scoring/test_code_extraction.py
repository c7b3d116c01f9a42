"""The program is found in the ways models really write it; each text is one way in which peers lost points."""

from __future__ import annotations

import pytest
from cpu_limit import ends_by_itself

from harness import datatypes
from harness.datatypes import ChatPrompt, Message, Sample, TextPrompt
from harness.scoring.extractors.code import build

# All hostile texts together take a few
CPU_SECONDS = 60
CHAT = ChatPrompt((Message("user", "Write add."),))
ADD = "def add(a, b):\n    return a + b"
SAMPLE = Sample("s/0", {}, datatypes.Tests("python", tests="assert add(1, 2) == 3", entry_point="add"))
UNNAMED = Sample("s/1", {}, datatypes.Tests("python", tests="assert set(add(1, 2)) == {3}"))


def chat(text: str, sample: Sample = SAMPLE) -> str | None:
    return build({})(text, CHAT, sample)


@pytest.mark.parametrize(
    "text",
    [
        f"```python\n{ADD}\n```",
        f"```py\n{ADD}\n```",
        f"```Python3\n{ADD}\n```",
        f"``` python\n{ADD}\n```",
        f"~~~\n{ADD}\n~~~",
        f"~~~python\n{ADD}\n~~~",
        f"````python\n{ADD}\n````",
        f"```\n{ADD}\n```",
        f"Sure! Here it is:\n\n```python\n{ADD}\n```\n\nThis adds two numbers.",
        f"Here it is: ```python\n{ADD}\n```",
        f"```python\n{ADD}```",
        f"```python\n{ADD}\n```".replace("\n", "\r\n"),
        f"```python\n\n\n{ADD}\n\n\n```",
        f"```python\n{ADD}",
        f"1. The function:\n   ```python\n   {ADD.replace(chr(10), chr(10) + '   ')}\n   ```\n2. Done.",
        f"```\n    {ADD.replace(chr(10), chr(10) + '    ')}\n```",
        f"{ADD}\n```\nThe function above adds.",
        f"```bash\npip install numpy\n```\n```python\n{ADD}\n```",
        f"```python\n{ADD}\n```\nOutput:\n```\n3\n```",
        f"```python\n{ADD}\n```\nUsage:\n```python\nresult = add(1, 2)\nprint(result)\n```",
        f"You must complete:\n```python\ndef add(a, b):\n    '''Add.'''\n```\nSo:\n```python\n{ADD}\n```",
        f"```python\n{ADD}\n```\nThe stub was:\n```python\ndef add(a, b):\n    pass\n```",
        f"```python\ndef add(a, b):\n    return a - b\n```\nWait, that is wrong.\n```python\n{ADD}\n```",
        f"```python\n{ADD}\n```\nShorter:\n```python\ndef add(a, b):\n    return sum((a,",
        f"```python\n{ADD}\n```python\nprint(add(1, 2))\n```",
        f"<think>\n```python\ndef add(a, b): return 0\n```\n</think>\n```python\n{ADD}\n```",
        f"still thinking: def add(a, b): return 0\n</think>\n\n```python\n{ADD}\n```",
        ADD,
        f"Here is the function you asked for.\n\n{ADD}\n\nIt returns the sum of a and b.",
        f"Sure!\n{ADD}\nHope this helps! Let me know.",
        f"x = the first, I think\n{ADD}\nprint(",
    ],
)
def test_the_function_is_found_however_it_is_wrapped(text: str) -> None:
    assert chat(text) == ADD


def test_a_block_on_one_line_is_a_block() -> None:
    assert chat("Use ```python def add(a, b): return a + b``` here.") == "def add(a, b): return a + b"


def test_without_an_entry_point_the_functions_that_the_tests_call_are_looked_for() -> None:
    usage = f"```python\n{ADD}\n```\n```python\ndef main():\n    print(add(1, 2))\nmain()\n```"
    assert chat(usage, UNNAMED) == ADD


def test_imports_and_helpers_before_the_function_stay() -> None:
    program = f"import math\n\ndef helper(x):\n    return x\n\n{ADD}"
    assert chat(f"```python\n{program}\n```") == program
    assert chat(f"Use this.\n\n{program}\n\nDone, as you see.") == program


def test_a_bare_body_keeps_its_indentation() -> None:
    assert chat("```python\n    return a + b\n```") == "    return a + b"
    assert chat("    return a + b") == "    return a + b"


def test_a_prefill_with_an_open_fence_is_part_of_the_text() -> None:
    prefill = "Here is the completed function:\n```python\ndef add(a, b):\n"
    assert chat(prefill + "    return a + b\n") == ADD
    assert chat(prefill + "    return a + b\n```\nThat is all.") == ADD


def test_a_docstring_with_markdown_in_it_does_not_end_a_longer_fence() -> None:
    program = 'def add(a, b):\n    """\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b'
    assert chat(f"````python\n{program}\n````") == program


def test_a_fence_in_a_comment_does_not_end_the_block() -> None:
    program = "def add(a, b):\n    # ```\n    # add(1, 2)\n    # ```\n    return a + b"
    assert chat(f"```python\n{program}\n```") == program


def test_other_languages_are_found_by_their_labels() -> None:
    sample = Sample("s/2", {}, datatypes.Tests("cpp", entry_point="add"))
    code = "int add(int a, int b) {\n  return a + b;\n}"
    other = "```python\ndef add(a, b): return a + b\n```"
    assert chat(f"```c++\n{code}\n```\nIn Python:\n{other}", sample) == code


@pytest.mark.parametrize("text", ["", "  \n", "```python\n```", "<think>def add", "I cannot do that.", "Sorry"])
def test_no_program_is_no_answer(text: str) -> None:
    assert chat(text) is None


def test_a_cut_or_wrong_program_is_still_the_answer() -> None:
    """Its failure is the program's, reported by the sandbox; it must not count as "nothing extracted"."""
    assert chat("def add(a, b):\n    return (a +") == "def add(a, b):\n    return (a +"


def test_after_a_text_prompt_the_completion_is_verbatim() -> None:
    completion = "    return a + b\n\n\nprint(add(1, 2))\n"
    read = build({})
    assert read(completion, TextPrompt("def add(a, b):\n"), SAMPLE) == completion
    assert read("    # ```\n    return 1\n", TextPrompt(""), SAMPLE) == "    # ```\n    return 1\n"
    assert read("\n  \n", TextPrompt(""), SAMPLE) is None


def test_verbatim_leaves_a_fence_where_it_is() -> None:
    fenced = f"```python\n{ADD}\n```"
    assert build({"verbatim": True})(fenced, TextPrompt("def add"), SAMPLE) == fenced
    assert build({"verbatim": True})(" \n", TextPrompt("def add"), SAMPLE) is None


@pytest.mark.parametrize(
    ("text", "program"),
    [
        (f"```python\n{ADD}\n```", ADD),
        (f"```python\n{ADD}", ADD),
        ("```\n    return a + b\n```\n", "    return a + b"),
        (f"```python\n{ADD}\n```\nprint(1)", f"```python\n{ADD}\n```\nprint(1)"),
    ],
)
def test_a_text_completion_wholly_inside_a_fence_is_unfenced(text: str, program: str) -> None:
    assert build({})(text, TextPrompt("def add"), SAMPLE) == program


HOSTILE = (
    "`" * 500_000,
    ("`" * 50 + "a") * 10_000,
    "```a\n" * 100_000,
    "x = (\n" * 50_000,
    "def f():\n" * 50_000,
    "(" * 90_000,
    "x = 1\nfoo bar baz\n" * 5_000,
    "<think>" * 100_000 + "</think>",
    "import a\n" * 9_000 + "!",
    "-" * 90_000 + "1",
)


def read_hostile() -> None:
    for number, text in enumerate(HOSTILE):
        print(f"text {number}", flush=True)
        chat(text)


def test_hostile_texts_cost_seconds_at_most() -> None:
    ends_by_itself(CPU_SECONDS, __file__, "read_hostile")
