"""Equal requests of several tasks are sent to an engine once, and each task gets the reply.

A sweep over extractors needs every prompt as often as it has extractors. Only requests that can have one reply are
shared: greedy generation with the same settings, and likelihoods. Guarantees: every request gets its own reply, with
its own key; a shared one has no engine time (0 seconds), so that the sum over replies stays the engine's time. An
engine that answers by task gets every request.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

from harness.datatypes import GenerateRequest, LikelihoodRequest, Refusal, Reply, Request
from harness.engines.base import Capabilities, Engine


def deduplicated(engine: Engine, able: Capabilities, requests: Sequence[Request]) -> Iterator[Reply]:
    """Yield a reply for each request as soon as its answer is available."""
    if able.answers_by != "prompt":
        yield from engine.stream(requests)
        return
    keys_by_content: dict[Hashable, list[str]] = {}
    first: list[Request] = []
    content_of: dict[str, Hashable] = {}
    for request in requests:
        content = _content(request)
        if content not in keys_by_content:
            first.append(request)
            content_of[request.key] = content
        keys_by_content.setdefault(content, []).append(request.key)
    for reply in engine.stream(first):
        yield reply
        for key in keys_by_content[content_of[reply.key]][1:]:
            yield _shared(reply, key)


def _shared(reply: Reply, key: str) -> Reply:
    """The reply to an equal request, under that request's key."""
    if isinstance(reply, Refusal):
        return replace(reply, key=key)
    seconds = None if reply.seconds is None else 0.0
    return replace(reply, key=key, seconds=seconds, cached_tokens=reply.prompt_tokens or 0)


def _content(request: Request) -> Hashable:
    """What two requests must agree in to have one reply; of a sampled one, its own key."""
    if isinstance(request, GenerateRequest):
        if request.sampling.temperature > 0:
            return request.key
        return request.kind, request.prompt, request.sampling
    if isinstance(request, LikelihoodRequest):
        return request.kind, request.prompt, request.continuations
    return request.kind, request.prompt, request.text
