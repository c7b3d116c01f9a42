"""Few-shot examples are chosen by the page's rule, and as lm-evaluation-harness chooses them."""

from __future__ import annotations

import json
import random

import pytest

from harness.config.task_page import FewShot
from harness.errors import DataError
from harness.prompts.build import choose_shots as choose

POOL = [f"row {number}" for number in range(50)]
IDS = [str(number) for number in range(50)]


def test_random_shots_are_one_generator_drawn_for_each_question_in_turn():
    """lm-evaluation-harness 0.4: ContextSampler holds Random(seed) and samples n documents per question."""
    spec = FewShot(split="train", count=3, choose="random", seed=1234)
    oracle = random.Random(1234)
    assert choose(spec, POOL, IDS, [set()] * 4) == [oracle.sample(POOL, 3) for _ in range(4)]


def test_first_and_ids():
    assert choose(FewShot(split="train", count=2), POOL, IDS, [set()] * 2) == [POOL[:2]] * 2
    spec = FewShot(split="train", count=2, choose="ids", ids=["7", "3"])
    assert choose(spec, POOL, IDS, [set()]) == [["row 7", "row 3"]]


def test_more_shots_than_rows_and_an_unknown_id_are_refused():
    with pytest.raises(DataError, match=r"^60 shots wanted.*50 rows"):
        choose(FewShot(split="train", count=60), POOL, IDS, [set()])
    with pytest.raises(DataError, match="no row with id 'x'"):
        choose(FewShot(split="train", count=1, choose="ids", ids=["x"]), POOL, IDS, [set()])


def test_gsm8k_prompt_is_the_reference_implementations(cli, mirror):
    """The first prompt, put together here by hand from the data as lm-evaluation-harness's gsm8k page defines it."""
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
    from harness.page_scorers import page_scorers
    from harness.scoring.services import Services

    page, source = pages.task_page("gsm8k")
    scorers = page_scorers(page, source, Services("auto", Limits()).tools())
    task = Binder(Loader(Path(mirror)), "text", limit=3).bind(page, source, scorers)
    assert [request.prompt.text for request in task.requests] == wanted


def test_a_question_is_never_among_its_own_shots_and_the_other_prompts_do_not_change():
    """The next row takes its place; the generator's draws for the questions behind stay those of lm-eval."""
    spec = FewShot(split="train", count=3, choose="random", seed=1234)
    plain = choose(spec, POOL, IDS, [set()] * 4)
    same = POOL.index(plain[1][1])
    chosen = choose(spec, POOL, IDS, [set(), {same}, set(), set()])
    assert [chosen[0], *chosen[2:]] == [plain[0], *plain[2:]]
    assert chosen[1] == [plain[1][0], POOL[same + 1], plain[1][2]]
    first = FewShot(split="train", count=2)
    assert choose(first, POOL, IDS, [{0}, {1, 2}, {9}]) == [POOL[1:3], [POOL[0], POOL[3]], POOL[:2]]


def test_named_shots_that_are_the_question_need_a_spare_one():
    spec = FewShot(split="train", count=1, choose="ids", ids=["7", "3"])
    assert choose(spec, POOL, IDS, [{7}, {3}]) == [["row 3"], ["row 7"]]
    with pytest.raises(DataError, match=r"^the shot '7' .* is a question under test itself"):
        choose(FewShot(split="train", count=1, choose="ids", ids=["7"]), POOL, IDS, [{7}])


def test_a_pool_of_nothing_but_the_question_is_refused():
    with pytest.raises(DataError, match="2 shots wanted"):
        choose(FewShot(split="train", count=2), POOL[:3], IDS[:3], [{0, 1}])


SHOTS_PAGE = """\
name: twins
version: 1
about: The same rows in both splits, for tests.
source: {licence: Apache-2.0}
data: {path: ./twins, split: test, columns: [id, q, a], id: "{{ id }}"}
reference: {answer: ["{{ a }}"]}
gold: "{{ a }}"
fewshot: {split: train, count: 2, choose: %s}
prompt: {text: {template: "{{ q }} is", target: " {{ a }}"}}
sampling: {max_tokens: 8}
score: [{by: exact_match}]
metric: [mean]
"""


@pytest.mark.parametrize("rule", ["first", "random"])
def test_rows_that_are_in_both_splits_do_not_show_their_answer(tmp_path, rule):
    """By content: the ids differ, and so does the white space."""
    from files import write_jsonl

    from harness.catalog import Binder
    from harness.config import pages
    from harness.data.rows import Loader
    from harness.execution.base import Limits
    from harness.page_scorers import page_scorers
    from harness.scoring.services import Services

    test = [{"id": f"t{i}", "q": f"{i} and {i}", "a": str(2 * i)} for i in range(6)]
    train = [{"id": f"s{i}", "q": f"{i}  and {i} ", "a": str(2 * i)} for i in range(6)]
    write_jsonl(tmp_path / "twins/test.jsonl", test)
    write_jsonl(tmp_path / "twins/train.jsonl", train)
    (tmp_path / "twins.yaml").write_text(SHOTS_PAGE % rule)
    page, source = pages.task_page(str(tmp_path / "twins.yaml"))
    scorers = page_scorers(page, source, Services("auto", Limits()).tools())
    task = Binder(Loader(), "text").bind(page, source, scorers)
    for row, request in zip(test, task.requests, strict=True):
        *shots, question = request.prompt.text.split("\n\n")
        assert question == f"{row['q']} is" and len(set(shots)) == 2
        assert not [shot for shot in shots if " ".join(shot.split()).startswith(row["q"])]
