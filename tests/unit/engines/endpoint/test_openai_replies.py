"""What the OpenAI wire reads, in the shapes of its many servers."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datatypes import ChatPrompt, Message, Sampling, TextPrompt
from harness.engines.endpoint.wire import ChoiceCall, GenerateCall, ScoreCall, WireError, WireReply
from harness.engines.endpoint.wires.openai import OpenAIWire

WIRE = OpenAIWire()
CALL = GenerateCall("k", ChatPrompt((Message("user", "?"),)), Sampling(16), ("\n",), None)
NO_STOP = GenerateCall("k", TextPrompt("?"), Sampling(16), (), None)


def chat(message: dict[str, Any] | None = None, call: GenerateCall = CALL, **choice: Any) -> WireReply:
    filled = {
        "index": 0,
        "message": message or {"role": "assistant", "content": "4"},
        "finish_reason": "stop",
        **choice,
    }
    return WIRE.read(call, {"model": "m", "choices": [filled]})


def fault(call: Any, body: Any) -> Any:
    with pytest.raises(WireError) as caught:
        WIRE.read(call, body)
    return caught.value.fault


def test_an_answer_with_all_that_a_server_states():
    reply = WIRE.read(
        CALL,
        {
            "model": "gpt-4o-2024-08-06",
            "system_fingerprint": "fp_1",
            "provider": "Azure",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": "length"}],
            "usage": {
                "prompt_tokens": 20,
                "completion_tokens": 9,
                "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 5},
            },
        },
    )
    assert (reply.text, reply.ending, reply.reason) == ("4", "length", "length")
    assert (reply.model, reply.fingerprint, reply.provider) == ("gpt-4o-2024-08-06", "fp_1", "Azure")
    usage = reply.usage
    assert (usage.prompt, usage.output, usage.cached, usage.cache_written, usage.reasoning) == (20, 9, 16, 3, 5)


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("length", "length"),
        ("content_filter", "filtered"),
        ("SAFETY", "filtered"),
        ("tool_calls", "end"),
        ("eos_token", "end"),
        ("stop_sequence", "stop"),
        ("model_length", "window"),
        ("something new", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_ending_of_each_server(reason, ending):
    assert chat(finish_reason=reason).ending == ending


def test_stop_is_an_end_token_or_a_stop_string_as_the_server_states_it():
    assert (chat(stop_reason=None).ending, chat(stop_reason=None).stop_string) == ("end", None)
    assert (chat(stop_reason="\n").ending, chat(stop_reason="\n").stop_string) == ("stop", "\n")
    assert chat(stop_reason=128009).ending == "end"
    assert chat(matched_stop=2).ending == "end"
    assert chat(matched_stop="\n").stop_string == "\n"
    # Not stated: without a stop string it can only be the end
    assert chat().ending == "stop"
    assert chat(call=NO_STOP).ending == "end"


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_is_kept_apart(field):
    reply = chat({"role": "assistant", "content": "4", field: "2 and 2"})
    assert (reply.text, reply.reasoning) == ("4", "2 and 2")


def test_reasoning_under_both_names_is_read_once():
    assert chat({"content": "4", "reasoning": "so", "reasoning_content": "so"}).reasoning == "so"


def test_content_may_be_parts():
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "so"}]},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    reply = chat({"content": parts})
    assert (reply.text, reply.reasoning) == ("ab", "so")


def test_a_refusal_is_filtered_and_its_text_kept():
    reply = chat({"content": None, "refusal": "I can't help with that."})
    assert (reply.ending, reply.text) == ("filtered", "I can't help with that.")


def test_an_answer_of_null_is_empty():
    assert chat({"role": "assistant", "content": None}).text == ""
    assert chat({"role": "assistant", "content": None}).ending == "stop"


@pytest.mark.parametrize(
    ("usage", "output", "cached"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 3, "prompt_cache_hit_tokens": 8}, 3, 8),
        ({"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": None}, 3, 0),
        # Reasoning outside of the output, as xAI and Gemini count it
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 3,
                "total_tokens": 20,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            10,
            0,
        ),
        ({"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 20}, 10, 0),
        ({"prompt_tokens": 10, "completion_tokens": True}, None, 0),
        (None, None, 0),
    ],
)
def test_the_usage_of_each_server(usage, output, cached):
    body = {"choices": [{"message": {"content": "4"}, "finish_reason": "stop"}], "usage": usage}
    reply = WIRE.read(CALL, body)
    assert (reply.usage.output, reply.usage.cached) == (output, cached)


def test_log_probabilities_in_both_shapes_and_of_a_token_of_probability_zero():
    completions = {"tokens": ["a", "b"], "token_logprobs": [-0.5, -9999.0], "top_logprobs": [{}, {}]}
    # As llama.cpp answers on /completions
    content = [{"id": 82, "token": "n", "logprob": -0.25, "top_logprobs": []}, {"id": 13, "token": ")", "logprob": -1}]
    first = WIRE.read(NO_STOP, {"choices": [{"text": "ab", "finish_reason": "length", "logprobs": completions}]})
    second = WIRE.read(
        NO_STOP, {"choices": [{"text": "n)", "finish_reason": "length", "logprobs": {"content": content}}]}
    )
    assert first.token_logprobs == (-0.5, -math.inf)
    assert first.output_ids is None
    assert (second.token_logprobs, second.output_ids) == ((-0.25, -1.0), (82, 13))
    assert chat().token_logprobs is None


def test_token_ids_come_back_where_vllm_has_them():
    choice = {"text": "x", "finish_reason": "length", "token_ids": [5], "prompt_token_ids": [1, 2]}
    completion = WIRE.read(NO_STOP, {"choices": [choice]})
    answer = {"message": {"content": "x"}, "finish_reason": "length", "token_ids": [5]}
    in_chat = WIRE.read(CALL, {"choices": [answer], "prompt_token_ids": [1, 2]})
    for reply in (completion, in_chat):
        assert (reply.output_ids, reply.prompt_ids) == ((5,), (1, 2))


@pytest.mark.parametrize(
    ("body", "kind", "retry"),
    [
        ({"error": {"message": "Provider returned error", "code": 502}}, "server_error", True),
        ({"error": {"message": "slow down", "code": 429}}, "rate_limited", True),
        ({"error": "out of memory"}, "server_error", True),
        ({"object": "error", "message": "bad", "type": "BadRequestError", "code": 400}, "bad_request", False),
        ({"choices": [{"error": {"code": 503, "message": "x"}, "finish_reason": "error"}]}, "server_error", True),
        (
            {"choices": [{"message": {"content": "4"}, "finish_reason": "insufficient_system_resource"}]},
            "server_error",
            True,
        ),
        ({"choices": []}, "broken_reply", True),
        ({}, "broken_reply", True),
        ([], "broken_reply", True),
        ({"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}, "broken_reply", True),
    ],
)
def test_a_good_status_with_no_answer_inside_is_a_fault(body, kind, retry):
    found = fault(CALL, body)
    assert (found.kind, found.retry) == (kind, retry)
    assert found.message


# --- scoring -------------------------------------------------------------------------------------

SCORE = ScoreCall("k", (1, 7, 8), 2)
ROWS = [
    None,
    {"7": {"logprob": -2.5, "rank": 4}, "9": {"logprob": -0.1, "rank": 1}},
    {"8": {"logprob": -0.25, "rank": 1}},
]


def scored(choice: dict[str, Any], **body: Any) -> WireReply:
    return WIRE.read(SCORE, {"choices": [{"text": "x", "finish_reason": "length", **choice}], **body})


def test_prompt_log_probabilities_are_those_of_the_ids_that_were_sent():
    reply = scored({"prompt_logprobs": ROWS, "prompt_token_ids": [1, 7, 8]})
    assert reply.prompt_tokens is not None
    assert [(token.id, token.logprob, token.greedy) for token in reply.prompt_tokens] == [
        (7, -2.5, False),
        (8, -0.25, True),
    ]
    assert scored({}, prompt_logprobs=ROWS).prompt_tokens == reply.prompt_tokens


def test_a_prompt_token_of_probability_zero_or_one():
    rows = [
        None,
        {"7": {"logprob": -9999.0}, "9": {"logprob": 0.0}},
        {"8": {"logprob": 0.0}, "9": {"logprob": -9999.0}},
    ]
    tokens = scored({"prompt_logprobs": rows}).prompt_tokens
    assert tokens is not None
    assert [(token.logprob, token.greedy) for token in tokens] == [(-math.inf, False), (0.0, True)]


def test_echo_is_read_up_to_the_end_of_the_prompt():
    logprobs = {
        "tokens": ["token_id:1", "token_id:7", "token_id:8", "token_id:5"],
        "token_logprobs": [None, -2.5, -0.25, -1.0],
        "top_logprobs": [None, {"token_id:9": -0.1, "token_id:7": -2.5}, {"token_id:8": -0.25}, {}],
    }
    tokens = scored({"logprobs": logprobs}).prompt_tokens
    assert tokens is not None
    assert [(token.id, token.logprob, token.greedy) for token in tokens] == [(7, -2.5, False), (8, -0.25, True)]


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"prompt_logprobs": ROWS[:2]},
        {"prompt_logprobs": [None, {"9": {"logprob": -0.1, "rank": 1}}, ROWS[2]]},
        {"prompt_logprobs": ROWS, "prompt_token_ids": [1, 7, 9]},
        {"prompt_logprobs": [None, {"7": {"logprob": None, "rank": 1}}, ROWS[2]]},
        {"logprobs": {"tokens": ["a", "b", "c"], "token_logprobs": [None, -1, -1], "top_logprobs": [None, {}, {}]}},
        {"logprobs": {"tokens": ["token_id:5"], "token_logprobs": [-1.0], "top_logprobs": [{"token_id:5": -1.0}]}},
        # llama.cpp ignores echo: log-probabilities of the new token only
        {"logprobs": {"content": [{"id": 82, "token": "n", "logprob": -0.25}]}},
    ],
)
def test_a_score_that_is_not_of_the_prompt_is_none(choice):
    body = {"choices": [{"text": "x", "finish_reason": "length", **choice}], "usage": {"prompt_tokens": 3}}
    found = fault(SCORE, body)
    assert found.kind == "broken_reply"
    # It cost something all the same
    assert found.usage.prompt == 3


def test_options_are_read_by_their_ids():
    logprobs = {
        "tokens": ["token_id:9"],
        "token_logprobs": [-0.1],
        "top_logprobs": [{"token_id:9": -0.1, "token_id:5": -3.0, "token_id:6": -9999.0}],
    }
    body = {"choices": [{"text": "x", "finish_reason": "length", "logprobs": logprobs}]}
    reply = WIRE.read(ChoiceCall("k", (1,), (5, 6)), body)
    assert reply.option_logprobs == {5: -3.0, 6: -math.inf}
    assert reply.token_logprobs == (-0.1,)
    assert fault(ChoiceCall("k", (1,), (5, 4)), body).kind == "broken_reply"
    assert fault(ChoiceCall("k", (1,), (5,)), {"choices": [{"text": "x", "finish_reason": "length"}]})


# --- streams -------------------------------------------------------------------------------------


def event(**choice: Any) -> str:
    return json.dumps({"model": "m", "choices": [{"index": 0, "finish_reason": None, **choice}]})


USAGE_EVENT = json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}})


@given(st.lists(st.text(), max_size=8), st.lists(st.text(), max_size=4), st.booleans())
def test_any_cut_of_a_text_into_events_gives_the_text(texts, thoughts, completions):
    reader = WIRE.reader(CALL)
    pieces = []
    for thought in thoughts:
        assert reader.feed(event(delta={"reasoning": thought})) == ""
    for text in texts:
        pieces.append(reader.feed(event(text=text) if completions else event(delta={"content": text})))
    last = event(text="", finish_reason="stop") if completions else event(delta={}, finish_reason="stop")
    for data in (last, USAGE_EVENT, "[DONE]"):
        reader.feed(data)
    reply = reader.reply()
    assert reader.complete
    assert "".join(pieces) == reply.text == "".join(texts)
    assert reply.reasoning == "".join(thoughts)
    assert (reply.usage.prompt, reply.usage.output) == (9, 4)


@given(st.lists(st.floats(-50, 0), min_size=1, max_size=8))
def test_log_probabilities_of_a_stream_are_put_together(values):
    reader = WIRE.reader(CALL)
    for value in values:
        reader.feed(event(text="a", logprobs={"tokens": ["a"], "token_logprobs": [value]}, token_ids=[4]))
    assert reader.reply().token_logprobs == tuple(values)
    assert reader.reply().output_ids == (4,) * len(values)


def test_a_stream_that_ends_with_its_usage_and_no_end_mark_is_complete():
    reader = WIRE.reader(CALL)
    # As `transformers serve` ends
    last = json.loads(event(delta={}, finish_reason="stop")) | {"usage": json.loads(USAGE_EVENT)["usage"]}
    for data in (event(delta={"content": "a"}), json.dumps(last)):
        reader.feed(data)
    assert reader.complete and reader.reply().usage.output == 4


@pytest.mark.parametrize(
    "events",
    [
        [event(delta={"content": "a"})],
        [event(delta={"content": "a"}), "[DONE]"],
        [event(delta={"content": "a"}, finish_reason="stop")],
        [event(delta={"content": "a"}, finish_reason=""), USAGE_EVENT, "[DONE]"],
        [],
    ],
)
def test_a_stream_without_its_ending_is_not_complete(events):
    reader = WIRE.reader(CALL)
    for data in events:
        reader.feed(data)
    assert not reader.complete


def test_a_stream_that_we_cut_off_gives_what_came():
    reader = WIRE.reader(CALL)
    assert reader.feed(event(delta={"role": "assistant", "content": "4\n5"})) == "4\n5"
    assert (reader.reply().text, reader.reply().ending) == ("4\n5", "unknown")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ('{"error": {"message": "The server is overloaded", "type": "server_error"}}', "server_error"),
        ('{"error": {"message": "too long", "code": "context_length_exceeded"}}', "context_overflow"),
        ('{"object": "error", "message": "gone", "type": "InternalServerError", "code": 500}', "server_error"),
        ('{"choices": [', "broken_reply"),
        ("7", "broken_reply"),
    ],
)
def test_an_error_inside_a_stream_is_a_fault(data, kind):
    reader = WIRE.reader(CALL)
    reader.feed(event(delta={"content": "a"}))
    with pytest.raises(WireError) as caught:
        reader.feed(data)
    assert caught.value.fault.kind == kind


def test_only_the_one_choice_that_was_requested_is_read():
    reader = WIRE.reader(CALL)
    reader.feed(json.dumps({"choices": [{"index": 1, "delta": {"content": "other"}}]}))
    assert reader.reply().text == ""
