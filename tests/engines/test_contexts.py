"""Continuations after contexts of their own (WinoGrande's partial sentences, unconditional likelihoods)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from engines.asking import MakeEngine, score
from engines.asking import ask_likelihood as ask

from harness.datatypes import TextPrompt


def test_a_continuation_after_its_own_context_scores_as_if_it_were_alone(engine: MakeEngine, llama: Path) -> None:
    running = engine(llama)
    shared = "The quick brown fox jumps over the lazy dog, and the quick brown dog over the fox. " * 2
    contexts = [shared + "The fox", shared + "The dog", "", shared + "The fox", ""]
    texts = [" jumps over it.", " jumps over it.", " jumps over it.", " 7", " 7"]
    request = replace(ask(contexts[0], texts), contexts=tuple(map(TextPrompt, contexts)))
    reply = score(running, request)
    alone = [score(running, ask(context, [text])) for context, text in zip(contexts, texts, strict=True)]
    for got, one in zip(reply.continuations, alone, strict=True):
        (wanted,) = one.continuations
        assert got.logprob == pytest.approx(wanted.logprob, abs=1e-5)
        assert (got.greedy, got.tokens, got.chars) == (wanted.greedy, wanted.tokens, wanted.chars)
    own = [len(text) for text in texts]
    assert [one.chars for one in reply.continuations] == own
    # Two contexts and the start token, each once, and every continuation
    after = sum(one.tokens for one in reply.continuations)
    before = [one.prompt_tokens - one.continuations[0].tokens for one in alone if one.prompt_tokens]
    assert reply.prompt_tokens == before[0] + before[1] + before[2] + after
    assert running.measure(request).prompt_tokens == reply.prompt_tokens


def test_what_two_contexts_share_is_computed_once_by_the_local_engine(llama: Path) -> None:
    from harness import plugins
    from harness.engines.base import ModelSpec

    local = plugins.load("engine", "local").build(ModelSpec(str(llama), device="cpu", dtype="float32"), {})
    shared = "The quick brown fox jumps over the lazy dog. " * 4
    contexts = tuple(TextPrompt(shared + last) for last in ("the fox", "the dog", "a fox", "a dog"))
    reply = score(local, replace(ask(contexts[0], [" 7"] * 4), contexts=contexts))
    local.close()
    assert reply.prompt_tokens is not None
    assert reply.prompt_tokens / 2 < reply.cached_tokens < reply.prompt_tokens * 3 / 4


def test_contexts_of_chats_and_of_text_may_be_in_one_request(engine: MakeEngine, llama: Path) -> None:
    from harness.datatypes import ChatPrompt, Message

    running = engine(llama)
    chat = ChatPrompt((Message("user", "3 + 4?"),))
    texts = [" 7", " café", " 7", " café"]
    both = replace(ask(chat, texts), contexts=(chat, chat, TextPrompt(""), TextPrompt("")))
    found = score(running, both).continuations
    apart = score(running, ask(chat, texts[:2])).continuations + score(running, ask("", texts[:2])).continuations
    assert [one.logprob for one in found] == pytest.approx([one.logprob for one in apart], abs=1e-5)
