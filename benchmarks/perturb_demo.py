"""The demo models on the demo suite and on more of the same questions by the generator that wrote it.

    python benchmarks/perturb_demo.py OUT

For each problem of the suite: questions of the generator whose words are the same but for names, things and numbers.
No calculation of the suite was trained on, but most others of these forms were, and a model is better at those that it
has seen. So the variants of each model are of two kinds: `new`, whose calculation it was never trained on, as it never
was on that of the original, and `trained`. On the new ones nothing but chance differs and the paired drop must be about
0, which checks the statistics, the prompts and the pairing of `--perturb`; on the others the drop is below 0 by what
training on a calculation is worth. Needs no data but the repository's.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import harness
from harness.analysis.drops import drops, paired_sets
from harness.analysis.variant_ids import parsed, variant_id
from harness.datatypes import Record
from harness.stats.paired_drop import DropTest, drop
from harness.store.run_folder import read_scores
from training.draw import Calculation, Suite, calculation, draw_suite, rows
from training.train import RECIPES, trained_calculations
from training.word_problems import NAMES, THINGS, WordProblem, word_problem

REPO = Path(__file__).resolve().parents[1]
DRAWN = 600_000
DRAWS = 16
SEED = 20261127


def words_alone(question: str) -> str:
    """The question without names, things and numbers."""
    text = re.sub("|".join(NAMES), "NAME", question)
    return re.sub(r"\d+", "0", re.sub("|".join(THINGS), "thing", text, flags=re.IGNORECASE))


def same_questions(suite: Suite, trained: set[Calculation], tries: int = DRAWN) -> list[dict[str, str]]:
    """Rows of the generator, up to DRAWS of each kind for each problem of the suite, with ids of variants."""
    held_out = {calculation(problem) for problem in suite.math}
    drawn: dict[str, dict[Calculation, WordProblem]] = {words_alone(each.question): {} for each in suite.math}
    generator = random.Random(SEED)
    for _ in range(tries):
        problem = word_problem(generator)
        found = drawn.get(words_alone(problem.question))
        if found is not None and calculation(problem) not in held_out:
            found.setdefault(calculation(problem), problem)
    found_rows = []
    for original, row in zip(suite.math, rows(suite)[0], strict=True):
        of_its_words = list(drawn[words_alone(original.question)].items())
        generator.shuffle(of_its_words)
        for kind, wanted in (("new", False), ("trained", True)):
            chosen = [problem for own, problem in of_its_words if (own in trained) is wanted][:DRAWS]
            found_rows += [
                {"id": variant_id(row["id"], place, kind), "question": each.question, "answer": each.solution}
                for place, each in enumerate(chosen, 1)
            ]
    return found_rows


def trained_against_new(records: Sequence[Record]) -> DropTest:
    """The mean score of the trained variants less that of the new ones, over problems that have both."""
    values: dict[str, dict[str, list[float]]] = {}
    for record in records:
        name = parsed(record.request.sample_id)
        if name is not None and record.scores[0].value is not None:
            values.setdefault(name.original, {}).setdefault(name.label, []).append(record.scores[0].value)
    both = {sample: own for sample, own in values.items() if len(own) == 2}
    means = [sum(own["trained"]) / len(own["trained"]) for own in both.values()]
    return drop(means, [own["new"] for own in both.values()], list(both))


def main(out: Path) -> None:
    """Run both models on both sets and print their drops."""
    suite = draw_suite()
    for size in ("smaller", "larger"):
        model, folder = f"demo-{size}", out / size
        folder.mkdir(parents=True, exist_ok=True)
        drawn = same_questions(suite, trained_calculations(RECIPES[size], suite))
        (folder / "generated.jsonl").write_text("".join(json.dumps(row) + "\n" for row in drawn))
        page = (REPO / "tasks/demo/demo_math.yaml").read_text()
        for old, new in (("name: demo_math", "name: generated"), ("./demo_math.jsonl", "./generated.jsonl")):
            page = page.replace(old, new)
        (folder / "generated.yaml").write_text(re.sub("expected_count: .*", f"expected_count: {len(drawn)}", page))
        harness.evaluate(model=model, tasks=["demo_math", str(folder / "generated.yaml")], out=folder / "run")
        records: tuple[Record, ...] = tuple(read_scores(folder / "run")[1])
        pairs = paired_sets(model, records, "demo_math", "generated", "mean")
        assert pairs is not None
        for found in drops([pairs]):
            test = found.test
            print(
                f"{model}, {found.kind}: {found.original:.3f} as they are, {found.changed:.3f} generated, drop "
                f"{test.difference:+.3f} [{test.low:+.3f}, {test.high:+.3f}], p {test.p:.3f}, n {test.n}, "
                f"{found.variants} variants; A/A {found.control.difference if found.control else 0:+.3f}"
            )
        between = trained_against_new(records)
        print(
            f"{model}, trained less new of the same words: {between.difference:+.3f} "
            f"[{between.low:+.3f}, {between.high:+.3f}], p {between.p:.3f}, n {between.n}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the runs")
    main(parser.parse_args().out)
