"""Each request that an engine gets must have one reply: what is missing, or is to no request, is the engine's fault.

Without this check a plug-in that gives up early would leave a run that says it is finished, with the score of a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.datatypes import Reply, Request
from harness.errors import EngineError


class Awaited:
    """The requests of a stream that have no reply yet."""

    def __init__(self, engine: str, requests: Sequence[Request]) -> None:
        """`engine` is its name, for messages."""
        self._engine = engine
        self._keys = frozenset(request.key for request in requests)
        # In their order, so that a message names the first
        self._open = dict.fromkeys(request.key for request in requests)

    def taken(self, key: str) -> None:
        """The caller has a reply: it is not yielded again, as one is that an interrupt kept from it."""
        self._open.pop(key, None)

    def first(self, replies: Iterable[Reply]) -> Iterator[Reply]:
        """Yield the first reply to each request. Raises EngineError for a reply to none."""
        for reply in replies:
            if reply.key in self._open:
                yield reply
                self.taken(reply.key)
            elif reply.key not in self._keys:
                raise EngineError(
                    f"the engine {self._engine} replied to a request that it did not get (key {reply.key!r}): that is "
                    "a fault of the engine; once it is fixed, the same command requests what has no answer"
                )

    def every(self, replies: Iterable[Reply]) -> Iterator[Reply]:
        """The same. Raises EngineError at the end where a request has no reply."""
        yield from self.first(replies)
        if self._open:
            first = next(iter(self._open))
            raise EngineError(
                f"the engine {self._engine} gave no reply to {len(self._open)} of {len(self._keys)} requests (the "
                f"first: key {first!r}): that is a fault of the engine; the same command requests them again"
            )
