"""`harness tasks list|show|validate`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app import App

if TYPE_CHECKING:
    from harness.config.schema import SuitePage

app = App(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, read and check task pages.",
)

Mirror = Annotated[str | None, typer.Option(envvar="HARNESS_MIRROR", help="local folder used in place of the data hub")]
TrustPageCode = Annotated[
    bool, typer.Option("--trust-page-code", help="run the Python file beside a page that is not the project's own")
]


@app.command("list")
def list_tasks(json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """List the tasks that ship with the harness, and the suites."""
    import json

    from harness.config import pages

    tasks = [pages.task_page(name)[0] for name in pages.index("tasks")]
    suites = [pages.suite_page(name) for name in pages.index("configs/suites")]
    if json_out:
        listing = {
            "tasks": [{"name": t.name, "about": t.about, "n": t.expected_count, "data": t.data.path} for t in tasks],
            "suites": [{"name": s.name, "about": s.about, "tasks": [t.label for t in s.tasks]} for s in suites],
        }
        print(json.dumps(listing, indent=2, ensure_ascii=False))
        return
    print("tasks")
    for task in tasks:
        print(f"  {task.name:<16} {task.expected_count or '?':>5}  {task.about}")
    print("suites")
    for suite in suites:
        print(f"  {suite.name:<16} {len(suite.tasks):>5}  {suite.about} [{_uses(suite)}]")


def _uses(suite: SuitePage) -> str:
    """Return the pages of a suite, with how often each is used if more than once."""
    counts = Counter(task.task for task in suite.tasks)
    return ", ".join(page if count == 1 else f"{page} x{count}" for page, count in counts.items())


@app.command("show")
def show_task(
    name: Annotated[str, typer.Argument(help="task name or file")],
    style: Annotated[str, typer.Option(help="text or chat")] = "text",
    mirror: Mirror = None,
    trust_page_code: TrustPageCode = False,
) -> None:
    """Print a task's page, and its first real prompt under it."""
    from harness.cli.prompt_text import shown_prompt
    from harness.config import pages
    from harness.errors import ConfigError, HubError
    from harness.validate import Rows, bind_one

    if style not in ("text", "chat"):
        raise ConfigError(f"--style {style}: expected text or chat")
    page, source = pages.task_page(name)
    print(source.path.read_text(encoding="utf-8").rstrip())
    try:
        rows = Rows(mirror, trust_page_code)
        task = bind_one(page, source, "chat" if style == "chat" else "text", 1, rows)
    except HubError as error:
        print(f"\n--- no prompt can be shown: {error}")
        return
    print(f"\n--- the first prompt ({task.style} style), sample {task.samples[0].id!r}")
    print(shown_prompt(task.requests[0]))


@app.command("validate")
def validate_tasks(
    names: Annotated[list[str] | None, typer.Argument(help="names or files [default: all]")] = None,
    data: Annotated[
        bool, typer.Option("--data/--no-data", help="also read rows, render a prompt, score the gold answer")
    ] = True,
    samples: Annotated[int, typer.Option(min=1, help="rows whose gold answer is scored")] = 3,
    shuffled: Annotated[
        bool, typer.Option("--shuffled", help="also score answers to other samples: they must be right only by chance")
    ] = False,
    mirror: Mirror = None,
    trust_page_code: TrustPageCode = False,
) -> None:
    """Check pages: keys, columns, prompts; the gold answer must score 1 and an empty answer 0.

    Usual phrasings of the right answer that a page does not read are listed; they do not fail it.
    """
    from harness.config import pages
    from harness.errors import EnvironmentFault, HarnessError, error_lines
    from harness.report.visible import visible_line
    from harness.validate import Rows, check_page, check_rows

    worst = 0
    for name in names or [*pages.index("tasks")]:
        try:
            page, source, notes = check_page(name, trust_page_code)
            remarks: list[str] = []
            if data:
                checked, remarks = check_rows(page, source, Rows(mirror, trust_page_code, samples, shuffled))
                notes += checked
            print(f"ok    {page.name}: {'; '.join(notes)}")
            for remark in remarks:
                print(f"      {remark}")
        except HarnessError as error:
            unreachable = isinstance(error, EnvironmentFault)
            first, *others = error_lines(error)
            print(visible_line(f"{'fail' if not unreachable else 'open'}  {name}: {first}"))
            for line in others:
                print(visible_line(f"      {line}"))
            # The exit code of a wrong page goes before that of a page that could not be checked
            worst = 2 if not unreachable else worst or 3
    if worst:
        raise typer.Exit(worst)
