"""What the difficulty of items saves: the test with a control variate against the exact rule, on recorded real models.

For claims about exactly these items, on all sets of `configs/difficulty` with recorded answers. The figures know
nothing of the model that is replayed: on CRUXEval they are the mean of models of other families, elsewhere the model's
own verdicts are taken out of the published shares (HumanEval's still have other runs of GPT-3.5 and GPT-4, its replays
of these are optimistic). Each model, threshold and random order is replayed by the exact rule, by the test that knows
the figures, by the same test with shuffled ones, and by Wald's oracle. Prints Markdown; some minutes of one core.

    .venv/bin/python benchmarks/evidence_difficulty.py --shared ../shared > difficulty.md
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from evidence import ALPHA, counts_of, oracle, replay_counts

from harness.claims.difficulty import DifficultyPage, difficulty_page
from harness.stats.control_variate import known_of
from harness.stats.control_variate_stop import Answers, Stopped, simulated, stopped
from harness.stats.exact_interval import Levels
from harness.stats.exact_stopping import items_rule
from harness.stats.proportions import clopper_pearson_upper

DISTANCES = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3)
RULES = ("exact", "difficulty", "shuffled", "oracle")
SHOWN = {
    "gsm8k": "GSM8K",
    "humaneval": "HumanEval",
    "mbpp": "MBPP",
    "cruxeval_output": "CRUXEval-O",
    "cruxeval_input": "CRUXEval-I",
}
# Recorded models whose verdicts are part of the published shares
INSIDE = {
    "gsm8k": ("6b_finetuning", "175b_verification"),
    "mbpp": ("seed-codellama-seed", "seed-starcoder-seed", "mbpp-gpt-3.5-turbo-0613-results"),
    "humaneval": (
        "seed-codellama-seed",
        "seed-starcoder-seed",
        "seed-gpt-4-1106-preview-seed",
        "root-simple_test_run-simple_1_gpt-4_pass_at_k_1",
    ),
}
LEAST_ITEMS = 100
# Simulated sequences of a forecast: a third of what `claim power` takes
FORECASTS = 40


@dataclass(frozen=True)
class Subject:
    """One model's answers on a set, 0 or 1, and what is known of the items without it, shape (items,)."""

    task: str
    name: str
    answers: np.ndarray
    figures: np.ndarray


@dataclass
class Cell:
    """Replays of one set at one distance: samples by rule, and verdicts of the test that knows the figures."""

    used: dict[str, list[np.ndarray]] = field(default_factory=lambda: {rule: [] for rule in RULES})
    wrong: int = 0
    wrong_shuffled: int = 0
    forecast: list[float] = field(default_factory=list)


def family(model: str) -> str:
    """The maker's series that a model's name begins with."""
    found = re.match(r"[a-z]+", model)
    name = found.group() if found else model
    return {"mixtral": "mistral", "codetulu": "codellama", "phind": "codellama", "wizard": "codellama"}.get(name, name)


def subjects(shared: Path, models: int, draw: np.random.Generator) -> Iterator[Subject]:
    """All recorded models, and so many of each CRUXEval matrix, from weak to strong."""
    for task in ("gsm8k", "mbpp", "humaneval"):
        for name, answers in recorded(shared / "recorded", task).items():
            kept = json.loads((shared / "difficulty" / f"{task}.json").read_text(encoding="utf-8"))
            yield without(task, name, answers, kept)
    for task in ("cruxeval_output", "cruxeval_input"):
        kept = json.loads((shared / "difficulty" / f"{task}.json").read_text(encoding="utf-8"))
        shares, families = np.array(kept["share_of_10_right"]), [family(name) for name in kept["models"]]
        order = np.argsort(shares.mean(axis=1))
        for at in order[np.linspace(0, len(order) - 1, models).round().astype(int)]:
            others = [place for place, name in enumerate(families) if name != families[at]]
            answers = (draw.random(shares.shape[1]) < shares[at]).astype(float)
            yield Subject(task, kept["models"][at], answers, shares[others].mean(axis=0))


