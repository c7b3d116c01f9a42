"""For which thresholds a difficulty page saves samples: simulated stops with its figures, and exact ones without.

Both are those of `harness claim power`, for "at least" claims at alpha 5 % about exactly the page's items. Of each
threshold: mean samples with the page divided by those without, for true scores at several distances, and their
geometric mean. A page is used by itself where that mean is below 1 and no distance costs more than COST: the range of
thresholds without a gap around the best one, which `automatic` of the page has. Minutes of one core; reads pages only.

    .venv/bin/python benchmarks/difficulty_ranges.py [PAGE ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from harness.claims.difficulty import Difficulty, difficulty_named
from harness.claims.difficulty_plan import ControlPlan
from harness.claims.sequential_test import TaskTest
from harness.stats.exact_interval import Levels
from harness.stats.exact_stopping import Items, stops
from harness.stats.thresholds import Bar

PAGES = ("gsm8k", "mbpp", "cruxeval_input", "cruxeval_output")
DISTANCES = (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)
BARS = tuple(round(at * 0.05, 2) for at in range(1, 20))
LEVELS = Levels(0.05, 0.05)
# The most that the page may cost at any one distance
COST = 1.05


def ratios(difficulty: Difficulty, threshold: float) -> dict[float, float]:
    """Mean samples with the page / without, by the distance of the true score."""
    figures, page = tuple(difficulty.solved.values()), difficulty.page
    bar = Bar(threshold, size=len(figures))
    control = ControlPlan(page.name, figures, page.slope, page.discrimination, bar, LEVELS)
    rule = TaskTest(bar, len(figures), LEVELS).rule
    found = {}
    for distance in DISTANCES:
        truth = round(threshold + distance, 6)
        if rule is None or not 0.02 <= truth <= 0.98 or (stop := control.stop(truth)) is None:
            continue
        without = stops(rule, Items(round(truth * len(figures)), len(figures))).mean
        found[distance] = stop.mean() / without
    return found


def saves(found: dict[float, float]) -> bool:
    """Whether the page saves on average and costs little anywhere."""
    return bool(found) and mean_of(found) < 1 and max(found.values()) <= COST


def mean_of(found: dict[float, float]) -> float:
    """The geometric mean."""
    return float(np.exp(np.mean(np.log(list(found.values())))))


def range_of(table: dict[float, dict[float, float]]) -> tuple[float, float] | None:
    """The thresholds around the best one for which the page saves; None if there is none."""
    good = [bar for bar, found in table.items() if saves(found)]
    if not good:
        return None
    bars = list(table)
    low = high = bars.index(min(good, key=lambda bar: mean_of(table[bar])))
    while low and saves(table[bars[low - 1]]):
        low -= 1
    while high + 1 < len(bars) and saves(table[bars[high + 1]]):
        high += 1
    return bars[low], bars[high]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", default=list(PAGES), help="names or files of difficulty pages")
    for name in parser.parse_args().pages:
        difficulty = difficulty_named(name)
        print(f"\n{Path(name).stem}\n\n| Threshold | {' | '.join(f'{one:+g}' for one in DISTANCES)} | Mean |")
        print("|--:" * (len(DISTANCES) + 2) + "|")
        table = {}
        for bar in BARS:
            found = table[bar] = ratios(difficulty, bar)
            cells = [f"{found[one]:.2f}" if one in found else "" for one in DISTANCES]
            print(f"| {bar:g} | {' | '.join(cells)} | {mean_of(found):.2f} |", flush=True)
        print(f"\nautomatic: {range_of(table)}", flush=True)


if __name__ == "__main__":
    main()
