"""Draw the demo suite, and the stream of training problems that keeps clear of it.

    python -m training.draw tasks/demo      writes demo_math.jsonl and demo_code.jsonl

How the suite was drawn: problems come one by one from the generators with a seed of the suite's own
(SUITE_SEED). A word problem is kept if its chain of calculations was not kept before. A function is kept if
its composition (the chain of operations without names and constants) was not kept before, its outputs on
the inputs of its test are not all alike, and leaving out any one of its steps breaks at least one
assertion. The first SUITE_SIZE of each are the suite; none was looked at, chosen or dropped by hand, and it
was frozen before the models were trained.

What is held out: the training stream has no word problem whose chain of calculations (numbers and
operators, the operands of + and * in either order) occurs in the suite, whatever its words; and no function
whose composition occurs in the suite, whatever its constants, names and words. So no prompt of the suite is
ever trained on. Not held out: the wordings, the single operations and other chains of them, which are what
the models are to learn.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.functions import Function, composition, function_problem, random_input
from training.word_problems import WordProblem, word_problem

SUITE_SEED = 20_260
SUITE_SIZE = 80
RANDOM_INPUTS = 7

# The prompts of the task pages, word for word (a test compares them), and so what the models are trained on
MATH_PROMPT = "{question}\nShow the steps, then #### and the answer."
CODE_PROMPT = "Write this function in one ```python block.\n\n{prompt}"
CODE_ANSWER = "```python\n{solution}```"

Calculation = tuple[tuple[int | str, ...], ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer, as a model is trained on them."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class Suite:
    """The drawn problems; `inputs` holds the source texts of the arguments that each function is tested on."""

    math: tuple[WordProblem, ...] = ()
    code: tuple[Function, ...] = ()
    inputs: tuple[tuple[str, ...], ...] = ()


def calculation(problem: WordProblem) -> Calculation:
    """Return the chain of calculations of a problem; a + b and b + a count as the same."""
    return tuple((*sorted((a, b)), op) if op in "+*" else (a, op, b) for a, op, b, _ in problem.steps)


def draw_suite(seed: int = SUITE_SEED, size: int = SUITE_SIZE) -> Suite:
    """Draw the suite; the same seed and size give the same suite."""
    rng = random.Random(seed)
    math: dict[Calculation, WordProblem] = {}
    while len(math) < size:
        problem = word_problem(rng)
        math.setdefault(calculation(problem), problem)
    code: dict[str, tuple[Function, tuple[str, ...]]] = {}
    while len(code) < size:
        function = function_problem(rng)
        key = composition(function.solution)
        if key in code:
            continue
        arguments = _inputs(function, random.Random(rng.randrange(2**32)))
        if _every_step_counts(function, arguments):
            code[key] = function, arguments
    functions, inputs = zip(*code.values(), strict=True)
    return Suite(tuple(math.values()), functions, inputs)


def training_problems(seed: int, suite: Suite, words: int = 2) -> Iterator[WordProblem | Function]:
    """Yield problems without end, `words` word problems for each function, none of them held out."""
    rng = random.Random(seed)
    sums = {calculation(problem) for problem in suite.math}
    compositions = {composition(function.solution) for function in suite.code}
    while True:
        for problem in [word_problem(rng) for _ in range(words)]:
            if calculation(problem) not in sums:
                yield problem
        function = function_problem(rng)
        if composition(function.solution) not in compositions:
            yield function


def training_turns(seed: int, suite: Suite, words: int = 2) -> Iterator[Turn]:
    """Yield the same problems as turns of a conversation."""
    for problem in training_problems(seed, suite, words):
        if isinstance(problem, WordProblem):
            yield Turn(MATH_PROMPT.format(question=problem.question), problem.solution)
        else:
            yield Turn(CODE_PROMPT.format(prompt=problem.prompt), CODE_ANSWER.format(solution=problem.solution))


def _inputs(function: Function, rng: random.Random) -> tuple[str, ...]:
    return (*function.family.edges, *(random_input(function.family, rng) for _ in range(RANDOM_INPUTS)))


def outputs(source: str, entry_point: str, arguments: tuple[str, ...]) -> list[Any]:
    """Run a function of our own generator (nothing else: this is no sandbox) on the given inputs."""
    space: dict[str, Any] = {}
    exec(source, space)
    return [space[entry_point](eval(argument)) for argument in arguments]


def _every_step_counts(function: Function, arguments: tuple[str, ...]) -> bool:
    whole = outputs(function.solution, function.entry_point, arguments)
    if len({repr(value) for value in whole}) < 2:
        return False
    return all(
        outputs(function.without(number), function.entry_point, arguments) != whole for number in range(function.steps)
    )


def rows(suite: Suite) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the rows of the two halves of the suite, as they are in the files."""
    math = [
        {"id": f"math-{number:03d}", "question": problem.question, "answer": problem.solution}
        for number, problem in enumerate(suite.math, start=1)
    ]
    code = []
    for number, (function, arguments) in enumerate(zip(suite.code, suite.inputs, strict=True), start=1):
        results = outputs(function.solution, function.entry_point, arguments)
        pairs = zip(arguments, results, strict=True)
        code.append(
            {
                "id": f"code-{number:03d}",
                "prompt": function.prompt,
                "entry_point": function.entry_point,
                "solution": function.solution,
                "test": "\n".join(f"assert {function.entry_point}({a}) == {r!r}" for a, r in pairs) + "\n",
            }
        )
    return math, code


def main() -> None:
    """Write the suite's two files."""
    parser = argparse.ArgumentParser(prog="python -m training.draw", description="Draw the demo suite.")
    parser.add_argument("folder", type=Path, help="where demo_math.jsonl and demo_code.jsonl go")
    folder: Path = parser.parse_args().folder
    for name, table in zip(("demo_math", "demo_code"), rows(draw_suite()), strict=True):
        text = "".join(json.dumps(row) + "\n" for row in table)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
