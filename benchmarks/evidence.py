"""How many samples settle a claim of one score: today's rule, the earlier one, an oracle, and a fixed number.

Replays answers of real models (`../shared/recorded`, the CRUXEval matrices of `../shared/difficulty`) and of models
simulated from the shares of models that solved each item, in random orders, for thresholds at given distances from the
true score. The oracle is the sequential probability ratio test of Wald (1945) that knows the true score; it errs with
5 % on either side and stops at the last sample. Prints Markdown; two to five minutes of one core.

    .venv/bin/python benchmarks/evidence.py --shared ../shared > evidence.md
"""

from __future__ import annotations

import argparse
import functools
import gzip
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.special import betainc, betaln, gammaln

from harness.stats.exact_stopping import Items, Rule, Share, items_rule, skill_rule, stops
from harness.stats.power import normal_size
from harness.stats.proportions import clopper_pearson_upper
from harness.stats.sequential import log_finite_mixture

ALPHA = 0.05
DISTANCES = (0.02, 0.05, 0.1, 0.2, 0.3)
NEVER = 10**9
# What each record of a set is called, and whether its models come from its file name or its own column
RECORDED = {
    "gsm8k": "GSM8K",
    "math.gsm8k": "GSM8K",
    "math.svamp": "SVAMP",
    "math.mathematics": "Mathematics",
    "humaneval": "HumanEval",
    "mbpp": "MBPP",
}
RULES = ("earlier", "now", "oracle")


@dataclass(frozen=True)
class Model:
    """One model's answers on a set, 0 or 1."""

    task: str
    name: str
    answers: np.ndarray


@dataclass
class Cell:
    """Replays of one set at one distance: samples by rule, verdicts of the rule now, and the fixed n."""

    used: dict[str, list[np.ndarray]] = field(default_factory=lambda: {rule: [] for rule in RULES})
    wrong: int = 0
    undecided: int = 0
    fixed: list[float] = field(default_factory=list)
    forecast: list[float] = field(default_factory=list)

    def samples(self, rule: str) -> np.ndarray:
        return np.concatenate(self.used[rule])


def recorded(folder: Path) -> Iterator[Model]:
    """Models with at least 100 recorded items of a set: the first answer to each."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        task = next((shown for stem, shown in RECORDED.items() if path.name.startswith(f"{stem}.")), None)
        if task is None:
            continue
        models: dict[str, dict[str, float]] = {}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                models.setdefault(row["model"], {}).setdefault(str(row["sample_id"]), float(bool(row["verdict"])))
        for name, answers in models.items():
            if len(answers) >= 100 and 0 < sum(answers.values()) < len(answers):
                yield Model(task, name, np.array(list(answers.values()), dtype=int))


def of_matrix(path: Path, draw: np.random.Generator, most: int) -> Iterator[Model]:
    """One answer of each model of a CRUXEval matrix, whose cells are shares of ten answers."""
    found = json.loads(path.read_text(encoding="utf-8"))
    picked = np.linspace(0, len(found["models"]) - 1, most).round().astype(int)
    order = np.argsort([np.mean(row) for row in found["share_of_10_right"]])
    for at in order[picked]:
        shares = np.array(found["share_of_10_right"][at])
        task = "CRUXEval-I" if "input" in path.name else "CRUXEval-O"
        yield Model(task, found["models"][at], (draw.random(len(shares)) < shares).astype(int))


def simulated(path: Path, task: str, draw: np.random.Generator) -> Iterator[Model]:
    """Models of five abilities: the logit of each item's share of models that solved it, plus a shift (Rasch 1960)."""
    solved = json.loads(path.read_text(encoding="utf-8"))["solved_by"]
    shares = np.array(list(solved.values()) if isinstance(solved, dict) else solved)
    logit = np.log((shares + 0.05) / (1.05 - shares))
    for score in (0.3, 0.5, 0.7, 0.85, 0.95):
        low, high = -15.0, 15.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if np.mean(1 / (1 + np.exp(-logit - middle))) < score else (low, middle)
        chances = 1 / (1 + np.exp(-logit - low))
        yield Model(task, f"simulated at {score:g}", (draw.random(len(chances)) < chances).astype(int))


