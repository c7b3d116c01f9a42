"""Scoring completions that were made elsewhere: the forms of the file, and how its faults are reported."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.datatypes import (
    ChatPrompt,
    Completion,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Message,
    Refusal,
    Sampling,
    TextPrompt,
)
from harness.engines import scripted
from harness.engines.base import ModelSpec
from harness.errors import ConfigError


def write(path: Path, *lines: Mapping[str, Any] | str) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def engine(path: Path, **spec: Any) -> scripted.ScriptedEngine:
    return scripted.build(ModelSpec(path="", **spec), {"completions": str(path)})


def ask(sample: str, task: str = "gsm8k", repeat: int = 0) -> GenerateRequest:
    key = f"{task}/{sample}/{repeat}"
    return GenerateRequest(key, task, sample, repeat, TextPrompt("2 + 2 ="), Sampling(8, stop=("\n",)))


def test_each_repeat_gets_its_own_line_in_file_order_and_as_it_stands(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"task": "gsm8k", "sample_id": "a", "completion": " 4\nand more"},
        {"task": "mbpp", "sample_id": "a", "completion": "other task"},
        {"task": "gsm8k", "sample_id": "a", "completion": "five"},
    )
    replies = list(engine(path).stream([ask("a", repeat=1), ask("a"), ask("a", "mbpp")]))
    assert [reply.key for reply in replies] == ["gsm8k/a/1", "gsm8k/a/0", "mbpp/a/0"]
    assert [reply.text for reply in replies if isinstance(reply, Completion)] == ["five", " 4\nand more", "other task"]


def test_repeats_may_be_numbered(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"task": "gsm8k", "sample_id": 7, "completion": "second", "repeat": 1, "finish": "length"},
        {"task": "gsm8k", "sample_id": 7, "completion": "first", "repeat": 0},
    )
    first, second = engine(path).stream([ask("7"), ask("7", repeat=1)])
    assert isinstance(first, Completion) and isinstance(second, Completion)
    assert (first.text, second.text, second.finish) == ("first", "second", "length")


def test_human_eval_and_evalplus_files_are_taken_as_they_are(tmp_path: Path) -> None:
    path = write(
        tmp_path / "samples.jsonl",
        {"task_id": "HumanEval/0", "completion": "    return 1\n"},
        {"task_id": "Mbpp/2", "solution": "def f():\n    return 1\n", "_identifier": "Mbpp/2 (line 1 in x)"},
    )
    packed = tmp_path / "samples.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    requests = [ask("HumanEval/0", "humaneval"), ask("Mbpp/2", "mbpp")]
    for file in (path, packed):
        texts = [reply.text for reply in engine(file).stream(requests) if isinstance(reply, Completion)]
        assert texts == ["    return 1\n", "def f():\n    return 1\n"]
        assert engine(file).facts().digests == {"completions": hashlib.sha256(file.read_bytes()).hexdigest()}


def test_a_request_without_a_line_is_unscored_never_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "made.jsonl", {"task": "gsm8k", "sample_id": "a", "completion": "4"})
    found, other, again = engine(path).stream([ask("a"), ask("b"), ask("a", repeat=1)])
    assert isinstance(found, Completion)
    for reply in (other, again):
        assert isinstance(reply, Refusal)
        assert (reply.failure.stage, reply.failure.kind, reply.failure.ours) == ("engine", "missing", True)


def test_a_file_for_other_samples_is_refused_with_examples_of_both_sides(tmp_path: Path) -> None:
    path = write(tmp_path / "made.jsonl", {"task_id": "Mbpp/0", "completion": "x"})
    with pytest.raises(ConfigError, match=r"none of the 1 requests.*has Mbpp/0;.*humaneval: HumanEval/0"):
        engine(path).check([ask("HumanEval/0", "humaneval")])


def test_loglikelihoods_are_handed_on_in_order(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"task": "piqa", "sample_id": "a", "loglikelihoods": [-1.5, -2], "greedy": [True, False], "tokens": [1, 2]},
        {"task": "piqa", "sample_id": "b", "loglikelihoods": [-1.5]},
    )
    requests = [LikelihoodRequest(i, "piqa", i, 0, TextPrompt("Q"), (" é", " no")) for i in "ab"]
    good, short = engine(path).stream(requests)
    assert isinstance(good, Likelihood) and isinstance(short, Refusal)
    first, second = good.continuations
    assert (first.logprob, first.greedy, first.tokens, first.chars, first.bytes) == (-1.5, True, 1, 2, 3)
    assert (second.logprob, second.greedy, second.tokens) == (-2.0, False, 2)
    assert short.failure.ours and "1 loglikelihoods for 2 continuations" in short.failure.message


def test_a_single_target_without_greedy_is_unscored_never_wrong(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"task": "lambada", "sample_id": "a", "loglikelihoods": [-0.01]},
        {"task": "lambada", "sample_id": "b", "loglikelihoods": [-0.01], "greedy": [True]},
    )
    requests = [LikelihoodRequest(i, "lambada", i, 0, TextPrompt("Q"), (" no",)) for i in "ab"]
    without, given = engine(path).stream(requests)
    assert isinstance(without, Refusal) and without.failure.ours and "without 'greedy'" in without.failure.message
    assert isinstance(given, Likelihood) and given.continuations[0].greedy


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"task": "a"'], r"made.jsonl:1: is not JSON"),
        (["[1]"], r"made.jsonl:1: must be a JSON object"),
        ([{"task": "a", "sample_id": "b", "completion": "c"}, {"task": "a"}], r"made.jsonl:2: .*'sample_id' is miss"),
        ([{"task": "a", "sample_id": "b", "completoin": "c"}], r":1: unknown key 'completoin'; did you mean 'compl"),
        ([{"task": "a", "sample_id": "b"}], r":1: give either 'completion' or 'loglikelihoods'"),
        ([{"task_id": "b", "code": "c"}], r":1: a line with 'task_id' needs 'completion' or 'solution'"),
        ([{"sample_id": "b", "completion": "c"}], r":1: .*'task' is missing"),
        ([{"task": "a", "sample_id": "b", "completion": "c", "repeat": 0}] * 2, r":2: a second line for repeat 0"),
        (
            [
                {"task": "a", "sample_id": "b", "completion": "c"},
                {"task": "a", "sample_id": "b", "completion": "c", "repeat": 1},
            ],
            r":2: 'repeat' is on some lines",
        ),
        ([""], r"made.jsonl: holds no completions"),
    ],
)
def test_a_faulty_line_is_told_by_file_and_line(
    tmp_path: Path, lines: list[Mapping[str, Any] | str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        engine(write(tmp_path / "made.jsonl", *lines))


def test_a_missing_file_and_a_torn_archive_and_a_wrong_option_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.jsonl: completions cannot be read"):
        engine(tmp_path / "none.jsonl")
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(b'{"task_id": "a", "completion": "b"}\n' * 50)[:-12])
    with pytest.raises(ConfigError, match=r"torn.jsonl.gz: is not a whole gzip file"):
        engine(torn)
    with pytest.raises(ConfigError, match=r"engine scripted: unknown key 'completion'; did you mean .*'completions'"):
        scripted.build(ModelSpec(""), {"completion": "x", "completions": "y"})
    with pytest.raises(ConfigError, match=r"engine scripted: the key 'completions' is missing"):
        scripted.build(ModelSpec(""), {})


def test_strings_with_unicode_line_breaks_stay_one_line(tmp_path: Path) -> None:
    path = tmp_path / "made.jsonl"
    path.write_text('{"task": "gsm8k", "sample_id": "a", "completion": "x\u2028y\u0085z"}\n', encoding="utf-8")
    (reply,) = engine(path).stream([ask("a")])
    assert isinstance(reply, Completion) and reply.text == "x\u2028y\u0085z"


def test_style_follows_the_user_and_prompts_are_shown_as_text(tmp_path: Path) -> None:
    path = write(tmp_path / "made.jsonl", {"task_id": "a", "completion": "b"})
    assert engine(path).facts().style == "text"
    chat = engine(path, style="chat")
    assert chat.facts().style == "chat"
    prompt = ChatPrompt((Message("user", "hello"),), prefill="Sure")
    request = GenerateRequest("k", "t", "a", 0, prompt, Sampling(9))
    assert chat.measure(request).rendered == "user: hello\n\nassistant: Sure"
    assert chat.measure(request).max_new_tokens == 9


def test_ids_count_with_or_without_the_name_of_their_data_set(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"task_id": "MBPP/17", "completion": "a"},
        {"task_id": "18", "completion": "b"},
        {"task_id": "Mbpp/19", "completion": "c"},
        {"task": "humaneval", "sample_id": "3", "completion": "d"},
    )
    requests = [ask("17", "mbpp"), ask("Mbpp/18", "mbpp_plus"), ask("Mbpp/19", "mbpp"), ask("HumanEval/3", "humaneval")]
    held = engine(path)
    held.check(requests)
    assert [reply.text for reply in held.stream(requests) if isinstance(reply, Completion)] == ["a", "b", "c", "d"]
    other = [ask("HumanEval/17", "humaneval"), ask("117", "mbpp"), ask("HumanEval/19", "humaneval")]
    assert all(isinstance(reply, Refusal) for reply in held.stream(other))


def test_a_bare_id_of_a_task_is_never_answered_by_another_data_set(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"task_id": "HumanEval/17", "completion": "another data set's"},
        {"task_id": "Mbpp/17", "completion": "own"},
        {"task_id": "HumanEval/18", "completion": "another data set's"},
        {"task_id": "HumanEval/19", "completion": "named", "task": "mbpp"},
    )
    for others in ([], [ask("HumanEval/17", "humaneval")]):
        requests = [ask("17", "mbpp"), ask("18", "mbpp"), ask("19", "mbpp")]
        engine(path).check([*others, *requests])
        own, missing, named = engine(path).stream(requests)
        assert isinstance(own, Completion) and own.text == "own"
        assert isinstance(missing, Refusal) and missing.failure.kind == "missing"
        assert isinstance(named, Completion) and named.text == "named"


def test_an_id_to_the_letter_comes_before_one_without_its_prefix(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"task_id": "Mbpp/2", "completion": "of the prefix"},
        {"task_id": "2", "completion": "to the letter"},
    )
    replies = engine(path).stream([ask("2", "a"), ask("Mbpp/2", "b")])
    assert [reply.text for reply in replies if isinstance(reply, Completion)] == ["to the letter", "of the prefix"]


def test_a_short_id_that_would_answer_two_tasks_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "made.jsonl", {"task_id": "2", "completion": "x"})
    with pytest.raises(ConfigError, match="one line would answer humaneval: HumanEval/2 and mbpp_plus: Mbpp/2"):
        engine(path).check([ask("HumanEval/2", "humaneval"), ask("Mbpp/2", "mbpp_plus")])


def test_a_list_in_a_column_of_any_name_is_the_repeats_of_its_sample(tmp_path: Path) -> None:
    path = write(
        tmp_path / "made.jsonl",
        {"id": 1, "outputs": ["a", "b"], "passed": [True, 0], "prompt": "?"},
        {"id": 2, "outputs": "c", "passed": "failed", "model": "m"} | {"model": ""},
    )
    held = scripted.build(ModelSpec(""), {"completions": str(path), "completion_column": "outputs"})
    requests = [ask("1"), ask("1", repeat=1), ask("2"), ask("2", repeat=1)]
    replies = list(held.stream(requests))
    assert [reply.text for reply in replies if isinstance(reply, Completion)] == ["a", "b", "c"]
    assert isinstance(replies[3], Refusal) and replies[3].failure.kind == "missing"
    assert [held.verdict(request) for request in requests] == [True, False, False, None]
    assert [held.held("gsm8k", name) for name in ("1", "2", "3")] == [2, 1, 0]


def test_other_keys_are_passed_over_but_not_misspelt_ones(tmp_path: Path) -> None:
    line = {"task": "gsm8k", "sample_id": "a", "completion": "4", "verdict": True, "gold": "4", "seconds": 2}
    assert engine(write(tmp_path / "made.jsonl", line)).verdict(ask("a")) is True
    for key in ("repeats", "finsh"):
        with pytest.raises(ConfigError, match=rf"unknown key '{key}'; did you mean"):
            engine(write(tmp_path / "made.jsonl", {**line, key: 1}))


def test_a_file_of_several_models_needs_one_of_them(tmp_path: Path) -> None:
    lines = [{"task": "gsm8k", "sample_id": "a", "completion": name, "model": name} for name in ("first", "second")]
    path = write(tmp_path / "made.jsonl", *lines)
    with pytest.raises(ConfigError, match=r"of 2 models; name one of them: --set engine\.only_model='first'"):
        engine(path)
    with pytest.raises(ConfigError, match="no completions of the model 'secnd'; did you mean 'second'"):
        scripted.build(ModelSpec(""), {"completions": str(path), "only_model": "secnd"})
    (reply,) = scripted.build(ModelSpec(""), {"completions": str(path), "only_model": "second"}).stream([ask("a")])
    assert isinstance(reply, Completion) and reply.text == "second"


@pytest.mark.parametrize(
    ("line", "options", "message"),
    [
        ({"id": 1, "output": "x"}, {"completion_column": "outputs"}, r":1: has no completion in column 'outputs'; did"),
        ({"text": "x"}, {"completion_column": "text"}, r":1: nothing names the sample; a line needs one of sample_id"),
        ({"id": 1, "text": []}, {"completion_column": "text"}, r":1: a list of completions must have items"),
        ({"id": 1, "text": ["x"], "repeat": 0}, {"completion_column": "text"}, r"no 'repeat' beside it"),
        ({"id": 1, "text": ["x", 2]}, {"completion_column": "text"}, r":1: .*completion"),
        ({"id": 1, "text": ["x"], "passed": [1, 0]}, {"completion_column": "text"}, r"2 verdicts for 1 completions"),
        ({"id": 1, "text": "x", "passed": "maybe"}, {"completion_column": "text"}, r":1: passed must be true or false"),
        ({"task_id": 1, "completion": "x"}, {"verdict_column": "ok"}, r":1: has no column 'ok'; it has task_id"),
    ],
)
def test_a_column_that_cannot_be_is_refused(
    tmp_path: Path, line: Mapping[str, Any], options: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        scripted.build(ModelSpec(""), {"completions": str(write(tmp_path / "made.jsonl", line)), **options})


@pytest.mark.parametrize(("name", "value"), [("device", "cuda"), ("dtype", "bfloat16"), ("trust_remote_code", True)])
def test_what_only_a_loaded_model_has_is_refused(tmp_path, name, value):
    file = tmp_path / "answers.jsonl"
    file.write_text('{"task": "a", "sample_id": "1", "completion": "x"}\n')
    spec = ModelSpec(path="m", **{name: value})
    with pytest.raises(ConfigError, match=f"model.{name} has no effect"):
        scripted.build(spec, {"completions": str(file)})
