"""The demonstration of a drop of about 0: its variants are as new to the model as the originals, or named `trained`."""

from __future__ import annotations

import itertools
import json
import re

from files import REPO

from training.draw import calculation, draw_suite, training_turns
from training.train import Recipe, trained_calculations
from training.word_problems import WordProblem


def steps_of(answer: str) -> WordProblem:
    steps = tuple((int(a), op, int(b), int(c)) for a, op, b, c in re.findall(r"(?m)^(\d+)([-+*/])(\d+)=(\d+)$", answer))
    return WordProblem("", steps)


def test_variants_are_named_after_whether_the_model_was_trained_on_their_calculation(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(REPO / "benchmarks"))
    from perturb_demo import same_questions, words_alone

    suite = draw_suite()
    recipe = Recipe(hidden=8, inner=8, layers=1, heads=1, steps=250, batch=16, peak_rate=1e-3, seed=2, words=3)
    trained = trained_calculations(recipe, suite)
    rows = same_questions(suite, trained, tries=20_000)
    own = {row["id"]: row for row in map(json.loads, (REPO / "tasks/demo/demo_math.jsonl").read_text().splitlines())}
    held_out = {calculation(problem) for problem in suite.math}
    kinds = set()
    for row in rows:
        original, _, kind = re.fullmatch(r"(.*)#(\d+):(.*)", row["id"]).groups()
        done = calculation(steps_of(row["answer"]))
        assert done not in held_out and (done in trained) is (kind == "trained")
        assert words_alone(row["question"]) == words_alone(own[original]["question"])
        kinds.add(kind)
    assert kinds == {"new", "trained"} and len({row["id"] for row in rows}) == len(rows)


def test_trained_calculations_are_those_of_the_turns_that_a_model_is_trained_on() -> None:
    suite = draw_suite(size=20)
    recipe = Recipe(hidden=8, inner=8, layers=1, heads=1, steps=20, batch=16, peak_rate=1e-3, seed=5, words=2)
    turns = itertools.islice(training_turns(recipe.seed, suite, recipe.words), recipe.steps * recipe.batch)
    expected = {calculation(steps_of(turn.assistant)) for turn in turns if "####" in turn.assistant}
    assert trained_calculations(recipe, suite) == expected
