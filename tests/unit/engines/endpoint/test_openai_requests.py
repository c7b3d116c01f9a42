"""What the OpenAI wire sends: everything that decides an answer, and nothing that contradicts it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.datatypes import ChatPrompt, Message, Sampling, TextPrompt
from harness.engines.endpoint.wire import ChoiceCall, Dialect, GenerateCall, HttpCall, ScoreCall, TokenPrompt, Wire
from harness.engines.endpoint.wires.openai import OpenAIWire
from harness.errors import ConfigError

WIRE: Wire = OpenAIWire()
CHAT = ChatPrompt((Message("system", "Be short."), Message("user", "2 + 2?")))


def written(prompt: Any = CHAT, dialect: Dialect | None = None, **fields: Any) -> HttpCall:
    settings = {"max_tokens": 16, **fields.pop("sampling", {})}
    call = GenerateCall("k", prompt, Sampling(**settings), **{"stop": (), "seed": None, **fields})
    return WIRE.write(call, "m", dialect or Dialect())


def test_a_prompt_goes_to_the_route_of_its_kind():
    assert written().path == "/chat/completions"
    assert written(TextPrompt("2 + 2 =")).path == "/completions"
    ids = written(TokenPrompt((1, 7)))
    assert (ids.path, ids.body["prompt"]) == ("/completions", [1, 7])


def test_greedy_decoding_is_sent_as_such_with_all_that_could_change_it_off():
    dialect = Dialect(sampler={"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}, stream=False)
    assert written(dialect=dialect).body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2 + 2?"}],
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "max_tokens": 16,
        "stream": False,
    }


def test_a_top_k_is_sent_or_refused_but_never_dropped():
    assert written(dialect=Dialect(sampler={"top_k": -1}), sampling={"top_k": 5}).body["top_k"] == 5
    with pytest.raises(ConfigError, match="does not take top_k"):
        written(sampling={"top_k": 5})


def test_a_server_with_a_temperature_of_its_own_gets_none():
    body = written(dialect=Dialect(temperature=False), sampling={"temperature": 1.0}).body
    assert not {"temperature", "top_p"} & set(body)


def test_a_seed_fits_every_server_and_zero_is_one():
    assert written(seed=0).body["seed"] == 0
    assert 0 <= written(seed=2**63 - 1).body["seed"] < 2**31
    assert "seed" not in written(seed=None).body
    assert "seed" not in written(seed=1, dialect=Dialect(seed=False)).body


def test_no_empty_stop_and_no_more_than_the_server_takes():
    assert written(stop=("", "a", "b", "c", "d", "e")).body["stop"] == ["a", "b", "c", "d"]
    assert "stop" not in written(stop=("",)).body


def test_the_limit_is_spelt_as_the_chat_route_wants_it():
    dialect = Dialect(max_tokens="max_completion_tokens")
    body = written(dialect=dialect).body
    assert body["max_completion_tokens"] == 16
    assert "max_tokens" not in body
    # /completions has no such field: it would be ignored, and 16 tokens be the default
    assert written(TextPrompt("x"), dialect).body["max_tokens"] == 16


def test_a_prefill_is_the_last_message_with_flags_where_they_are_needed():
    prompt = ChatPrompt(CHAT.messages, "The answer is ")
    plain, flagged = written(prompt).body, written(prompt, Dialect(continue_flags=True)).body
    assert plain["messages"][-1] == {"role": "assistant", "content": "The answer is "}
    assert "add_generation_prompt" not in plain
    assert (flagged["continue_final_message"], flagged["add_generation_prompt"]) == (True, False)
    assert "continue_final_message" not in written(dialect=Dialect(continue_flags=True)).body


def test_a_stream_states_its_usage():
    call = written()
    assert call.stream
    assert call.body["stream_options"] == {"include_usage": True}
    assert "stream_options" not in written(dialect=Dialect(stream_usage=False)).body


def test_log_probabilities_are_requested_in_the_words_of_the_route():
    assert written(logprobs=True).body["logprobs"] is True
    assert written(logprobs=True, top=5).body["top_logprobs"] == 5
    assert written(TextPrompt("x"), logprobs=True).body["logprobs"] == 1
    assert "logprobs" not in written().body


def test_template_options_go_to_the_chat_route_only():
    dialect = Dialect(template_options={"enable_thinking": False})
    assert written(dialect=dialect).body["chat_template_kwargs"] == {"enable_thinking": False}
    assert "chat_template_kwargs" not in written(TextPrompt("x"), dialect).body


def test_options_of_a_task_go_to_the_servers_template_and_the_users_own_win():
    prompt = ChatPrompt((Message("user", "3 + 4?"),), template_options=(("depth", 2), ("enable_thinking", True)))
    assert written(prompt).body["chat_template_kwargs"] == {"depth": 2, "enable_thinking": True}
    for own in (
        Dialect(template_options={"enable_thinking": False}),
        Dialect(extra={"chat_template_kwargs": {"enable_thinking": False}}),
    ):
        assert written(prompt, own).body["chat_template_kwargs"] == {"depth": 2, "enable_thinking": False}


@pytest.mark.parametrize(
    "name",
    ["temperature", "seed", "max_tokens", "max_completion_tokens", "stop", "n", "stream", "messages", "model", "top_k"],
)
def test_extra_body_may_not_contradict_the_run(name):
    with pytest.raises(ConfigError, match=f"extra_body: the field '{name}'"):
        written(dialect=Dialect(extra={name: 1}))


def test_extra_body_reaches_every_request_and_wins_over_what_is_only_switched_off():
    dialect = Dialect(extra={"provider": {"only": ["x"]}, "min_p": 0.1}, sampler={"min_p": 0.0}, scoring="echo")
    assert written(dialect=dialect).body["min_p"] == 0.1
    score = WIRE.write(ScoreCall("k", (1, 2), 1), "m", dialect)
    assert score.body["provider"] == {"only": ["x"]}
    both = Dialect(extra={"chat_template_kwargs": {}}, template_options={"a": 1})
    with pytest.raises(ConfigError, match="template_options"):
        written(dialect=both)


def test_scoring_is_greedy_whole_and_in_the_way_that_was_proved():
    by_prompt = WIRE.write(ScoreCall("k", (1, 2, 3), 1), "m", Dialect(scoring="prompt_logprobs", token_ids_back=True))
    assert by_prompt.path == "/completions"
    assert not by_prompt.stream
    assert by_prompt.body["prompt"] == [1, 2, 3]
    assert (by_prompt.body["prompt_logprobs"], by_prompt.body["max_tokens"]) == (1, 1)
    assert by_prompt.body["return_token_ids"] is True
    by_echo = WIRE.write(ScoreCall("k", (1, 2, 3), 1), "m", Dialect(scoring="echo")).body
    assert (by_echo["echo"], by_echo["logprobs"], by_echo["return_tokens_as_token_ids"]) == (True, 1, True)
    options = WIRE.write(ChoiceCall("k", (1, 2), (5, 6)), "m", Dialect(choice_ids=True)).body
    assert options["logprob_token_ids"] == [5, 6]
    assert options["logprobs"]


@pytest.mark.parametrize("call", [ScoreCall("k", (1, 2), 1), ChoiceCall("k", (1,), (2,))])
def test_what_a_server_cannot_score_is_refused(call):
    with pytest.raises(ConfigError, match="log-probabilities"):
        WIRE.write(call, "m", Dialect())


def test_the_key_is_in_one_header_and_none_without_a_key():
    assert WIRE.headers("secret")["authorization"] == "Bearer secret"
    assert "authorization" not in WIRE.headers(None)
    assert "secret" not in str(written())
