"""Synthetic Python functions: a `def` line with a docstring, the whole function, and inputs to try it on.

A function is a chain of operations on one argument: steps that change it, then what is returned; one in
four returns by a condition. The docstring names the operations in words, in order or turned round ("do B,
but first A"). Guarantees: the same generator state gives the same function; every function is total on the
inputs it comes with (empty ones included). It does not guarantee that two functions differ, nor that each
step changes the outcome.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from training.operations import NUMBER, NUMBERS, TEXT, Family, Operation

FUNCTION_NAMES = (
    "solve", "compute", "work_out", "transform", "process", "handle", "evaluate", "reduce_it", "run_steps",
    "task", "figure", "combine", "apply_rules", "summarize", "convert", "measure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Function:
    """A problem (`prompt`: the `def` line and its docstring) and its `solution`.

    The first `steps` lines of the body change the argument, the others return.
    """

    entry_point: str
    argument: str
    family: Family
    description: str
    steps: int
    body: tuple[str, ...]

    @property
    def prompt(self) -> str:
        """What is shown to the model; it ends with a newline and is a valid function by itself."""
        return f'def {self.entry_point}({self.argument}):\n    """{self.description}"""\n'

    @property
    def solution(self) -> str:
        """The whole function."""
        return self._source(self.body)

    def without(self, number: int) -> str:
        """Return the whole function with one of its steps left out (0 is the first)."""
        return self._source(self.body[:number] + self.body[number + 1 :])

    def _source(self, body: tuple[str, ...]) -> str:
        lines = [f"    {line}" for line in body]
        return "\n".join([f"def {self.entry_point}({self.argument}):", *lines]) + "\n"


FAMILIES = (NUMBERS, NUMBERS, TEXT, NUMBER)


def function_problem(rng: random.Random) -> Function:
    """Draw one function of one to three steps and a result."""
    family = rng.choice(FAMILIES)
    argument = rng.choice(family.arguments)
    draw = _Draw(rng, argument)
    steps = [draw.pick(family.steps) for _ in range(rng.choice((1, 1, 2, 2, 3)))]
    lines = [code for code, _ in steps]
    if rng.random() < 0.2:
        test, when = draw.pick(family.conditions)
        (yes, then), (no, otherwise) = draw.pick(family.results), draw.pick(family.results)
        lines += [f"if {test}:", f"    return {yes}", f"return {no}"]
        ending = rng.choice((f"If {when}, {then}; otherwise {otherwise}.", f"Then {then} if {when}, else {otherwise}."))
    else:
        result, stated = draw.pick(family.results)
        lines.append(f"return {result}")
        ending = rng.choice((f"Then {stated}.", f"Finally {stated}.", f"At the end {stated}."))
    description = f"{_tell([words for _, words in steps], rng)} {ending}"
    return Function(rng.choice(FUNCTION_NAMES), argument, family, description, len(steps), tuple(lines))


@dataclass(frozen=True, slots=True)
class _Draw:
    rng: random.Random
    argument: str

    def pick(self, operations: tuple[Operation, ...]) -> tuple[str, str]:
        """Return the code and the words of one operation with its constant filled in."""
        operation = self.rng.choice(operations)
        k = self.rng.randint(operation.low, operation.high)
        words = self.rng.choice(operation.wordings)
        return operation.code.format(v=self.argument, k=k), words.format(k=k)


def _tell(steps: list[str], rng: random.Random) -> str:
    """Put the steps in words; a pair of neighbours may be written in reverse order, which the text marks."""
    parts: list[str] = []
    rest = list(steps)
    while rest:
        if len(rest) >= 2 and rng.random() < 0.25:
            first, second = rest.pop(0), rest.pop(0)
            parts.append(f"{second}, but before that {first}")
        else:
            parts.append(rest.pop(0))
    sentences = [parts[0], *(f"{rng.choice(('then', 'next', 'after that'))} {part}" for part in parts[1:])]
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in sentences)


def composition(solution: str) -> str:
    """Return what is left of a function without its names and constants: the chain of its operations.

    Two functions with equal compositions differ in numbers, names and wording only.
    """
    head = re.match(r"def (\w+)\((\w+)\):\n", solution)
    if head is None:
        raise ValueError(f"no function of this generator: {solution[:40]!r}")
    body = re.sub(rf"\b{head[2]}\b", "V", solution[head.end() :])
    return re.sub(r"\d+", "#", body)


def random_input(family: Family, rng: random.Random) -> str:
    """Source text of one input for a function of `family`."""
    if family is NUMBERS:
        return repr([rng.randint(-12, 30) for _ in range(rng.randint(3, 9))])
    if family is TEXT:
        words = ["Red", "apple", "sea", "42", "Anna", "level", "x7", "moon", "Tree", "is", "banana", "sky"]
        return repr(" ".join(rng.sample(words, rng.randint(1, 6))))
    return repr(rng.randint(-60, 250))
