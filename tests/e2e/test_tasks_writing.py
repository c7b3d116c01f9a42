"""A user makes a page from own rows, imports pages, and finds tasks in the list."""

from __future__ import annotations

import json

import pytest
from files import REPO, write_jsonl

ROWS = [
    {"q": f"What is {n} + 1?", "a": str(n + 1), "opts": [f"{n} eggs", f"{n + 1} eggs"], "right": "AB"[n % 2]}
    for n in range(4)
]
PROGRAMS = [{"task": "Write one().", "tests": ["assert one() == 1"], "solution": "def one():\n    return 1"}]
MADE = REPO / "tests" / "data" / "lm_eval"


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "generation", "--question", "q", "--answer", "a"),
        ("--kind", "choice", "--question", "q", "--options", "opts", "--answer", "right"),
        ("--kind", "code", "--question", "task", "--tests", "tests", "--answer", "solution"),
    ],
)
def test_a_new_page_has_under_ten_lines_and_validates_at_once(cli, tmp_path, words):
    data = write_jsonl(tmp_path / "mine.jsonl", PROGRAMS if "code" in words else ROWS)
    seen = cli("tasks", "new", *words, "--data", data)
    assert seen.code == 0, seen.err
    assert len((tmp_path / "mine.yaml").read_text().splitlines()) < 10
    assert "gold scores 1, empty scores 0" in seen.out and "harness run --tasks ./mine.yaml" in seen.out
    assert cli("tasks", "validate", tmp_path / "mine.yaml").code == 0


def test_answers_that_may_count_from_0_or_from_1_are_refused_and_clear_ones_are_read(cli, tmp_path):
    def made(*right: int):
        rows = [{"q": f"Which is {n}?", "opts": ["zero", "one", "two", "three"], "right": n} for n in right]
        data = write_jsonl(tmp_path / f"mine{''.join(map(str, right))}.jsonl", rows)
        words = ("--kind", "choice", "--question", "q", "--options", "opts", "--answer", "right")
        return cli("tasks", "new", *words, "--data", data)

    seen = made(1, 2, 3)
    assert seen.code == 2 and "'right' may count the options from 0 or from 1" in seen.err, seen.err
    assert made(0, 2, 3).code == 0 and made(1, 2, 4).code == 0
    assert "int - 1" in (tmp_path / "mine124.yaml").read_text()
    assert "int - 1" not in (tmp_path / "mine023.yaml").read_text()


HUMANEVAL = {
    "prompt": 'def add(a, b):\n    """Add."""\n',
    "body": "    return a + b\n",
    "whole": "def add(a, b):\n    return a + b\n",
    "check": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    "entry_point": "add",
}


@pytest.mark.parametrize("solution", ["body", "whole"])
@pytest.mark.parametrize("named", [True, False])
def test_new_calls_the_check_that_tests_only_define(cli, tmp_path, solution, named):
    """Tests in HumanEval's form test nothing until `check` is called: any program would pass."""
    row = {key: value for key, value in HUMANEVAL.items() if named or key != "entry_point"}
    data = write_jsonl(tmp_path / "mine.jsonl", [row])
    words = ("--kind", "code", "--question", "prompt", "--tests", "check", "--answer", solution)
    seen = cli("tasks", "new", *words, "--data", data)
    assert seen.code == 0 and "gold scores 1" in seen.out, seen.err
    assert "\\ncheck({{ " in (tmp_path / "mine.yaml").read_text()


def test_tests_that_test_nothing_are_refused(cli, tmp_path):
    row = HUMANEVAL | {"check": "def test_it():\n    assert add(1, 2) == 3\n"}
    data = write_jsonl(tmp_path / "mine.jsonl", [row])
    seen = cli(
        "tasks",
        "new",
        "--kind",
        "code",
        "--question",
        "prompt",
        "--tests",
        "check",
        "--answer",
        "whole",
        "--data",
        data,
    )
    assert seen.code == 2 and "the program `pass` scores 1" in seen.err


def test_new_takes_columns_of_any_script_and_answers_behind_steps(cli, tmp_path):
    data = write_jsonl(tmp_path / "mine.jsonl", [{"问题": "2 + 2?", "lösung": "2 + 2 is\n4\n#### 4"}])
    seen = cli("tasks", "new", "--kind", "generation", "--question", "问题", "--answer", "lösung", "--data", data)
    assert seen.code == 0, seen.err
    text = (tmp_path / "mine.yaml").read_text()
    assert "{{ lösung | after('####') }}" in text and 'stop: ["\\n"]' not in text


