"""What real servers do with raw requests, as docs/endpoints.md states it: a new version of one may do better."""

from __future__ import annotations

from typing import Any

import pytest
from servers.http_json import events, get, post

pytestmark = pytest.mark.servers

QUESTION = "Anna has 12 apples and gets 5 more. How many?"
CHAT = [{"role": "user", "content": QUESTION}]
# The demo model's greedy answer; it is wrong, and the same everywhere
ANSWER = "12+12=24\n24*5=75\n#### 75"
BEGUN = [*CHAT, {"role": "assistant", "content": "12+5="}]
CONTINUED = "17\n17*5=95\n#### 95"


def chat(server: Any, **change: Any) -> tuple[int, Any]:
    """A greedy chat request, changed."""
    body = {"model": server.model, "messages": CHAT, "temperature": 0, "max_tokens": 40, **change}
    return post(f"{server.url}/chat/completions", body)


def text(server: Any, **change: Any) -> tuple[int, Any]:
    """A greedy request of one token by a text, changed."""
    return post(
        f"{server.url}/completions",
        {"model": server.model, "prompt": QUESTION, "temperature": 0, "max_tokens": 1, **change},
    )


def said(answer: tuple[int, Any]) -> str:
    """The text of a good answer."""
    status, page = answer
    assert status == 200, page
    choice = page["choices"][0]
    return choice["message"]["content"] if "message" in choice else choice["text"]


def words(server: Any, count: int = 16, **change: Any) -> int:
    """How many different texts the start of a chat gets at temperature 1, with as many seeds."""
    start = {"messages": [{"role": "user", "content": ""}], "temperature": 1.0, "max_tokens": 3}
    return len({said(chat(server, **start, seed=seed, **change)) for seed in range(count)})


def test_llama_server_fills_in_sampler_settings_that_are_not_sent(llama_server):
    assert words(llama_server) < words(llama_server, top_k=0, top_p=1.0, min_p=0.0)


def test_llama_server_returns_a_prefill_with_the_answer_and_cuts_at_stops(llama_server):
    assert said(chat(llama_server)) == ANSWER
    assert said(chat(llama_server, messages=BEGUN)) == f"12+5={CONTINUED}"
    assert said(chat(llama_server, stop=["24*"])) == "12+12=24\n"
    assert said(chat(llama_server, stop=["24*", *map(str, "ZYXWVUTSRQPONMLKJIHG")])) == "12+12=24\n"
    assert said(chat(llama_server, stop=[""])) == ""


def test_llama_server_answers_for_any_model_and_ignores_what_it_does_not_know(llama_server):
    assert said(chat(llama_server, model="another", no_such_field=1)) == ANSWER
    assert chat(llama_server, model="another")[1]["model"] == "demo"
    for change in ({"prompt_logprobs": 1}, {"echo": True, "logprobs": 1}):
        choice = text(llama_server, **change)[1]["choices"][0]
        assert "prompt_logprobs" not in choice and choice["text"] == "n"


def test_llama_server_counts_one_answer_of_several(llama_server):
    one, three = (chat(llama_server, n=n)[1]["usage"]["completion_tokens"] for n in (1, 3))
    assert one == three


def test_llama_server_refuses_a_prompt_that_fills_its_window_and_names_no_reason_for_the_lack_of_room(llama_server):
    assert get(f"{llama_server.url}/models")[1]["data"][0]["meta"]["n_ctx"] == 2048
    for tokens in (2048, 2049):
        status, page = text(llama_server, prompt=[1] + [40] * (tokens - 1))
        assert (status, page["error"]["type"]) == (400, "exceed_context_size_error")
    status, page = text(llama_server, prompt=[1] + [40] * 2039, max_tokens=100)
    assert (page["choices"][0]["finish_reason"], page["usage"]["completion_tokens"]) == ("length", 8)


def test_llama_server_gives_a_second_bos_to_a_text_that_has_one(llama_server, transformers_serve, vllm_shape):
    for server in (llama_server, transformers_serve, vllm_shape):
        once, twice = (
            text(server, prompt=start + QUESTION)[1]["usage"]["prompt_tokens"] for start in ("", "<|begin|>")
        )
        assert twice == once + 1


def test_llama_server_says_end_turn_at_a_stop_string_over_the_anthropic_wire(llama_server):
    body = {"model": "demo", "messages": CHAT, "temperature": 0, "max_tokens": 40, "stop_sequences": ["24*"]}
    page = post(f"{llama_server.url}/messages", body)[1]
    assert (page["stop_reason"], page["stop_sequence"]) == ("end_turn", "24*")
    usage = page["usage"]
    # As with Anthropic, the tokens read from the cache are not among the input tokens
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] == 21


def test_transformers_serve_is_greedy_at_temperature_1(transformers_serve):
    assert words(transformers_serve, 6) == 1
    assert chat(transformers_serve, top_k=0)[0] == chat(transformers_serve, min_p=0.0)[0] == 422


def test_transformers_serve_keeps_the_stop_string_and_what_its_token_holds_beyond(transformers_serve):
    assert said(chat(transformers_serve)) == ANSWER
    assert said(chat(transformers_serve, stop=["24*"])) == "12+12=24\n24*"
    assert said(text(transformers_serve, stop=["\n"], max_tokens=30)) == "n)\n   "
    assert said(chat(transformers_serve, stop=[""])) == "1"
    assert chat(transformers_serve, stop=[])[0] == 500


def test_transformers_serve_opens_a_new_turn_after_a_prefill(transformers_serve):
    assert not said(chat(transformers_serve, messages=BEGUN)).startswith((CONTINUED, "12+5="))
    flags = {"continue_final_message": True, "add_generation_prompt": False}
    assert chat(transformers_serve, messages=BEGUN, **flags)[0] == 422


def test_transformers_serve_takes_neither_token_ids_nor_unknown_fields_nor_other_models(transformers_serve):
    assert text(transformers_serve, prompt=[1, 40, 41])[0] == 400
    assert chat(transformers_serve, no_such_field=1)[0] == 422
    assert chat(transformers_serve, model="another")[0] == 400
    # Faults of the request that it reports as its own: no retry helps
    assert chat(transformers_serve, temperature="hot")[0] == chat(transformers_serve, max_tokens=0)[0] == 500


def test_a_stream_of_transformers_serve_ends_without_a_mark(transformers_serve, llama_server):
    body = {"messages": CHAT, "temperature": 0, "max_tokens": 5, "stream": True}
    last = events(f"{transformers_serve.url}/chat/completions", {**body, "model": transformers_serve.model})[-1]
    assert '"finish_reason":"length"' in last.replace(" ", "") and '"usage"' in last
    assert events(f"{llama_server.url}/chat/completions", body)[-1] == "[DONE]"


def test_vllms_shape_continues_a_prefill_only_with_both_flags(vllm_shape):
    assert said(chat(vllm_shape)) == ANSWER
    assert not said(chat(vllm_shape, messages=BEGUN)).startswith((CONTINUED, "12+5="))
    assert chat(vllm_shape, messages=BEGUN, continue_final_message=True)[0] == 400
    flags = {"continue_final_message": True, "add_generation_prompt": False}
    assert said(chat(vllm_shape, messages=BEGUN, **flags)) == CONTINUED
