"""`harness tasks import`: pages of lm-evaluation-harness as pages of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.importing.lm_eval import Imported

LONGEST = 2000


def import_task(
    page: Annotated[str, typer.Argument(help="YAML file of a task or group of lm-evaluation-harness")],
    out: Annotated[str, typer.Option(help="folder for our pages")] = ".",
    mirror: Annotated[
        str | None, typer.Option(envvar="HARNESS_MIRROR", help="local folder used in place of the data hub")
    ] = None,
    trust_page_code: Annotated[
        bool,
        typer.Option("--trust-page-code", help="run the Python functions that the page names, while it is imported"),
    ] = False,
) -> None:
    """Write our page of a page of lm-evaluation-harness, and show the first prompt, which both have.

    Includes, groups and functions are followed. What cannot be carried is named with file and line, and a page whose
    prompts, continuations or right answers would differ in a single byte, in any of its first 5,000 rows, is not
    written (exit code 2).
    """
    from pathlib import Path

    from harness.errors import HarnessError
    from harness.importing.lm_eval import Importer
    from harness.importing.lm_eval_groups import GroupReader
    from harness.report.visible import visible

    folder = Path(mirror).expanduser() if mirror else None
    importer = Importer(Path(out).expanduser(), folder, trust_page_code)
    group = GroupReader().read(Path(page))
    worst: HarnessError | None = None
    imported: list[Imported] = []
    for task in group.tasks:
        try:
            imported.append(importer.task(task))
        except HarnessError as error:
            print(visible(f"fail  {task.values.get('task')}: {error}"))
            worst = error if worst is None or error.exit_code == 2 else worst
            continue
        _show(imported[-1], brief=len(group.tasks) > 1)
    if group.suite is not None and imported and worst is None:
        print(f"suite {importer.suite(group.suite, imported)}")
    elif group.suite is not None:
        print("no suite was written, since not all of its tasks were imported")
    if worst is not None:
        raise typer.Exit(worst.exit_code)


def _show(made: Imported, brief: bool) -> None:
    from harness.config.yaml_page import shown
    from harness.report.visible import visible

    how = {
        "templates": "by its own templates",
        "rows": "from the rows that its functions and templates gave",
        "prompts": "from whole prompts, one a row",
    }[made.form]
    print(
        visible(
            f"ok    {made.task}: {shown(made.page)}, {how}; {made.compared} of {made.total} rows compared, all equal"
        )
    )
    for reason in made.why:
        print(visible(f"      not as {reason}"))
    for note in made.notes:
        print(visible(f"note  {note}"))
    if brief:
        return
    first = made.requests[0]
    prompt = first.contexts[0]
    middle = f"\n[... {len(prompt) - LONGEST} characters ...]\n"
    text = prompt if len(prompt) <= LONGEST else prompt[: LONGEST // 2] + middle + prompt[-LONGEST // 2 :]
    print(visible(f"\n--- the first prompt, theirs and ours ({len(prompt.encode())} equal bytes)\n{text}"))
    for number, continuation in enumerate(first.continuations or ()):
        print(visible(f"--- continuation {number}: {continuation!r}"))
    path = shown(made.page)
    code = " --trust-page-code" if any(file.suffix == ".py" for file in made.files) else ""
    print(f"\nnext  harness tasks validate {path if '/' in path else f'./{path}'}{code}")
