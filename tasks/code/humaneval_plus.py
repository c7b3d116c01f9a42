"""EvalPlus's way of judging: a candidate's answers on many inputs, held against those of the reference solution.

`prepare` writes the tests as a program of three parts: the functions below as they stand here, the reference solution
as text, the inputs as JSON. In the sandbox it runs apart from the candidate, which sees one input at a time and never
an expected answer. Nothing from the data set runs outside of the sandbox.

The rules are those of EvalPlus 0.3.1 (Liu et al. 2023, arXiv:2305.01210). An answer passes if it equals the
reference's. Where the problem has a tolerance, or the reference answered with floats, it also passes if it has the
very type and is close as numpy's `allclose` means it; once one input brought the tolerance in, it stays for the rest
of its part. Kept although it is odd, so that scores compare with published ones.

Where EvalPlus 0.3.1 differs: it fails every program on HumanEval/32, the reference solution too (a slip that its next
version mends, as done here). It judges an input as the candidate may have changed it, and stretches nested lists of
numbers to the expected shape; both are wrong here. It looks into iterators that a candidate returns, where MBPP+ takes
answers in any order; here they are no data, and fail.
"""

from __future__ import annotations

import copy
import inspect
import json
import math
import re
from typing import Any

RTOL = 1e-7
FLOAT_ATOL = 1e-6
# A number beyond these makes numpy's array one of objects, which `allclose` refuses (numpy 2 takes single ones)
LEAST, MOST = -(1 << 63), (1 << 64) - 1


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `tests`, and `base_tests` where the row tells base inputs from extra ones. Raises ValueError."""
    name, solution = row["entry_point"], row["prompt"] + row["canonical_solution"]
    rule = (root if name == "find_zero" else equal,)
    if "base_input" not in row:
        inputs, atol = hub_inputs(row["test"])
        return {**row, "tests": program(name, solution, rule, atol, {"": inputs})}
    parts = {"base": as_json(row["base_input"]), "extra": as_json(row["plus_input"])}
    tests = program(name, solution, rule, row["atol"], parts)
    del parts["extra"]
    return {**row, "tests": tests, "base_tests": program(name, solution, rule, row["atol"], parts)}


def as_json(inputs: list[Any]) -> str:
    """Return an expression for inputs: a JSON text is read far sooner than so many literals are compiled."""
    return f"json.loads({json.dumps(inputs)!r})"


def hub_inputs(test: str) -> tuple[str, float]:
    """Read the inputs, as an expression, and the tolerance out of the hub copy's `test` program. Raises ValueError."""
    inputs = re.search(r"^ *inputs = (.+)$", test, re.MULTILINE)
    atol = re.search(r"(?:, |<= )([0-9.e-]+)\)*\s*$", test)
    if inputs is None or atol is None:
        raise ValueError(
            "the row has neither `base_input` and `plus_input`, as EvalPlus's release files have, nor a `test` "
            "with a line `inputs = ...`, as evalplus's data sets on the hub have"
        )
    return inputs[1], float(atol[1])


def program(entry_point: str, solution: str, functions: tuple[Any, ...], atol: float, parts: dict[str, str]) -> str:
    """Write the tests: each part is judged by itself. `parts` maps its name to an expression for its inputs.

    Of `functions` the first is the rule, the others are what the inputs' expressions call.
    """
    sources = [inspect.getsource(each) for each in (judge, alike, has_floats, close, flat, shown, *functions)]
    lines = [
        "from __future__ import annotations",
        # Taken first and put out of the way: a function may be called `sum` or `close`
        f"evalplus_candidate = {entry_point}",
        f"del {entry_point}",
        "import copy, json, math",
        "from math import inf, nan",
        f"RTOL, FLOAT_ATOL, LEAST, MOST = {RTOL!r}, {FLOAT_ATOL!r}, {LEAST!r}, {MOST!r}",
        *sources,
        "evalplus_space = {}",
        f"exec({solution!r}, evalplus_space)",
        f"evalplus_functions = evalplus_candidate, evalplus_space[{entry_point!r}], {functions[0].__name__}",
        *(f"judge({name!r}, {inputs}, {atol!r}, *evalplus_functions)" for name, inputs in parts.items()),
    ]
    return "\n".join(lines) + "\n"


# --- what the tests are made of: from here on nothing but what `program` imports ------------------


def judge(part: str, inputs: list[Any], atol: float, candidate: Any, reference: Any, rule: Any) -> None:
    """Call both on every input. Raises AssertionError at the first answer that does not pass."""
    for number, given in enumerate(inputs, 1):
        expected = reference(*copy.deepcopy(given))
        answer = candidate(*copy.deepcopy(given))
        try:
            exact = rule(answer, expected, given, atol)
            if atol == 0 and has_floats(expected):
                atol = FLOAT_ATOL
            passes = exact or (atol != 0 and alike(answer, expected, atol))
        except (TypeError, ValueError, ArithmeticError):
            passes = False
        if not passes:
            place = f"{part} input {number} of {len(inputs)}".strip()
            raise AssertionError(f"{place}: {shown(answer)} where {shown(expected)} was expected")


def equal(answer: Any, expected: Any, given: list[Any], atol: float) -> bool:
    """Whether an answer is the expected one."""
    return bool(answer == expected)


def root(answer: Any, expected: Any, given: list[Any], atol: float) -> bool:
    """Whether the polynomial given is almost zero there (HumanEval/32 has many right answers)."""
    if not abs(sum(factor * math.pow(answer, power) for power, factor in enumerate(given[0]))) <= atol:
        raise ValueError("no root, however near to the reference's")
    return True


def has_floats(value: object) -> bool:
    """Whether a tolerance goes without saying: a float, or a list or tuple of nothing else."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def alike(answer: object, expected: object, atol: float) -> bool:
    """Whether an answer has the type and shape that was expected and numbers close to those. Raises TypeError."""
    if type(answer) is not type(expected):
        return False
    (shape, found), (wanted_shape, wanted) = flat(answer), flat(expected)
    return shape == wanted_shape and all(close(a, b, atol) for a, b in zip(found, wanted, strict=True))


def close(answer: complex, expected: complex, atol: float) -> bool:
    """Whether numbers are close as in `numpy.isclose`: the tolerance grows with the expected one, nan is never."""
    if answer == expected:
        return True
    finite = math.isfinite(expected.real) and math.isfinite(expected.imag)
    return finite and abs(answer - expected) <= atol + RTOL * abs(expected)


def flat(value: object) -> tuple[tuple[int, ...], list[Any]]:
    """Return shape and numbers of a number or of a full array of numbers. Raises TypeError for anything else."""
    if isinstance(value, (list, tuple)):
        parts = [flat(item) for item in value]
        shapes = {shape for shape, _ in parts} or {()}
        if len(shapes) > 1:
            raise TypeError("rows of different shape")
        return (len(value), *shapes.pop()), [number for _, numbers in parts for number in numbers]
    if isinstance(value, complex):
        return (), [value]
    if not isinstance(value, (int, float)) or (isinstance(value, int) and not LEAST <= value <= MOST):
        raise TypeError("no number that an array holds")
    return (), [float(value)]


def shown(value: object) -> str:
    """Return the beginning of a value, for a message."""
    try:
        written = repr(value)
    except ValueError:
        written = f"a {type(value).__name__} with too many digits to write"
    return written if len(written) <= 80 else written[:77] + "..."