def test_a_stop_string_that_cuts_the_gold_answer_is_a_remark(cli, sums):
    sums.write_text(sums.read_text().replace("so the sum is {{ total }}", "so\\nthe sum is {{ total }}"))
    seen = cli("tasks", "validate", sums)
    assert seen.code == 0 and "text: the stop string '\\n' cuts the gold answer of sample" in seen.out


@pytest.mark.parametrize(
    ("words", "message"),
    [(("bad!",), "'bad!' is no name of a task"), (("--language", "rustt"), "did you mean 'rust'?")],
)
def test_new_writes_nothing_that_cannot_be(cli, tmp_path, words, message):
    data = write_jsonl(tmp_path / "mine.jsonl", PROGRAMS)
    seen = cli(
        "tasks", "new", *words, "--kind", "code", "--question", "task", "--tests", "tests", "--answer", "solution",
        "--data", data,
    )  # fmt: skip
    assert seen.code == 2 and message in seen.err and list(tmp_path.glob("*.yaml")) == []


def test_new_reads_the_right_option_by_what_the_column_holds(cli, tmp_path):
    rows = [{"q": "?", "one": "x", "two": "y", "number": n, "text": "xy"[n]} for n in (0, 1)]
    data = write_jsonl(tmp_path / "rows.jsonl", rows)
    for column, name in (("number", "by_number"), ("text", "by_text")):
        words = ("--kind", "choice", "--question", "q", "--options", "one,two", "--answer", column)
        seen = cli("tasks", "new", name, *words, "--data", data)
        assert seen.code == 0 and "the right option of the first row is 'x'" in seen.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kind", "essay"), "no kind of task is called 'essay'"),
        ((), "--kind is missing"),
        (("--kind", "generation", "--data", "nowhere.jsonl"), "no such file"),
        (("--kind", "generation", "--data", "mine.jsonl"), "--question is missing (columns: q, a, opts, right)"),
        (
            ("--kind", "generation", "--data", "mine.jsonl", "--question", "qq", "--answer", "a"),
            "'qq'; did you mean 'q'?",
        ),
        (
            ("--kind", "choice", "--data", "mine.jsonl", "--question", "q", "--options", "opts", "--answer", "q"),
            "names no option",
        ),
    ],
)
def test_new_with_wrong_input_is_one_clear_line(cli, tmp_path, words, message):
    write_jsonl(tmp_path / "mine.jsonl", ROWS)
    seen = cli("tasks", "new", *words)
    assert seen.code == 2 and message in seen.err and len(seen.err.splitlines()) == 1
    assert not (tmp_path / "mine.yaml").exists()


def test_import_writes_a_page_and_shows_the_prompt(cli, tmp_path):
    seen = cli("tasks", "import", MADE / "drawn.yaml", "--out", "ours", "--mirror", MADE / "mirror")
    assert seen.code == 0, seen.out + seen.err
    assert "8 of 8 rows compared, all equal" in seen.out and "Sums about fruit." in seen.out
    again = cli("tasks", "import", MADE / "drawn.yaml", "--out", "ours", "--mirror", MADE / "mirror")
    assert again.code == 2 and "is there already" in again.out


def test_import_of_a_page_with_code_is_refused_without_the_flag(cli, tmp_path):
    seen = cli("tasks", "import", MADE / "by_code.yaml", "--out", "ours", "--mirror", MADE / "mirror")
    assert seen.code == 2 and "--trust-page-code" in seen.out and not (tmp_path / "ours").exists()


def test_list_by_search_tag_and_language(cli):
    found = json.loads(cli("tasks", "list", "--search", "AIME", "--json").out)["tasks"]
    assert found and all("aime" in task["name"] for task in found)
    assert all(task["forms"] and task["n"] for task in found)
    seen = cli("tasks", "list", "--tag", "no-such-tag")
    assert seen.code == 2 and "no tag is called 'no-such-tag'" in seen.err


def test_a_group_becomes_a_suite_that_counts_tasks_by_size(cli, tmp_path):
    seen = cli("tasks", "import", MADE / "group.yaml", "--out", "ours", "--mirror", MADE / "mirror")
    assert seen.code == 0, seen.out + seen.err
    suite = (tmp_path / "ours" / "made_group.suite.yaml").read_text()
    assert "./drawn.yaml" in suite and "./own_split.yaml" in suite and "average: weighted" in suite
