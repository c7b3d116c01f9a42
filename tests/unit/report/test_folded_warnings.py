"""Warnings of many tasks: a line a kind, and nothing of it lost."""

from __future__ import annotations

from harness.report.folding import folded_warnings, warning_lines
from harness.report.tables import score_table
from harness.results import Estimate


def estimate(task: str, *warnings: str) -> Estimate:
    return Estimate(task, "exact", "mean", 0.5, 0.4, 0.6, "wilson", 2, 0, 1, warnings=warnings)


def part(done: int, total: int) -> str:
    return f"only {done} of {total} samples were run: this is the score of a part of the task"


FORM = "{share} % of the programs have no known form: read some of them (the first: {what})"
MANY = [
    estimate(f"t{n}", part(2, 150 + n), FORM.format(share=f"{n}.5", what=f"it does not define f{n}")) for n in range(58)
]


def test_a_kind_of_warning_is_one_line_with_the_range_of_its_numbers() -> None:
    assert folded_warnings(MANY) == (
        "t0, t1, t2 and 55 more: only 2 of 150 to 207 samples were run: this is the score of a part of the task",
        "t0, t1, t2 and 55 more: 0.5 to 57.5 % of the programs have no known form: read some of them "
        "(the first: it does not define f0)",
    )
    assert len(warning_lines(MANY)) == 116


def test_few_tasks_keep_their_own_lines() -> None:
    few = [estimate("a", part(2, 10)), estimate("b", part(2, 20)), estimate("b", part(2, 20))]
    assert folded_warnings(few) == (f"a: {part(2, 10)}", f"b: {part(2, 20)}")


def test_warnings_that_say_something_else_are_not_joined() -> None:
    words = ("3 answers are empty", "3 answers are cut", "3 answers are withheld", "3 are odd", "4 are even")
    own = [estimate(f"t{n}", text) for n, text in enumerate(words)]
    assert folded_warnings(own) == warning_lines(own)


def test_names_with_digits_in_a_warning_are_no_numbers() -> None:
    own = [estimate(f"t{n}", f"pass@1 of gpt{n} is of 3 samples") for n in range(6)]
    assert folded_warnings(own) == warning_lines(own)


def test_failures_of_many_tasks_are_summed() -> None:
    failures = {f"t{n}": {"compile": 1, "execute": 2} for n in range(58)}
    folded = score_table(MANY, failures=failures)
    assert [line for line in folded.notes if "failures" in line] == [
        "t0, t1, t2 and 55 more failures: execute x116, compile x58"
    ]
    whole = score_table(MANY, failures=failures, folded=False)
    assert sum("failures" in line for line in whole.notes) == 58 and len(whole.warnings) == 116
    assert len(folded.rows) == len(whole.rows) == 58
