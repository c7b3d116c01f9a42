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
    from harness.cost.cost import Blend, Cell, Price, Usage
    from harness.cost.tables import Costed
    from harness.report.tables import Table

OF = "of"
PER_TOKEN = "A price per token is no price per task: multiply by the tokens that each model writes (harness cost RUN)."


class RunByDefault(TyperGroup):
    """`harness cost RUN` is short for `harness cost of RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take a first word that is no command for a run folder, or for one of its options."""
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
    dollars_per_hour: Annotated[
        float | None, typer.Option(min=0, help="what the machine costs while it answers")
    ] = None,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="day of the price [default: the newest]")] = None,
    json_out: Json = False,
) -> None:
    """Say what a run's answers cost: tokens read, cached and written, pace, dollars, dollars per solved problem."""
    import json

    from harness.cost.cost import together, usages
    from harness.cost.tables import cost_document, cost_table
    from harness.store.run_folder import read_scores

    manifest, records = read_scores(Path(folder))
    parts = usages(records)
    if not parts:
        raise UserError(f"{folder}: the run has no answers yet")
    if len(parts) > 1:
        parts.append(together(manifest.suite_name, parts))
    prices = _in_force(price or [], _day(on))
    rows, notes = _costed(parts, prices, dollars_per_hour)
    warnings = _warnings(parts, manifest.status)
    if json_out:
        print(json.dumps(cost_document(rows, folder, warnings), indent=2, ensure_ascii=False))
        return
    title = f"Cost of {manifest.model_name} on {manifest.suite_name}"
    _print(cost_table(rows, title, notes, warnings))


@app.command("compare")
def compare_prices(
    subject: Annotated[str, typer.Argument(help="price pages: names, patterns (deepseek-v4*) or files, with commas")],
    comparators: Annotated[list[str], typer.Argument(help="price pages to compare with")],
    cheaper_by: Annotated[
        str | None, typer.Option(metavar="SHARE", help="a saving to test in every cell: 60% or 0.6")
    ] = None,
    blends: Annotated[str, typer.Option(help="tokens read to tokens written; 1:0 is input only")] = "1:1,3:1,10:1",
    on: Annotated[
        str | None, typer.Option(metavar="DATE", help="only prices in force on this day [default: all]")
    ] = None,
    json_out: Json = False,
) -> None:
    """Compare prices per token over all dated prices, hours and blends: which cells pass a threshold, which fail."""
    import json

    from harness.cost.cost import cells, dated_prices
    from harness.cost.prices import price_pages
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


@app.command("list")
def list_prices() -> None:
    """List the price tables that ship with the harness: since when, at what hours, who says so."""
    from harness.cost.cost import Blend, dated_prices
    from harness.cost.prices import price_pages
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
    from harness.cost.cost import dated_prices
    from harness.cost.prices import price_pages

    found = []
    for page in price_pages(names):
        own = [one for one in dated_prices(page) if (one.in_force(day) if day else one.until is None)]
        if not own:
            when = f"on {day}" if day else "that has not ended (give --on DATE)"
            raise UserError(f"the price page {page.name!r} has no price {when}")
        found += own
    return found


def _costed(parts: list[Usage], prices: list[Price], dollars_per_hour: float | None) -> tuple[list[Costed], list[str]]:
    from harness.cost.cost import dollars_per_million, hourly_cost, task_cost
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
        notes.append(
            "Tokens are those of this run's tokenizer and cache; another model cuts, caches and answers otherwise."
        )
        if without := [price.name for price in prices if price.cached is None]:
            notes.append(f"No price for cached tokens is known of {', '.join(dict.fromkeys(without))}: full price.")
    if dollars_per_hour is not None:
        pace = parts[-1].tokens_per_second
        per_million = "unknown" if pace is None else f"${dollars(dollars_per_million(dollars_per_hour, pace))}"
        notes.append(f"By the hour, a million written tokens cost {per_million} at this run's pace; idle time is free.")
    if any(row.cost and row.cost.high is not None for row in rows):
        notes.append("95 % interval: of the cost and of the score together; inf where none may be solved.")
    if not prices and dollars_per_hour is None:
        notes.append("Give --price NAME (harness cost list) or --dollars-per-hour X to see dollars.")
    return rows, notes


def _warnings(parts: list[Usage], status: str) -> list[str]:
    """What a reader must know before trusting a figure."""
    found = [] if status == "finished" else [f"the run is {status}: these are the answers so far"]
    for part in parts[: max(1, len(parts) - 1)]:
        if not part.counted:
            found.append(f"{part.task}: tokens were not counted for every answer, so its cost is unknown")
        if part.seconds is None:
            found.append(f"{part.task}: not every answer was timed, so its pace and its cost by the hour are unknown")
        unscored = sum(one.solved is None for one in part.answers)
        if unscored and part.solved is not None:
            found.append(f"{part.task}: {unscored} answers are unscored; they are paid for and not solved")
        if part.refused:
            found.append(f"{part.task}: {part.refused} requests were never answered; they cost nothing here")
    return found


def _summary(found: list[Cell], threshold: Any) -> list[str]:
    from harness.cost.cost import settle
    from harness.cost.tables import percent

    savings = [cell.saving for cell in found]
    said = [f"Savings go from {percent(min(savings), threshold)} % to {percent(max(savings), threshold)} %."]
    if threshold is None:
        return said
    passing = sum(cell.cheaper_by(threshold) for cell in found)
    verdict = {
        "supported": "supported: it holds in every cell",
        "refuted": "refuted: it holds in no cell",
        "depends": "inconclusive: it depends on variant, comparator, date, hours or blend",
    }[settle(found, threshold)]
    return [*said, f"{percent(threshold)} % cheaper in {passing} of {len(found)} cells. {verdict.capitalize()}."]


def _comparison(found: list[Cell], threshold: Any) -> dict[str, Any]:
    from harness.cost.cost import settle

    def told(price: Price) -> dict[str, Any]:
        since = price.since.isoformat() if price.since else None
        return {"name": price.name, "since": since, "hours": price.hours}

    return {
        "threshold": None if threshold is None else float(threshold),
        "verdict": None if threshold is None else settle(found, threshold),
        "cells": [
            {
                "subject": told(cell.subject),
                "comparator": told(cell.comparator),
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
    from harness.cost.cost import Blend

    found = []
    for one in text.split(","):
        read, colon, written = one.strip().partition(":")
        try:
            if not colon:
                raise ValueError
            found.append(Blend(int(read), int(written)))
        except ValueError:
            raise ConfigError(f"--blends {text}: expected tokens read to tokens written, as in 1:1,3:1,10:1") from None
    return list(dict.fromkeys(found))
