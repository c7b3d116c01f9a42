"""Continuations with contexts of their own, for engines that score all continuations of a request after one prompt.

A request with `contexts` reaches such an engine as one request for each different context, and the likelihoods come
back as one reply, in the order of the request. Guarantees: a request has one reply, under its own key, once all of its
parts have theirs; a part that is refused refuses the request, a fault of the harness before one of the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from harness.datatypes import Likelihood, LikelihoodRequest, Prompt, Refusal, Reply, Request, Served
from harness.engines.base import Capabilities, Engine, PromptSize


def parts_of(able: Capabilities, request: Request) -> tuple[Request, ...]:
    """The requests that an engine gets for one: itself, or one for each different context.

    The key of a part is the request's with `#` and a number behind it, as attempts at a part of a request have it.
    """
    if able.contexts or not isinstance(request, LikelihoodRequest) or not request.contexts:
        return (request,)
    return tuple(
        replace(
            request,
            key=f"{request.key}#{number}",
            prompt=prompt,
            continuations=tuple(request.continuations[place] for place in places),
            contexts=(),
        )
        for number, (prompt, places) in enumerate(_places(request.contexts).items())
    )


def measured(engine: Engine, able: Capabilities, request: Request) -> PromptSize:
    """What a request costs, over all that the engine gets for it; the prompt is the first one's.

    Raises EngineError.
    """
    sizes = [engine.measure(part) for part in parts_of(able, request)]
    if len(sizes) == 1:
        return sizes[0]
    most = [size.prompt_tokens if size.most_prompt_tokens is None else size.most_prompt_tokens for size in sizes]
    return replace(
        sizes[0],
        prompt_tokens=_sum([size.prompt_tokens for size in sizes]),
        dropped_tokens=max(size.dropped_tokens for size in sizes),
        estimated=any(size.estimated for size in sizes),
        most_prompt_tokens=_sum(most),
    )


@dataclass(slots=True)
class _Open:
    """A request whose parts are with the engine, and their replies so far."""

    request: LikelihoodRequest
    parts: tuple[Request, ...]
    replies: dict[str, Reply] = field(default_factory=dict)


class InParts:
    """The requests of a stream as an engine takes them, and the replies as they were requested."""

    def __init__(self, able: Capabilities, requests: Sequence[Request]) -> None:
        """`sent` are the requests for the engine."""
        self._open: dict[str, _Open] = {}
        sent: list[Request] = []
        for request in requests:
            parts = parts_of(able, request)
            sent += parts
            if parts != (request,):
                whole = _Open(cast(LikelihoodRequest, request), parts)
                self._open |= {part.key: whole for part in parts}
        self.sent = tuple(sent)

    def merged(self, replies: Iterable[Reply]) -> Iterator[Reply]:
        """Yield each reply of the engine; for a request in parts one, with its last part."""
        for reply in replies:
            whole = self._open.get(reply.key)
            if whole is None:
                yield reply
                continue
            whole.replies[reply.key] = reply
            if len(whole.replies) == len(whole.parts):
                yield _merged(whole)


def _merged(whole: _Open) -> Reply:
    request = whole.request
    replies = [whole.replies[part.key] for part in whole.parts]
    refusals = [reply for reply in replies if isinstance(reply, Refusal)]
    if refusals:
        return replace(next((one for one in refusals if one.failure.ours), refusals[0]), key=request.key)
    found = cast("list[Likelihood]", replies)
    by_place = {
        place: score
        for places, reply in zip(_places(request.contexts).values(), found, strict=True)
        for place, score in zip(places, reply.continuations, strict=True)
    }
    hashes = [reply.prompt_hash for reply in found]
    seconds = [reply.seconds for reply in found if reply.seconds is not None]
    return Likelihood(
        request.key,
        tuple(by_place[place] for place in range(len(request.continuations))),
        prompt_tokens=_sum([reply.prompt_tokens for reply in found]),
        cached_tokens=sum(reply.cached_tokens for reply in found),
        dropped_tokens=max(reply.dropped_tokens for reply in found),
        seconds=sum(seconds) if seconds else None,
        prompt_hash=hashlib.sha256(" ".join(hashes).encode()).hexdigest() if all(hashes) else "",
        served=_served([reply.served for reply in found if reply.served is not None]),
    )


def _places(contexts: Sequence[Prompt]) -> dict[Prompt, list[int]]:
    """The numbers of the continuations after each different context."""
    places: dict[Prompt, list[int]] = {}
    for place, context in enumerate(contexts):
        places.setdefault(context, []).append(place)
    return places


def _served(found: Sequence[Served]) -> Served | None:
    """As of one answer that took all attempts, and as long as the slowest."""
    if not found:
        return None
    return replace(found[-1], latency=max(one.latency for one in found), attempts=sum(one.attempts for one in found))


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
