"""What `harness models inspect --endpoint` says about a server, in words and as JSON."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from servers.fake_pools import FakeServer, anthropic, llama_server, o_series, openai, transformers_serve, vllm

from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.probe.inspect import inspect_server
from harness.engines.endpoint.wire import TokenPrompt
from harness.errors import ConfigError
from harness.models.server import Server
from harness.models.server_text import server_document, server_lines


def seen(server: FakeServer, wire: str = "openai") -> Server:
    facts = inspect_server(server, wire, server.requested, EndpointOptions())
    return Server(wire, server.requested, facts)


def said(server: Server) -> dict[str, str]:
    """Value by label."""
    return {line[:15].strip(): line[16:] for line in server_lines(server)}


def test_a_server_that_can_all_is_described_as_such():
    lines = said(seen(vllm()))
    assert lines["model"] == "demo (listed by /models)"
    assert lines["window"] == "4,096 tokens"
    assert lines["prefill"] == "continued"
    assert lines["token ids"].startswith("taken")
    assert lines["log-likelihoods"].startswith("proved right (prompt_logprobs, single tokens")
    assert lines["stop strings"] == "4 a request; cut off by the server"


@pytest.mark.parametrize(
    ("make", "label", "words"),
    [
        (transformers_serve, "temperature 1", "does not sample: sampled tasks are refused"),
        (transformers_serve, "prefill", "tasks with a prefill are refused"),
        (transformers_serve, "token ids", "not taken"),
        (transformers_serve, "stop strings", "kept in the text"),
        (llama_server, "prefill", "returned before the answer: it is taken off here"),
        (llama_server, "unknown fields", "ignored without a word"),
        (llama_server, "log-likelihoods", "not proved right: tasks with log-likelihoods are refused"),
        (openai, "sampler", "the server's other defaults are unknown"),
        (openai, "window", "unknown: set engine.context_window"),
        (o_series, "greedy", "greedy tasks are refused"),
        (o_series, "stop strings", "not taken"),
        (o_series, "limit", "max_completion_tokens"),
    ],
)
def test_what_a_server_lacks_is_said_with_what_it_means(make, label, words):
    assert words in said(seen(make()))[label]


def test_a_protocol_without_seeds_or_ids_is_not_asked_for_them():
    server = anthropic()
    lines = said(seen(server, "anthropic"))
    assert lines["seeds"].startswith("none")
    assert not any(isinstance(getattr(call, "prompt", None), TokenPrompt) for call, _ in server.calls)


def test_a_chat_only_server_that_refuses_the_plain_route_is_inspected_all_the_same():
    class ChatOnly(FakeServer):
        def once(self, call, url=None):
            if isinstance(getattr(call, "prompt", None), TokenPrompt):
                raise ConfigError("404: this is a chat model")
            return super().once(call, url)

    facts = seen(ChatOnly()).facts
    assert facts.token_ids is False
    assert facts.samples is True


def test_the_document_has_every_fact():
    document = json.loads(json.dumps(server_document(seen(vllm()))))
    assert document["requested"] == "demo"
    assert document["server"]["dialect"]["continue_flags"] is True
    assert document["server"]["window"] == 4096


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the default endpoint engine inspect a server of the tests."""
    got: dict[str, Any] = {}

    def inspect_endpoint(spec, options):
        got.update(options)
        server = vllm(requested=spec.path)
        return inspect_server(server, "openai", spec.path, EndpointOptions(**options))

    module = SimpleNamespace(inspect_endpoint=inspect_endpoint)
    monkeypatch.setattr("harness.models.server.engine_module", lambda name: module)
    return got


def test_the_command_prints_lines_or_json(cli, engine):
    words = ("models", "inspect", "--endpoint", "http://localhost:8000/v1", "--model", "org/demo")
    shown = cli(*words, "--set", "engine.key_env=MY_KEY")
    assert (shown.code, shown.err) == (0, "")
    assert "proved right" in shown.out
    assert engine == {"url": "http://localhost:8000/v1", "key_env": "MY_KEY"}
    assert json.loads(cli(*words, "--json").out)["server"]["listed"] is True


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--endpoint", "http://localhost:8000"), "name one model"),
        (("--endpoint", "http://localhost:8000", "--model", "a/b", "--weights"), "--weights has no effect"),
        (("a/b", "--engine", "local"), "--engine has no effect"),
        (("--endpoint", "http://localhost:8000", "--model", "a/b", "--engine", "scripted"), "no server to inspect"),
    ],
)
def test_a_command_that_makes_no_sense_gets_one_line(cli, words, message):
    refused = cli("models", "inspect", *words)
    assert refused.code == 2
    assert message in refused.err
    assert len(refused.err.strip().splitlines()) == 1
