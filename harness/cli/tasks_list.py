"""`harness tasks list`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.config.briefs import Brief
    from harness.config.schema import SuitePage

# Languages of a task that are named in its line
NAMED = 3


def list_tasks(
    language: Annotated[str | None, typer.Option(help="only tasks with questions in this language: zh, sw")] = None,
    tag: Annotated[str | None, typer.Option(help="only tasks with this tag: math, code, reasoning")] = None,
    search: Annotated[str | None, typer.Option(help="only tasks and suites whose name or description has this")] = None,
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """List the tasks that ship with the harness, and the suites.

    Each line: name, number of samples, the forms of its prompt (`text` for base models, `chat`), languages, what it is.
    """
    import json

    from harness.config import pages
    from harness.config.briefs import task_briefs
    from harness.errors import UnknownName

    every = task_briefs()
    for what, given, known in (
        ("tag", tag, {each for task in every for each in task.tags}),
        ("language", language, {each for task in every for each in task.languages}),
    ):
        fits = known if what == "tag" else known | {each.partition("-")[0] for each in known}
        if given is not None and given.lower() not in {each.lower() for each in fits}:
            raise UnknownName(what, given, sorted(known))
    tasks = [
        task
        for task in every
        if (tag is None or tag.lower() in task.tags)
        and (language is None or task.speaks(language))
        and (search is None or task.mentions(search))
    ]
    names = {task.name for task in tasks}
    suites = [pages.suite_page(name) for name in pages.index("configs/suites")]
    if search is not None:
        suites = [suite for suite in suites if search.lower() in f"{suite.name} {suite.about}".lower()]
    if tag is not None or language is not None:
        suites = [suite for suite in suites if {task.page for task in suite.tasks} <= names]
    if json_out:
        listing = {
            "tasks": [_facts(task) for task in tasks],
            "suites": [{"name": s.name, "about": s.about, "tasks": [t.label for t in s.tasks]} for s in suites],
        }
        print(json.dumps(listing, indent=2, ensure_ascii=False))
        return
    _print(tasks, suites)


def _facts(task: Brief) -> dict[str, object]:
    return {
        "name": task.name,
        "about": task.about,
        "n": task.n,
        "data": task.data,
        "tags": list(task.tags),
        "languages": list(task.languages),
        "forms": list(task.forms),
        "ask": task.ask,
    }


def _print(tasks: list[Brief], suites: list[SuitePage]) -> None:
    """Print a line each, cut to the terminal's width; whole lines where the output is no terminal."""
    import shutil
    import sys

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    widest = max(map(len, [*(task.name for task in tasks), *(suite.name for suite in suites)]), default=0)
    if not tasks and not suites:
        print("no task and no suite fits")
    if tasks:
        print("tasks")
    languages = [_languages(task) for task in tasks]
    column = max(map(len, languages), default=0)
    for task, spoken in zip(tasks, languages, strict=True):
        forms = "/".join(task.forms)
        _line(f"  {task.name:<{widest}} {task.n or '?':>6}  {forms:<9}  {spoken:<{column}}", task.about, width)
    if suites:
        print("suites")
    for suite in suites:
        _line(f"  {suite.name:<{widest}} {len(suite.tasks):>6}", f"{suite.about} [{_uses(suite)}]", width)


def _line(head: str, text: str, width: int | None) -> None:
    line = f"{head.rstrip() if not text else head}  {text}".rstrip()
    print(line if width is None or len(line) <= width else f"{line[: max(width - 3, 0)].rstrip()}...")


def _languages(task: Brief) -> str:
    more = f" +{len(task.languages) - NAMED}" if len(task.languages) > NAMED else ""
    return " ".join(task.languages[:NAMED]) + more


def _uses(suite: SuitePage) -> str:
    """Return the pages of a suite, with how often each is used if more than once."""
    counts = Counter(task.task for task in suite.tasks)
    return ", ".join(page if count == 1 else f"{page} x{count}" for page, count in counts.items())
