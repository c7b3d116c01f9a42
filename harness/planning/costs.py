"""What a sample of a task is expected to cost with a model: tokens, seconds, dollars, and where each figure is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.cost.prices import token_cost
from harness.errors import ConfigError
from harness.planning.budget import Limit, Unit
from harness.planning.earlier import Earlier
from harness.planning.sizes import ModelSize, TaskSize

# Kept of a budget where any figure is no upper bound: answers may be longer than those so far
KEPT_BACK = 0.05


@dataclass(frozen=True, slots=True)
class SampleCost:
    """One sample of a task with a model, all repeats. `bound`: tokens out are the most allowed, no expectation.

    `seconds` and `dollars`: None where they are not known; dollars are 0 for a model on this machine. The texts say
    where tokens and seconds are from.
    """

    model: str
    task: str
    tokens_in: float | None
    tokens_out: float
    bound: bool
    seconds: float | None
    dollars: float | None
    tokens_from: str
    seconds_from: str

    def of(self, unit: Unit) -> float | None:
        """The cost in a unit; None where it is not known."""
        if unit == "dollars":
            return self.dollars
        if unit == "seconds":
            return self.seconds
        return None if self.tokens_in is None else self.tokens_in + self.tokens_out


def sample_costs(
    sizes: Sequence[ModelSize], earlier: Mapping[tuple[str, str], Earlier]
) -> dict[tuple[str, str], SampleCost]:
    """Return the cost of a sample by (model's name, task)."""
    return {(size.name, own.task): _sample_cost(size, own, earlier) for size in sizes for own in size.tasks.values()}


def starts(sizes: Sequence[ModelSize], earlier: Mapping[tuple[str, str], Earlier]) -> dict[str, float]:
    """Return the seconds that a run of each model takes beside its answers: the longest of its earlier runs."""
    return {
        size.name: max((run.start for (model, _), run in earlier.items() if model == size.name), default=0.0)
        for size in sizes
    }


def refuse_unpriced(limit: Limit, sizes: Sequence[ModelSize]) -> None:
    """Raise ConfigError for a budget in dollars where a model on a server has no price, or none is on a server."""
    if limit.unit != "dollars":
        return
    for size in sizes:
        if size.paid and size.price is None:
            raise ConfigError(
                f"--budget {limit.text}: {size.name} has no price for today: name a page of configs/prices with "
                "`price` in the model's page, or --set model.price=NAME for all (`harness cost list` lists the prices)"
            )
    if not any(size.paid for size in sizes):
        names = ", ".join(size.name for size in sizes)
        verb = "run" if len(sizes) > 1 else "runs"
        raise ConfigError(
            f"--budget {limit.text}: {names} {verb} on this machine, which charges no dollars: give a budget of "
            "time (2h) or of tokens ('1.5M tokens')"
        )


def refuse_unknown(
    limit: Limit,
    costs: Mapping[tuple[str, str], SampleCost],
    earlier: Mapping[tuple[str, str], Earlier],
    *,
    tried: int | None = None,
) -> None:
    """Raise ConfigError where a cost is not known in the budget's unit, with how to find out.

    `tried`: the samples of `--try`, which is not advised where it was given.
    """
    unknown = [cost for cost in costs.values() if cost.of(limit.unit) is None]
    if not unknown:
        return
    first = unknown[0]
    more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
    advice = "add --try 16, which runs 16 samples of each task first"
    if tried is not None:
        other = "tokens" if limit.unit == "seconds" else "time"
        advice = f"--try {tried} did not tell it: give --try another number, for a new run, or a budget of {other}"
    if limit.unit == "seconds":
        known = earlier.get((first.model, first.task))
        why = f"the run {known.folder} does not tell: {known.no_time}" if known else "no finished run here tells"
        raise ConfigError(
            f"--budget {limit.text}: how long {first.model} takes for {first.task} is not known{more}: {why}; {advice}"
        )
    raise ConfigError(
        f"--budget {limit.text}: the tokens of {first.model} on {first.task} are not known{more}: its engine counts "
        f"none before a run; {advice}"
    )


def _sample_cost(size: ModelSize, own: TaskSize, earlier: Mapping[tuple[str, str], Earlier]) -> SampleCost:
    mine = earlier.get((size.name, own.task))
    tokens_in, counted = own.tokens_in, "counted"
    if own.estimated and tokens_in is not None:
        counted = "estimated from the text"
    if (tokens_in is None or own.estimated) and mine is not None and mine.tokens_in is not None:
        tokens_in, counted = mine.tokens_in, f"n {mine.n}, {mine.folder}"
    tokens_out, bound, out_from = own.most_out, own.generates, "at most max_tokens: no run of it here"
    if not own.generates:
        out_from = "none are generated"
    elif mine is not None and mine.tokens_out is not None:
        tokens_out, bound, out_from = mine.tokens_out, False, f"n {mine.n}, {mine.folder}"
    dollars: float | None = 0.0
    if size.paid:
        dollars = None
        if size.price is not None and tokens_in is not None:
            dollars = token_cost(size.price, tokens_in, 0, tokens_out)
    seconds = mine.seconds if mine is not None else None
    seconds_from = ""
    if mine is not None and seconds is not None:
        folder, n = mine.time_from
        seconds_from = f"n {n}, {folder}{f' ({mine.caution})' if mine.caution else ''}"
    elif mine is not None:
        seconds_from = f"not known: {mine.no_time} ({mine.folder})"
    return SampleCost(
        size.name,
        own.task,
        tokens_in,
        tokens_out,
        bound,
        seconds,
        dollars,
        f"in: {counted}; out: {out_from}",
        seconds_from,
    )
