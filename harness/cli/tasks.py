"""`harness tasks show|validate`, and the group that the other commands of tasks are in."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import tasks_import, tasks_list, tasks_new
from harness.cli.app import App
from harness.cli.completion import task_names

app = App(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, read, check and write task pages.",
)

Mirror = Annotated[str | None, typer.Option(envvar="HARNESS_MIRROR", help="local folder used in place of the data hub")]
TrustPageCode = Annotated[
    bool, typer.Option("--trust-page-code", help="run the Python file beside a page that is not the project's own")
]


app.command("list")(tasks_list.list_tasks)
app.command("new")(tasks_new.new_task)
app.command("import")(tasks_import.import_task)


@app.command("show")
def show_task(
    name: Annotated[str, typer.Argument(autocompletion=task_names, help="task name or file")],
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
    names: Annotated[
        list[str] | None, typer.Argument(autocompletion=task_names, help="names or files [default: all]")
    ] = None,
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
            # What the user can put right goes before a machine that failed
            worst = min(worst or 3, error.exit_code)
    if worst:
        raise typer.Exit(worst)
