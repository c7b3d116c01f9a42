"""How engine tests ask and what they ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.datatypes import (
    Completion,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Prompt,
    Sampling,
    TextPrompt,
)
from harness.engines.base import Engine

MakeEngine = Callable[..., Engine]

PROMPTS = [
    "The quick brown fox",
    "Question: what is 3 + 4? Answer:",
    "def add(a, b):\n",
    "A",
    "The lazy dog and the quick brown fox jump over the naïve café, again and again and again.",
]
CHOICES = (" 7", " the lazy dog", " brown fox jumps over", " café")


def ask(key: str, text: str, **sampling: Any) -> GenerateRequest:
    """A request to continue `text`, greedily and by 16 tokens unless given otherwise."""
    settings = Sampling(**({"max_tokens": 16} | sampling))
    return GenerateRequest(key, "task", key, 0, TextPrompt(text), settings)


def ask_likelihood(prompt: Prompt | str, continuations: Sequence[str] = CHOICES) -> LikelihoodRequest:
    """A request to score continuations."""
    prompt = TextPrompt(prompt) if isinstance(prompt, str) else prompt
    return LikelihoodRequest("k", "task", "s", 0, prompt, tuple(continuations))


def answers(running: Engine, requests: Sequence[GenerateRequest]) -> dict[str, Completion]:
    """Completions by key; every request must get one."""
    replies = {reply.key: reply for reply in running.stream(requests)}
    assert len(replies) == len(requests)
    assert all(isinstance(reply, Completion) for reply in replies.values()), replies
    return replies  # type: ignore[return-value]


def score(running: Engine, request: LikelihoodRequest) -> Likelihood:
    """The one likelihood that was requested."""
    (reply,) = running.stream([request])
    assert isinstance(reply, Likelihood), reply
    return reply
