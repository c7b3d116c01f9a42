"""`harness claim`: sentences about models, and what the evidence says of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.app import App
from harness.cli.run import ENGINE_HELP
from harness.cli.settings import read_settings
from harness.engines import REPLAY_ENGINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.claims.verdict import Verdict
    from harness.config.schema import RunConfig

app = App(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Test what was printed about a model: a sentence goes in, a verdict with its evidence comes out.",
)
Name = Annotated[
    str, typer.Argument(metavar="CLAIM", help="id of a claim, name of a page in configs/claims, or a file")
]
Text = str | None
Json = Annotated[bool, typer.Option("--json", help="as JSON")]


@app.command("list")
def list_claims(json_out: Json = False) -> None:
    """List the claims that come with the harness."""
    import json

    from harness.claims.page import KIND, claim_page
    from harness.config.pages import index

    rows = [(stem, claim) for stem in index(KIND) for claim in claim_page(stem)[0].claims]
    if json_out:
        print(json.dumps([{"page": stem, "id": c.id, "quote": c.quote} for stem, c in rows], indent=2))
        return
    from harness.cli.screen import console
    from harness.report.tables import Column, Row, Table
    from harness.report.terminal import print_table

    columns = (
        Column("Page", number=False),
        Column("Claim", number=False, key=True),
        Column("Sentence", number=False, free=True),
    )
    table = Table("", columns, tuple(Row((stem, claim.id, claim.quote)) for stem, claim in rows))
    print_table(table, console())


@app.command("show")
def show(name: Name, json_out: Json = False) -> None:
    """Show how a sentence is understood: what would be tested, and what it leaves open."""
    import json

    from harness.claims.judge import assumptions, tested_sentence
    from harness.claims.page import find_claims
    from harness.claims.text import claim_lines

    claims = [claim for claim, _ in find_claims(name)]
    if json_out:
        print(
            json.dumps([c.model_dump(mode="json", exclude_defaults=True) for c in claims], indent=2, ensure_ascii=False)
        )
        return
    for at, claim in enumerate(claims):
        print("\n" * bool(at) + "\n".join(claim_lines(claim, tested_sentence(claim), assumptions(claim), width())))


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
        bool, typer.Option("--stand-in", help="judge another model's numbers for themselves; they decide nothing else")
    ] = False,
    allow_protocol: Annotated[
        bool, typer.Option("--allow-protocol", help="take runs that were asked otherwise than the claim says")
    ] = False,
    run: Annotated[
        bool, typer.Option("--run", help="run --model on samples in random order until the claim is settled")
    ] = False,
    model: Annotated[Text, typer.Option(help="with --run: hub id, folder, or a name in configs/models")] = None,
    engine: Annotated[Text, typer.Option(help=f"with --run: {ENGINE_HELP}")] = None,
    completions: Annotated[Text, typer.Option(help=f"with --run: answers for --engine {REPLAY_ENGINE}")] = None,
    out: Annotated[Text, typer.Option(help="with --run: run folder [default: runs/claim-ID-MODEL-HASH]")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="with --run: the most samples to draw")] = None,
    seed: Annotated[int | None, typer.Option(help="with --run: seed of the order and of sampled answers")] = None,
    device: Annotated[Text, typer.Option(help="with --run: auto, cpu, cuda, ...")] = None,
    revision: Annotated[Text, typer.Option(help="with --run: branch, tag or commit of a hub model")] = None,
    mirror: Annotated[Text, typer.Option(envvar="HARNESS_MIRROR", help="folder that stands for the data hub")] = None,
    sandbox: Annotated[Text, typer.Option(help="with --run: auto, namespace, none")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="with --run: any config key")
    ] = None,
    brief: Annotated[bool, typer.Option("--brief", help="one line a claim")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="as Markdown")] = False,
    json_out: Json = False,
) -> None:
    """Check a claim, or all of a page, by published numbers, prices, model configs, and the runs given.

    With --run a model is asked only as many samples as it takes, through the same engine and journal as `harness run`.
    """
    from harness.claims.check import check_claims
    from harness.claims.runs import Given

    show = Shown(name, brief, markdown, json_out)
    words = {"engine": engine, "completions": completions, "out": out, "seed": seed, "device": device}
    words |= {"revision": revision, "mirror": mirror, "sandbox": sandbox}
    if run:
        draw(show, model, words, settings or [], limit=limit, stand_in=stand_in)
        return
    refuse_without_run(model=model, completions=completions, out=out, limit=limit, set=settings)
    given = Given(tuple(runs or ()), tuple(subject or ()), tuple(comparator or ()), stand_in, allow_protocol)
    print_verdicts(check_claims(name, given), show)


@dataclass(frozen=True, slots=True)
class Shown:
    """What was asked for, and how it is printed."""

    name: str
    brief: bool
    markdown: bool
    as_json: bool


def refuse_without_run(**words: object) -> None:
    """Raise UserError for a word that only --run understands."""
    from harness.errors import UserError

    said = [f"--{word}" for word, value in words.items() if value is not None]
    if said:
        raise UserError(f"{', '.join(said)}: goes with --run, which runs a model for the claim")


def draw(
    show: Shown, model: str | None, words: dict[str, Any], settings: list[str], *, limit: int | None, stand_in: bool
) -> None:
    """Run a model for one claim until it is settled; print the verdict and what was spared."""
    from harness.claims.check import check_by_running
    from harness.claims.early_stopping import Order
    from harness.cli.progress import Progress

    config = config_of(show.name, model, words, settings, stand_in=stand_in)
    try:
        with Progress() as progress:
            verdict, walk, result = check_by_running(show.name, config, Order(config.seed, limit), sys.argv, progress)
    except KeyboardInterrupt:
        print("harness: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        raise typer.Exit(130) from None
    print_verdicts([verdict], show)
    if not show.as_json:
        from harness.claims.sequential_test import error_rates

        told = f"Asked {len(result.scored)} of {len(walk.order)} samples and used {walk.used}"
        print(f"\n{told}: {len(walk.order) - len(result.scored)} saved. {error_rates(walk.claim)}.")
        print(f"The answers are kept: {result.folder}")


def config_of(name: str, model: str | None, words: dict[str, Any], settings: list[str], *, stand_in: bool) -> RunConfig:
    """The run that a claim asks for: its tasks and protocol, this model.

    Raises UserError for a claim that cannot be drawn for, or another model than it names unless it may stand in.
    """
    from harness.claims.check import is_subject, one_claim, run_settings, run_tasks
    from harness.claims.early_stopping import DRAWN, refuse_undrawable
    from harness.config.building import run_config, spelled_out
    from harness.errors import UserError

    claim, page = one_claim(name)
    refuse_undrawable(claim)
    tasks = run_tasks(claim, page, model or "")
    said = run_settings(claim, tasks) | spelled_out(words, read_settings(settings))
    config = run_config(model, None, tasks, said, "the command line")
    if not is_subject(claim, config) and not stand_in:
        raise UserError(
            f"{config.model.name} is not {claim.subject.model}, of which {claim.id} speaks, and decides nothing "
            "about it; --stand-in judges its numbers for themselves"
        )
    if is_subject(claim, config) and claim.protocol.prompt is not None and config.model.style == "auto":
        config = config.model_copy(update={"model": config.model.model_copy(update={"style": claim.protocol.prompt})})
    return config.model_copy(update={"suite": config.suite.model_copy(update={"name": f"{DRAWN}{claim.id}"})})


@app.command("power")
def power(
    name: Name,
    markdown: Annotated[bool, typer.Option("--markdown", help="as Markdown")] = False,
    json_out: Json = False,
) -> None:
    """Say how many samples settle a claim, by what the truth may be, and what its benchmark cannot settle."""
    import json
    from dataclasses import asdict

    from harness.claims.check import one_claim
    from harness.claims.power import power_of
    from harness.claims.power_text import power_table
    from harness.cli.screen import console
    from harness.report.markdown import markdown as table_markdown
    from harness.report.terminal import print_table

    found = power_of(*one_claim(name))
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


def print_verdicts(verdicts: Sequence[Verdict], show: Shown) -> None:
    """Print verdicts: the summary where there are several, then each."""
    from harness.claims import text as report

    if show.as_json:
        import json

        print(json.dumps(report.document(verdicts), indent=2, ensure_ascii=False))
        return
    if show.brief or len(verdicts) > 1:
        _summary(verdicts, show)
    for at, verdict in enumerate(verdicts if not show.brief else ()):
        if show.markdown:
            print(report.markdown(verdict))
            continue
        if at or len(verdicts) > 1:
            print("\n" + "-" * width() + "\n")
        print("\n".join(report.text(verdict, width())))


def width() -> int:
    """Cells of a line of text: the terminal's, up to what is pleasant to read."""
    from harness.claims.text import WIDTH
    from harness.cli.screen import console

    page = console()
    return min(WIDTH, page.width) if page.is_terminal else WIDTH


def _summary(verdicts: Sequence[Verdict], show: Shown) -> None:
    from harness.claims.text import summary_table
    from harness.cli.screen import console
    from harness.report.markdown import markdown as table_markdown
    from harness.report.terminal import print_table

    table = summary_table(verdicts, f"{show.name}: {len(verdicts)} claim{'s' if len(verdicts) > 1 else ''}")
    if show.markdown:
        print(table_markdown(table))
    else:
        print_table(table, console())
