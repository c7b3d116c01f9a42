"""The same question of several tasks is put to an engine once, and each task gets the answer.

A sweep over extractors asks every prompt as often as it has extractors. Only questions that can have one answer are
shared: greedy generation with the same settings, and likelihoods. Guarantees: every request gets its own reply, with
its own key; a shared one has no engine time (0 seconds), so that the sum over answers stays the engine's time. An
engine that does not declare `answers_by = "prompt"` gets every request: it may answer by task or by sample.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

from harness.datatypes import GenerateRequest, LikelihoodRequest, Refusal, Reply, Request
from harness.engines.base import Engine


def asked_once(engine: Engine, requests: Sequence[Request]) -> Iterator[Reply]:
    """Yield a reply for each request as soon as its answer is there."""
    if getattr(engine, "answers_by", "task") != "prompt":
        yield from engine.stream(requests)
        return
    twins: dict[Hashable, list[str]] = {}
    first: list[Request] = []
    question_of: dict[str, Hashable] = {}
    for request in requests:
        question = _question(request)
        if question not in twins:
            first.append(request)
            question_of[request.key] = question
        twins.setdefault(question, []).append(request.key)
    for reply in engine.stream(first):
        yield reply
        for key in twins[question_of[reply.key]][1:]:
            yield _for_another(reply, key)


def _for_another(reply: Reply, key: str) -> Reply:
    if isinstance(reply, Refusal):
        return replace(reply, key=key)
    seconds = None if reply.seconds is None else 0.0
    return replace(reply, key=key, seconds=seconds, cached_tokens=reply.prompt_tokens or 0)


def _question(request: Request) -> Hashable:
    """What two requests must agree in to have one answer; of a sampled one, its own key."""
    if isinstance(request, GenerateRequest):
        if request.sampling.temperature > 0:
            return request.key
        return request.kind, request.prompt, request.sampling
    if isinstance(request, LikelihoodRequest):
        return request.kind, request.prompt, request.continuations
    return request.kind, request.prompt, request.text