def recorded(folder: Path, task: str) -> dict[str, dict[str, float]]:
    """The first verdict on each item, by model and sample id; of models with LEAST_ITEMS."""
    models: dict[str, dict[str, float]] = {}
    for path in sorted(folder.glob(f"{task}.*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                models.setdefault(row["model"], {}).setdefault(str(row["sample_id"]), float(bool(row["verdict"])))
    return {name: answers for name, answers in models.items() if len(answers) >= LEAST_ITEMS}


def without(task: str, name: str, answers: dict[str, float], kept: dict) -> Subject:
    """A recorded model with the published shares of the others; an item without a share gets their mean."""
    solved = kept["solved_by"]
    shares = solved if isinstance(solved, dict) else {str(at): share for at, share in enumerate(solved)}
    right = np.array(list(answers.values()))
    figures = np.array([shares.get(item, math.nan) for item in answers])
    if name in INSIDE[task]:
        models = np.full(len(figures), len(kept["models"]))
        if task == "humaneval":
            # One of the eight was run on the hardest 50 only
            models = np.where(np.abs(figures * 7 - np.round(figures * 7)) < 0.01, 7, 8)
        figures = np.clip((np.round(figures * models) - right) / (models - 1), 0, 1)
    return Subject(task, name, right, np.where(np.isnan(figures), np.nanmean(figures), figures))


def slope_of(subject: Subject) -> float:
    """The least-squares slope of the answers on the figures."""
    return float(np.cov(subject.answers, subject.figures)[0, 1] / subject.figures.var(ddof=1))


def replay(
    subject: Subject, distance: float, page: DifficultyPage, draws: tuple[np.random.Generator, int], cell: Cell
) -> None:
    """Replay one model for the threshold so far above (or below) its score, if there is one."""
    slope, (draw, times) = page.slope, draws
    size, solved = len(subject.answers), int(subject.answers.sum())
    bar = round(solved / size + distance, 6)
    needed = math.ceil(bar * size - 1e-9)
    if not 0.02 <= bar <= 0.98 or (solved < needed) != (distance > 0):
        return
    orders = np.argsort(draw.random((times, size)), axis=1)
    rights = np.cumsum(subject.answers[orders].astype(int), axis=1)
    used, _ = replay_counts(rights, counts_of(items_rule(needed, size, size, ALPHA, ALPHA)))
    cell.used["exact"].append(used)
    cell.used["oracle"].append(oracle(rights, needed - (distance < 0), solved, size))
    own = told(subject.answers[orders], subject.figures[orders], needed, slope)
    cell.used["difficulty"].append(own.used)
    shuffled = draw.permutation(subject.figures)
    other = told(subject.answers[orders], shuffled[orders], needed, slope)
    cell.used["shuffled"].append(other.used)
    expected = simulated(subject.figures.tolist(), solved, page.discrimination, FORECASTS)
    plan = told(expected.right, expected.figures, needed, slope)
    cell.forecast.append(float(np.median(plan.used) / np.median(own.used)))
    false = 1 if distance > 0 else -1
    cell.wrong += int(np.sum(own.word == false))
    cell.wrong_shuffled += int(np.sum(other.word == false))


def told(right: np.ndarray, figures: np.ndarray, needed: int, slope: float) -> Stopped:
    """The test that knows the figures, on orders (rows) by items."""
    return stopped(Answers(right, figures), known_of(figures[0].tolist(), slope), needed, Levels(ALPHA, ALPHA))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--times", type=int, default=20, help="random orders of each model and threshold")
    parser.add_argument("--models", type=int, default=8, help="models of each CRUXEval matrix")
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    cells: dict[tuple[str, float], Cell] = {}
    for subject in subjects(options.shared, options.models, draw):
        page = difficulty_page(subject.task)[0]
        for distance in (sign * far for far in DISTANCES for sign in (1, -1)):
            cell = cells.setdefault((subject.task, abs(distance)), Cell())
            replay(subject, distance, page, (draw, options.times), cell)
        print(f"{subject.task} {subject.name}: done", file=sys.stderr)
    print(table({key: cell for key, cell in cells.items() if cell.used["exact"]}))


def table(cells: dict[tuple[str, float], Cell]) -> str:
    """All cells as Markdown, and the totals of each set."""
    lines = [
        "| Set | Distance | Replays | Exact rule | With difficulty | Shuffled | Oracle | Difficulty / exact "
        "| Difficulty / oracle | Shuffled / exact | Wrong |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    totals: dict[str, list[float]] = {}
    for (task, distance), cell in cells.items():
        samples = {rule: np.concatenate(cell.used[rule]) for rule in RULES}
        middle, mean = ({rule: float(f(samples[rule])) for rule in RULES} for f in (np.median, np.mean))
        pairs = (("difficulty", "exact"), ("difficulty", "oracle"), ("shuffled", "exact"))
        ratios = [f"{middle[one] / middle[other]:.2f} ({mean[one] / mean[other]:.2f})" for one, other in pairs]
        counts = [f"{middle[rule]:.0f} ({mean[rule]:.0f})" for rule in RULES]
        n = len(samples["exact"])
        lines.append(
            f"| {SHOWN[task]} | {distance:g} | {n} | {' | '.join(counts)} | {' | '.join(ratios)} | {cell.wrong} |"
        )
        totals.setdefault(task, []).append(mean["difficulty"] / mean["exact"])
    for task, ratios_of in totals.items():
        of = [cell for (name, _), cell in cells.items() if name == task]
        n = sum(len(np.concatenate(cell.used["exact"])) for cell in of)
        wrong, shuffled = sum(cell.wrong for cell in of), sum(cell.wrong_shuffled for cell in of)
        lines.append(
            f"\n{SHOWN[task]}: {1 - float(np.exp(np.mean(np.log(ratios_of)))):.0%} fewer samples than the exact rule "
            f"(geometric mean over distances; least {1 - max(ratios_of):.0%}); {wrong} of {n} verdicts wrong, at most "
            f"{100 * clopper_pearson_upper(wrong, n, 0.95):.2f} % (Clopper-Pearson, 95 %); with shuffled figures "
            f"{shuffled}, at most {100 * clopper_pearson_upper(shuffled, n, 0.95):.2f} %. `claim power` is off by "
            f"{np.median([abs(one - 1) for cell in of for one in cell.forecast]):.0%} (median)."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
