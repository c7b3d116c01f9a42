"""What the keys of a page do to its samples and prompts: filters, configs, examples, options of varying number."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from files import write_jsonl

from harness.catalog import Binder, Task
from harness.config import pages
from harness.data.rows import Loader
from harness.datatypes import ChatPrompt, Choice, LikelihoodRequest, StdinCase, Style, Tests, TextPrompt
from harness.errors import ConfigError, DataError
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

ROWS = [{"q": f"{i} + 1", "a": str(i + 1), "level": i % 3, "topic": "ab"[i % 2]} for i in range(12)]
PAGE: dict[str, Any] = {
    "name": "sums",
    "version": 1,
    "about": "Sums, for tests.",
    "source": {},
    "data": {"path": "./rows.jsonl", "split": "test", "columns": ["q", "a"]},
    "reference": {"answer": ["{{ a }}"]},
    "prompt": {
        "text": {"template": "{{ q }} =", "target": " {{ a }}"},
        "chat": {"user": "{{ q }}?", "target": "{{ a }}"},
    },
    "sampling": {"max_tokens": 4},
    "score": [{"by": "exact_match"}],
    "metric": ["mean"],
}


def bind(folder: Path, style: Style = "text", rows: list[dict[str, Any]] | None = None, **keys: Any) -> Task:
    """Bind PAGE with other keys, over rows beside it."""
    write_jsonl(folder / "rows.jsonl", ROWS if rows is None else rows)
    path = folder / "sums.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in (PAGE | keys).items() if value is not None}))
    page, source = pages.task_page(str(path))
    return Binder(Loader(folder), style).bind(
        page, source, page_scorers(page, source, Services("auto", Limits()).tools())
    )


def texts(task: Task) -> list[str]:
    """The prompts of a task in text style."""
    assert all(isinstance(request.prompt, TextPrompt) for request in task.requests)
    return [request.prompt.text for request in task.requests]  # type: ignore[union-attr]


def test_a_filter_leaves_rows_out_and_the_others_keep_their_ids(tmp_path):
    data = PAGE["data"] | {"where": "{{ level == 2 }}"}
    task = bind(tmp_path, data=data, expected_count=4)
    assert [sample.id for sample in task.samples] == ["2", "5", "8", "11"]
    assert task.total == 4
    with pytest.raises(DataError, match="has 4 rows, the page expects 12"):
        bind(tmp_path, data=data, expected_count=12)


@pytest.mark.parametrize(
    ("where", "wrong"),
    [("{{ level }}", "must print True or False; it printed '0'"), ("{{ level == 7 }}", "keeps none of the 12 rows")],
)
def test_a_filter_that_is_no_condition_or_keeps_nothing_is_refused(tmp_path, where, wrong):
    with pytest.raises(DataError, match=rf"sums.yaml:\d+.*{wrong}"):
        bind(tmp_path, data=PAGE["data"] | {"where": where})


def test_a_left_out_row_of_the_pool_is_no_example(tmp_path):
    (tmp_path / "both").mkdir()
    write_jsonl(tmp_path / "both/test.jsonl", ROWS)
    write_jsonl(tmp_path / "both/train.jsonl", [row | {"q": f"0{row['q']}"} for row in ROWS])
    data = PAGE["data"] | {"path": "./both", "where": "{{ level == 2 }}"}
    task = bind(tmp_path, data=data, fewshot={"split": "train", "count": 2})
    assert texts(task)[0] == "02 + 1 = 3\n\n05 + 1 = 6\n\n2 + 1 ="


def test_configs_are_read_one_after_the_other_and_examples_are_of_the_same_config(tmp_path):
    """As one task for each config would draw them: every config has a generator of its own."""
    for config, start in (("low", 0), ("high", 100)):
        own = [{"q": f"{start + i} + 1", "a": str(start + i + 1)} for i in range(9)]
        write_jsonl(tmp_path / f"org/set/{config}/dev.jsonl", own)
        write_jsonl(tmp_path / f"org/set/{config}/test.jsonl", [row | {"q": f"{row['q']} + 0"} for row in own[:3]])
    path = tmp_path / "sums.yaml"
    prompt = {"text": {"description": "Of {{ config }}:\n", "template": "{{ q }} =", "target": " {{ a }}"}}
    fewshot = {"split": "dev", "count": 2, "choose": "random", "same": "config"}

    def prompts(name: Any, fewshot: Any) -> list[str]:
        data = {"path": "org/set", "name": name, "split": "test", "columns": ["q", "a"]}
        path.write_text(yaml.safe_dump(PAGE | {"data": data, "prompt": prompt, "fewshot": fewshot}))
        page, source = pages.task_page(str(path))
        scorers = page_scorers(page, source, Services("auto", Limits()).tools())
        return texts(Binder(Loader(tmp_path), "text").bind(page, source, scorers))

    together = prompts(["low", "high"], fewshot)
    alone = {key: value for key, value in fewshot.items() if key != "same"}
    assert together == prompts("low", alone) + prompts("high", alone)
    assert together[3].startswith("Of high:\n10")


def test_leave_one_out_draws_as_lm_evaluation_harness_does(tmp_path):
    """lm-eval 0.4.13, ContextSampler: one more is drawn, the question removed, the first n kept."""
    task = bind(tmp_path, fewshot={"split": "test", "count": 3, "choose": "random", "leave_one_out": True})
    generator = random.Random(1234)
    for row, prompt in zip(ROWS, texts(task), strict=True):
        shots = [shot for shot in generator.sample(ROWS, 4) if shot != row][:3]
        assert prompt == "\n\n".join([*(f"{shot['q']} = {shot['a']}" for shot in shots), f"{row['q']} ="])


def test_leave_one_out_draws_again_where_the_question_is_there_twice(tmp_path):
    rows = [ROWS[0]] * 3 + ROWS[1:3]
    task = bind(tmp_path, rows=rows, fewshot={"split": "test", "count": 2, "choose": "random", "leave_one_out": True})
    for prompt in texts(task)[:3]:
        assert prompt.count("0 + 1") == 1
    with pytest.raises(DataError, match="only 2 rows are not the question itself"):
        bind(tmp_path, rows=rows, fewshot={"split": "test", "count": 3, "choose": "random", "leave_one_out": True})


def test_the_split_under_test_gives_examples_only_with_leave_one_out(tmp_path):
    with pytest.raises(ConfigError, match="unless with `leave_one_out: true`"):
        bind(tmp_path, fewshot={"split": "test", "count": 1})
    with pytest.raises(ConfigError, match="goes with the split under test"):
        bind(tmp_path, fewshot={"split": "train", "count": 1, "leave_one_out": True})


def test_examples_written_in_the_page_have_a_template_of_their_own(tmp_path):
    prompt = {
        "text": {"template": "Q: {{ q }}\nA:", "shot": "Q: {{ q }}\nA: {{ steps }}", "target": " So {{ a }}."},
        "chat": {"user": "{{ q }}", "shot": "Example: {{ q }}", "target": "{{ steps }} {{ a }}"},
    }
    fewshot = {"count": 1, "rows": [{"q": "31 + 1", "a": "32", "steps": "Count on."}, {"q": "unused"}]}
    task = bind(tmp_path, prompt=prompt, fewshot=fewshot)
    assert texts(task)[0] == "Q: 31 + 1\nA: Count on. So 32.\n\nQ: 0 + 1\nA:"
    turns = bind(tmp_path, "chat", prompt=prompt, fewshot=fewshot).requests[0].prompt
    assert [(turn.role, turn.content) for turn in turns.messages] == [
        ("user", "Example: 31 + 1"),
        ("assistant", "Count on. 32"),
        ("user", "0 + 1"),
    ]


def test_examples_of_other_data_have_its_columns(tmp_path):
    (tmp_path / "other").mkdir()
    write_jsonl(tmp_path / "other/train.jsonl", [{"problem": "5 + 5", "solution": "10"}])
    fewshot = {"split": "train", "count": 1, "data": {"path": "./other", "columns": ["problem", "solution"]}}
    prompt = {"text": {"template": "{{ q }} =", "shot": "{{ problem }} =", "target": " {{ solution }}"}}
    assert texts(bind(tmp_path, prompt=prompt, fewshot=fewshot))[0] == "5 + 5 = 10\n\n0 + 1 ="
    fewshot["data"]["columns"] = ["problem", "reply"]
    with pytest.raises(DataError, match="no column 'reply'"):
        bind(tmp_path, prompt=prompt, fewshot=fewshot)


@pytest.mark.parametrize("style", ["text", "chat"])
@pytest.mark.parametrize(
    ("asked", "shot", "row"),
    [
        ("{{ q }}", None, {"q": "1  + 1 ", "a": "2"}),
        ("{{ q }}", "Example: {{ q }}", {"q": "1  + 1 ", "a": "2"}),
        # Not by the question's template, but by the example's
        ("{{ q }}", "{{ topic }}, {{ a }}", {"topic": "b", "a": "2"}),
        # By neither, but by the columns of both that a question prints
        ("{{ q }} of {{ level }}", "{{ q }} ({{ hint }})", {"q": "1 + 1", "hint": "count", "a": "2"}),
        # By none: the texts
        ("{{ q }} of {{ level }}", "{{ problem }}", {"problem": "1 + 1 of 1", "a": "2"}),
    ],
)
@pytest.mark.parametrize("kind", ["rows", "data"])
def test_examples_that_are_no_rows_of_the_task_are_never_the_question_itself(tmp_path, style, asked, shot, row, kind):
    section = {"shot": shot, "target": " {{ a }}"} if shot else {"target": " {{ a }}"}
    prompt = {style: section | {"template" if style == "text" else "user": asked}}
    others = [row | {key: f"{row[key]} {number}" for key in row if key != "a"} for number in range(2)]
    shots: dict[str, Any] = {"rows": [row, *others]}
    if kind == "data":
        write_jsonl(tmp_path / "other/train.jsonl", [row, *others])
        shots = {"split": "train", "data": {"path": "./other", "columns": ["a"]}}

    def examples(count: int) -> list[set[str]]:
        requests = bind(tmp_path, style, prompt=prompt, fewshot=shots | {"count": count}).requests
        return [set(_examples(request.prompt)) for request in requests]

    plain, spare = examples(1)[0], examples(2)
    assert [len(found) for found in spare] == [2] * len(ROWS)
    assert [number for number, found in enumerate(spare) if not plain <= found] == [1]
    with pytest.raises(DataError, match=r"sums.yaml:\d+.*3 shots wanted, but .* 1 of them are a question under test"):
        examples(3)


def _examples(prompt: TextPrompt | ChatPrompt) -> list[str]:
    if isinstance(prompt, TextPrompt):
        return prompt.text.split("\n\n")[:-1]
    return [message.content for message in prompt.messages[:-1] if message.role == "user"]


@pytest.mark.parametrize(
    ("page", "shots"),
    [
        ({"path": "./both"}, {"path": "./both"}),
        ({"path": "./both"}, {"path": "../" + "{folder}/both"}),
        ({"path": "org/set", "name": "low"}, {"path": "org/set", "name": "low"}),
        ({"path": "org/set", "name": ["low", "high"]}, {"path": "org/set", "name": "high"}),
    ],
)
def test_other_data_is_not_the_split_under_test(tmp_path, page, shots):
    for folder in ("both", "org/set/low", "org/set/high"):
        write_jsonl(tmp_path / folder / "test.jsonl", ROWS)
    shots = shots | {"path": shots["path"].format(folder=tmp_path.name), "columns": ["q"]}
    data = PAGE["data"] | page
    with pytest.raises(ConfigError, match=r"sums.yaml:\d+.*this is the split under test"):
        bind(tmp_path, data=data, fewshot={"split": "test", "count": 1, "data": shots})


@pytest.mark.parametrize("name", ["low", ["low"]])
def test_a_filter_knows_the_config(tmp_path, name):
    write_jsonl(tmp_path / "org/set/low/test.jsonl", ROWS)
    data = PAGE["data"] | {"path": "org/set", "name": name, "where": "{{ config == 'low' and level == 2 }}"}
    assert [sample.id for sample in bind(tmp_path, data=data).samples] == ["2", "5", "8", "11"]


def test_one_turn_has_examples_and_question_in_one_message(tmp_path):
    chat = {
        "user": "{{ q }} =",
        "target": " {{ a }}",
        "one_turn": True,
        "separator": "\n",
        "template_options": {"b": 1, "a": True},
    }
    prompt = (
        bind(tmp_path, "chat", prompt={"chat": chat}, fewshot={"count": 1, "rows": [{"q": "31 + 1", "a": "32"}]})
        .requests[0]
        .prompt
    )
    assert [message.content for message in prompt.messages] == ["31 + 1 = 32\n0 + 1 ="]
    assert prompt.template_options == (("a", True), ("b", 1))


OPTIONS = [
    {"q": "2 + 2", "choices": {"text": ["3", "4", "5"], "label": ["A", "B", "C"]}, "key": "B", "right": [1, 2]},
    {"q": "1 + 2", "choices": {"text": ["3", "7"], "label": ["1", "2"]}, "key": "1", "right": [0]},
]
CHOICE = {
    "data": {"path": "./rows.jsonl", "split": "test", "columns": ["q", "choices", "key"]},
    "prompt": {"text": {"template": "{{ q }} =", "target": " {{ option }}"}},
    "ask": "loglikelihood",
    "sampling": None,
    "score": [{"by": "choice"}],
}


def choices(folder: Path, rows: list[dict[str, Any]] = OPTIONS, **reference: Any) -> tuple[LikelihoodRequest, ...]:
    """The requests of a page of options."""
    spec = {"options": "{{ choices.text }}", "gold": "{{ choices.label.index(key) }}"} | reference
    task = bind(folder, rows=rows, **(CHOICE | {"reference": {"choice": spec}}))
    return task.requests  # type: ignore[return-value]


def test_options_may_vary_in_number_and_several_may_be_right(tmp_path):
    assert [request.continuations for request in choices(tmp_path)] == [(" 3", " 4", " 5"), (" 3", " 7")]
    keys = CHOICE | {"reference": {"choice": {"options": "{{ choices.text }}", "gold": "{{ right }}"}}}
    first, second = (sample.reference for sample in bind(tmp_path, rows=OPTIONS, **keys).samples)
    assert isinstance(first, Choice) and (first.gold, first.right, second.right) == (1, (1, 2), (0,))


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"options": "{{ q }}"}, "expected a list of texts"),
        ({"options": "{{ choices.text }} or so"}, "expected one {{ expression }}"),
        ({"options": "{{ [q] }}"}, "1 options; there must be 2 at least"),
        ({"gold": "{{ [1, 1] }}"}, "gold must be the index of an option"),
        ({"gold": "{{ choices.label | length }}"}, r"gold must be the index of an option, 0 to 2; it is '3'"),
    ],
)
def test_options_that_are_no_list_and_a_gold_that_is_no_option_are_refused(tmp_path, change, wrong):
    with pytest.raises((ConfigError, DataError), match=rf"sums.yaml:\d+.*{wrong}"):
        choices(tmp_path, **change)


def test_options_in_the_prompt_have_a_prompt_each_and_one_continuation(tmp_path):
    rows = [{"q": "The _ is hot", "choices": {"text": ["sun", "ice"], "label": ["1", "2"]}, "key": "1"}]
    prompt = {"text": {"template": "The {{ option }}", "target": " is hot"}}
    keys = {"options": "{{ choices.text }}", "gold": "{{ choices.label.index(key) }}", "options_in": "prompt"}
    (request,) = bind(tmp_path, rows=rows, **(CHOICE | {"prompt": prompt, "reference": {"choice": keys}})).requests
    assert isinstance(request, LikelihoodRequest)
    assert request.contexts == (TextPrompt("The sun"), TextPrompt("The ice"))
    assert request.continuations == (" is hot", " is hot")


def test_unconditional_options_follow_an_empty_prompt_and_have_another_key(tmp_path):
    plain, other = choices(tmp_path)[1], choices(tmp_path, unconditional=True)[1]
    assert other.continuations == (" 3", " 7", " 3", " 7")
    assert other.contexts == (TextPrompt("1 + 2 ="),) * 2 + (TextPrompt(""),) * 2
    assert plain.contexts == () and plain.key != other.key


def test_the_likelihood_of_an_answer_is_that_of_the_target(tmp_path):
    score = [{"by": "choice"}]
    first = bind(tmp_path, ask="loglikelihood", sampling=None, score=score).requests[0]
    assert isinstance(first, LikelihoodRequest) and (first.prompt, first.continuations) == (
        TextPrompt("0 + 1 ="),
        (" 1",),
    )
    with pytest.raises(DataError, match="the target, whose log-likelihood is requested, is blank"):
        bind(tmp_path, ask="loglikelihood", sampling=None, score=score, prompt={"text": {"template": "{{ q }}"}})


def test_answers_may_be_a_list_of_the_row(tmp_path):
    rows = [{"q": "capital", "a": ["Paris", "paris", 75]}]
    (sample,) = bind(tmp_path, rows=rows, reference={"answer": "{{ a }}"}).samples
    assert sample.reference.values == ("Paris", "paris", "75")
    with pytest.raises(DataError, match="expected a list of texts or numbers"):
        bind(tmp_path, rows=[{"q": "capital", "a": []}], reference={"answer": "{{ a }}"})


def test_programs_have_a_suffix_or_cases_of_stdin(tmp_path):
    rows = [{"q": "x", "a": "y", "end": "\n    return x", "io": [{"stdin": "1\n", "stdout": "2\n"}]}]
    score = [{"by": "unit_tests"}]
    tests: dict[str, Any] = {"language": "python", "suffix": "{{ end }}", "tests": "assert f()"}
    (sample,) = bind(tmp_path, rows=rows, reference={"tests": tests}, score=score).samples
    assert isinstance(sample.reference, Tests) and sample.reference.suffix == "\n    return x"
    tests = {"language": "python", "cases": "{{ io }}"}
    (sample,) = bind(tmp_path, rows=rows, reference={"tests": tests}, score=score).samples
    assert sample.reference.cases == (StdinCase("1\n", "2\n"),)
    with pytest.raises(DataError, match="each case must be"):
        bind(tmp_path, rows=[rows[0] | {"io": [{"stdin": 1}]}], reference={"tests": tests}, score=score)
