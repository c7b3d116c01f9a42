"""`harness cost RUN`, `harness cost compare`, `harness cost list`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from harness.cli.app import App
from harness.errors import ConfigError, UserError

if TYPE_CHECKING:
    from harness.cost.prices import Price
    from harness.cost.run_cost import Usage
    from harness.cost.savings import Blend, Cell
    from harness.cost.tables import Costed
    from harness.datatypes import Attempt
    from harness.report.tables import Table

OF = "of"
PER_TOKEN = "A price per token is no price per task: multiply by each model's output tokens (harness cost RUN)."


class RunByDefault(TyperGroup):
    """`harness cost RUN` is short for `harness cost of RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Treat a first word that is no command as a run folder, or as one of its options."""
        plain = not args or args[0] in self.commands or args[0] == "--help"
        return super().parse_args(ctx, args if plain else [OF, *args])


app = App(
    cls=RunByDefault,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What a run costs (`harness cost RUN`), and whether one model's tokens are cheaper than another's.",
)
Json = Annotated[bool, typer.Option("--json", help="as JSON")]


@app.command(OF)
def cost_of_run(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="run folder")],
    price: Annotated[
        list[str] | None, typer.Option(help="name in configs/prices, pattern or file; may be given several times")
    ] = None,
    dollars_per_hour: Annotated[float | None, typer.Option(min=0, help="price of the machine while it answers")] = None,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="day of the price [default: the newest]")] = None,
    json_out: Json = False,
) -> None:
    """Show what a run's answers cost: input, cached and output tokens, throughput, $, $ per solved problem."""
    import json

    from harness.cost.run_cost import together, unassigned, usages
    from harness.cost.tables import cost_document, cost_table
    from harness.store import attempts
    from harness.store.repeats import without_repeats
    from harness.store.run_folder import read_scores

    manifest, records = read_scores(Path(folder))
    every = attempts.read(Path(folder) / attempts.ATTEMPTS)
    sent = without_repeats(every)
    parts = usages(records, sent)
    if not parts:
        raise UserError(f"{folder}: the run has no answers yet")
    if len(parts) > 1:
        parts.append(together(manifest.suite_name, parts, unassigned(records, sent)))
    own_price = manifest.config["model"].get("price")
    names = price or ([own_price] if own_price and dollars_per_hour is None else [])
    prices = _in_force(names, _day(on))
    rows, notes = _costed(parts, prices, dollars_per_hour)
    if sent:
        notes.append(_measured(sent))
    if len(every) > len(sent):
        notes.append(f"{len(every) - len(sent)} requests of the repeat check are left out.")
    warnings = _warnings(parts, manifest.status)
    if json_out:
        print(json.dumps(cost_document(rows, folder, warnings), indent=2, ensure_ascii=False))
        return
    title = f"Cost of {manifest.model_name} on {manifest.suite_name}"
    _print(cost_table(rows, title, notes, warnings))


@app.command("compare")
def compare_prices(
    subject: Annotated[
        str, typer.Argument(help="price pages: names, patterns (deepseek-v4*) or files, with commas; or a run folder")
    ],
    comparators: Annotated[list[str], typer.Argument(help="price pages, or run folders, to compare with")],
    cheaper_by: Annotated[
        str | None, typer.Option(metavar="SHARE", help="a saving to test in every cell: 60% or 0.6")
    ] = None,
    blends: Annotated[str, typer.Option(help="input to output tokens; 1:0 is input only")] = "1:1,3:1,10:1",
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="only prices in force on this day [default: all]")
    ] = None,
    json_out: Json = False,
) -> None:
    """Compare prices per token over all dated prices, hours and blends: which cells pass a threshold, which fail.

    Of run folders: what an answer and a solved problem really cost, by measured tokens and their models' prices.
    """
    import json

    if any((Path(name) / "manifest.json").is_file() for name in (subject, *comparators)):
        _compare_runs([subject, *comparators], None if cheaper_by is None else _share(cheaper_by), on, as_json=json_out)
        return

    from harness.cost.prices import dated_prices, price_pages
    from harness.cost.savings import cells
    from harness.cost.tables import saving_table

    threshold = None if cheaper_by is None else _share(cheaper_by)
    day = _day(on)
    ours, theirs = (
        [row for page in price_pages(names) for row in dated_prices(page) if day is None or row.in_force(day)]
        for names in ([one.strip() for one in subject.split(",") if one.strip()], comparators)
    )
    found = cells(ours, theirs, _blends(blends))
    if not found:
        raise UserError(f"no price of {subject} and of {', '.join(comparators)} was on offer at the same time")
    if json_out:
        print(json.dumps(_comparison(found, threshold), indent=2, ensure_ascii=False))
        return
    notes = [*_summary(found, threshold), PER_TOKEN]
    _print(saving_table(found, threshold, notes))


def _compare_runs(folders: list[str], threshold: Any, on: str | None, *, as_json: bool) -> None:
    """Print what the answers of each run cost, the first one against the others."""
    import json

    from harness.cost.compared_runs import refuse_other_samples, run_cost
    from harness.cost.tables import run_cost_rows, run_cost_table

    runs = [run_cost(folder, _day(on) or date.today()) for folder in folders]
    refuse_other_samples(runs)
    if as_json:
        print(json.dumps({"runs": run_cost_rows(runs, threshold)}, indent=2, ensure_ascii=False))
    else:
        _print(run_cost_table(runs, threshold))


@app.command("list")
def list_prices() -> None:
    """List the price tables that ship with the harness: dates, hours, sources."""
    from harness.cost.prices import dated_prices, price_pages
    from harness.cost.savings import Blend
    from harness.cost.tables import price_table

    rows = [
        (price, Blend(3, 1).of(price), row.seen.isoformat(), row.source)
        for page in price_pages(["*"])
        for price, row in zip(dated_prices(page), page.prices, strict=True)
    ]
    _print(price_table(rows))


def _print(table: Table) -> None:
    from harness.cli.screen import console
    from harness.report.terminal import print_table

    print_table(table, console())


def _in_force(names: list[str], day: date | None) -> list[Price]:
    """The prices of a day, or those that have not ended. Raises UserError for a page without one."""
    from harness.cost.prices import dated_prices, price_pages

    found = []
    for page in price_pages(names):
        own = [one for one in dated_prices(page) if (one.in_force(day) if day else one.until is None)]
        if not own:
            when = f"on {day}" if day else "that has not ended (give --on DATE)"
            raise UserError(f"the price page {page.name!r} has no price {when}")
        found += own
    return found


def _costed(parts: list[Usage], prices: list[Price], dollars_per_hour: float | None) -> tuple[list[Costed], list[str]]:
    from harness.cost.run_cost import dollars_per_million, hourly_cost, task_cost
    from harness.cost.tables import Costed, day, dollars

    rows, notes = [], ["In, Cached and Out are tokens of one answer; Solved counts answers of full score."]
    labels = [f"{price.name} {day(price)}" + _hours(price) for price in prices]
    for part in parts:
        overall = len(parts) > 1 and part is parts[-1]
        costs: list[Costed] = [
            Costed(part, label, task_cost(part, price), overall) for label, price in zip(labels, prices, strict=True)
        ]
        if dollars_per_hour is not None:
            costs.append(Costed(part, f"${dollars_per_hour:g}/h", hourly_cost(part, dollars_per_hour), overall))
        rows += costs or [Costed(part, "", None, overall)]
    if prices:
        notes.append("Tokens are of this run's tokenizer and cache; with another model all three counts differ.")
        if without := [price.name for price in prices if price.cached is None]:
            notes.append(f"No price for cached tokens is known of {', '.join(dict.fromkeys(without))}: full price.")
    if dollars_per_hour is not None:
        pace = parts[-1].tokens_per_second
        per_million = "unknown" if pace is None else f"${dollars(dollars_per_million(dollars_per_hour, pace))}"
        notes.append(
            f"By the hour, a million output tokens cost {per_million} at this throughput; idle time is not priced."
        )
    if any(row.cost and row.cost.high is not None for row in rows):
        notes.append(
            "95 % interval: of $ per solved, by the errors of cost and score; inf where the share solved may be 0."
        )
    if not prices and dollars_per_hour is None:
        notes.append("Give --price NAME (harness cost list) or --dollars-per-hour X to see dollars.")
    return rows, notes


def _measured(sent: list[Attempt]) -> str:
    """How the tokens of a run that asked a server were counted."""
    lost = sum(not attempt.kept and bool(attempt.key) for attempt in sent)
    probe = sum(not attempt.key for attempt in sent)
    reasoning = sum(attempt.reasoning_tokens for attempt in sent)
    guessed = sum(attempt.estimated for attempt in sent)
    return (
        f"Measured on {len(sent)} requests as the server counted, {probe} of the start probe and {lost} thrown away "
        f"included; {reasoning:,} of the output tokens are reasoning"
        + (f"; of {guessed} requests the tokens are our own count." if guessed else ".")
    )


def _warnings(parts: list[Usage], status: str) -> list[str]:
    """Warnings about the figures."""
    found = [] if status == "finished" else [f"the run is {status}: these are the answers so far"]
    for part in parts[: max(1, len(parts) - 1)]:
        if not part.counted:
            found.append(f"{part.task}: tokens were not counted for every answer, so its cost is unknown")
        if part.seconds is None:
            found.append(f"{part.task}: not every answer was timed, so throughput and cost by the hour are unknown")
        unscored = sum(one.solved is None for one in part.answers)
        if unscored and part.solved is not None:
            found.append(f"{part.task}: {unscored} answers are unscored; they cost money and count as not solved")
        if part.refused:
            found.append(f"{part.task}: {part.refused} requests were never answered; they cost nothing here")
    return found


def _summary(found: list[Cell], threshold: Any) -> list[str]:
    from harness.cost.savings import settle
    from harness.cost.tables import percent

    savings = [cell.saving for cell in found]
    lines = [f"Savings go from {percent(min(savings), threshold)} % to {percent(max(savings), threshold)} %."]
    if threshold is None:
        return lines
    passing = sum(cell.cheaper_by(threshold) for cell in found)
    verdict = {
        "supported": "supported: it holds in every cell",
        "refuted": "refuted: it holds in no cell",
        "depends": "inconclusive: it depends on variant, comparator, date, hours or blend",
    }[settle(found, threshold)]
    return [*lines, f"{percent(threshold)} % cheaper in {passing} of {len(found)} cells. {verdict.capitalize()}."]


def _comparison(found: list[Cell], threshold: Any) -> dict[str, Any]:
    from harness.cost.savings import settle

    def dated(price: Price) -> dict[str, Any]:
        since = price.since.isoformat() if price.since else None
        return {"name": price.name, "since": since, "hours": price.hours}

    return {
        "threshold": None if threshold is None else float(threshold),
        "verdict": None if threshold is None else settle(found, threshold),
        "cells": [
            {
                "subject": dated(cell.subject),
                "comparator": dated(cell.comparator),
                "blend": cell.blend.label,
                "saving": float(cell.saving),
                "passes": None if threshold is None else cell.cheaper_by(threshold),
            }
            for cell in found
        ],
    }


def _hours(price: Price) -> str:
    return "" if price.hours == "all" else f" {price.hours.replace('_', '-')}"


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--on {text}: not a day; write it as 2026-04-24") from None


def _share(text: str) -> Any:
    """`60%` or `0.6` as an exact fraction."""
    from fractions import Fraction

    number = text.strip().removesuffix("%")
    try:
        share = Fraction(number) / (100 if text.strip().endswith("%") else 1)
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share < 1:
        raise ConfigError(f"--cheaper-by {text}: expected a share such as 60% or 0.6")
    return share


def _blends(text: str) -> list[Blend]:
    from harness.cost.savings import Blend

    found = []
    for one in text.split(","):
        read, colon, written = one.strip().partition(":")
        try:
            if not colon:
                raise ValueError
            found.append(Blend(int(read), int(written)))
        except ValueError:
            raise ConfigError(f"--blends {text}: expected input to output tokens, as in 1:1,3:1,10:1") from None
    return list(dict.fromkeys(found))
