"""What the Anthropic wire sends and reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datatypes import ChatPrompt, Message, Sampling, TextPrompt
from harness.engines.endpoint.wire import Dialect, GenerateCall, HttpCall, ScoreCall, TokenPrompt, Wire, WireError
from harness.engines.endpoint.wires.anthropic import AnthropicWire
from harness.errors import ConfigError

WIRE: Wire = AnthropicWire()
CHAT = ChatPrompt((Message("system", "Be short."), Message("user", "2 + 2?")))
CALL = GenerateCall("k", CHAT, Sampling(16), (), None)


def written(prompt: Any = CHAT, dialect: Dialect | None = None, **fields: Any) -> HttpCall:
    settings = {"max_tokens": 16, **fields.pop("sampling", {})}
    call = GenerateCall("k", prompt, Sampling(**settings), **{"stop": (), "seed": 7, **fields})
    return WIRE.write(call, "claude", dialect or Dialect(stream=False))


def test_the_system_message_is_apart_and_no_seed_is_sent():
    assert written() == HttpCall(
        "/messages",
        {
            "model": "claude",
            "system": "Be short.",
            "messages": [{"role": "user", "content": "2 + 2?"}],
            "max_tokens": 16,
            "temperature": 0.0,
            "stream": False,
        },
    )


def test_turns_of_one_role_are_one_turn_with_both_texts():
    prompt = ChatPrompt((Message("user", "a"), Message("user", "b"), Message("assistant", "c")), "d")
    texts = [
        [part["text"] for part in turn["content"]] if isinstance(turn["content"], list) else [turn["content"]]
        for turn in written(prompt).body["messages"]
    ]
    assert texts == [["a", "b"], ["c", "d"]]


def test_a_prefill_is_the_last_turn_unchanged():
    body = written(ChatPrompt((Message("user", "a"),), "The answer is ")).body
    assert body["messages"][-1] == {"role": "assistant", "content": "The answer is "}


def test_a_late_system_message_is_refused_not_moved():
    with pytest.raises(ConfigError, match="system message"):
        written(ChatPrompt((Message("user", "a"), Message("system", "b"))))


def test_stop_strings_of_white_space_are_left_to_the_client():
    assert written(stop=("\n\n", "", "Q:")).body["stop_sequences"] == ["Q:"]
    assert "stop_sequences" not in written(stop=("\n",)).body


def test_top_p_and_top_k_are_sent_where_they_are_set_or_must_be_switched_off():
    assert written(sampling={"temperature": 1.0, "top_p": 0.9, "top_k": 5}).body["top_p"] == 0.9
    off = written(dialect=Dialect(sampler={"top_k": 0, "top_p": 1.0})).body
    assert (off["top_k"], off["top_p"]) == (0, 1.0)
    assert "temperature" not in written(dialect=Dialect(temperature=False)).body


@pytest.mark.parametrize("prompt", [TextPrompt("x"), TokenPrompt((1, 2))])
def test_what_is_no_message_is_refused(prompt):
    with pytest.raises(ConfigError, match="messages only"):
        written(prompt)


def test_log_probabilities_are_refused():
    with pytest.raises(ConfigError, match="log-probabilities"):
        WIRE.write(ScoreCall("k", (1, 2), 1), "claude", Dialect())
    with pytest.raises(ConfigError, match="log-probabilities"):
        written(logprobs=True)


def test_extra_body_may_not_contradict_the_run():
    assert written(dialect=Dialect(extra={"thinking": {"type": "disabled"}})).body["thinking"] == {"type": "disabled"}
    for name in ("stop_sequences", "max_tokens", "system", "temperature"):
        with pytest.raises(ConfigError, match=name):
            written(dialect=Dialect(extra={name: 1}))


def test_the_key_is_in_one_header_and_none_without_a_key():
    assert WIRE.headers("secret")["x-api-key"] == "secret"
    assert "x-api-key" not in WIRE.headers(None)
    assert WIRE.headers(None)["anthropic-version"]


def message(**fields: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "assistant",
        "model": "claude-3-5-sonnet-20241022",
        "content": [{"type": "text", "text": "4"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
        **fields,
    }


def test_an_answer_with_reasoning_and_cached_tokens():
    content = [
        {"type": "thinking", "thinking": "2 and 2", "signature": "x"},
        {"type": "redacted_thinking", "data": "y"},
        {"type": "text", "text": "4"},
        {"type": "text", "text": "."},
    ]
    usage = {"input_tokens": 3, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 7, "output_tokens": 5}
    reply = WIRE.read(CALL, message(content=content, usage=usage))
    assert (reply.text, reply.reasoning, reply.ending) == ("4.", "2 and 2", "end")
    assert reply.model == "claude-3-5-sonnet-20241022"
    # The server's input_tokens leave the cached ones out
    assert (reply.usage.prompt, reply.usage.cached, reply.usage.cache_written, reply.usage.output) == (20, 10, 7, 5)


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "window"),
        ("refusal", "filtered"),
        ("tool_use", "end"),
        ("something_new", "unknown"),
    ],
)
def test_each_ending(reason, ending):
    reply = WIRE.read(CALL, message(stop_reason=reason, stop_sequence="Q:" if reason == "stop_sequence" else None))
    assert reply.ending == ending
    assert reply.stop_string == ("Q:" if ending == "stop" else None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (message(stop_reason="pause_turn"), "broken_reply"),
        (message(stop_reason=None), "broken_reply"),
        (message(content=None), "broken_reply"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "server_error"),
        ([], "broken_reply"),
    ],
)
def test_what_is_no_answer_is_a_fault(body, kind):
    with pytest.raises(WireError) as caught:
        WIRE.read(CALL, body)
    assert (caught.value.fault.kind, caught.value.fault.retry) == (kind, True)


def start(**usage: int) -> str:
    empty = message(content=[], stop_reason=None, usage=usage)
    return json.dumps({"type": "message_start", "message": empty})


def piece(**delta: str) -> str:
    return json.dumps({"type": "content_block_delta", "index": 0, "delta": delta})


END = json.dumps(
    {
        "type": "message_delta",
        "delta": {"stop_reason": "stop_sequence", "stop_sequence": "Q:"},
        "usage": {"output_tokens": 5},
    }
)
STOP = json.dumps({"type": "message_stop"})


@given(st.lists(st.text(), max_size=8), st.lists(st.text(), max_size=4))
def test_any_cut_of_a_text_into_events_gives_the_text(texts, thoughts):
    reader = WIRE.reader(CALL)
    reader.feed(start(input_tokens=3, cache_read_input_tokens=4, output_tokens=1))
    reader.feed('{"type": "ping"}')
    reader.feed('{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}')
    for thought in thoughts:
        assert reader.feed(piece(type="thinking_delta", thinking=thought)) == ""
    pieces = [reader.feed(piece(type="text_delta", text=text)) for text in texts]
    reader.feed(END)
    assert not reader.complete
    reader.feed(STOP)
    reply = reader.reply()
    assert reader.complete
    assert "".join(pieces) == reply.text == "".join(texts)
    assert (reply.reasoning, reply.ending, reply.stop_string) == ("".join(thoughts), "stop", "Q:")
    assert (reply.usage.prompt, reply.usage.output, reply.usage.cached) == (7, 5, 4)


def test_an_end_without_a_reason_is_not_complete():
    reader = WIRE.reader(CALL)
    for data in (start(input_tokens=3), piece(type="text_delta", text="4"), STOP):
        reader.feed(data)
    assert not reader.complete
    assert (reader.reply().text, reader.reply().ending) == ("4", "unknown")


def test_an_error_inside_a_stream_is_a_fault_with_what_it_cost():
    reader = WIRE.reader(CALL)
    reader.feed(start(input_tokens=3, output_tokens=1))
    with pytest.raises(WireError) as caught:
        reader.feed('{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}')
    fault = caught.value.fault
    assert (fault.kind, fault.retry, fault.message) == ("server_error", True, "Overloaded")
    assert fault.usage is not None
    assert fault.usage.prompt == 3
