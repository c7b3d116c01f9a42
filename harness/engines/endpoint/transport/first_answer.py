"""What is said while nothing is known of a server yet: that its first answer is waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType

from harness.engines.endpoint.transport.site import Site

# Seconds for a document (`/models`), and for the first request, while the server has not sent anything yet
DOCUMENT_SECONDS, FIRST_SECONDS = 20.0, 60.0
# Seconds until the wait is stated, and between two statements of it
SILENT_SECONDS, STEP_SECONDS = 5.0, 1.0


class FirstAnswer:
    """A context in which an answer is waited for: says so once it lasts, unless the server has answered before."""

    def __init__(self, site: Site, waiting: Callable[[str], None] | None) -> None:
        """`waiting` gets the line, and "" when the wait is over."""
        self._site = site
        self._waiting = waiting
        self._task: asyncio.Task[None] | None = None
        self._said = False

    def __enter__(self) -> None:
        if self._waiting is not None and not self._site.heard and not self._site.watched:
            self._site.watched = True
            self._task = asyncio.get_running_loop().create_task(self._say(self._waiting))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._site.watched = False
            self._task.cancel()
            self._over()

    def _over(self) -> None:
        if self._said and self._waiting is not None:
            self._said = False
            self._waiting("")

    async def _say(self, waiting: Callable[[str], None]) -> None:
        # Counted from the first request of any kind
        began = self._site.awaited_since = self._site.awaited_since or time.monotonic()
        await asyncio.sleep(max(0.0, began + SILENT_SECONDS - time.monotonic()))
        while not self._site.heard:
            self._said = True
            seconds = time.monotonic() - began
            waiting(f"waiting for the first answer of {self._site.connections.host} ({seconds:.0f} s)")
            await asyncio.sleep(STEP_SECONDS)
        self._over()
