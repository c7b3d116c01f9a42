"""`harness claim`: sentences about models, and what the evidence says of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.analysis.claims.verdict import Verdict

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Test what was printed about a model: a sentence goes in, a verdict with its evidence comes out.",
)
Name = Annotated[
    str, typer.Argument(metavar="CLAIM", help="id of a claim, name of a page in configs/claims, or a file")
]
Json = Annotated[bool, typer.Option("--json", help="as JSON")]


@app.command("list")
def list_claims(json_out: Json = False) -> None:
    """List the claims that come with the harness."""
    import json

    from harness.config.claims import KIND, claim_page
    from harness.config.pages import index

    rows = [(stem, claim) for stem in index(KIND) for claim in claim_page(stem)[0].claims]
    if json_out:
        print(json.dumps([{"page": stem, "id": c.id, "quote": c.quote} for stem, c in rows], indent=2))
        return
    from rich.console import Console

    from harness.report.tables import Column, Row, Table
    from harness.report.terminal import print_table

    columns = tuple(Column(name, number=False, key=name == "Page") for name in ("Page", "Claim", "Sentence"))
    table = Table("", columns, tuple(Row((stem, claim.id, claim.quote)) for stem, claim in rows))
    print_table(table, Console())


@app.command("show")
def show(name: Name, json_out: Json = False) -> None:
    """Show how a sentence is understood: what would be tested, and what it leaves open."""
    import json

    from harness.analysis.claims.judge import assumptions, tested_sentence
    from harness.config.claims import find_claims
    from harness.report.verdicts import claim_lines

    claims = [claim for claim, _ in find_claims(name)]
    if json_out:
        print(
            json.dumps([c.model_dump(mode="json", exclude_defaults=True) for c in claims], indent=2, ensure_ascii=False)
        )
        return
    for at, claim in enumerate(claims):
        print("\n" * bool(at) + "\n".join(claim_lines(claim, tested_sentence(claim), assumptions(claim))))


@app.command("check")
def check(
    name: Name,
    runs: Annotated[list[Path] | None, typer.Argument(metavar="[RUN]...", help="run folders")] = None,
    subject: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="a run of the model that is spoken of")
    ] = None,
    comparator: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="a run of what it is compared with")
    ] = None,
    stand_in: Annotated[
        bool, typer.Option("--stand-in", help="judge runs of other models for themselves; they decide nothing else")
    ] = False,
    allow_protocol: Annotated[
        bool, typer.Option("--allow-protocol", help="take runs that were asked otherwise than the claim says")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="as Markdown")] = False,
    json_out: Json = False,
) -> None:
    """Check a claim, or all of a page, by published numbers, prices, model configs, and the runs given."""
    from harness.claims.check import check_claims
    from harness.claims.given import Given

    given = Given(tuple(runs or ()), tuple(subject or ()), tuple(comparator or ()), stand_in, allow_protocol)
    print_verdicts(check_claims(name, given), name, markdown=markdown, as_json=json_out)


def print_verdicts(verdicts: Sequence[Verdict], name: str, *, markdown: bool, as_json: bool) -> None:
    """Print verdicts: the summary where there are several, then each."""
    from harness.report import verdicts as report

    if as_json:
        import json

        print(json.dumps(report.document(verdicts), indent=2, ensure_ascii=False))
        return
    if len(verdicts) > 1:
        _summary(verdicts, name, markdown=markdown)
    for at, verdict in enumerate(verdicts):
        if markdown:
            print(report.markdown(verdict))
            continue
        if at or len(verdicts) > 1:
            print("\n" + "-" * report.WIDTH + "\n")
        print("\n".join(report.text(verdict)))


def _summary(verdicts: Sequence[Verdict], name: str, *, markdown: bool) -> None:
    from rich.console import Console

    from harness.report.markdown import markdown as table_markdown
    from harness.report.terminal import print_table
    from harness.report.verdicts import summary_table

    table = summary_table(verdicts, f"{name}: {len(verdicts)} claims")
    if markdown:
        print(table_markdown(table))
    else:
        print_table(table, Console())
