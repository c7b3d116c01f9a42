"""Equal requests of several tasks are sent to an engine once, and each task gets the reply.

A sweep over extractors needs every prompt as often as it has extractors. Only requests that can have one reply are
shared: greedy generation with the same settings, and likelihoods. Guarantees: every request gets its own reply, with
its own key; a shared one has no engine time (0 seconds) and no attempts, so that sums over replies stay the engine's.
An engine that answers by task gets every request.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from harness.datatypes import GenerateRequest, LikelihoodRequest, Refusal, Reply, Request
from harness.engines.base import Capabilities, Engine


class Deduplicated:
    """The requests of a stream, each content once, and who else gets its reply."""

    def __init__(self, able: Capabilities, requests: Sequence[Request]) -> None:
        """`unique` are the requests to send; all of them to an engine that answers by task."""
        self._copies: dict[str, list[str]] = {}
        if able.answers_by != "prompt":
            self.unique = tuple(requests)
            return
        first: dict[Hashable, Request] = {}
        for request in requests:
            sent = first.setdefault(_content(request), request)
            if sent is not request:
                self._copies.setdefault(sent.key, []).append(request.key)
        self.unique = tuple(first.values())

    def shared(self, replies: Iterable[Reply]) -> Iterator[Reply]:
        """Yield each reply, and behind it its copies for the equal requests."""
        for reply in replies:
            yield reply
            for key in self._copies.get(reply.key, ()):
                yield _shared(reply, key)


def deduplicated(engine: Engine, able: Capabilities, requests: Sequence[Request]) -> Iterator[Reply]:
    """Yield a reply for each request as soon as its answer is available."""
    once = Deduplicated(able, requests)
    yield from once.shared(engine.stream(once.unique))


def _shared(reply: Reply, key: str) -> Reply:
    """The reply to an equal request, under that request's key."""
    if isinstance(reply, Refusal):
        return replace(reply, key=key)
    seconds = None if reply.seconds is None else 0.0
    # It was sent once: over all replies, attempts and latencies would count twice
    served = None if reply.served is None else replace(reply.served, latency=0.0, attempts=0)
    return replace(reply, key=key, seconds=seconds, cached_tokens=reply.prompt_tokens or 0, served=served)


def _content(request: Request) -> Hashable:
    """What two requests must agree in to have one reply; of a sampled one, its own key."""
    if isinstance(request, GenerateRequest):
        if request.sampling.temperature > 0:
            return request.key
        return request.kind, request.prompt, request.sampling
    if isinstance(request, LikelihoodRequest):
        return request.kind, request.prompt, request.continuations, request.contexts
    return request.kind, request.prompt, request.text
