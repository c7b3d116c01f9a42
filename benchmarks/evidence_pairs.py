"""How many samples the test of two models needs: replays on pairs of real models.

    .venv/bin/python benchmarks/evidence_pairs.py DIFFICULTY [--orders 4] [--pairs 12] > table.md

DIFFICULTY: a folder with `cruxeval_output.json` and `cruxeval_input.json`: for each model and item the share of its ten
answers that is right (crux-eval/crux-eval.github.io, MIT). A model's score on an item is 1 where more than half are
right. Pairs are drawn from all pairs within a band of the true difference, and the items come in random orders.

Columns: median samples of the old rule (a uniform mixture with Ville's bound and, about a skill, McNemar's exact test
with half of alpha at the end; copied below as it was), of the rule now, of the sequential test that knows both models'
true rates (Wald's, both errors 5 %, ended by the last item), and of McNemar's exact test with a power of 80 %; the
ratio of the means, now to the oracle; wrong verdicts. About a skill the true difference is that of all items.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.special import betainc, betaln, gammaln
from scipy.stats import beta, binom

from harness.stats.bets import SCORES, MeanTest
from harness.stats.relations import Gap
from harness.stats.sequential_paired import PairedTest, Pairs, pair_levels
from harness.stats.two_model_power import Discordance, mcnemar_size

ALPHA = 0.05
# O'Brien and Fleming's bound for ten even looks, 5 % on each side: 0.95 quantile of the largest of ten steps of
# 4,000,000 random walks (1979, Biometrics 35:549-556)
OBRIEN_FLEMING = 1.801
BANDS = ((0.0, 0.02), (0.02, 0.05), (0.05, 0.10), (0.10, 0.20), (0.20, 1.0))
SETS = ("cruxeval_output", "cruxeval_input")


@dataclass(frozen=True, slots=True)
class Question:
    """What is tested: the relation, about exactly these items or a skill, and the shift in words."""

    name: str
    gap: Gap
    of_items: bool


@dataclass(slots=True)
class Cell:
    """The replays of one band of true differences."""

    before: list[int] = field(default_factory=list)
    now: list[int] = field(default_factory=list)
    oracle: list[int] = field(default_factory=list)
    fixed: list[int] = field(default_factory=list)
    wrong: int = 0
    wrong_before: int = 0
    undecided: int = 0

    def row(self, question: str, band: tuple[float, float]) -> str:
        """One line of the table."""
        n = len(self.now)
        middle = [f"{statistics.median(one):.0f}" for one in (self.before, self.now, self.oracle, self.fixed)]
        ratio = statistics.fmean(self.now) / statistics.fmean(self.oracle)
        cost = statistics.fmean(self.now) / statistics.fmean(self.before)
        cells = [
            question,
            f"{band[0]:g} to {band[1]:g}",
            str(n),
            *middle,
            f"{cost:.2f}",
            f"{ratio:.2f}",
            f"{self.wrong} (up to {100 * upper(self.wrong, n):.1f} %)",
            f"{100 * self.undecided / n:.0f} %",
        ]
        return "| " + " | ".join(cells) + " |"


@dataclass(slots=True)
class Scored:
    """The replays of one distance of the bar from the truth, for one model; there was no test before."""

    now: list[int] = field(default_factory=list)
    oracle: list[int] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    wrong: int = 0
    undecided: int = 0
    undecided_at_looks: int = 0

    def row(self, question: str, distance: float) -> str:
        """One line of the table; in the place of a fixed n the test with ten looks, and its open share."""
        n = len(self.now)
        middle = [f"{statistics.median(one):.0f}" for one in (self.now, self.oracle, self.looks)]
        ratio = statistics.fmean(self.now) / statistics.fmean(self.oracle)
        looks = f"{middle[2]} (ten looks; {100 * self.undecided_at_looks / n:.0f} % open)"
        cells = [question, f"{distance:g}", str(n), "refused", *middle[:2], looks, "", f"{ratio:.2f}"]
        cells += [f"{self.wrong} (up to {100 * upper(self.wrong, n):.1f} %)", f"{100 * self.undecided / n:.0f} %"]
        return "| " + " | ".join(cells) + " |"


def shares_of(folder: Path, draw: np.random.Generator, most: int) -> Iterator[tuple[np.ndarray, int]]:
    """For random models the share of ten answers that is right: one value for each item."""
    for name in SETS:
        shares = np.array(json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["share_of_10_right"])
        for one in draw.permutation(len(shares))[:most]:
            yield shares[one][:, None], 1


def programs(folder: Path, draw: np.random.Generator, most: int) -> Iterator[tuple[np.ndarray, int]]:
    """For random models right answers to both questions on one program: a cluster of two."""
    tables = [json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in SETS]
    by_model = [dict(zip(one["models"], one["share_of_10_right"], strict=True)) for one in tables]
    both = sorted(set(by_model[0]) & set(by_model[1]))
    for one in draw.permutation(len(both))[: 2 * most]:
        yield np.array([[float(share > 0.5) for share in table[both[one]]] for table in by_model]).T, 2


def one_model(values: np.ndarray, largest: int, distance: float, scored: Scored) -> None:
    """Feed one order (rows: clusters) to the bets, and to two tests that know more or look less often."""
    true_mean = float(values.mean())
    bar = true_mean + (distance if 0.02 < true_mean + distance < 0.98 else -distance)
    true = "supported" if true_mean > bar else "refuted"
    test, used, word = MeanTest(bar, SCORES, largest=largest), values.size, ""
    for place, row in enumerate(values, 1):
        test.feed(float(row.sum()), len(row))
        if max(test.log_for, test.log_against) >= -math.log(ALPHA):
            word, used = ("supported" if test.log_for > test.log_against else "refuted"), place * largest
            break
    scored.now.append(used)
    scored.wrong += word not in ("", true)
    scored.undecided += not word
    # Normal increments with the true mean and variance of a cluster's sum
    sums = (values - bar).sum(axis=1)
    mean, variance, walk = float(sums.mean()), float(sums.var()), np.cumsum(sums)
    ratio = mean / variance * (walk - mean * np.arange(1, len(sums) + 1) / 2)
    over = np.flatnonzero(np.abs(ratio) >= math.log((1 - ALPHA) / ALPHA))
    scored.oracle.append((int(over[0]) + 1 if len(over) else len(sums)) * largest)
    looks = np.ceil(len(sums) * np.arange(1, 11) / 10).astype(int)
    reached = np.flatnonzero(np.abs(walk[looks - 1]) / math.sqrt(variance * len(sums)) >= OBRIEN_FLEMING)
    scored.looks.append((int(looks[reached[0]]) if len(reached) else len(sums)) * largest)
    scored.undecided_at_looks += not len(reached)


def upper(k: int, n: int) -> float:
    """The upper end of the Clopper-Pearson interval."""
    return 1.0 if k == n else float(beta.ppf(0.975, k + 1, n - k))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("difficulty", type=Path)
    parser.add_argument("--orders", type=int, default=4, help="random orders of each pair")
    parser.add_argument("--pairs", type=int, default=12, help="pairs of each set and band")
    chosen = parser.parse_args(argv)
    questions = (
        Question("better, skill", Gap(), False),
        Question("better, these items", Gap(), True),
        Question("at most 5 points worse, skill", Gap(shift=-0.05), False),
        Question("at most 5 points worse, these items", Gap(shift=-0.05), True),
    )
    heads = ("question", "distance", "replays", "before", "now", "oracle", "fixed n", "now / before", "now / oracle")
    print(f"| {' | '.join((*heads, 'wrong', 'open'))} |\n{'|---' * 11}|")
    wrong = total = 0
    for question in questions:
        for band in BANDS:
            cell = Cell()
            for name in SETS:
                draw = np.random.default_rng(sum(map(ord, name + question.name)) + round(1000 * band[0]))
                for differences in pairs_in(chosen.difficulty / f"{name}.json", question.gap, band, draw, chosen.pairs):
                    for _ in range(chosen.orders):
                        replay(draw.permutation(differences), question, cell)
            if cell.now:
                print(cell.row(question.name, band), flush=True)
                wrong, total = wrong + cell.wrong, total + len(cell.now)
    for name, rows in (("shares of ten answers", shares_of), ("programs with two questions", programs)):
        for distance in (0.02, 0.05, 0.10, 0.20):
            scored = Scored()
            draw = np.random.default_rng(round(1000 * distance) + len(name))
            for values, largest in rows(chosen.difficulty, draw, chosen.pairs):
                for _ in range(chosen.orders):
                    one_model(draw.permutation(values), largest, float(draw.choice((-distance, distance))), scored)
            print(scored.row(f"score at a bar, skill: {name}", distance), flush=True)
            wrong, total = wrong + scored.wrong, total + len(scored.now)
    print(f"\nWrong verdicts: {wrong} of {total}, at most {100 * upper(wrong, total):.2f} % (Clopper-Pearson, 97.5 %).")


def pairs_in(
    path: Path, gap: Gap, band: tuple[float, float], draw: np.random.Generator, most: int
) -> Iterator[np.ndarray]:
    """Differences of random pairs of models whose true difference is so far from the shift."""
    shares = np.array(json.loads(path.read_text(encoding="utf-8"))["share_of_10_right"])
    right = (shares > 0.5).astype(int)
    found = []
    for one in range(len(right)):
        for other in range(len(right)):
            distance = abs(float((right[one] - right[other]).mean()) - gap.shift)
            if one != other and max(band[0], 1e-9) <= distance < band[1]:
                found.append((one, other))
    draw.shuffle(found)
    for one, other in found[:most]:
        yield right[one] - right[other]


LEVELS: dict[tuple[str, int], object] = {}


def replay(differences: np.ndarray, question: Question, cell: Cell) -> None:
    """Feed one order to all tests."""
    n, gap = len(differences), question.gap
    true = "supported" if differences.mean() > gap.shift else "refuted"
    pairs = Pairs(n, question.of_items)
    key = (question.name, n)
    if key not in LEVELS:
        LEVELS[key] = pair_levels(gap, pairs, [ALPHA])
    test = PairedTest(gap, pairs, LEVELS[key], strict=True)  # type: ignore[arg-type]
    word, used = "", n
    for place, one in enumerate(differences.tolist(), 1):
        test.feed([max(one, 0)], [max(-one, 0)])
        if place == n:
            test.finish()
        found = test.test
        if min(found.p_against, found.p_for) <= ALPHA:
            word, used = ("refuted" if found.p_against <= ALPHA else "supported"), place
            break
    cell.now.append(used)
    cell.wrong += word not in ("", true)
    cell.undecided += not word
    old_word, old_used = before(differences, gap.shift, question.of_items)
    cell.before.append(old_used)
    cell.wrong_before += old_word not in ("", true)
    cell.oracle.append(oracle(differences, gap.shift, question.of_items))
    cell.fixed.append(fixed(differences, gap.shift))


def before(differences: np.ndarray, shift: float, of_items: bool) -> tuple[str, int]:
    """The rule as it was, and the samples it used."""
    n = len(differences)
    wins, losses = np.cumsum(differences == 1), np.cumsum(differences == -1)
    if not of_items and shift == 0:
        bar = math.log(2 / ALPHA)
        ahead = (
            np.log(betainc(losses + 1, wins + 1, 0.5))
            + betaln(losses + 1, wins + 1)
            + (wins + losses + 1) * math.log(2)
        )
        behind = (
            np.log(betainc(wins + 1, losses + 1, 0.5))
            + betaln(losses + 1, wins + 1)
            + (wins + losses + 1) * math.log(2)
        )
        word, used = first(ahead, behind, bar)
        if word:
            return word, used
        m, w = int(wins[-1] + losses[-1]), int(wins[-1])
        if binom.sf(w - 1, m, 0.5) <= ALPHA / 2:
            return "supported", n
        return ("refuted", n) if binom.cdf(w, m, 0.5) <= ALPHA / 2 else ("", n)
    needed = math.floor(shift * n + 1e-9) + 1
    high, low = ((needed - 1) / n, -needed / n) if of_items else (shift, -shift)
    size = n if of_items else None
    ahead, behind = bets(differences, high, size), bets(-differences, low, size)
    if of_items:
        lead, left = wins - losses, n - np.arange(1, n + 1)
        ahead, behind = np.where(lead - left >= needed, np.inf, ahead), np.where(lead + left < needed, np.inf, behind)
    return first(ahead, behind, -math.log(ALPHA))


def bets(differences: np.ndarray, bound: float, size: int | None) -> np.ndarray:
    """The ln of the mean of a hundred capitals after each sample."""
    n = len(differences)
    bounds = np.full(n, bound)
    if size is not None:
        bounds = (size * bound - (np.cumsum(differences) - differences)) / (size - np.arange(n))
    open_ = (bounds < 1) & (bounds > -1 + 1e-9)
    odds = np.where(open_, (differences - bounds) / np.where(open_, 1 + bounds, 1), 0)
    logs = np.cumsum(np.log1p(((np.arange(100) + 0.5) / 100)[:, None] * odds), axis=1)
    top = logs.max(axis=0)
    return np.asarray(top + np.log(np.exp(logs - top).mean(axis=0)))


def first(ahead: np.ndarray, behind: np.ndarray, bar: float) -> tuple[str, int]:
    """The first bound that is reached, and after how many samples."""
    over = np.flatnonzero((ahead >= bar) | (behind >= bar))
    if not len(over):
        return "", len(ahead)
    return ("refuted" if behind[over[0]] >= bar else "supported"), int(over[0]) + 1


def oracle(differences: np.ndarray, shift: float, of_items: bool) -> int:
    """Samples of the test that knows the rates: the truth against the nearest ones that the other word allows."""
    n = len(differences)
    won, lost = int((differences == 1).sum()), int((differences == -1).sum())
    null_won, null_lost = nearest(won / n, lost / n, shift)
    wins, losses = np.cumsum(differences == 1), np.cumsum(differences == -1)
    ties = np.arange(1, n + 1) - wins - losses
    if of_items:
        other_won = round(null_won * n)
        other_lost = min(n - other_won, other_won - math.floor(shift * n + 1e-9) - (won - lost <= shift * n))
        ratio = orders(won, lost, n, wins, losses) - orders(other_won, other_lost, n, wins, losses)
    else:
        tiny = 1e-12
        ratio = (
            wins * math.log((won / n + tiny) / (null_won + tiny))
            + losses * math.log((lost / n + tiny) / (null_lost + tiny))
            + ties * math.log((1 - (won + lost) / n + tiny) / (1 - null_won - null_lost + tiny))
        )
    over = np.flatnonzero(np.abs(np.nan_to_num(ratio, nan=0.0)) >= math.log((1 - ALPHA) / ALPHA))
    return int(over[0]) + 1 if len(over) else n


def nearest(won: float, lost: float, shift: float) -> tuple[float, float]:
    """The rates with a difference of exactly the shift that are hardest to tell from these (in relative entropy)."""
    low, high = max(0.0, shift), (1 + shift) / 2
    grid = np.linspace(low, high, 4001)[1:-1]
    q_won, q_lost = grid, grid - shift
    rest = 1 - won - lost
    with np.errstate(divide="ignore"):
        far = -(won * np.log(q_won) + lost * np.log(q_lost) + rest * np.log(np.maximum(1 - q_won - q_lost, 1e-300)))
    best = int(np.argmin(far))
    return float(q_won[best]), float(q_lost[best])


def orders(won: int, lost: int, n: int, wins: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """The ln of the chance of these wins and losses in this order, without replacement; very small if impossible."""
    seen = np.arange(1, n + 1)
    parts = (won - wins, lost - losses, (n - won - lost) - (seen - wins - losses))
    possible = np.all([part >= 0 for part in parts], axis=0)
    logs = gammaln(n - seen + 1.0) - sum(gammaln(np.maximum(part, 0) + 1.0) for part in parts)
    whole = math.lgamma(n + 1) - math.lgamma(won + 1) - math.lgamma(lost + 1) - math.lgamma(n - won - lost + 1)
    return np.where(possible, logs - whole, -1e9)


def fixed(differences: np.ndarray, shift: float) -> int:
    """The number of samples with a power of 80 %: McNemar's exact test, or the normal formula with a margin."""
    n, gap = len(differences), float(differences.mean()) - shift
    if shift == 0:
        rates = Discordance(float((differences == 1).mean()), float((differences == -1).mean()))
        return mcnemar_size(rates, two_sided=False) or sys.maxsize
    return math.ceil((1.645 + 0.842) ** 2 * float(differences.var()) / gap**2) if gap else n


if __name__ == "__main__":
    main()
