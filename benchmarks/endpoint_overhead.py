"""Our own processor time for answers from a server: 1,000 short ones at once, from a server in another process.

    python benchmarks/endpoint_overhead.py [--calls 1000] [--at-once 1000] [--seconds 0.3] [--stream]

The server holds each answer back for so many seconds, as a model does. Printed are the processor seconds of this
process from the first call to the last outcome, and those that importing the pool adds to a process that has read a
config.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

IMPORT = (
    "import time; import harness.config.schema; import harness.engines.base; began = time.process_time();"
    "import harness.engines.endpoint.transport.pool, httpx2; httpx2.AsyncClient(trust_env=False, verify=False);"
    "import anyio, anyio._backends._asyncio, httpcore2, h11; print(time.process_time() - began)"
)
WORDS = 24


def serve(sender: Connection, seconds: float) -> None:
    """A server that says yes; runs until it is killed."""
    event = b'data: {"choices":[{"index":0,"text":" yes","finish_reason":null}]}\n\n'
    last = (
        b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":24}}\n\ndata: [DONE]\n\n'
    )
    whole = json.dumps(
        {
            "model": "m",
            "choices": [{"index": 0, "text": " yes", "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 1},
        }
    ).encode()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                await asyncio.sleep(seconds)
                if b'"stream": true' in body or b'"stream":true' in body:
                    writer.write(
                        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                    )
                    for _ in range(WORDS):
                        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                        await writer.drain()
                    writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(last), last))
                else:
                    writer.write(
                        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                        % (len(whole), whole)
                    )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=4096)
        sender.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def measure(port: int, calls: int, at_once: int, stream: bool) -> Mapping[str, Any]:
    """Send the calls; return processor seconds and wall seconds, in all and for each call."""
    from harness.datatypes import Sampling, TextPrompt
    from harness.engines.endpoint.options import EndpointOptions
    from harness.engines.endpoint.sending import Answered, Sendable
    from harness.engines.endpoint.transport.pool import HttpPool
    from harness.engines.endpoint.wire import GenerateCall
    from harness.engines.endpoint.wires.openai import OpenAIWire

    sampling = Sampling(max_tokens=512 if stream else 32)
    items = [
        Sendable(GenerateCall(str(number), TextPrompt(f"Question {number}: " + "word " * 100), sampling, ("\n",), None))
        for number in range(calls)
    ]
    pool = HttpPool([f"http://127.0.0.1:{port}/v1"], OpenAIWire(), "m", EndpointOptions(concurrency=at_once))
    wall, busy = time.perf_counter(), time.process_time()
    answered = sum(isinstance(sent, Answered) for sent in pool.stream(items))
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    pool.close()
    return {"answered": answered, "cpu_seconds": round(busy, 3), "wall_seconds": round(wall, 2)}


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--stream", action="store_true", help="answers of 24 events, instead of whole ones")
    chosen = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(sender, chosen.seconds), daemon=True)
    server.start()
    try:
        port = receiver.recv()
        found = measure(port, chosen.calls, chosen.at_once, chosen.stream)
    finally:
        server.kill()
        server.join()
    imported = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout
    print(json.dumps({**found, "import_cpu_seconds": round(float(imported), 3)}))


if __name__ == "__main__":
    main()