@functools.cache
def earlier_skill(threshold: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The earlier rule's counts: a uniform mixture at 2.5 %, and at the end an exact test at 2.5 %."""

    def lowest(p0: float) -> np.ndarray:
        n = np.arange(size + 1)
        low, high = np.full(size + 1, -1.0), n + 0.0
        for _ in range(math.ceil(math.log2(size + 2)) + 1):
            middle = np.floor((low + high + 1) / 2)
            inside = np.maximum(betainc(middle + 1, n - middle + 1, p0), 1e-300)
            level = betaln(middle + 1, n - middle + 1) + np.log(inside) - math.log(p0)
            level -= middle * math.log(p0) + (n - middle) * math.log1p(-p0)
            reached = level >= -math.log(ALPHA / 2)
            low, high = np.where(reached, middle, low), np.where(reached, high, middle - 1)
        counts = np.arange(size)
        low[size] = max(low[size], np.sum(betainc(size - counts, counts + 1, 1 - p0) <= ALPHA / 2) - 1)
        low[0] = -1
        return low

    return lowest(threshold), np.arange(size + 1) - lowest(1 - threshold)


@functools.cache
def earlier_items(needed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The earlier rule's counts for exactly these items: a uniform mixture at 5 %, and certainty."""

    def lowest(must: int) -> np.ndarray:
        counts = [-1]
        for n in range(1, size + 1):
            # It grows by at most one with each item
            more = counts[-1] + 1
            counts.append(more if log_finite_mixture(more, n - more, must, size) >= -math.log(ALPHA) else counts[-1])
        return np.array(counts)

    return lowest(needed), np.arange(size + 1) - lowest(size - needed + 1)


def counts_of(rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """A rule as arrays: refuted at or below the first, supported at or above the second."""
    return np.array(rule.refuting.most), np.arange(rule.looks + 1) - np.array(rule.supporting.most)


def stop_at(ended: np.ndarray) -> np.ndarray:
    """Samples at the first true of each row; all if none is."""
    return np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, ended.shape[1])


def replay_counts(rights: np.ndarray, counts: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Samples of each replay, and its verdict: -1 refuted, 1 supported, 0 open."""
    below, above = rights <= counts[0][1:], rights >= counts[1][1:]
    used = stop_at(below | above)
    at = np.arange(len(used)), used - 1
    return used, above[at].astype(int) - below[at].astype(int)


def oracle(rights: np.ndarray, null: float, truth: float, size: int | None) -> np.ndarray:
    """Samples of Wald's test of the true score v the nearest one at which the verdict is wrong.

    Without `size` both are probabilities, with it counts of solved items.
    """
    n = np.arange(1, rights.shape[1] + 1)
    if size is None:
        odds = rights * math.log(truth / null) + (n - rights) * math.log((1 - truth) / (1 - null))
    else:
        odds = _log_order(truth, rights, n, size) - _log_order(null, rights, n, size)
    return stop_at(np.abs(odds) >= math.log((1 - ALPHA) / ALPHA))


def _log_order(solved: float, rights: np.ndarray, n: np.ndarray, size: int) -> np.ndarray:
    left, wrong = solved - rights, size - solved - (n - rights)
    possible = (left >= 0) & (wrong >= 0)
    left, wrong = np.maximum(left, 0), np.maximum(wrong, 0)
    logs = gammaln(size - n + 1) - gammaln(left + 1) - gammaln(wrong + 1)
    logs -= gammaln(size + 1) - gammaln(solved + 1) - gammaln(size - solved + 1)
    return np.where(possible, logs, -1e9)


def replay(model: Model, distance: float, about: str, draws: tuple[np.random.Generator, int], cell: Cell) -> bool:
    """Replay one model for the threshold so far above (or below) its score. False where there is no such threshold."""
    draw, times = draws
    size, solved = len(model.answers), int(model.answers.sum())
    truth = solved / size
    bar = round(truth + distance, 6)
    if not 0.02 <= bar <= 0.98:
        return False
    refutes = distance > 0
    if about == "skill":
        # The set is the population: drawn with replacement
        answers = model.answers[draw.integers(0, size, (times, size))]
        rule, earlier = skill_rule(bar, size, ALPHA, ALPHA), earlier_skill(bar, size)
        null, known, of = bar, truth, None
        expected = stops(rule, Share(truth))
    else:
        answers = draw.permuted(np.tile(model.answers, (times, 1)), axis=1)
        needed = math.ceil(bar * size - 1e-9)
        if (solved < needed) != refutes:
            return False
        rule, earlier = items_rule(needed, size, size, ALPHA, ALPHA), earlier_items(needed, size)
        null, known, of = needed - (not refutes), solved, size
        expected = stops(rule, Items(solved, size))
    rights = np.cumsum(answers, axis=1)
    used, verdicts = replay_counts(rights, counts_of(rule))
    cell.used["now"].append(used)
    cell.used["earlier"].append(replay_counts(rights, earlier)[0])
    cell.used["oracle"].append(oracle(rights, null, known, of))
    cell.wrong += int(np.sum(verdicts == (1 if refutes else -1)))
    cell.undecided += int(np.sum(verdicts == 0))
    fixed = normal_size(bar, truth, ALPHA, 1 - ALPHA)
    cell.fixed.append(min(size, fixed if of is None else fixed / (1 + (fixed - 1) / size)))
    cell.forecast.append(expected.quantile(0.5) / float(np.median(used)))
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--times", type=int, default=40, help="random orders of each model and threshold")
    parser.add_argument("--models", type=int, default=8, help="models of each CRUXEval matrix")
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    difficulty = options.shared / "difficulty"
    models = [*recorded(options.shared / "recorded")]
    for stem, task in (("gsm8k", "GSM8K"), ("humaneval", "HumanEval"), ("mbpp", "MBPP")):
        models += simulated(difficulty / f"{stem}.json", task, draw)
    for stem in ("cruxeval_input", "cruxeval_output"):
        models += of_matrix(difficulty / f"{stem}.json", draw, options.models)
    cells: dict[tuple[str, str, float], Cell] = {}
    for about in ("skill", "benchmark"):
        for model in models:
            for distance in (sign * far for far in DISTANCES for sign in (1, -1)):
                cell = cells.setdefault((about, model.task, abs(distance)), Cell())
                replay(model, distance, about, (draw, options.times), cell)
            print(f"{about} {model.task} {model.name}: done", file=sys.stderr)
    print(table(cells))


def table(cells: dict[tuple[str, str, float], Cell]) -> str:
    """All cells as Markdown, and what the bars of the issue are about."""
    lines = [
        "| Claim about | Set | Distance | Replays | Earlier | Now | Oracle | Fixed n | Now / oracle | Now / earlier "
        "| Wrong | Open |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    kept = {key: cell for key, cell in cells.items() if cell.used["now"]}
    worst, behind = 0.0, 0.0
    for (about, task, distance), cell in kept.items():
        samples = {rule: cell.samples(rule) for rule in RULES}
        middle, mean = ({rule: float(f(samples[rule])) for rule in RULES} for f in (np.median, np.mean))
        ratios = [(of["now"] / of["oracle"], of["now"] / of["earlier"]) for of in (middle, mean)]
        worst, behind = max(worst, *(one[0] for one in ratios)), max(behind, *(one[1] for one in ratios))
        n = len(samples["now"])
        lines.append(
            f"| {about} | {task} | {distance:g} | {n} | {middle['earlier']:.0f} ({mean['earlier']:.0f}) "
            f"| {middle['now']:.0f} ({mean['now']:.0f}) | {middle['oracle']:.0f} ({mean['oracle']:.0f}) "
            f"| {np.median(cell.fixed):.0f} | {ratios[0][0]:.2f} ({ratios[1][0]:.2f}) "
            f"| {ratios[0][1]:.2f} ({ratios[1][1]:.2f}) | {cell.wrong} | {100 * cell.undecided / n:.0f} % |"
        )
    for about in ("skill", "benchmark"):
        of = [cell for key, cell in kept.items() if key[0] == about]
        n, wrong = sum(len(cell.samples("now")) for cell in of), sum(cell.wrong for cell in of)
        off = np.median([abs(one - 1) for cell in of for one in cell.forecast])
        lines.append(
            f"\n{about}: {wrong} of {n} verdicts wrong, {100 * wrong / n:.2f} %, at most "
            f"{100 * clopper_pearson_upper(wrong, n, 0.95):.2f} % (Clopper-Pearson, 95 %); `claim power` is off by "
            f"{100 * off:.0f} % (median)."
        )
    lines.append(f"\nLargest ratio to the oracle {worst:.2f}, to the earlier rule {behind:.2f} (medians and means).")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
