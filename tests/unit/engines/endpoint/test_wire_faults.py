"""What each server's errors mean, and how long they ask to wait. The bodies are those of the servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engines.endpoint.wire import Fault
from harness.engines.endpoint.wires.faults import fault_of_answer
from harness.engines.endpoint.wires.faults_text import one_line
from harness.engines.endpoint.wires.faults_waits import pace_of, wait_of


def fault(status: int, body: Any = b"", **headers: str) -> Fault:
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return fault_of_answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def openai(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}}


def anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


WINDOW = [
    # OpenAI
    (
        400,
        openai(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens. "
            "Please reduce the length of the messages.",
            code="context_length_exceeded",
            param="messages",
        ),
    ),
    (
        400,
        openai(
            "This model's maximum context length is 4097 tokens. However, you requested 5016 tokens (5000 in the "
            "messages, 16 in the completion). Please reduce the length of the messages or completion."
        ),
    ),
    # vLLM 0.32: by tokens, and by characters
    (
        400,
        openai(
            "This model's maximum context length is 2048 tokens. However, your prompt contains at least 2049 input "
            "tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input "
            "prompt. (parameter=input_tokens, value=2049)",
            type="BadRequestError",
            param="input_tokens",
            code=400,
        ),
    ),
    (
        400,
        openai(
            "This model's maximum context length is 2048 tokens. However, your prompt contains 120037 characters "
            "(more than 26624 characters, which is the upper bound for 2048 input tokens). Please reduce the length "
            "of the input prompt. (parameter=input_text, value=120037)",
            type="BadRequestError",
            param="input_text",
            code=400,
        ),
    ),
    # vLLM in other words, and a prompt that fills the window
    (
        400,
        openai(
            "This model's maximum context length is 2048 tokens. However, your request has 5005 input tokens. "
            "Please reduce the length of the input messages.",
            type="BadRequestError",
            param="input_tokens",
            code=400,
        ),
    ),
    (
        400,
        openai(
            "You passed 2048 input tokens and requested 16 output tokens. However, the model's context length is only "
            "2048 tokens, resulting in a maximum input length of 2032 tokens. Please reduce the length of the input "
            "prompt.",
            param="input_text",
        ),
    ),
    (
        400,
        openai(
            "You passed 900000 input characters. However, the model's context length is only 2048 tokens. "
            "Please reduce the length of the input prompt.",
            param="input_text",
        ),
    ),
    (400, openai("max_tokens must be at least 1, got 0.", param="max_tokens", code=400)),
    # llama.cpp
    (
        400,
        {
            "error": {
                "code": 400,
                "message": "request (5005 tokens) exceeds the available context size (2048 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5005,
                "n_ctx": 2048,
            }
        },
    ),
    # SGLang, TGI, Mistral, Gemini, Ollama
    (
        400,
        {
            "object": "error",
            "message": "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
    (
        422,
        {
            "error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 1500",
            "error_type": "validation",
        },
    ),
    (
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
        },
    ),
    (
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (2000) exceeds the maximum number of tokens allowed (1000).",
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
    ),
    (400, {"error": {"message": "input length exceeds the context length", "type": "api_error"}}),
    # Anthropic and Bedrock
    (400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")),
    (400, {"message": "Input is too long for requested model."}),
    # A gateway that wraps the server's error into a text
    (400, {"detail": json.dumps({"error": {"type": "exceed_context_size_error", "message": "too much"}})}),
]


@pytest.mark.parametrize(("status", "body"), WINDOW)
def test_a_prompt_that_does_not_fit_is_a_context_overflow(status, body):
    found = fault(status, body)
    assert (found.kind, found.retry, found.status) == ("context_overflow", False, status)


@pytest.mark.parametrize(
    "body",
    [
        openai(
            "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is 4096 "
            "tokens and your request has 2778 input tokens (8000 > 4096 - 2778)."
        ),
        openai(
            "This model's maximum context length is 4097 tokens. However, you requested 5000 tokens (3000 in the "
            "messages, 2000 in the completion). Please reduce the length of the messages or completion."
        ),
        openai(
            "max_tokens is too large: 100000. This model supports at most 16384 completion tokens.", param="max_tokens"
        ),
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` "
            "tokens and 200 `max_new_tokens`",
            "error_type": "validation",
        },
        anthropic(
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or "
            "`max_tokens` and try again",
        ),
    ],
)
def test_a_prompt_that_fits_is_none_even_if_the_answer_may_not(body):
    """A score of 0 for it would be wrong: the local engine would have answered."""
    found = fault(400, body)
    assert (found.kind, found.retry, found.parameter) == ("bad_request", False, "max_tokens")


def test_words_of_the_prompt_in_an_error_are_not_the_servers():
    body = {
        "detail": [
            {
                "type": "missing",
                "loc": ["body", "seed"],
                "msg": "Field required",
                "input": {"prompt": "context_length_exceeded content_filter insufficient_quota"},
            }
        ]
    }
    found = fault(422, body)
    assert (found.kind, found.parameter, found.message) == ("bad_request", "seed", "Field required")


OTHERS = [
    (401, openai("Incorrect API key provided: sk-abc***xyz.", code="invalid_api_key"), "refused_key", False),
    (401, b"", "refused_key", False),
    (403, openai("Country not supported"), "refused_key", False),
    (401, anthropic("authentication_error", "invalid x-api-key"), "refused_key", False),
    (402, {"error": {"message": "Insufficient Balance"}}, "quota", False),
    (
        429,
        openai("You exceeded your current quota", type="insufficient_quota", code="insufficient_quota"),
        "quota",
        False,
    ),
    (
        400,
        anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
        "quota",
        False,
    ),
    (
        429,
        [{"error": {"code": 429, "message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED"}}],
        "rate_limited",
        True,
    ),
    (429, openai("Rate limit reached for gpt-4o"), "rate_limited", True),
    (
        429,
        openai("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 50000."),
        "bad_request",
        False,
    ),
    (404, openai("The model `nope` does not exist.", type="NotFoundError", param="model", code=404), "no_model", False),
    (404, anthropic("not_found_error", "model: claude-0"), "no_model", False),
    (404, {"error": {"message": 'model "x" not found, try pulling it first'}}, "no_model", False),
    (
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}},
        "no_model",
        False,
    ),
    (400, {"error": {"message": "nope is not a valid model ID", "code": 400}}, "no_model", False),
    (404, {"detail": "Not Found"}, "bad_request", False),
    (
        400,
        {
            "error": {
                "message": "The response was filtered due to the prompt triggering Azure's content management policy.",
                "code": "content_filter",
                "status": 400,
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
        "filtered",
        False,
    ),
    (400, openai("Content Exists Risk"), "filtered", False),
    (
        403,
        {"error": {"code": 403, "message": "Your chosen model requires moderation and your input was flagged"}},
        "filtered",
        False,
    ),
    (400, openai("Unsupported parameter: 'max_tokens'", param="max_tokens"), "bad_request", False),
    (
        400,
        openai("Could not finish the message because max_tokens or model output limit was reached."),
        "bad_request",
        False,
    ),
    (422, {"detail": "Unexpected fields in the request: {'top_k'}"}, "bad_request", False),
    (413, b"<html><head><title>413 Request Entity Too Large</title></head></html>", "bad_request", False),
    (301, b"", "bad_request", False),
    (501, b"", "bad_request", False),
    (500, b'"Internal Server Error"', "server_error", True),
    (503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}, "server_error", True),
    (529, anthropic("overloaded_error", "Overloaded"), "server_error", True),
    (522, b"<!DOCTYPE html><html><head><title>522: Connection timed out</title></head></html>", "server_error", True),
    (409, b"", "server_error", True),
    (425, b"", "server_error", True),
    (408, b"", "timeout", True),
    (504, b"", "timeout", True),
    (524, b"", "timeout", True),
    (200, b"<html><title>Sign in</title></html>", "broken_reply", True),
]


@pytest.mark.parametrize(("status", "body", "kind", "retry"), OTHERS)
def test_what_an_error_means(status, body, kind, retry):
    found = fault(status, body)
    assert (found.kind, found.retry) == (kind, retry)
    assert found.message
    assert found.status == status


def test_the_field_that_a_server_names_is_kept():
    assert fault(400, openai("no", param="temperature")).parameter == "temperature"
    assert fault(422, {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs"}]}).parameter == "top_k"
    assert fault(400, anthropic("invalid_request_error", "temperature: range: 0..1")).parameter == "temperature"


def test_what_a_provider_behind_a_router_said_is_shown():
    metadata = {"raw": '{"error": {"message": "Model is overloaded"}}', "provider_name": "X"}
    found = fault(502, {"error": {"message": "Provider returned error", "code": 502, "metadata": metadata}})
    assert found.message == "Provider returned error: Model is overloaded"


def test_a_page_of_a_proxy_is_its_title():
    page = (
        b"<!DOCTYPE html>\n<html><head><title>shop.example | 502:\n Bad gateway</title><script>x</script></head></html>"
    )
    assert fault(502, page).message == "shop.example | 502: Bad gateway"


# --- messages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: SECRET123456. See",
        "Incorrect API key provided: sk-SECRET123456",
        "header was Authorization: Bearer SECRET123456",
        "Received API Key = sk-proj-SECRET_123456, Key Hash",
        "GET /v1?key=SECRET123456&x=1",
        '{"authorization": "SECRET123456"}',
        "token hf_SECRET123456 is not valid",
        "AIzaSECRET123456",
        "api_key='SECRET123456'",
    ],
)
def test_no_key_is_in_a_message(text):
    assert "SECRET" not in fault(401, openai(text)).message
    assert "SECRET" not in fault(500, text).message


def test_words_that_are_no_key_stay():
    text = "Missing api-version: the task-specific model has no key-value cache; the token limit is 12 (see hf_hub_url)"
    assert one_line(text) == text


@given(st.text(max_size=2000) | st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "replace")))
def test_a_message_is_one_printable_line(text):
    for found in (fault(400, openai(text)), fault(500, text)):
        assert 0 < len(found.message) <= 300
        assert found.message.isprintable()


@given(
    st.integers(300, 599),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "message", "detail", "type", "code", "param", "loc", "metadata", "errors"]),
                inner,
            )
        ),
        max_leaves=8,
    ),
)
def test_no_body_is_too_odd(status, body):
    assert fault(status, body).message


# --- waits ---------------------------------------------------------------------------------------

DATE = "Thu, 26 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "5"}, 5.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Thu, 26 Nov 2026 12:00:20 GMT", "date": DATE}, 20.0),
        ({"retry-after": "Thu, 26 Nov 2026 11:00:20 GMT", "date": DATE}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        (
            {
                "x-ratelimit-remaining-requests": "9",
                "x-ratelimit-reset-requests": "8h0m0s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            360.0,
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795694430000", "date": DATE}, 30.0),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-26T12:00:07Z",
                "date": DATE,
            },
            7.0,
        ),
    ],
)
def test_the_wait_that_the_headers_ask_for(headers, seconds):
    assert wait_of(headers) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (openai("Rate limit reached. Please try again in 1.2s. Visit"), 1.2),
        (openai("Rate limit reached. Please try again in 6m0s."), 360.0),
        (openai("Rate limit reached. Please try again in 20ms."), 0.02),
        (openai("Please retry after 7 seconds."), 7.0),
        ([{"error": {"code": 429, "details": [{"retryDelay": "32s"}]}}], 32.0),
    ],
)
def test_the_wait_that_only_the_words_state(body, seconds):
    assert fault(429, body).wait == pytest.approx(seconds)
    assert fault(429, body, retry_after="3").wait == 3.0


def test_nothing_is_waited_for_what_is_not_tried_again():
    assert fault(401, b"", retry_after="5").wait is None
    assert fault(503, b"", retry_after="5").wait == 5.0


def test_a_used_up_limit_slows_the_next_request_down():
    assert pace_of({}) == 0
    assert pace_of({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1s"}) == 0
    assert pace_of({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}) == 1
    assert pace_of({"x-ratelimit-remaining-tokens": "0"}) == 0
    used_up = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2026-11-26T12:00:03Z",
        "date": DATE,
    }
    assert pace_of(used_up) == 3


def test_a_field_of_the_body_has_its_own_name_in_vllms_refusals():
    found = fault(400, openai("1 validation error: ...", type="Bad Request", param="body.max_tokens", code=400))
    assert (found.kind, found.parameter) == ("bad_request", "max_tokens")


def test_an_answer_that_vllm_could_never_give_room_to_is_no_overflow_of_the_prompt():
    words = "max_tokens=5000 cannot be greater than max_model_len=2048. Please request fewer output tokens. "
    found = fault(400, openai(words + "(parameter=max_tokens, value=5000)", param="max_tokens", code=400))
    assert (found.kind, found.retry, found.parameter) == ("bad_request", False, "max_tokens")
