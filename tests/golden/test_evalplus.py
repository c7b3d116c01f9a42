"""HumanEval+ and MBPP+: EvalPlus's rules of comparison, and reference solutions and their mutants through the sandbox.

Fifteen rows of each here; that all reference solutions pass is checked by hand, with the command of the test below.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from files import read_jsonl, write_jsonl

from harness.data.rows import read_file
from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.language import ByValue
from harness.execution.languages.python import Python
from harness.scoring.services import Services

PAGES = Path(__file__).parents[2] / "tasks/code"
FILES = {"humaneval_plus": "humanevalplus", "mbpp_plus": "mbppplus"}
ROWS = 15


def page_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PAGES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(mirror: Path) -> dict[str, dict[str, Any]]:
    """Both data sets by task id, prepared when asked for by `trial`."""
    files = (mirror / "evalplus" / folder / "test.jsonl.gz" for folder in FILES.values())
    return {row["task_id"]: row for file in files for row in read_file(file)}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The sandbox that a run would choose."""
    services = Services("auto", Limits())
    yield services.tools().sandbox()
    services.close()


def trial(sandbox: Sandbox, row: dict[str, Any], candidate: str, which: str = "tests") -> Verdict:
    """Judge a program as the row's page would."""
    script = page_script("humaneval_plus" if str(row["task_id"]).startswith("HumanEval") else "mbpp_plus")
    made = script.prepare(row)
    return sandbox.run(Job(candidate, Tests("python", "", made[which], made["entry_point"])), Limits())


def passes(sandbox: Sandbox, row: dict[str, Any], candidate: str, which: str = "tests") -> bool:
    return trial(sandbox, row, candidate, which).status == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("task", FILES)
def test_reference_solutions_pass_and_constants_do_not(cli, mirror, rows, tmp_path, task):
    mine = [row for row in rows.values() if row["task_id"].startswith("Human") == task.startswith("human")][:ROWS]
    gold = [{"task_id": row["task_id"], "solution": row["prompt"] + row["canonical_solution"]} for row in mine]
    one = [{"task_id": row["task_id"], "solution": f"def {row['entry_point']}(*given): return 1\n"} for row in mine]
    for answers, value in ((gold, 1.0), (one, 0.0)):
        file = write_jsonl(tmp_path / f"{value}.jsonl", answers)
        out = tmp_path / f"r{value}"
        words = (
            "run",
            "--engine",
            "scripted",
            "--completions",
            file,
            "--tasks",
            task,
            "--mirror",
            mirror,
            "--out",
            out,
        )
        seen = cli(*words, "--limit", ROWS)
        assert seen.code == 0, seen.err + seen.out
        records = read_jsonl(out / "records.jsonl")
        assert [record["scores"][0]["value"] for record in records] == [value] * ROWS
        assert {record["scores"][0]["detail"]["check"] for record in records} == {"by_value"}


def test_a_program_that_only_the_extra_inputs_refute(sandbox, rows):
    """HumanEval/2 with a rounding of its own: the paper's three inputs do not see it."""
    row = rows["HumanEval/2"]
    wrong = "def truncate_number(number):\n    return number % 1.0 if number < 1000 else 0.5\n"
    assert passes(sandbox, row, wrong, "base_tests")
    told = trial(sandbox, row, wrong)
    assert told.status == "failed" and "extra input" in told.message


def test_a_problem_with_many_right_answers_takes_each_and_no_other(sandbox, rows):
    row = rows["HumanEval/32"]
    assert passes(sandbox, row, row["prompt"] + row["canonical_solution"])
    empties = "def find_zero(xs):\n    xs[:] = [0]\n    return 0.0\n"
    assert not passes(sandbox, row, empties), "the polynomial is judged as it was given"
    for answer in ("float('nan')", "None", "'0'", "[0.0]", "object()", "1e999"):
        assert not passes(sandbox, row, f"def find_zero(xs):\n    return {answer}\n")


def test_problems_that_mbpp_plus_judges_by_rules_of_their_own(sandbox, rows):
    any_order = "def similar_elements(a, b):\n    return sorted(set(a) & set(b), key=repr, reverse=True) * 2\n"
    assert passes(sandbox, rows["Mbpp/2"], any_order)
    matches = rows["Mbpp/737"]["canonical_solution"]
    assert passes(sandbox, rows["Mbpp/737"], matches) and passes(
        sandbox, rows["Mbpp/737"], matches + "\ninner = check_str\ndef check_str(x): return inner(x) is not None\n"
    )
    assert not passes(sandbox, rows["Mbpp/737"], "def check_str(x): return object()\n")
    padded = (
        "def digit_distance_nums(a, b):\n    a, b = str(a), str(b)\n    n = max(len(a), len(b))\n"
        "    return sum(abs(int(x) - int(y)) for x, y in zip(a.zfill(n), b.zfill(n)))\n"
    )
    assert passes(sandbox, rows["Mbpp/558"], padded)
    apex = "def surface_Area(b, h):\n    return round(b * b + 2 * b * ((b / 2) ** 2 + h * h) ** 0.5)\n"
    assert passes(sandbox, rows["Mbpp/581"], apex)


def test_a_function_may_be_called_like_a_builtin_of_the_tests(sandbox, rows):
    row = rows["Mbpp/126"]
    assert row["entry_point"] == "sum" and passes(sandbox, row, row["canonical_solution"])
    assert not passes(sandbox, row, "def sum(*given): return 0\n")


