"""The frozen demo suite: big enough, right, and unknown to the models."""

from __future__ import annotations

import ast
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from training import draw, train
from training.functions import composition

TASKS = Path(__file__).resolve().parents[3] / "tasks" / "demo"
Row = dict[str, str]


def _rows(name: str) -> list[Row]:
    return [json.loads(line) for line in (TASKS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def math() -> list[Row]:
    return _rows("demo_math")


@pytest.fixture(scope="module")
def code() -> list[Row]:
    return _rows("demo_code")


def _chain(answer: str) -> tuple[tuple[str, str, str], ...]:
    """Read the calculations back out of a worked answer; the operands of + and * in one order."""
    steps = re.findall(r"^(\d+)([-+*/])(\d+)=\d+$", answer, re.M)
    assert len(steps) == len(answer.splitlines()) - 1
    return tuple((*sorted((a, b)), op) if op in "+*" else (a, op, b) for a, op, b in steps)


def _program(answer: str) -> str:
    return answer.removeprefix("```python\n").removesuffix("```")


def test_each_half_has_at_least_40_different_problems(math: list[Row], code: list[Row]) -> None:
    for rows, requested in ((math, "question"), (code, "prompt")):
        assert len(rows) >= 40
        assert len({row["id"] for row in rows}) == len({row[requested] for row in rows}) == len(rows)


def test_the_pages_say_how_many_rows_there_are(math: list[Row], code: list[Row]) -> None:
    for name, rows in (("demo_math", math), ("demo_code", code)):
        page = (TASKS / f"{name}.yaml").read_text(encoding="utf-8")
        assert f"expected_count: {len(rows)}\n" in page


def test_drawing_again_gives_the_frozen_files(math: list[Row], code: list[Row]) -> None:
    assert draw.rows(draw.draw_suite()) == (math, code)


def test_every_worked_answer_is_right_and_ends_in_its_last_result(math: list[Row]) -> None:
    for row in math:
        *steps, last = row["answer"].splitlines()
        results = []
        for line in steps:
            left, right = line.split("=")
            # true division: a quotient that is not whole would show
            assert eval(left) == int(right), row["id"]
            results.append(right)
        assert last == f"#### {results[-1]}"


def _with_a_step_left_out(row: Row) -> list[str]:
    lines = row["solution"].splitlines(keepends=True)
    steps = [number for number, line in enumerate(lines) if re.match(r"    \w+ = ", line)]
    assert steps
    return ["".join(lines[:number] + lines[number + 1 :]) for number in steps]


def test_every_reference_function_passes_its_tests_and_a_shorter_one_does_not(code: list[Row]) -> None:
    programs = [row["solution"] + row["test"] for row in code]
    wrong = [row["prompt"] + row["test"] for row in code]  # the docstring alone: returns None
    wrong += [shorter + row["test"] for row in code for shorter in _with_a_step_left_out(row)]
    programs += wrong
    judge = (
        "import json, sys\n"
        "for program in json.load(sys.stdin):\n"
        "    try:\n"
        "        exec(program, {})\n"
        "    except AssertionError:\n"
        "        print('failed')\n"
        "    else:\n"
        "        print('passed')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", judge],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["passed"] * len(code) + ["failed"] * len(wrong)


def test_every_function_is_tried_on_an_empty_or_smallest_input(code: list[Row]) -> None:
    for row in code:
        calls = [node for node in ast.walk(ast.parse(row["test"])) if isinstance(node, ast.Call)]
        tried = [ast.literal_eval(c.args[0]) for c in calls if ast.unparse(c.func) == row["entry_point"]]
        assert len(tried) >= 10 and any(value in ([], "", 0) for value in tried), row["id"]


@pytest.mark.parametrize("size", sorted(train.RECIPES))
def test_no_training_problem_shares_a_calculation_or_a_composition_with_the_suite(
    size: str, math: list[Row], code: list[Row]
) -> None:
    chains = {_chain(row["answer"]) for row in math}
    compositions = {composition(row["solution"]) for row in code}
    requested = {_words(draw.MATH_PROMPT.format(**row)) for row in math}
    requested |= {_words(draw.CODE_PROMPT.format(**row)) for row in code}
    recipe = train.RECIPES[size]
    stream = draw.training_turns(recipe.seed, draw.draw_suite(), recipe.words)
    seen_math = seen_code = 0
    for turn in itertools.islice(stream, 8_000):
        assert _words(turn.user) not in requested
        if turn.assistant.startswith("```"):
            assert composition(_program(turn.assistant)) not in compositions
            seen_code += 1
        else:
            assert _chain(turn.assistant) not in chains
            seen_math += 1
    assert min(seen_math, seen_code) > 1_000


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def test_what_is_held_out_would_turn_up_in_training_otherwise(math: list[Row], code: list[Row]) -> None:
    """The check above can fail: a stream that knows of no suite soon gives calculations and compositions of ours."""
    chains = {_chain(row["answer"]) for row in math}
    compositions = {composition(row["solution"]) for row in code}
    stream = itertools.islice(draw.training_turns(1, draw.Suite()), 20_000)
    answers = [turn.assistant for turn in stream]
    assert any(not a.startswith("```") and _chain(a) in chains for a in answers)
    assert any(a.startswith("```") and composition(_program(a)) in compositions for a in answers)


def test_the_stream_of_a_seed_is_always_the_same_and_another_seed_gives_another() -> None:
    suite = draw.draw_suite()
    first, again, other = (list(itertools.islice(draw.training_turns(seed, suite), 500)) for seed in (5, 5, 6))
    assert first == again
    assert not set(first) & set(other)


def test_the_models_are_trained_on_what_the_pages_ask() -> None:
    math_page = (TASKS / "demo_math.yaml").read_text(encoding="utf-8")
    code_page = (TASKS / "demo_code.yaml").read_text(encoding="utf-8")
    for page, prompt, column in (
        (math_page, draw.MATH_PROMPT, "question"),
        (code_page, draw.CODE_PROMPT, "prompt"),
    ):
        template = prompt.format(**{column: f"{{{{ {column} }}}}"})
        assert f"    user: {json.dumps(template)}\n" in page
