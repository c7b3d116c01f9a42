"""What two models really cost on the same tasks: tokens measured in their runs, by the prices of their models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.cost.prices import Price, dated_prices, dearest, price_page
from harness.cost.run_cost import Cost, Usage, task_cost, together, unassigned, usages
from harness.datatypes import Record
from harness.errors import UserError, error_prefix
from harness.store import attempts
from harness.store.manifest import Manifest
from harness.store.repeats import without_repeats
from harness.store.run_folder import read_scores


@dataclass(frozen=True, slots=True)
class RunCost:
    """One run: its answers, all tasks together, under the price of its model. `measured`: every attempt is counted."""

    folder: str
    model: str
    price: Price
    usage: Usage
    cost: Cost
    samples: frozenset[tuple[str, str]]
    measured: bool

    @property
    def per_answer(self) -> float:
        """US dollars."""
        return (self.cost.total or 0.0) / len(self.usage.answers)


def run_cost(folder: str, day: date) -> RunCost:
    """Read a run and price it, by the dearest price of a day.

    Raises UserError for a run without answers, token counts or price, RunFolderError for a folder that is no run.
    """
    return cost_of(folder, *read_scores(Path(folder)), day)


def cost_of(folder: str, manifest: Manifest, records: Sequence[Record], day: date) -> RunCost:
    """Price a run whose records are read already; raises as `run_cost`."""
    sent = without_repeats(attempts.read(Path(folder) / attempts.ATTEMPTS))
    parts = usages(records, sent)
    if not any(part.answers for part in parts):
        raise UserError(f"{folder}: the run has no answers yet")
    name = manifest.config["model"].get("price")
    if not name:
        raise UserError(f"{folder}: its model names no price page; use `harness cost {folder} --price NAME`")
    with error_prefix(f"{folder}: "):
        price = dearest(dated_prices(price_page(name)), day)
    if price is None:
        raise UserError(f"{folder}: the price page {name!r} has no price on {day}; give --on DATE")
    beside = unassigned(records, sent) if len(parts) > 1 else None
    whole = together(manifest.suite_name, parts, *([beside] if beside else []))
    cost = task_cost(whole, price)
    if cost.total is None:
        raise UserError(f"{folder}: tokens were not counted for every answer, so its cost is unknown")
    samples = frozenset((record.request.task, record.request.sample_id) for record in records)
    return RunCost(folder, manifest.model_name, price, whole, cost, samples, bool(sent))


def refuse_other_samples(runs: list[RunCost]) -> None:
    """Raise UserError for runs that are not on the same samples: their costs are no comparison."""
    first = runs[0]
    for run in runs[1:]:
        if different := first.samples ^ run.samples:
            raise UserError(
                f"{first.folder} and {run.folder} are not on the same samples ({len(different)} are in one alone)"
            )
