"""Which of several servers of one model gets a call: calls of one prefix the same one, whose cache has it.

Pure bookkeeping, no network: each server has a queue of its own; one that has nothing left takes from the longest.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


def preferred(prefix: str, urls: Sequence[str]) -> str:
    """The URL of a prefix: highest random weight, so that the loss of one URL moves only the prefixes that it had."""
    if len(urls) == 1:
        return urls[0]
    return max(urls, key=lambda url: hashlib.blake2b(f"{url}\n{prefix}".encode(), digest_size=8).digest())


class Queues(Generic[Item]):
    """The calls that wait, by URL."""

    def __init__(self, urls: Sequence[str]) -> None:
        """Every URL is alive at first."""
        self._queues: dict[str, deque[tuple[str, Item]]] = {url: deque() for url in urls}
        self._alive = list(urls)

    def __len__(self) -> int:
        """All that wait."""
        return sum(map(len, self._queues.values()))

    @property
    def alive(self) -> Sequence[str]:
        """The URLs that calls go to."""
        return tuple(self._alive)

    def add(self, prefix: str, item: Item, *, first: bool = False) -> None:
        """Let a call wait at the URL of its prefix; `first`: before the others."""
        queue = self._queues[preferred(prefix, self._alive or list(self._queues))]
        if first:
            queue.appendleft((prefix, item))
        else:
            queue.append((prefix, item))

    def take(self, url: str, full: Sequence[str]) -> tuple[str, Item] | None:
        """The next call for `url`: its own, or, where it has none, the last one of the longest queue among `full`."""
        own = self._queues[url]
        if own:
            return own.popleft()
        longest = max((self._queues[other] for other in full if other != url), key=len, default=None)
        return longest.pop() if longest else None

    def drop(self, url: str) -> int:
        """A URL is dead: its calls wait at the others from now on. Returns how many they were."""
        self._alive.remove(url)
        moved, self._queues[url] = self._queues[url], deque()
        for prefix, item in moved:
            self.add(prefix, item)
        return len(moved)

    def revive(self, url: str) -> None:
        """A dead URL is tried again: new calls of its prefixes go to it."""
        if url not in self._alive:
            self._alive = [known for known in self._queues if known in self._alive or known == url]

    def discard(self, prefix: str, item: Item) -> None:
        """Forget a call, if it waits."""
        for queue in self._queues.values():
            if (prefix, item) in queue:
                queue.remove((prefix, item))

    def clear(self) -> None:
        """Forget all that wait."""
        for queue in self._queues.values():
            queue.clear()
