"""A completion between a prelude and a suffix: joined byte for byte, and once only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.datatypes import ChatPrompt, Completion, Prompt, Sample, Tests, TextPrompt
from harness.errors import ConfigError
from harness.execution.base import Job, Limits, Sandbox
from harness.execution.language import ByValue
from harness.execution.languages.python import Python, misfit
from harness.scoring.base import MathJudge, Tools
from harness.scoring.factory import build_scorers
from harness.validate import check_page

HELPER = "import math\n\ndef half(x):\n    return x // 2\n\n"
BEFORE = HELPER + 'def add(a, b):\n    """Add."""\n    total = a'
AFTER = " b\n    return total + half(0)\n"
TESTS = "assert add(1, 2) == 3\nassert add(2, 2) == 4\nassert half(4) == 2\n"


def gap(language: str = "python", check: str = "by_value") -> Tests:
    return Tests(language, BEFORE, TESTS, "add", suffix=AFTER, check=check)  # type: ignore[arg-type]


@pytest.mark.parametrize("check", ["by_value", "in_process"])
@pytest.mark.parametrize(
    ("candidate", "status"),
    [
        (" +", "passed"),
        (" -", "failed"),
        ("", "error"),
        # A whole function is no part of a line
        ("def add(a, b):\n    return a + b + half(0)", "error"),
        # A completion that runs on into the function once more
        (" +\\\n b\n    return total\n\n\ndef add(a, b):\n    total = a +", "passed"),
    ],
)
def test_a_gap_in_the_middle_of_a_line_is_filled(sandbox: Sandbox, candidate: str, status: str, check: str) -> None:
    assert sandbox.run(Job(candidate, gap(check=check)), Limits()).status == status


@pytest.mark.parametrize("candidate", [" +", "def add(a, b):\n    return a + b", "add = half"])
def test_the_parts_are_joined_byte_for_byte(candidate: str) -> None:
    (program,) = Python().programs(Job(candidate, gap()))
    assert isinstance(program, ByValue) and program.source == BEFORE + candidate + AFTER
    assert misfit(Job(candidate, gap())) == ""


def no_judge() -> MathJudge:
    raise AssertionError("no program needs the math judge")


WHOLE = "def add(a, b):\n    return a + b + half(0)\n"


@pytest.mark.parametrize(
    ("prompt", "extract", "completion", "value"),
    [
        (ChatPrompt(()), {"by": "code"}, f"So:\n```python\n{WHOLE}```", 1),
        (ChatPrompt(()), {"by": "code"}, "```python\ndef add(a, b):\n    return a - b\n```", 0),
        (ChatPrompt(()), {"by": "code", "verbatim": True}, " +", 1),
        (ChatPrompt(()), {"by": "code", "verbatim": True}, WHOLE, 0),
        (TextPrompt(BEFORE), {"by": "code"}, WHOLE, 0),
        (TextPrompt(BEFORE), {"by": "code", "verbatim": True}, WHOLE, 0),
        (TextPrompt(BEFORE), {"by": "code", "verbatim": True}, " +", 1),
    ],
)
def test_only_a_chat_answer_may_repeat_the_function(
    sandbox: Sandbox, prompt: Prompt, extract: dict[str, Any], completion: str, value: int
) -> None:
    (scorer,) = build_scorers([{"by": "unit_tests", "extract": extract}], Tools(lambda: sandbox, no_judge, Limits()))
    sample = Sample("1", {}, gap())
    assert scorer.score(sample, prompt, Completion("key", completion, "eos")).value == value


def test_a_value_is_completed_behind_its_name(sandbox: Sandbox) -> None:
    """As CRUXEval does: the completion is an expression, and a statement behind it may not run."""
    tests = Tests("python", "def f(x):\n    return [x, x]\nanswer = ", "assert [2, 2] == answer", "answer", suffix="\n")
    statuses = [
        sandbox.run(Job(candidate, tests), Limits()).status
        for candidate in ("f(2)", "[2,\n 2]", "f(3)", "raise SystemExit", "")
    ]
    assert statuses == ["passed", "passed", "failed", "error", "error"]


def test_a_language_that_joins_no_suffix_says_so_before_anything_runs(tmp_path: Path) -> None:
    page = tmp_path / "gap.yaml"
    page.write_text(
        "name: gap\nversion: 1\nabout: a\nsource: {}\ndata: {path: ./gap.jsonl, split: test, columns: [before]}\n"
        "reference: {tests: {language: cpp, prelude: '{{ before }}', suffix: '}', tests: 'int main() {}'}}\n"
        "prompt: {text: {template: '{{ before }}'}}\nsampling: {max_tokens: 9}\nscore: [{by: unit_tests}]\n"
        "metric: [pass@1]\n"
    )
    with pytest.raises(ConfigError, match="cpp programs take no `suffix`; python programs do"):
        check_page(str(page))
