"""A run against a server, with the command and from Python: a small server of the test's own, in OpenAI's form."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl

import harness

TEXTS_PAGE = """\
name: texts
version: 1
about: Texts, for tests.
source: {licence: Apache-2.0}
data: {path: ./sums.jsonl, split: test, columns: [a, b]}
reference: {text: "{{ a }} and {{ b }}"}
ask: rolling_loglikelihood
score:
  - by: text_likelihood
metric: [bits_per_byte]
"""
KEY = "sk-test-0123456789abcdef"


@dataclass
class SmallServer:
    """Adds two numbers, in chat; keeps the requests that it got. `key`: it wants this one.

    `fingerprint` is stated with the answer to the n-th question (the probe's: 0).
    """

    key: str | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[str], str] = field(default=lambda question: added(question))
    fingerprint: Callable[[int], str] = field(default=lambda questions: "fp_1")
    url: str = ""

    def questions(self) -> list[str]:
        """The additions that were requested, without the probe's requests."""
        asked = [body["messages"][-1]["content"] for body in self.bodies if "messages" in body]
        return [question for question in asked if question.startswith("What is ")]


def added(question: str) -> str:
    """The answer to "What is 1 + 2?"; to any other question the same words every time."""
    numbers = re.findall(r"(\d+) \+ (\d+)", question)
    return f"The sum is {sum(map(int, numbers[-1]))}" if numbers else "I only add numbers"


def handler_of(server: SmallServer) -> type[BaseHTTPRequestHandler]:
    """What answers the requests of one server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """The one model."""
            self._send(200, {"object": "list", "data": [{"id": "adder", "object": "model", "max_model_len": 4096}]})

        def do_POST(self) -> None:
            """One completion, streamed or whole."""
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.bodies.append(body)
            if server.key and self.headers.get("authorization") != f"Bearer {server.key}":
                self._send(401, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}})
                return
            if not self.path.endswith("/chat/completions"):
                self._send(404, {"error": {"message": "Not Found"}})
                return
            text = server.answer(body["messages"][-1]["content"])
            usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
            fingerprint = server.fingerprint(len(server.questions()))
            head = {"id": "c", "created": 1, "model": "adder", "system_fingerprint": fingerprint}
            if not body.get("stream"):
                choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                self._send(200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})
                return
            head["object"] = "chat.completion.chunk"
            deltas = [({"role": "assistant", "content": part}, None) for part in re.findall(r"\S+\s*", text)]
            events = [
                {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
                for delta, reason in [*deltas, ({}, "stop")]
            ]
            events.append({**head, "choices": [], "usage": usage})
            lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"]
            self._write(200, "text/event-stream", "".join(lines).encode())

        def _send(self, status: int, content: dict[str, Any]) -> None:
            self._write(status, "application/json", json.dumps(content).encode())

        def _write(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


@pytest.fixture
def server() -> Iterator[SmallServer]:
    """The server, while the test runs."""
    small = SmallServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(small))
    small.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield small
    http.shutdown()
    http.server_close()
    thread.join()


def words(server: SmallServer, sums: Path, *more: object) -> list[object]:
    """The command against the server."""
    engine = ("--engine", "openai", "--model", "adder", "--set", f"engine.url={server.url}")
    return ["run", *engine, "--tasks", sums, "--out", "r", *more]


def test_a_run_against_a_server_is_scored_like_any_other(cli, server, sums, tmp_path) -> None:
    seen = cli(*words(server, sums))
    assert seen.code == 0, seen.err
    assert "1.000" in seen.out
    rows = read_jsonl(tmp_path / "r/records.jsonl")
    assert len(rows) == 10 and len(server.questions()) == 10
    reply = rows[0]["reply"]
    assert reply["text"].startswith("The sum is ") and reply["served"]["fingerprint"] == "fp_1"
    assert (reply["prompt_tokens"], reply["output_tokens"]) == (9, 5)
    engine = json.loads((tmp_path / "r/manifest.json").read_text())["engine"]
    assert engine["engine"] == "openai" and engine["server"]["model"] == "adder"
    assert any("served_as" in note for note in engine["notes"])


def test_a_finished_run_requests_nothing_again(cli, server, sums) -> None:
    cli(*words(server, sums))
    sent = len(server.bodies)
    seen = cli(*words(server, sums))
    assert seen.code == 0 and "finished already" in seen.out
    assert len(server.bodies) == sent


def test_a_server_that_changes_during_the_run_is_in_the_table_and_beside_a_difference(cli, server, sums) -> None:
    first = cli(*words(server, sums))
    assert first.code == 0 and "more than one fingerprint" not in first.out, first.err
    server.fingerprint = lambda questions: "fp_1" if questions <= 14 else "fp_2"
    server.answer = lambda question: added(question) if "+" in question and "1 +" not in question else "I cannot"
    seen = cli(*words(server, sums)[:-1], "later", "--set", "engine.concurrency=1")
    assert "the server stated more than one fingerprint during the run: fp_1 (4 answers), fp_2 (6 answers)" in seen.out
    compared = cli("compare", "r", "later").out
    assert "May explain a difference: adder (later): the server stated more than one fingerprint" in compared
    assert (
        "May explain a difference: the servers stated another fingerprint: adder (r): fp_1; adder (later): fp_1, "
        in compared
    )
    assert "adder (r): the precision that the model was served in is not stated (engine.served_as)" in compared


def test_python_gets_the_same(server, sums, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = harness.evaluate(
        "adder", tasks=[sums], engine="openai", limit=3, settings={"engine.url": server.url, "engine.concurrency": 2}
    )
    assert result.estimates[0].value == 1.0 and len(result.records) == 3 == len(server.questions())


def test_a_refused_key_ends_the_run_after_one_request_and_is_written_nowhere(
    cli, server, sums, tmp_path, monkeypatch
) -> None:
    server.key = "another"
    monkeypatch.setenv("MY_KEY", KEY)
    seen = cli(*words(server, sums, "--set", "engine.key_env=MY_KEY"))
    assert seen.code == 2 and len(server.bodies) == 1, seen.err
    (line,) = [line for line in seen.err.splitlines() if line.startswith("harness: ")]
    assert "API key" in line and "Traceback" not in seen.err
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert all(KEY.encode() not in content for content in written)
    assert KEY not in seen.out + seen.err


def test_the_usual_key_is_not_sent_to_an_own_server_which_gets_a_named_one(cli, server, sums, monkeypatch) -> None:
    server.key = KEY
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    seen = cli(*words(server, sums))
    assert seen.code == 2, seen.err
    assert "none was sent" in seen.err and "set engine.key_env to the variable that holds the key" in seen.err
    assert cli(*words(server, sums, "--set", "engine.key_env=OPENAI_API_KEY")).code == 0


def test_a_task_that_needs_log_likelihoods_is_refused_before_a_request(cli, server, sums, tmp_path) -> None:
    page = tmp_path / "texts.yaml"
    page.write_text(TEXTS_PAGE, encoding="utf-8")
    seen = cli(*words(server, page))
    assert seen.code == 2 and "engine.tokenizer" in seen.err, seen.err
    assert not server.bodies


def test_a_dry_run_sends_nothing(cli, server, sums) -> None:
    seen = cli(*words(server, sums, "--dry-run"))
    assert seen.code == 0, seen.err
    assert not server.bodies
