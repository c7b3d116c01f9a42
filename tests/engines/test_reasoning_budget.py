"""A budget for reasoning: an open trace is closed after so many tokens, and the answer is the model's own after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from engines.asking import MakeEngine
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.datatypes import ChatPrompt, Completion, GenerateRequest, Message, Sampling
from harness.reasoning import without_reasoning

TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% if enable_thinking is not defined or enable_thinking %}<think>\n"
    "{% endif %}{% endif %}"
)
QUESTION = ChatPrompt((Message("user", "3 + 4?"),))
PLAIN = replace(QUESTION, template_options=(("enable_thinking", False),))


@pytest.fixture(scope="module")
def thinker(make_model: Callable[..., Path]) -> Path:
    """A random model whose chat template opens a trace; it never ends by itself."""
    folder = make_model("llama", eos_token_id=None)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": TEMPLATE}))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def ask(key: str, prompt: ChatPrompt = QUESTION, **sampling: object) -> GenerateRequest:
    settings = Sampling(**({"max_tokens": 24} | sampling))  # type: ignore[arg-type]
    return GenerateRequest(key, "task", key, 0, prompt, settings)


def one(engine: MakeEngine, folder: Path, *requests: GenerateRequest) -> dict[str, Completion]:
    """Completions by key."""
    found = {reply.key: reply for reply in engine(folder).stream(requests)}
    assert all(isinstance(reply, Completion) for reply in found.values()), found
    return found  # type: ignore[return-value]


def greedy(folder: Path, ids: list[int], count: int) -> list[int]:
    """The oracle: greedy tokens by one forward pass each."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    new: list[int] = []
    for _ in range(count):
        with torch.no_grad():
            new.append(int(model(torch.tensor([ids + new])).logits[0, -1].argmax()))
    return new


def test_an_open_trace_is_closed_at_its_budget_and_the_answer_follows_it(engine: MakeEngine, thinker: Path) -> None:
    found = one(engine, thinker, ask("free"), ask("tight", max_reasoning_tokens=6))
    free, tight = found["free"], found["tight"]
    assert without_reasoning(free.reasoning_mark + free.text) is None and not free.closed_reasoning
    trace, _, answer = tight.text.partition("\n</think>\n\n")
    assert tight.closed_reasoning and free.text.startswith(trace) and answer
    assert without_reasoning(tight.reasoning_mark + tight.text) == "\n\n" + answer
    assert tight.output_tokens == 24 and tight.finish == "length", "the mark counts as new tokens"
    tokenizer = AutoTokenizer.from_pretrained(thinker)
    prompt = tokenizer("<|user|>3 + 4?<|end|><|assistant|><think>\n", add_special_tokens=False)["input_ids"]
    first = greedy(thinker, prompt, 6)
    mark = tokenizer("\n</think>\n\n", add_special_tokens=False)["input_ids"]
    rest = greedy(thinker, prompt + first + mark, 24 - 6 - len(mark))
    assert tight.prompt_tokens == len(prompt)
    wanted = tokenizer.decode(first + mark + rest, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert tight.text.strip() == wanted.strip()


def test_a_completion_without_open_reasoning_is_the_same_with_and_without_a_budget(
    engine: MakeEngine, thinker: Path
) -> None:
    found = one(engine, thinker, ask("free", PLAIN), ask("tight", PLAIN, max_reasoning_tokens=6))
    assert found["free"].text == found["tight"].text and not found["tight"].closed_reasoning
    assert found["free"].output_tokens == found["tight"].output_tokens == 24


def test_a_stop_string_within_the_budget_ends_the_completion(engine: MakeEngine, thinker: Path) -> None:
    free = one(engine, thinker, ask("free"))["free"]
    stop = (free.text[2:4],)
    found = one(engine, thinker, ask("a", stop=stop), ask("b", stop=stop, max_reasoning_tokens=20))
    assert (found["a"].text, found["a"].finish) == (found["b"].text, "stop") and found["b"].finish == "stop"


def test_a_trace_that_the_prefill_opens_is_closed_too(engine: MakeEngine, thinker: Path) -> None:
    found = one(engine, thinker, ask("k", replace(QUESTION, prefill="<think>So"), max_reasoning_tokens=4))
    assert found["k"].closed_reasoning


def test_sampled_answers_have_other_numbers_after_the_budget_and_stay_reproducible(
    engine: MakeEngine, thinker: Path
) -> None:
    request = ask("k", temperature=1.0, max_reasoning_tokens=8)
    first, again = (one(engine, thinker, request)["k"] for _ in range(2))
    assert first.text == again.text and first.closed_reasoning
