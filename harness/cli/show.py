"""`harness show`: samples of a run, with prompt, answer and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="run folder")],
    task: Annotated[str, typer.Option(help="only of this task")] = "",
    sample: Annotated[str, typer.Option(help="only the sample with this id, whole")] = "",
    wrong: Annotated[bool, typer.Option("--wrong", help="answers that did not get full marks")] = False,
    truncated: Annotated[bool, typer.Option("--truncated", help="answers cut at max_tokens or a full window")] = False,
    no_answer: Annotated[bool, typer.Option("--no-answer", help="nothing was extracted from them")] = False,
    unread: Annotated[
        bool, typer.Option("--unread", help="the right answer is in the text, but it was not extracted")
    ] = False,
    unscored: Annotated[bool, typer.Option("--unscored", help="left unscored by a fault of the harness")] = False,
    search: Annotated[str, typer.Option(help="only with this text in prompt or answer (case is ignored)")] = "",
    limit: Annotated[int, typer.Option(min=1, help="how many to print")] = 10,
    full: Annotated[bool, typer.Option("--full", help="long prompts and answers whole")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="the records, one JSON object a line")] = False,
) -> None:
    """Print samples of a run: the prompt, what the model answered, the score and why. Needs no model and no data.

    Several of --wrong, --truncated, --no-answer, --unread, --unscored select what is any of them.
    """
    from harness.analysis.selection import KINDS, Selection
    from harness.errors import UnknownName, UserError
    from harness.report.record_text import INDENT, record_lines
    from harness.report.visible import visible_line
    from harness.report.wrapping import broken
    from harness.store import journal
    from harness.store.run_folder import RECORDS, read_manifest, select

    flags = dict(zip(KINDS, (wrong, truncated, no_answer, unread, unscored), strict=True))
    kinds = frozenset(kind for kind, given in flags.items() if given)
    tasks = list(read_manifest(folder).tasks)
    if task and task not in tasks:
        raise UnknownName("task of the run", task, tasks)
    _, places = select(folder, Selection(task, sample, kinds, search).takes)
    if sample and not places and not kinds and not search:
        raise UserError(f"{folder} has no sample {sample!r}; `harness show {folder} --limit 1000` lists what it has")
    chosen = journal.at(folder / RECORDS, places[:limit])
    if json_out:
        for record in chosen:
            print(journal.encode(record).decode(), end="")
        return
    from rich.text import Text

    from harness.cli.screen import console

    screen = console()
    for number, record in enumerate(chosen):
        if number:
            screen.print()
        for line, style in record_lines(record, full=full or bool(sample)):
            shown_line = visible_line(line)
            # Through a pipe lines stay whole, for grep
            rows = broken(shown_line, screen.width, rest=INDENT) if screen.is_terminal else [shown_line]
            for row in rows:
                screen.print(Text(row, style=style), soft_wrap=True, highlight=False)
    count = min(limit, len(places))
    more = f"; --limit {len(places)} shows all" if count < len(places) else ""
    what = "selected samples" if kinds or search or sample or task else "samples"
    screen.print(Text(f"{chr(10) if count else ''}{count} of {len(places)} {what}{more}", style="dim"), highlight=False)
