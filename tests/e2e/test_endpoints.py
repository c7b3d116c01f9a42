"""The same weights behind a server give the numbers that they give here; what a server spoils is found or refused.

Real servers: llama.cpp's and `transformers serve`. A server of the tests in vLLM's shape has prompt log-probabilities.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from files import REPO, read_jsonl, write_jsonl
from servers.relay import relay
from servers.running import DEMO_MODEL
from servers.suite import by_sample, wrong_texts

CHOICES = """\
name: sizes
version: 1
about: Which is larger, for tests.
source: {licence: Apache-2.0}
data: {path: ./sizes.jsonl, split: test, columns: [id, a, b], id: "{{ id }}"}
reference:
  choice:
    options: ["{{ a }}", "{{ b }}", "{{ a }} and {{ b }}", "naïve"]
    gold: "{{ 0 if a > b else 1 }}"
prompt:
  text: {template: "Which is larger, {{ a }} or {{ b }}?\\nAnswer:", target: " {{ option }}"}
  chat: {user: "Which is larger, {{ a }} or {{ b }}?", target: "{{ option }}"}
ask: loglikelihood
score:
  - by: choice
metric: [mean]
"""
SAMPLED = "sampling.temperature=1.0"


SERVERS = pytest.mark.parametrize(
    "server", ["llama_server", "vllm_shape", pytest.param("transformers_serve", marks=pytest.mark.slow)]
)


@pytest.fixture
def sizes(tmp_path: Path) -> Path:
    """A page of eight questions with four options each."""
    rows = [{"id": f"q{i}", "a": (7 * i) % 31, "b": (11 * i + 3) % 37} for i in range(8)]
    write_jsonl(tmp_path / "sizes.jsonl", rows)
    (tmp_path / "sizes.yaml").write_text(CHOICES, encoding="utf-8")
    return tmp_path / "sizes.yaml"


@pytest.fixture
def prefilled(tmp_path: Path) -> Path:
    """Additions in which the answer begins with a part of it."""
    rows = [{"id": f"s{i}", "a": 10 + i, "b": 7} for i in range(6)]
    write_jsonl(tmp_path / "begun.jsonl", rows)
    page = """\
name: begun
version: 1
about: Additions with a prefill, for tests.
source: {licence: Apache-2.0}
data: {path: ./begun.jsonl, split: test, columns: [id, a, b], id: "{{ id }}"}
reference:
  answer: ["{{ a + b }}"]
prompt:
  chat: {user: "Ann has {{ a }} apples and gets {{ b }} more. How many has she?", prefill: "{{ a }}+"}
sampling: {max_tokens: 30}
score:
  - by: exact_match
    extract: {by: number, pick: last}
