"""The servers of the tests compute what they claim: llama.cpp and the vLLM-shaped one have the model's own numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import psutil
import pytest
from files import REPO
from servers.http_json import events, get, post
from servers.relay import relay
from servers.running import DEMO_MODEL

pytestmark = pytest.mark.servers

TEXTS = [
    "",
    " ",
    "Anna has 12 apples.",
    "def f(x):\n    return x + 1\n",
    "  two  spaces   three",
    "tabs\tand\r\nlines\n\n\n",
    "1234567890 3.14159 1,000,000",
    "don't we'll it's I'M",
    "naïve café Zürich",
    "日本語のテキスト",
    "emoji 🙂👍🏽",
    "x" * 200,
    "<|user|>hello<|end|>",
    "<|begin|>twice",
    "a<|assistant|>b",
    "####12",
    "½ ² ٣ ๓",
    "\u00a0nbsp \u2003em",
    "!?.,;:()[]{}<>/\\|@#$%^&*",
    "CamelCaseWords and_snake_case",
]
TEXTS += [
    f"{start}{end}"
    for start in ("If 7 hens lay ", "\n\n  ", "é", "9", "_")
    for end in ("3", " eggs.", "\n", "\n  x", "  ", "ü1")
]


@pytest.fixture(scope="session")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(DEMO_MODEL)


def test_llama_server_has_the_tokens_of_the_model(llama_server, tokenizer):
    root = llama_server.url.removesuffix("/v1")
    assert len(TEXTS) == 50
    for text in TEXTS:
        _, answer = post(f"{root}/tokenize", {"content": text, "add_special": True, "parse_special": True})
        assert answer["tokens"] == tokenizer(text)["input_ids"], repr(text)


def test_llama_server_renders_the_template_of_the_model(llama_server, tokenizer):
    messages = [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "and 3 more?"},
    ]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
    status, chat = post(f"{llama_server.url}/chat/completions", {"messages": messages, "temperature": 0})
    _, exact = post(f"{llama_server.url}/completions", {"prompt": ids, "temperature": 0, "max_tokens": 64})
    assert status == 200
    assert chat["usage"]["prompt_tokens"] == len(ids)
    assert chat["choices"][0]["message"]["content"] == exact["choices"][0]["text"] != ""


def test_the_vllm_shape_has_the_models_log_probabilities(vllm_shape, tokenizer):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(DEMO_MODEL, dtype=torch.float32).eval()
    ids = tokenizer("If 7 hens lay 3 eggs each, how many eggs are there?")["input_ids"]
    body = {"model": "demo", "prompt": ids, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 1}
    _, answer = post(f"{vllm_shape.url}/completions", body)
    entries = answer["choices"][0]["prompt_logprobs"]
    with torch.inference_mode():
        rows = torch.log_softmax(model(torch.tensor([ids])).logits[0], dim=-1)
    assert entries[0] is None and len(entries) == len(ids)
    for place, (token, entry) in enumerate(zip(ids[1:], entries[1:], strict=True)):
        assert entry[str(token)]["logprob"] == pytest.approx(rows[place, token].item(), abs=1e-4)
        assert (entry[str(token)]["rank"] == 1) == (rows[place].argmax().item() == token)


@pytest.mark.parametrize("chat", [False, True])
def test_a_stream_of_the_vllm_shape_says_what_the_whole_answer_says(vllm_shape, chat):
    path = "/chat/completions" if chat else "/completions"
    prompt = {"messages": [{"role": "user", "content": "What is 12 + 7?"}]} if chat else {"prompt": "What is 12 + 7?"}
    body = {"model": "demo", **prompt, "temperature": 0, "max_tokens": 30, "stop": ["####"], "return_token_ids": True}
    _, whole = post(vllm_shape.url + path, body)
    *chunks, mark = events(vllm_shape.url + path, {**body, "stream": True, "stream_options": {"include_usage": True}})
    pages = [json.loads(chunk) for chunk in chunks]
    parts = [page["choices"][0] for page in pages if page["choices"]]
    choice = whole["choices"][0]
    text = "".join(part["delta"].get("content", "") if chat else part["text"] for part in parts)
    assert text == (choice["message"]["content"] if chat else choice["text"])
    assert [token for part in parts for token in part["token_ids"]] == choice["token_ids"]
    assert parts[-1]["finish_reason"] == choice["finish_reason"]
    assert mark == "[DONE]" and pages[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]


def test_the_vllm_shape_refuses_what_vllm_refuses(vllm_shape):
    ok = {"model": "demo", "prompt": [1, 40, 41], "temperature": 0, "max_tokens": 2}
    window = get(f"{vllm_shape.url}/models")[1]["data"][0]["max_model_len"]
    # As vLLM 0.32 answered the same bodies: some of its refusals name no parameter
    cases = [
        ({"stop": list("abcde")}, 400, "body.stop"),
        ({"stop": [""]}, 400, None),
        ({"n": 2}, 400, None),
        ({"temperature": -1}, 400, "temperature"),
        ({"top_p": 0}, 400, "top_p"),
        ({"logprobs": 21}, 400, "logprobs"),
        ({"logprobs": -1}, 400, "logprobs"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"prompt": [999999]}, 400, None),
        ({"prompt": [1] * (window + 1)}, 400, "input_tokens"),
        ({"prompt": [1] * window}, 400, "max_tokens"),
        ({"model": "other"}, 404, "model"),
    ]
    for change, status, param in cases:
        seen, answer = post(f"{vllm_shape.url}/completions", {**ok, **change})
        assert (seen, answer["error"]["param"]) == (status, param), change
    assert post(f"{vllm_shape.url}/completions", b"{")[0] == 400
    long = [{"role": "user", "content": "x" * 10**6}]
    status, answer = post(f"{vllm_shape.url}/chat/completions", {"model": "demo", "messages": long})
    assert (status, answer["error"]["param"]) == (400, "input_text")
    assert post(f"{vllm_shape.url}/completions", {**ok, "unknown_field": 1})[0] == 200


def test_a_killed_relay_breaks_what_is_open_and_refuses_what_comes(vllm_shape):
    body = {"model": "demo", "prompt": [1, 40], "temperature": 0, "max_tokens": 2}
    with relay(vllm_shape.url) as between:
        assert post(f"{between.url}/completions", body)[0] == 200
        between.wait_until(lambda: bool(between.answered))
        between.kill()
        with pytest.raises(OSError):
            post(f"{between.url}/completions", body)
        assert [one.body for one in between.seen] == [body]
    assert get(f"{vllm_shape.url}/models")[0] == 200


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_with_the_tests_even_if_they_are_killed(demo_gguf, end):
    program = f"""
        import time
        from servers.running import running
        with running("llama_server.py", {str(demo_gguf)!r}) as server:
            print(server.process.pid, flush=True)
            time.sleep(600)
    """
    environment = {**os.environ, "PYTHONPATH": str(REPO / "tests")}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, env=environment
    ) as starter:
        server = psutil.Process(int(starter.stdout.readline()))
        starter.send_signal(end)
        starter.wait()
    # A container without an init does not reap it, so a zombie has ended too
    psutil.wait_procs([server], timeout=60)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
