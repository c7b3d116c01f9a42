"""`harness claim power`: how many samples a claim needs, before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.completion import claim_names

if TYPE_CHECKING:
    from harness.stats.bets_stop import Groups

Name = Annotated[
    str,
    typer.Argument(
        metavar="CLAIM", autocompletion=claim_names, help="id of a claim, name of a page in configs/claims, or a file"
    ),
]


def power(
    name: Name,
    spread: Annotated[
        float | None,
        typer.Option(
            metavar="SD",
            help="standard deviation of a sample's score, for partial credit and several completions "
            "[default: by the score]",
        ),
    ] = None,
    icc: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="correlation of samples within a group, from 0 to 1 [default: 0.2; of two models' differences 0.05]",
        ),
    ] = None,
    group_size: Annotated[
        str | None,
        typer.Option(
            metavar="MEAN[,LARGEST]", help="samples in a group: on average, and in the largest one [default: 4]"
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="as Markdown")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Show how many samples settle a claim, by assumed true score, and what its benchmark cannot settle."""
    import json
    from dataclasses import asdict

    from harness.claims.check import one_claim
    from harness.claims.planned_samples import Assumed
    from harness.claims.planning import power_of
    from harness.claims.text import power_table
    from harness.cli.screen import console
    from harness.errors import ConfigError
    from harness.report.markdown import markdown as table_markdown
    from harness.report.terminal import print_table

    if spread is not None and not 0 < spread <= 0.5:
        raise ConfigError(f"--spread {spread:g}: scores from 0 to 1 have a standard deviation above 0, up to 0.5")
    if icc is not None and not 0 <= icc <= 1:
        raise ConfigError(f"--icc {icc:g}: a correlation within groups lies between 0 and 1")
    found = power_of(*one_claim(name), Assumed(spread, icc, groups_of(group_size)))
    if json_out:
        print(json.dumps([asdict(one) for one in found], indent=2))
        return
    for at, one in enumerate(found):
        table = power_table(one)
        if at:
            print()
        if markdown:
            print(table_markdown(table), end="")
        else:
            print_table(table, console())


def groups_of(text: str | None) -> Groups | None:
    """The sizes in `--group-size MEAN[,LARGEST]`. Raises ConfigError."""
    from harness.errors import ConfigError
    from harness.stats.bets_stop import Groups

    if text is None:
        return None
    mean, comma, largest = text.partition(",")
    try:
        most = int(largest) if comma else -int(-float(mean) // 1)
        return Groups(float(mean), most)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"--group-size {text}: expected how many samples a group has on average, and the largest one, as in "
            "--group-size 2.5,8"
        ) from None
