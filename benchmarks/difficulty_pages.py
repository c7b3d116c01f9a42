"""Bring the figures of configs/difficulty up to date: JSON files, and digests, slopes and discriminations of pages.

The figures (`--shared`, a folder with `difficulty/`, `recorded/` and `data/`) are shares of models that solved an item;
digests are of the samples that the task pages make of the same data. Slopes and discriminations are medians over models
whose answers are recorded, each with figures that know nothing of it (`evidence_difficulty.subjects`).

    .venv/bin/python benchmarks/difficulty_pages.py --shared ../shared
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
from evidence_difficulty import Subject, slope_of, subjects

from harness.claims.difficulty import KIND, difficulty_named, digest_of
from harness.config import pages
from harness.config.places import shipped
from harness.validate import Rows, bind_one

MODELS = 37


def shares(shared: Path, task: str) -> dict[str, float]:
    """The share of models that solved each item, by sample id."""
    kept = json.loads((shared / "difficulty" / f"{task}.json").read_text(encoding="utf-8"))
    if "share_of_10_right" in kept:
        means = np.mean(kept["share_of_10_right"], axis=0)
        return {f"sample_{at}": round(float(share), 3) for at, share in enumerate(means)}
    solved = kept["solved_by"]
    return solved if isinstance(solved, dict) else {str(at): share for at, share in enumerate(solved)}


def discrimination_of(subject: Subject) -> float:
    """The slope of the logit of a right answer on the logit of its figure, by maximum likelihood (Newton)."""
    inside = np.clip(subject.figures, 0.03, 0.97)
    columns = np.stack([np.ones(len(inside)), np.log(inside / (1 - inside))], axis=1)
    found = np.zeros(2)
    for _ in range(30):
        chance = 1 / (1 + np.exp(-columns @ found))
        hessian = columns.T @ (columns * (chance * (1 - chance))[:, None])
        found = found + np.linalg.solve(hessian, columns.T @ (subject.answers - chance))
    return float(found[1])


def as_lines(solved: dict[str, float]) -> str:
    """The figures as JSON, ten on a line."""
    entries = [f"{json.dumps(item)}: {share:g}" for item, share in solved.items()]
    return "{\n" + ",\n".join(", ".join(entries[at : at + 10]) for at in range(0, len(entries), 10)) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    options = parser.parse_args()
    folder, known = shipped(KIND), list(subjects(options.shared, MODELS, np.random.default_rng(0)))
    for name, path in pages.index(KIND).items():
        of = [one for one in known if one.task == name]
        text = path.read_text(encoding="utf-8")
        if of:
            (folder / f"{name}.json").write_text(as_lines(shares(options.shared, name)), encoding="utf-8")
            for key, values in (("slope", map(slope_of, of)), ("discrimination", map(discrimination_of, of))):
                middle = float(np.median(list(values)))
                text = re.sub(rf"(?m)^{key}: .*$", f"{key}: {middle:.2f}", text)
        path.write_text(text, encoding="utf-8")
        difficulty = difficulty_named(name)
        for task in difficulty.page.tasks:
            page, source = pages.task_page(task)
            style = "text" if page.prompt.text else "chat"
            bound = bind_one(page, source, style, page.expected_count or 10**6, Rows(str(options.shared / "data")))
            digest = digest_of(difficulty, bound)
            if digest:
                text = re.sub(rf"(?m)^  {task}: .*$", f"  {task}: {digest}", text)
        path.write_text(text, encoding="utf-8")
        print(f"{name}: {len(difficulty.solved)} figures for {', '.join(difficulty.page.tasks)}")


if __name__ == "__main__":
    main()