@pytest.mark.parametrize("task_id", ["Mbpp/106", "Mbpp/124", "Mbpp/252", "Mbpp/278", "Mbpp/580", "Mbpp/722"])
def test_inputs_that_json_cannot_hold_come_back_as_they_were(sandbox, rows, task_id):
    """The data's own contract, which checks the types of arguments, stands in front of the reference solution."""
    row = rows[task_id]
    head, colon, body = row["canonical_solution"].partition(f"def {row['entry_point']}")
    signature, end, rest = body.partition(":")
    # Mbpp/124's contract asks for numbers in one place where the data has text; its types are seen in the answer
    contract = "" if task_id == "Mbpp/124" else row["contract"]
    assert passes(sandbox, row, f"{head}{colon}{signature}{end}{contract}{rest}")


def test_rows_of_the_hub_are_judged_alike(sandbox, rows):
    """The hub's copies hold inputs and expected answers as one program in `test`."""
    row = rows["HumanEval/0"]
    test = f"def check(candidate):\n    inputs = {row['base_input'] + row['plus_input']}\n    results = []\n"
    test += "    for i, (inp, exp) in enumerate(zip(inputs, results)):\n        assertion(candidate(*inp), exp, 0)\n"
    hub = {name: row[name] for name in ("task_id", "prompt", "entry_point", "canonical_solution")} | {"test": test}
    assert passes(sandbox, hub, row["prompt"] + row["canonical_solution"])
    assert not passes(sandbox, hub, "def has_close_elements(numbers, threshold): return True\n")

    row = rows["Mbpp/82"]
    inputs = row["base_input"] + row["plus_input"]
    test = "def assertion(out, exp, atol):\n    assert out == exp\n\n"
    test += f"inputs = {inputs}\nresults = []\nfor i, (inp, exp) in enumerate(zip(inputs, results)):\n"
    test += "    assertion(volume_sphere(*inp), exp, 0.0001)\n"
    hub = {
        "task_id": 82,
        "prompt": "Write.",
        "code": row["canonical_solution"],
        "test_list": ["assert 1"],
        "test": test,
    }
    made = page_script("mbpp_plus").prepare(hub)
    assert (made["task_id"], made["entry_point"]) == ("Mbpp/82", "volume_sphere")
    assert made["prompt"] == '"""\nWrite.\nassert 1\n"""\n'
    assert passes(sandbox, hub, row["canonical_solution"].replace("return", "return 1e-5 +").replace("4/3", "(4/3)"))
    assert not passes(sandbox, hub, "def volume_sphere(r): return 1.0\n")


@pytest.mark.parametrize("task", FILES)
def test_rows_of_neither_form_are_refused_with_what_is_missing(task):
    row = {
        "task_id": "HumanEval/0",
        "prompt": "",
        "entry_point": "f",
        "canonical_solution": "",
        "test": "def check(): 1",
    }
    if task == "mbpp_plus":
        row = {"task_id": "Mbpp/2", "prompt": "Write."}
    with pytest.raises(ValueError, match=r"the row has n.* `base_input`"):
        page_script(task).prepare(row)


def test_the_tests_take_nothing_from_the_candidate_but_the_function_asked_for(rows):
    for task_id in ("HumanEval/32", "Mbpp/2", "Mbpp/581"):
        script = page_script("humaneval_plus" if task_id.startswith("Human") else "mbpp_plus")
        row = script.prepare(rows[task_id])
        (program,) = Python().programs(Job("", Tests("python", "", row["tests"], row["entry_point"])))
        assert isinstance(program, ByValue)
        # Annotations name `Any`, and are never looked up
        assert set(program.names) <= {row["entry_point"], "Any"}


def test_closeness_is_numpys():
    """Against `numpy.allclose`, type and length checked first as EvalPlus does."""
    import numpy

    script = page_script("humaneval_plus")
    numbers = [0, 1, True, 1.0, 1 + 9e-8, 1 + 3e-7, -1.0, 10**9, 10**9 + 50, 1 << 63]
    numbers += [math.nan, math.inf, -math.inf, 1j, 1j + 1e-8, "1", None]
    lists = [[], [1.0], (1.0,), [1.0, 2.0], [1.0, 2.0 + 1e-7], [[1.0], [2.0]], [[1.0], (2.0 + 1e-8,)], [[1.0], 2.0]]
    lists += [[1, "a"], [None], {1.0: 2.0}, {1.0}, [1 << 64, 1.0], [-(1 << 63) - 1, 2], [math.nan], [math.inf, 1]]
    checked = 0
    for atol, (answer, expected) in itertools.product((1e-6, 1e-4), itertools.product(numbers + lists, repeat=2)):
        try:
            wanted = type(answer) is type(expected) and (
                not isinstance(expected, (list, tuple)) or len(answer) == len(expected)
            )
            wanted = wanted and bool(numpy.allclose(answer, expected, rtol=1e-7, atol=atol))
        except (TypeError, ValueError):
            wanted = False
        try:
            found = script.alike(answer, expected, atol)
        except TypeError:
            found = False
        checked += wanted
        assert found == wanted, (answer, expected, atol)
    assert checked > 30
    # Stretched by numpy to nothing at all, and so "close"
    assert numpy.allclose([1.0], [[]]) and not script.alike([1.0], [[]], 1e-6)
