"""`harness tasks new`: a page from three answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from harness.data.rows import Row

Kind = Annotated[str | None, typer.Option(help="choice, generation or code")]
File = Annotated[str | None, typer.Option("--data", help="file of rows: .jsonl, .json, .csv or .parquet")]
Column = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="column with the question, or the prompt of a program")
]
Answer = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="column with the answer: a text, the right option, or a program that passes"),
]


def new_task(
    name: Annotated[str | None, typer.Argument(help="name of the task [default: the file's]")] = None,
    kind: Kind = None,
    file: File = None,
    question: Column = None,
    answer: Answer = None,
    options: Annotated[
        str | None, typer.Option(metavar="COLUMNS", help="for choice: a column with a list, or several, by commas")
    ] = None,
    tests: Annotated[str | None, typer.Option(metavar="COLUMN", help="for code: column with the tests")] = None,
    language: Annotated[str, typer.Option(help="for code: the programs' language")] = "python",
) -> None:
    """Write a page for your own rows, beside their file: what kind, which file, which columns.

    What is not given as an option is requested at a terminal.
    """
    import re
    from pathlib import Path
    from typing import cast

    from harness.config.pages import label
    from harness.config.section import TASK_NAME
    from harness.errors import ConfigError, UnknownName, unwritable
    from harness.importing import new_page as making
    from harness.importing.writing import page_lines

    kind = kind or _entered("Kind of task (choice, generation, code)", "--kind")
    if kind not in making.KIND_NAMES:
        raise UnknownName("kind of task", kind, making.KIND_NAMES)
    data = Path(file or _entered("File with the rows", "--data")).expanduser().resolve()
    rows = making.rows_of(data)
    if _is_terminal() and question is None:
        _show(rows[0])
    question = question or _entered("Column with the question", "--question", rows[0])
    if kind == "choice":
        options = options or _entered("Column with the list of options, or several by commas", "--options", rows[0])
    if kind == "code":
        tests = tests or _entered("Column with the tests", "--tests", rows[0])
    else:
        answer = answer or _entered("Column with the right answer", "--answer", rows[0])
    named = (name or label(data.name.split(".")[0].lower())).replace(".", "_")
    if not re.fullmatch(TASK_NAME, named):
        raise ConfigError(f"{named!r} is no name of a task: use small letters, digits, _ and -")
    page = data.with_name(f"{named}.yaml")
    if page.exists():
        raise ConfigError(f"{page}: is there already; give another name, or remove it")
    columns = making.Columns(
        question, answer, tuple(each.strip() for each in (options or "").split(",") if each), tests
    )
    made = making.new_page(named, cast("making.Kind", kind), data, rows, columns, language)
    try:
        page.write_text(page_lines(made), encoding="utf-8")
    except OSError as error:
        raise unwritable(page, error) from None
    _check(page, gold=kind != "code" or answer is not None)


def _check(page: Any, gold: bool) -> None:
    """Check the page that was written, and say what comes next. The page stays: its fault is for the user to repair."""
    from harness.config.yaml_page import shown
    from harness.scoring.base import right_answers
    from harness.validate import Rows, bind_one, check_page, check_rows

    text = page.read_text(encoding="utf-8")
    print(f"wrote {shown(page)} ({len(text.splitlines())} lines)\n\n{text}")
    task, source, notes = check_page(str(page))
    if gold:
        checked, remarks = check_rows(task, source, Rows())
        notes += checked + remarks
    print(f"ok    {'; '.join(notes)}")
    if task.reference.choice is not None:
        reference = bind_one(task, source, "text", 1, Rows()).samples[0].reference
        print(f"note  the right option of the first row is {right_answers(reference)[0]!r}")
    path = shown(page)
    path = path if "/" in path else f"./{path}"
    print(f"\nnext  harness tasks show {path}\n      harness run --tasks {path} --model ORG/NAME")


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _entered(question: str, option: str, row: Row | None = None) -> str:
    """Read an answer from a terminal. Raises ConfigError that names the option where there is none."""
    from harness.errors import ConfigError

    if not _is_terminal():
        columns = f" (columns: {', '.join(row)})" if row else ""
        raise ConfigError(f"{option} is missing{columns}")
    return str(typer.prompt(question, err=True)).strip()


def _show(row: Row) -> None:
    from harness.report.visible import visible_line

    print("the first row:", file=sys.stderr)
    for name, value in row.items():
        print(f"  {name}: {visible_line(str(value))[:70]}", file=sys.stderr)
