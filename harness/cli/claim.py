"""`harness claim`: published sentences about models, and verdicts on them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from harness.cli.app import App
from harness.cli.claim_draft import draft_claims
from harness.cli.claim_power import power
from harness.cli.completion import claim_names, model_names
from harness.cli.loudness import Loudness, Quiet, Verbose, loudness
from harness.cli.run_options import ENGINE_HELP, with_run_options
from harness.cli.settings import read_settings
from harness.config.options import RunOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.claims.verdict import Verdict
    from harness.config.schema import RunConfig

app = App(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check a published claim about a model: the result is a verdict with its evidence.",
)
Name = Annotated[
    str,
    typer.Argument(
        metavar="CLAIM", autocompletion=claim_names, help="id of a claim, name of a page in configs/claims, or a file"
    ),
]
Text = str | None
Json = Annotated[bool, typer.Option("--json", help="as JSON")]


@app.command("list")
def list_claims(json_out: Json = False) -> None:
    """List the claims in configs/claims."""
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
    """Show how a claim is interpreted: what is tested, and what the sentence leaves open."""
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
@with_run_options(
    after="model",
    names=(
        "engine",
        "endpoint",
        "concurrency",
        "max_cost",
        "max_total_tokens",
        "completions",
        "out",
        "limit",
        "seed",
        "device",
        "revision",
        "mirror",
        "sandbox",
    ),
    help={
        "engine": f"with --run: {ENGINE_HELP['engine']}",
        "endpoint": "with --run: base URL of the server that has the model, or all of them; several with commas",
        "concurrency": "with --run: most requests of each model at once [default: as many as its server bears]",
        "max_cost": "with --run: stop before all models together cost more, all tries together",
        "max_total_tokens": "with --run: stop before all models together took so many tokens, all tries together",
        "completions": f"with --run: {ENGINE_HELP['completions']}",
        "out": "with --run: run folder [default: runs/claim-ID-MODEL-HASH]",
        "limit": "with --run: the most samples to request; a larger one goes on",
        "seed": "with --run: seed of the order and of sampled answers",
        "device": "with --run: auto, cpu, cuda, ...",
        "revision": "with --run: branch, tag or commit of a hub model",
        "sandbox": "with --run: auto, namespace, none",
    },
    least={"limit": 1},
)
def check(
    name: Name,
    runs: Annotated[list[Path] | None, typer.Argument(metavar="[RUN]...", help="run folders")] = None,
    subject: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="a run of the model that the claim is about; with --run the model"),
    ] = None,
    comparator: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="a run of a compared model; with --run the model"),
    ] = None,
    stand_in: Annotated[bool, typer.Option("--stand-in", help="also judge runs of another model, separately")] = False,
    allow_protocol: Annotated[
        bool, typer.Option("--allow-protocol", help="accept runs under another protocol than the claim's")
    ] = False,
    run: Annotated[
        bool, typer.Option("--run", help="run the models on samples in random order until the claim is settled")
    ] = False,
    model: Annotated[
        Text, typer.Option(autocompletion=model_names, help="with --run: hub id, folder, or a name in configs/models")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="with --run: any config key")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="run the models of a plan for this claim (harness plan CLAIM --out FILE) on at most its samples",
        ),
    ] = None,
    brief: Annotated[bool, typer.Option("--brief", help="one line per claim")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="as Markdown")] = False,
    json_out: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    **options: Unpack[RunOptions],
) -> None:
    """Check a claim, or all of a page, by published numbers, prices, model configs, and the given runs.

    With --run the model answers only as many samples as needed, with the same engine and journal as `harness run`.
    """
    from harness.claims.check import check_claims
    from harness.claims.runs import Given

    show = Shown(name, brief, markdown, json_out, loudness(quiet, verbose))
    limit = options.pop("limit", None)
    beforehand: dict[str, Any] = {}
    named = (tuple(map(str, subject or ())), tuple(map(str, comparator or ())))
    if plan is not None:
        from harness.cli.claim_plan import planned_claim, refuse_beside_a_plan

        refuse_beside_a_plan(model=model, subject=subject, comparator=comparator, limit=limit, runs=runs)
        of_plan = planned_claim(name, plan, options, settings or [], show.said)
        run, limit, beforehand = True, of_plan.limit, dict(of_plan.settings)
        if compares(name):
            named = (of_plan.models[:1], of_plan.models[1:])
        else:
            model = of_plan.models[0]
    if run and any(named):
        from harness.cli.claim_pairs import Models, run_pairs_until_settled

        models = Models(model, *named)
        verdict, lines, unscored = run_pairs_until_settled(
            name,
            models,
            options,
            settings or [],
            limit=limit,
            stand_in=stand_in,
            allow_protocol=allow_protocol,
            said=show.said,
            planned=beforehand,
        )
        print_verdicts([verdict], show)
        print("\n" + "\n".join(lines) if not json_out else "", end="" if json_out else "\n")
        if unscored:
            raise typer.Exit(1)
        return
    if run:
        run_until_settled(show, model, options, settings or [], limit=limit, stand_in=stand_in, planned=beforehand)
        return
    idle = ("completions", "out", "endpoint", "concurrency", "max_cost", "max_total_tokens")
    typed = {name.replace("_", "-"): options.get(name) for name in idle}
    refuse_without_run(model=model, limit=limit, set=settings, **typed)
    given = Given(tuple(runs or ()), tuple(subject or ()), tuple(comparator or ()), stand_in, allow_protocol)
    print_verdicts(check_claims(name, given), show)


@dataclass(frozen=True, slots=True)
class Shown:
    """The claim to show, the output format, and how much is said of a run."""

    name: str
    brief: bool
    markdown: bool
    as_json: bool
    said: Loudness


def refuse_without_run(**words: object) -> None:
    """Raise UserError for an option that needs --run."""
    from harness.errors import UserError

    given = [f"--{word}" for word, value in words.items() if value is not None]
    if given:
        raise UserError(f"{', '.join(given)}: needs --run, which runs a model for the claim")


def run_until_settled(
    show: Shown,
    model: str | None,
    options: RunOptions,
    settings: list[str],
    *,
    limit: int | None,
    stand_in: bool,
    planned: Mapping[str, Any],
) -> None:
    """Run a model for one claim until it is settled; print the verdict and the samples saved.

    `planned`: what the run file of a plan sets.
    """
    from harness.claims.check import check_by_running
    from harness.claims.early_stopping import SampleOrder
    from harness.cli.progress import Progress

    config = config_of(show.name, model, options, settings, stand_in=stand_in, planned=planned)
    try:
        with Progress(show.said) as progress:
            verdict, test, result = check_by_running(
                show.name, config, SampleOrder(config.seed, limit), sys.argv, progress
            )
    except KeyboardInterrupt:
        print("harness: interrupted; run the same command again to resume", file=sys.stderr)
        raise typer.Exit(130) from None
    print_verdicts([verdict], show)
    if not show.as_json:
        from harness.claims.sequential_test import error_rates
        from harness.claims.test_choice import samples_of

        ran = samples_of(result.scored)
        counts = f"Ran {ran} of {len(test.order)} samples and used {test.used}"
        rest = f"stopped at the limit of {limit}" if test.at_limit else f"{len(test.order) - ran} saved"
        print(f"\n{counts}: {rest}. {error_rates(test.claim)}.")
        if test.choice_note:
            print(f"Note: {test.choice_note}")
        if test.unscored:
            print(f"{test.unscored} samples are unscored: missing, counted neither for the claim nor against it")
        print(f"Run folder: {result.folder}")
    if any(estimate.unscored for estimate in result.estimates):
        raise typer.Exit(1)


def compares(name: str) -> bool:
    """Whether the one claim of this name is about several models."""
    from harness.claims.check import one_claim

    claim, _ = one_claim(name)
    return claim.threshold is None


def config_of(
    name: str,
    model: str | None,
    options: RunOptions,
    settings: list[str],
    *,
    stand_in: bool,
    planned: Mapping[str, Any],
) -> RunConfig:
    """The run for a claim: its tasks and protocol, this model; `planned` is what the run file of a plan sets.

    Raises UserError for a claim that cannot stop early, or for another model than the claim's without --stand-in.
    """
    from harness.claims.check import is_subject, one_claim, run_settings, run_tasks
    from harness.claims.early_stopping import SUITE_PREFIX, refuse_unless_stoppable
    from harness.config.building import config_keys, run_config
    from harness.errors import UserError

    claim, page = one_claim(name)
    refuse_unless_stoppable(claim)
    tasks = run_tasks(claim, page, model or "")
    overrides = run_settings(claim, tasks) | dict(planned) | config_keys(options, read_settings(settings))
    config = run_config(model, None, tasks, overrides, "the command line")
    if not is_subject(claim, config) and not stand_in:
        raise UserError(
            f"{claim.place}: {config.model.name} is not {claim.subject.model}, which {claim.id} is about, and decides "
            "nothing about it; pass --stand-in to judge it separately"
        )
    if is_subject(claim, config) and claim.protocol.prompt is not None and config.model.style == "auto":
        config = config.model_copy(update={"model": config.model.model_copy(update={"style": claim.protocol.prompt})})
    return config.model_copy(update={"suite": config.suite.model_copy(update={"name": f"{SUITE_PREFIX}{claim.id}"})})


app.command("draft")(draft_claims)
app.command("power")(power)


def print_verdicts(verdicts: Sequence[Verdict], show: Shown) -> None:
    """Print verdicts: the summary if there are several, then each."""
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
    """Cells of a line of text: the terminal's width, at most WIDTH."""
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
