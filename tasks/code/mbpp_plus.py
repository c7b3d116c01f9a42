"""MBPP+: inputs as EvalPlus reads them, and the problems that it judges by a rule of their own.

JSON has no tuples, sets or complex numbers, so EvalPlus makes them again, problem by problem; the same is done here.
How answers are judged stands in humaneval_plus.py beside this file, which is loaded by its place.
"""

from __future__ import annotations

import importlib.util
import math
import re
from pathlib import Path
from types import ModuleType
from typing import Any

# What one input becomes, and the problems whose inputs do.
SHAPES = {
    "[tuple(part) for part in given]": (
        2, 116, 132, 222, 261, 273, 394, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809,
    ),
    "[[tuple(item) for item in part] for part in given]": (
        63, 64, 70, 94, 120, 237, 272, 299, 409, 473, 614, 780,
    ),
    "[[tuple(item) for item in given[0]], given[1]]": (75, 413, 753),
    "[given[0], tuple(given[1])]": (106, 750),
    "[float(given[0]), complex(given[1])]": (124,),
    "[tuple(given[0]), given[1]]": (250, 405, 446, 720, 763, 808),
    "[tuple(tuple(item) for item in part) for part in given]": (259, 445),
    "[tuple(tuple(item) if isinstance(item, list) else item for item in given[0])]": (278,),
    "[{key: tuple(item) for key, item in given[0].items()}, *given[1:]]": (722,),
    "[complex(given[0])]": (252,),
    "tupled(given)": (580, 615, 791),
}  # fmt: skip
SHAPE_OF = {number: shape for shape, numbers in SHAPES.items() for number in numbers}

# Answers in any order, and as often as they like
ANY_ORDER = frozenset({
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
    "intersection_array", "find_dissimilar", "Diff",
})  # fmt: skip
# The reference answers with a match object or None; any object stands for yes
FOUND_OR_NOT = frozenset({"check_str", "text_match_three", "text_starta_endb"})

# Some answers of Mbpp/255 take hundreds of megabytes: such inputs are left out
FITS = {255: "math.comb(max(len(given[0]) + given[1] - 1, 0), given[1]) * given[1] <= 1_000_000"}
# The reference adds up a thousand million numbers; this one gives the same answers at once
QUICKER = {599: "def sum_average(number):\n    total = number * (number + 1) // 2\n    return total, total / number\n"}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry_point` and `canonical_solution` where the hub's copy has none, `tests`, and `base_tests` if it can.

    Raises ValueError for a row of neither form.
    """
    evalplus = _judging()
    number = int(str(row["task_id"]).removeprefix("Mbpp/"))
    of_hub = "base_input" not in row
    if of_hub:
        row = _from_hub(row, number)
        shape, (inputs, atol) = "given", evalplus.hub_inputs(row["test"])
        parts = {"": inputs}
    else:
        shape, atol = SHAPE_OF.get(number, "given"), row["atol"]
        parts = {"base": evalplus.as_json(row["base_input"]), "extra": evalplus.as_json(row["plus_input"])}
    only = f" if {FITS[number]}" if number in FITS else ""
    parts = {name: f"[{shape} for given in {inputs}{only}]" for name, inputs in parts.items()}
    solution = QUICKER.get(number) or row["prompt"] + row["canonical_solution"]
    functions = (_rule(row["entry_point"]), tupled)
    made = {**row, "tests": evalplus.program(row["entry_point"], solution, functions, atol, parts)}
    if not of_hub:
        del parts["extra"]
        made["base_tests"] = evalplus.program(row["entry_point"], solution, functions, atol, parts)
    return made


def _from_hub(row: dict[str, Any], number: int) -> dict[str, Any]:
    """Give a row of the hub's copy the names and the prompt of the release."""
    missing = [name for name in ("code", "prompt", "test", "test_list") if name not in row]
    called = re.search(r"^ *assertion\((\w+)\(\*inp\), ", row.get("test", ""), re.MULTILINE)
    if missing or called is None:
        raise ValueError(
            f"the row has no `base_input`, as EvalPlus's release file MbppPlus.jsonl.gz has, and no "
            f"`{missing[0] if missing else 'test'}` as in evalplus/mbppplus on the hub"
        )
    prompt = f'"""\n{row["prompt"]}\n{row["test_list"][0]}\n"""\n'
    more = {"prompt": prompt, "entry_point": called[1], "canonical_solution": row["code"]}
    return {**row, **more, "task_id": f"Mbpp/{number}"}


def _judging() -> ModuleType:
    path = Path(__file__).with_name("humaneval_plus.py")
    spec = importlib.util.spec_from_file_location("harness_task_humaneval_plus", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _rule(entry_point: str) -> Any:
    if entry_point in ANY_ORDER:
        return any_order
    if entry_point in FOUND_OR_NOT:
        return found_or_not
    return {"surface_Area": pyramid, "digit_distance_nums": digits_apart}.get(entry_point, equal)


# --- what goes into the tests, with one of the rules: from here on nothing but what they import ---


def tupled(value: Any) -> Any:
    """Make tuples of lists at every depth."""
    return tuple(tupled(item) for item in value) if isinstance(value, list) else value


def equal(answer: Any, expected: Any, given: list[Any], atol: float) -> bool:
    """Whether an answer is the expected one."""
    return bool(answer == expected)


def any_order(answer: Any, expected: Any, given: list[Any], atol: float) -> bool:
    """Whether an answer has the same members. Raises TypeError for one that has none."""
    return set(answer) == set(expected)


def found_or_not(answer: Any, expected: Any, given: list[Any], atol: float) -> bool:
    """Whether both found something, or neither; a yes or no is taken at its word."""
    return (answer if isinstance(answer, bool) else answer is not None) == (expected is not None)


def pyramid(answer: Any, expected: Any, given: list[Any], atol: float) -> bool:
    """Whether an answer took the height as slant height, as the reference does, or as that of the apex (Mbpp/581)."""
    base, height = given
    sides = 2 * base * math.sqrt((base / 2) ** 2 + height**2)
    return bool(answer == expected or abs(answer - round(base**2 + sides)) <= atol)


def digits_apart(answer: Any, expected: Any, given: list[Any], atol: float) -> bool:
    """Whether an answer is the digits' distance, or that of both numbers written equally long (Mbpp/558)."""
    first, second = (str(number) for number in given)
    width = max(len(first), len(second))
    pairs = zip(first.zfill(width), second.zfill(width), strict=True)
    return answer in (expected, sum(abs(int(a) - int(b)) for a, b in pairs))
