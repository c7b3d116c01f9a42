"""Likelihoods of our engines, compared with one plain forward pass per continuation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from engines.asking import CHOICES, MakeEngine, score
from engines.asking import ask_likelihood as ask
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.datatypes import ChatPrompt, Message, Refusal, TextPrompt


def by_hand(folder: Path, context: list[int], continuation: list[int]) -> tuple[float, bool]:
    """The oracle: every token by a forward pass over exactly the tokens before it."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    total, greedy = 0.0, True
    ids = list(context)
    for token in continuation:
        with torch.no_grad():
            logprobs = model(torch.tensor([ids])).logits[0, -1].double().log_softmax(-1)
        total += float(logprobs[token])
        greedy = greedy and int(logprobs.argmax()) == token
        ids.append(token)
    return total, greedy


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mistral", "gemma", "mamba", "bloom"])
def test_each_continuation_scores_what_a_plain_forward_pass_says(
    engine: MakeEngine, kind: str, make_model: Callable[..., Path]
) -> None:
    folder = make_model(kind)
    context = "Question: what is 3 + 4? Answer:"
    reply = score(engine(folder, batch_size=3), ask(context))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    before = tokenizer(context)["input_ids"]
    for choice, got in zip(CHOICES, reply.continuations, strict=True):
        after = tokenizer(context + choice)["input_ids"][len(before) :]
        total, greedy = by_hand(folder, before, after)
        assert got.logprob == pytest.approx(total, abs=1e-4, rel=1e-5)
        assert (got.greedy, got.tokens) == (greedy, len(after))
        assert (got.chars, got.bytes) == (len(choice), len(choice.encode()))


def test_the_models_own_greedy_answer_is_flagged_greedy(engine: MakeEngine, llama: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(llama)
    model = AutoModelForCausalLM.from_pretrained(llama).eval()
    for context in ("The", "The quick", "The quick brown", "def add(", "Question: what", "the dog", "return", "fox"):
        ids = tokenizer(context, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            best = int(model(ids).logits[0, -1].argmax())
        text = tokenizer.decode([best])
        if tokenizer(context + text)["input_ids"] == [*ids[0].tolist(), best]:
            likely, other = score(engine(llama), ask(context, [text, text + " fox 😀"])).continuations
            assert likely.greedy and not other.greedy
            return
    pytest.fail("no greedy answer came back as its own tokens; choose other contexts")


def test_spaces_at_the_contexts_end_count_with_the_continuation(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    loose = score(running, ask("Question: what is ", ["the answer"]))
    tight = score(running, ask("Question: what is", [" the answer"]))
    assert loose.continuations[0].logprob == pytest.approx(tight.continuations[0].logprob, abs=1e-6)
    assert loose.continuations[0].chars == len("the answer"), "length norms see the continuation as given"


def test_an_empty_context_starts_from_bos(engine: MakeEngine, llama: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(llama)
    ids = tokenizer("The fox", add_special_tokens=False)["input_ids"]
    total, _ = by_hand(llama, [tokenizer.bos_token_id], ids)
    assert score(engine(llama), ask("", ["The fox"])).continuations[0].logprob == pytest.approx(total, abs=1e-4)


def test_a_chat_context_is_the_templates_text(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    chat = ChatPrompt((Message("user", "3 + 4?"),))
    plain = TextPrompt("<|user|>3 + 4?<|end|><|assistant|>")
    a, b = score(running, ask(chat)), score(running, ask(plain))
    assert [one.logprob for one in a.continuations] == [one.logprob for one in b.continuations]


def test_batch_size_changes_no_score(engine: MakeEngine, llama: Path) -> None:
    one, many = (score(engine(llama, batch_size=size), ask("The quick")) for size in (1, 8))
    for a, b in zip(one.continuations, many.continuations, strict=True):
        assert a.logprob == pytest.approx(b.logprob, abs=1e-5)


def test_a_long_context_keeps_its_end(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama, context_window=16)
    context = "The quick brown fox jumps over the lazy dog. " * 4 + "Answer:"
    tokenizer = AutoTokenizer.from_pretrained(llama)
    before, after = tokenizer(context)["input_ids"], tokenizer(" 7", add_special_tokens=False)["input_ids"]
    longer = tokenizer(" the lazy dog", add_special_tokens=False)["input_ids"]
    assert len(longer) > len(after), "rows that are cut at different places"
    reply = score(running, ask(context, [" 7", " the lazy dog"]))
    assert reply.dropped_tokens == len(before) + len(longer) - 17
    total, _ = by_hand(llama, before[-(17 - len(after)) :], after)
    assert reply.continuations[0].logprob == pytest.approx(total, abs=1e-4)
    total, _ = by_hand(llama, before[-(17 - len(longer)) :], longer)
    assert reply.continuations[1].logprob == pytest.approx(total, abs=1e-4)
    (refused,) = engine(llama, context_window=16, overflow="refuse").stream([ask(context, [" 7"])])
    assert isinstance(refused, Refusal) and refused.failure.kind == "context_overflow"


def test_a_continuation_longer_than_the_window_is_refused(engine: MakeEngine, llama: Path) -> None:
    (reply,) = engine(llama, context_window=8).stream([ask("Answer:", ["The quick brown fox jumps" * 5])])
    assert isinstance(reply, Refusal) and reply.failure.kind == "context_overflow"
    assert reply.failure.ours and "a continuation has" in reply.failure.message
    (reply,) = engine(llama, context_window=8, overflow="refuse").stream([ask("Answer:", ["The quick brown fox" * 5])])
    assert isinstance(reply, Refusal) and not reply.failure.ours, "such prompts were to be refused"


def test_an_empty_continuation_is_unscored_not_free(engine: MakeEngine, llama: Path) -> None:
    (reply,) = engine(llama).stream([ask("Answer:", [" 7", ""])])
    assert isinstance(reply, Refusal) and reply.failure.ours
