"""Where `harness claim power` says that the test by bets stops, against where it stops on answers of real models.

    .venv/bin/python benchmarks/evidence_plan.py DIFFICULTY [--models 8] [--times 400] > table.md

DIFFICULTY: a folder with `cruxeval_output.json` and `cruxeval_input.json` (crux-eval/crux-eval.github.io, MIT): for
each model and item the share of its ten answers that is right. Samples: shares of ten answers (`repeats: 10`), the mean
of both questions on a program (partial credit), right or wrong answers in groups of the two questions on one program,
and differences of two models. Drawn with replacement (a skill), or in random orders (exactly these items). Replays are
fed to the e-processes of `harness claim check --run`, all at once; `tests/unit/stats/test_bets_stop.py` compares them
with the test itself.

A cell is the stop that half of the simulated runs reach, over the median of the replays, for each model and distance of
the bar. *Measured*: with the spread and the correlation within groups of the model's own answers; *default*: without
any option. A minute of one core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.claims.planned_samples import Assumed, PlannedSamples
from harness.stats.bets import GRADED_DIFFERENCES, SCORES, Range
from harness.stats.bets_stop import Groups, Population, Walks, Within, bets_stop, walks_of
from harness.stats.two_model_power import Discordance

ALPHA = 0.05
SETS = ("cruxeval_output", "cruxeval_input")
DISTANCES = (0.05, 0.1, 0.2)


@dataclass(frozen=True)
class Case:
    """Values of one model (or differences of two): a row for each unit; what a plan may assume of them."""

    values: np.ndarray
    of: Range
    measured: Population
    default: Callable[[float], Population]


@dataclass
class Ratios:
    """Forecast over replayed median, with what was measured and by default."""

    measured: list[float] = field(default_factory=list)
    default: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        cells = [name, str(len(self.measured))]
        for ratios in (self.measured, self.default):
            off = np.abs(np.array(ratios) - 1)
            cells += [
                f"{np.median(ratios):.2f}",
                f"{100 * np.median(off):.0f} %",
                f"{100 * np.quantile(off, 0.8):.0f} %",
            ]
        return "| " + " | ".join(cells) + " |"


def icc_of(values: np.ndarray) -> float:
    """The correlation of the two values of a row (Fisher's, about their common mean)."""
    centred = values - values.mean()
    return float(max(0.0, (centred[:, 0] * centred[:, 1]).mean() / (centred**2).mean()))


def one_model(values: np.ndarray, samples: PlannedSamples) -> Case:
    groups = Groups(2.0, 2) if values.shape[1] == 2 else None
    icc = icc_of(values) if groups else 0.0
    measured = Population(float(values.mean()), float(values.std()), SCORES, groups, icc)
    return Case(values, SCORES, measured, samples.score)


def two_models(first: np.ndarray, second: np.ndarray, samples: PlannedSamples) -> Case:
    """`default`: by the two scores, and a correlation of the models' values of 0.5."""
    values = first - second
    groups = Groups(2.0, 2) if values.shape[1] == 2 else None
    icc = icc_of(values) if groups else 0.0
    one, other = float(first.mean()), float(second.mean())
    truth = Discordance(float((values > 0).mean()), float((values < 0).mean()))
    measured = Population(float(values.mean()), float(values.std()), GRADED_DIFFERENCES, groups, icc)
    return Case(values, GRADED_DIFFERENCES, measured, lambda mean: samples.difference((one, other), 0.5, truth))


def replayed(case: Case, bar: float, of_items: bool, times: int, draw: np.random.Generator) -> int:
    """The median number of samples of the replays."""
    units, largest = case.values.shape
    orders = [draw.permutation(units) if of_items else draw.integers(0, units, units) for _ in range(times)]
    sums = case.values.sum(axis=1)[np.array(orders)]
    walks = Walks(sums, np.full(sums.shape, float(largest)), case.of, units if of_items else None, largest)
    return bets_stop(walks, Within(low=bar), ALPHA, ALPHA).half


def forecast(population: Population, bar: float, n: int, of_items: bool) -> int:
    return bets_stop(walks_of(population, n, of_items=of_items), Within(low=bar), ALPHA, ALPHA).half


def cases(folder: Path, most: int, draw: np.random.Generator) -> dict[str, list[Case]]:
    """The cases by kind."""
    tables = []
    for name in SETS:
        page = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        tables.append(dict(zip(page["models"], map(np.array, page["share_of_10_right"]), strict=True)))
    shared = sorted(set(tables[0]) & set(tables[1]))
    picked = [shared[place] for place in draw.permutation(len(shared))[: 2 * most]]
    ten, partial, two = PlannedSamples(10), PlannedSamples(partial=True), Assumed(groups=Groups(2.0, 2))
    grouped = PlannedSamples(in_groups=True, assumed=two)
    shares = {name: tables[place % 2][name][:, None] for place, name in enumerate(picked)}
    means = {name: (tables[0][name] + tables[1][name])[:, None] / 2 for name in picked}
    right = {name: np.array([(table[name] > 0.5).astype(float) for table in tables]).T for name in picked}
    first, second = picked[:most], picked[most:]
    same = {name: tables[0][name][:, None] for name in picked}
    return {
        "ten answers": [one_model(shares[name], ten) for name in first],
        "partial credit": [one_model(means[name], partial) for name in first],
        "groups": [one_model(right[name], grouped) for name in first],
        "two models, ten answers": [two_models(same[a], same[b], ten) for a, b in zip(first, second, strict=True)],
        "two models, groups": [two_models(right[a], right[b], grouped) for a, b in zip(first, second, strict=True)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("difficulty", type=Path)
    parser.add_argument("--models", type=int, default=8)
    parser.add_argument("--times", type=int, default=400, help="replays for each model and bar")
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    heads = (
        "samples",
        "cells",
        "measured: ratio",
        "off, median",
        "off, 80 %",
        "default: ratio",
        "off, median",
        "off, 80 %",
    )
    print(f"| {' | '.join(heads)} |\n|---{'|--:' * 7}|")
    everything = Ratios()
    for kind, found in cases(options.difficulty, options.models, draw).items():
        for about in ("skill", "these items"):
            of_items, ratios = about != "skill", Ratios()
            if of_items and "groups" in kind:
                continue
            for case in found:
                for distance in DISTANCES:
                    mean = float(case.values.mean())
                    bar = mean + float(draw.choice((-distance, distance)))
                    if not case.of.low + 0.03 < bar < case.of.high - 0.03:
                        continue
                    seen = replayed(case, bar, of_items, options.times, draw)
                    ratios.measured.append(forecast(case.measured, bar, case.values.size, of_items) / seen)
                    ratios.default.append(forecast(case.default(mean), bar, case.values.size, of_items) / seen)
            print(ratios.row(f"{kind}, {about}"), flush=True)
            everything.measured += ratios.measured
            everything.default += ratios.default
    print(everything.row("all"))


if __name__ == "__main__":
    main()
