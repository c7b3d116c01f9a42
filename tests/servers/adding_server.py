"""A server of the tests that adds two numbers, on OpenAI's wire and on Anthropic's; some of its sums are wrong."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class AddingServer:
    """`right`: the share of right sums; which ones depends on `seed` and the numbers. `questions`: those it answered.

    `hold_after`: so many additions are answered, the others wait until it is None.
    """

    right: float
    seed: int = 0
    url: str = ""
    questions: list[str] = field(default_factory=list)
    hold_after: int | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, seconds: float = 120) -> None:
        """Wait until so many additions were requested. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.questions) >= count, seconds):
                raise TimeoutError(f"{len(self.questions)} of {count} additions after {seconds} s")

    def let_go(self) -> None:
        """Answer everything from now on."""
        with self.changed:
            self.hold_after = None
            self.changed.notify_all()

    def answer(self, question: str) -> str:
        """The answer to "What is 1 + 2?"; to any other question the same words every time."""
        numbers = [int(number) for number in re.findall(r"\d+", question)]
        if not question.startswith("What is ") or len(numbers) != 2:
            return "I only add"
        with self.changed:
            self.questions.append(question)
            number = len(self.questions)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.hold_after is None or number <= self.hold_after)
        wrong = random.Random(f"{self.seed} {numbers}").random() >= self.right
        return str(sum(numbers) + wrong)


@contextmanager
def adding(right: float, seed: int = 0) -> Iterator[AddingServer]:
    """Run a server until the block ends."""
    adds = AddingServer(right, seed)
    http = _Server(("127.0.0.1", 0), _Handler)
    http.adds, adds.url = adds, f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield adds
    finally:
        adds.let_go()
        http.shutdown()
        http.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    adds: AddingServer

    def handle_error(self, *_: Any) -> None:
        """A client that is killed breaks its connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._send(404, {"error": {"message": "Not Found"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        content = body["messages"][-1]["content"]
        question = content if isinstance(content, str) else "".join(part["text"] for part in content)
        text, model = self.server.adds.answer(question), body["model"]
        if self.path.endswith("/chat/completions"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24}
            head = {"id": "c", "object": "chat.completion", "created": 1, "model": model}
            self._send(200, {**head, "choices": [choice], "usage": usage})
        elif self.path.endswith("/messages"):
            head = {"id": "m", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn"}
            usage = {"input_tokens": 20, "output_tokens": 4}
            content = [{"type": "text", "text": text}]
            self._send(200, {**head, "stop_sequence": None, "content": content, "usage": usage})
        else:
            self._send(404, {"error": {"message": "Not Found"}})

    def _send(self, status: int, page: dict[str, Any]) -> None:
        raw = json.dumps(page).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