metric: [mean]
"""
    (tmp_path / "begun.yaml").write_text(page, encoding="utf-8")
    return tmp_path / "begun.yaml"


def at(server: Any, *, engine: str = "openai", exact: bool = False, **more: Any) -> list[object]:
    """The words of a command that runs through a server."""
    words: list[object] = ["run", "--engine", engine, "--model", server.model, "--set", f"engine.url={server.url}"]
    if exact:
        words += ["--set", f"engine.tokenizer={DEMO_MODEL}"]
    for name, value in more.items():
        words += ["--set", f"engine.{name}={value}"]
    return words


@pytest.mark.parametrize("way", ["chat", "exact"])
def test_the_demo_suite_through_llama_server_has_the_local_texts(cli, llama_server, demo_start, tmp_path, way):
    words = at(llama_server, exact=way == "exact", served_as="float32")
    seen = cli(*words, "--suite", "demo", "--limit", 10, "--out", "r")
    assert seen.code == 0, seen.err
    theirs = by_sample(tmp_path / "r")
    assert len(theirs) == 20
    assert wrong_texts(theirs, demo_start) == {}
    if way == "exact":
        ours = {name: demo_start[name]["reply"]["prompt_hash"] for name in theirs}
        assert {name: record["reply"]["prompt_hash"] for name, record in theirs.items()} == ours


@pytest.mark.slow
def test_the_demo_suite_through_transformers_serve_has_the_local_texts(cli, transformers_serve, demo_start, tmp_path):
    seen = cli(*at(transformers_serve), "--suite", "demo", "--limit", 10, "--out", "r")
    assert seen.code == 0, seen.err
    theirs = by_sample(tmp_path / "r")
    assert len(theirs) == 20
    assert wrong_texts(theirs, demo_start) == {}


def test_log_likelihoods_through_vllms_shape_are_the_local_ones(cli, vllm_shape, sizes, tmp_path):
    here = cli("run", "--tasks", sizes, "--out", "here", "--json")
    there = cli(*at(vllm_shape, exact=True), "--tasks", sizes, "--out", "there", "--json")
    assert (here.code, there.code) == (0, 0), there.err
    ours, theirs = by_sample(tmp_path / "here"), by_sample(tmp_path / "there")
    assert ours.keys() == theirs.keys() and len(ours) == 8
    for name in ours:
        mine, other = ours[name]["reply"], theirs[name]["reply"]
        assert mine["prompt_hash"] == other["prompt_hash"]
        for one, two in zip(mine["continuations"], other["continuations"], strict=True):
            assert one["logprob"] == pytest.approx(two["logprob"], abs=1e-3)
            assert [one[key] for key in ("greedy", "tokens", "chars", "bytes")] == [
                two[key] for key in ("greedy", "tokens", "chars", "bytes")
            ]
        assert [score["value"] for score in ours[name]["scores"]] == [
            score["value"] for score in theirs[name]["scores"]
        ]


def test_a_server_without_prompt_log_probabilities_is_refused_before_the_first_task_request(cli, llama_server, sizes):
    with relay(llama_server.url) as between:
        seen = cli(*at(between, exact=True), "--tasks", sizes)
        # Exact prompts are token ids, so the probe is known by its short ones; no request of it is tried again
        prompts = [one.text for one in between.seen if one.text]
        assert all(len(one.body["prompt"]) < 8 for one in between.seen if one.text)
        assert len(prompts) == len(set(prompts))
    assert seen.code == 2, seen.err
    assert "log-prob" in seen.err.lower() or "likelihood" in seen.err.lower()
    assert "Traceback" not in seen.err


@SERVERS
def test_a_stop_string_is_in_no_answer_whether_or_not_the_server_cuts_it(cli, request, server, tmp_path):
    page = (REPO / "tasks/demo/demo_math.yaml").read_text(encoding="utf-8").replace("./demo", f"{REPO}/tasks/demo/demo")
    # More than vLLM takes in one request
    stops = '["####", "ZZ", "YY", "XX", "WW", "VV"]'
    page = page.replace("  chat:\n", f"  chat:\n    stop: {stops}\n")
    (tmp_path / "demo_math.yaml").write_text(page, encoding="utf-8")
    there = at(request.getfixturevalue(server))
    texts = []
    for name, words in (("here", ("run", "--style", "chat")), ("there", there)):
        seen = cli(*words, "--tasks", "./demo_math.yaml", "--limit", 4, "--out", name)
        assert seen.code == 0, seen.err
        records = by_sample(tmp_path / name)
        texts.append({sample: record["reply"]["text"] for sample, record in records.items()})
        assert {record["reply"]["finish"] for record in records.values()} == {"stop"}
    assert texts[0] == texts[1]
    assert not any("####" in text for text in texts[1].values()) and all(texts[1].values())


def test_a_prefill_is_continued_and_not_returned(cli, llama_server, vllm_shape, prefilled, tmp_path):
    here = cli("run", "--tasks", prefilled, "--style", "chat", "--out", "here")
    assert here.code == 0, here.err
    ours = {name: record["reply"]["text"] for name, record in by_sample(tmp_path / "here").items()}
    for server, name in ((llama_server, "llama"), (vllm_shape, "vllm")):
        seen = cli(*at(server), "--tasks", prefilled, "--out", name)
        assert seen.code == 0, seen.err
        assert {sample: record["reply"]["text"] for sample, record in by_sample(tmp_path / name).items()} == ours


@pytest.mark.slow
def test_a_task_with_a_prefill_is_refused_where_none_is_continued(cli, transformers_serve, prefilled):
    seen = cli(*at(transformers_serve), "--tasks", prefilled, "--out", "refused")
    assert seen.code == 2 and "prefill" in seen.err and "Traceback" not in seen.err


def test_every_sampler_setting_is_sent_to_a_server_that_has_others_by_default(cli, llama_server):
    with relay(llama_server.url) as between:
        words = ("--tasks", "demo_math", "--limit", 3, "--set", f"tasks.demo_math.{SAMPLED}")
        seen = cli(*at(between), *words)
        bodies = [one.body for one in between.seen if "Show the steps" in one.text]
    assert seen.code == 0, seen.err
    assert len(bodies) == 3
    for body in bodies:
        assert (body["temperature"], body["top_p"], body["top_k"], body["min_p"]) == (1.0, 1.0, 0, 0.0)
        assert isinstance(body["seed"], int) and "n" not in body


@pytest.mark.slow
def test_a_sampled_task_is_refused_where_temperature_1_does_not_sample(cli, transformers_serve):
    with relay(transformers_serve.url, transformers_serve.model) as between:
        words = ("--tasks", "demo_math", "--limit", 3, "--set", f"tasks.demo_math.{SAMPLED}")
        seen = cli(*at(between), *words)
        assert not any("Show the steps" in one.text for one in between.seen)
    assert seen.code == 2, seen.err
    assert "temperature" in seen.err and "Traceback" not in seen.err


@SERVERS
def test_a_server_that_answers_with_another_model_is_refused(cli, request, server):
    with relay(request.getfixturevalue(server).url, "some-other-model") as between:
        seen = cli(*at(between), "--tasks", "demo_math", "--limit", 2)
        assert not any("Show the steps" in one.text for one in between.seen)
    assert seen.code == 2, seen.err
    assert "some-other-model" in seen.err and "Traceback" not in seen.err


def test_a_name_that_the_server_does_not_know_is_refused_with_the_names_that_it_knows(cli, vllm_shape):
    seen = cli("run", "--endpoint", vllm_shape.url, "--model", "nonesuch", "--tasks", "demo_math", "--limit", 2)
    assert seen.code == 2
    assert "does not have this model: 404: The model `nonesuch` does not exist. Valid aliases: demo; see" in seen.err


def test_prompts_that_vllm_has_no_room_for_are_counted_as_such_in_each_wording(cli, vllm_shape, prefilled, tmp_path):
    texts = {"short": "2 + 2", "tokens": " 7 apples" * 1000, "characters": " 7 apples" * 40_000}
    write_jsonl(tmp_path / "begun.jsonl", [{"id": name, "a": text, "b": 1} for name, text in texts.items()])
    page = prefilled.read_text(encoding="utf-8").replace(', prefill: "{{ a }}+"', "").replace("{{ a + b }}", "7")
    prefilled.write_text(page, encoding="utf-8")
    seen = cli(*at(vllm_shape, overflow="refuse"), "--tasks", prefilled, "--out", "r")
    assert seen.code == 0, seen.err
    replies = {name: record["reply"] for name, record in by_sample(tmp_path / "r").items()}
    assert replies["short"]["kind"] == "completion"
    assert {replies[name]["failure"]["kind"] for name in ("tokens", "characters")} == {"context_overflow"}
    # The model's own, as with the local engine: they score 0
    assert not any(replies[name]["failure"]["ours"] for name in ("tokens", "characters"))


def test_the_anthropic_wire_has_the_texts_of_the_other(cli, llama_server, demo_start, tmp_path):
    words = at(llama_server, engine="anthropic")
    seen = cli(*words, "--suite", "demo", "--limit", 5, "--out", "r")
    assert seen.code == 0, seen.err
    theirs = by_sample(tmp_path / "r")
    assert len(theirs) == 10
    assert wrong_texts(theirs, demo_start) == {}
    assert {record["reply"]["finish"] for record in theirs.values()} == {"eos"}


def test_what_the_server_did_is_in_the_manifest(cli, vllm_shape, tmp_path):
    seen = cli(*at(vllm_shape, exact=True, served_as="float32"), "--tasks", "demo_math", "--limit", 2, "--out", "r")
    assert seen.code == 0, seen.err
    manifest = json.loads((tmp_path / "r/manifest.json").read_text())
    server = manifest["engine"]["server"]
    assert server["model"] == "demo" and server["window"] == 2048 and server["token_ids"] is True
    assert server["fingerprint"].startswith("vllm-0.32.0")
    assert all(record["reply"]["served"]["model"] == "demo" for record in read_jsonl(tmp_path / "r/records.jsonl"))
