"""Worked examples are chosen as the page says, and as lm-evaluation-harness chooses them."""

from __future__ import annotations

import json
import random

import pytest

from harness.config.schema import FewShot
from harness.errors import DataError
from harness.prompts.fewshot import choose

POOL = [f"row {number}" for number in range(50)]
IDS = [str(number) for number in range(50)]


def test_random_shots_are_one_generator_drawn_for_each_question_in_turn():
    """lm-evaluation-harness 0.4: ContextSampler holds Random(seed) and samples n documents per question."""
    spec = FewShot(split="train", count=3, choose="random", seed=1234)
    oracle = random.Random(1234)
    assert choose(spec, POOL, IDS, [set()] * 4, "") == [oracle.sample(POOL, 3) for _ in range(4)]


def test_first_and_ids():
    assert choose(FewShot(split="train", count=2), POOL, IDS, [set()] * 2, "") == [POOL[:2]] * 2
    spec = FewShot(split="train", count=2, choose="ids", ids=["7", "3"])
    assert choose(spec, POOL, IDS, [set()], "") == [["row 7", "row 3"]]


def test_more_shots_than_rows_and_an_unknown_id_are_refused():
    with pytest.raises(DataError, match=r"page\.yaml:9: 60 shots wanted.*50 rows"):
        choose(FewShot(split="train", count=60), POOL, IDS, [set()], "page.yaml:9: ")
    with pytest.raises(DataError, match="no row with id 'x'"):
        choose(FewShot(split="train", count=1, choose="ids", ids=["x"]), POOL, IDS, [set()], "")


def test_gsm8k_prompt_is_the_reference_implementations(cli, mirror):
    """The first prompt, put together here by hand from the data as lm-evaluation-harness's gsm8k page says."""
    train = [json.loads(line) for line in (mirror / "openai/gsm8k/main/train.jsonl").open()]
    test = [json.loads(line) for line in (mirror / "openai/gsm8k/main/test.jsonl").open()]
    generator = random.Random(1234)
    wanted = []
    for row in test[:3]:
        shots = generator.sample(train, 5)
        blocks = [f"Question: {shot['question']}\nAnswer: {shot['answer']}" for shot in shots]
        wanted.append("\n\n".join([*blocks, f"Question: {row['question']}\nAnswer:"]))

    from pathlib import Path

    from harness.catalog import Binder
    from harness.config import pages
    from harness.data.rows import Loader
    from harness.execution.base import Limits
    from harness.scoring.services import Services

    binder = Binder(Loader(Path(mirror)), Services("auto", Limits()).tools(), "text", limit=3)
    task = binder.bind(*pages.task_page("gsm8k"))
    assert [request.prompt.text for request in task.requests] == wanted
