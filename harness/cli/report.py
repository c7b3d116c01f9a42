"""`harness report`: runs and claims as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunList = list[Path] | None


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="run folders, the baseline first")],
    claims: Annotated[
        list[str] | None, typer.Option(metavar="CLAIM", help="also the verdict on a claim, or on all of a page")
    ] = None,
    out: Annotated[Path, typer.Option(help="the file")] = Path("report.html"),
    title: Annotated[str, typer.Option(help="heading of the page")] = "",
    subject: Annotated[
        RunList, typer.Option(metavar="RUN", help="a run of the model that the claims are about")
    ] = None,
    comparator: Annotated[
        RunList, typer.Option(metavar="RUN", help="a run of a model that they compare it with")
    ] = None,
    stand_in: Annotated[bool, typer.Option("--stand-in", help="also judge runs of another model, separately")] = False,
    allow_protocol: Annotated[
        bool, typer.Option("--allow-protocol", help="compare runs under different protocols, with a warning")
    ] = False,
    margin: Annotated[
        float | None,
        typer.Option(metavar="DIFFERENCE", help="scores that differ by less count as equal, e.g. 0.02: it is tested"),
    ] = None,
    records: Annotated[
        bool, typer.Option("--records/--no-records", help="with the samples: prompts, answers and reasons")
    ] = True,
) -> None:
    """Write one HTML file about runs: scores, comparisons, claims, samples. It needs no network and no server."""
    from harness.claims.runs import Given
    from harness.html_report.writing import write_report

    given = Given(tuple(folders), tuple(subject or ()), tuple(comparator or ()), stand_in, allow_protocol)
    print(write_report(out, given, claims or (), title=title, with_records=records, margin=margin))
