"""A server of the tests that answers each request as a script says: statuses, headers, broken and hanging answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `chunks` are sent one by one; `hang`: then nothing more is sent; `drop`: the connection is cut.

    `gate` holds the answer back until it is set.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: tuple[bytes, ...] = (b"{}",)
    hang: bool = False
    drop: bool = False
    gate: threading.Event | None = None


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Script = Callable[[Received, int], Answer]


def events(*datas: object) -> tuple[bytes, ...]:
    """Server-sent events, one chunk each; text is sent as it is."""
    texts = [data if isinstance(data, str) else json.dumps(data) for data in datas]
    return tuple(f"data: {text}\n\n".encode() for text in texts)


class ScriptedServer:
    """`script(request, number)` gives the answer to the request of that number (from 0). A context manager."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.received: list[Received] = []
        self.open_now = 0
        self.most_open = 0
        self.cut_by_client = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def _serve(self) -> None:
        async def begin() -> None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
            self._ready.set()

        self._loop.run_until_complete(begin())
        self._loop.run_forever()

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        request = Received(method, path, headers, json.loads(body) if body else None)
        self.received.append(request)
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            return await self._reply(self.script(request, len(self.received) - 1), reader, writer)
        finally:
            self.open_now -= 1

    async def _reply(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if answer.gate is not None:
            await asyncio.to_thread(answer.gate.wait, 30)
        streamed = any(chunk.startswith(b"data:") for chunk in answer.chunks)
        headers = {"content-type": "text/event-stream" if streamed else "application/json", **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} Scripted", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode())
        for chunk in answer.chunks:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
        if answer.hang:
            if not await reader.read(1):
                self.cut_by_client.set()
            return False
        if answer.drop:
            writer.transport.abort()
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
