"""How long the pool waits for a server: hung ones, closed connections, deadlines, and what an interrupt leaves."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from plain_wire import PlainWire, sendable
from servers.scripted_server import Answer, ScriptedServer, events
from test_pool_outcomes import Account, SkippingClock, in_turn, pool_on, says

from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.sending import Answered, Failed
from harness.engines.endpoint.transport import first_answer
from harness.engines.endpoint.transport.pool import HttpPool
from harness.errors import EngineError

BROKEN = Answer(chunks=(b"<html>",))


@contextmanager
def silent_server() -> Iterator[str]:
    """Accepts connections and never sends a byte."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


@contextmanager
def pool_at(url: str, **options: float) -> Iterator[HttpPool]:
    pool = HttpPool([url], PlainWire(), "m", EndpointOptions(**options))
    try:
        yield pool
    finally:
        pool.close()


def test_a_server_that_never_sends_a_byte_gets_one_short_request_of_each_kind(monkeypatch):
    monkeypatch.setattr("harness.engines.endpoint.transport.pool.DOCUMENT_SECONDS", 0.2)
    monkeypatch.setattr("harness.engines.endpoint.transport.dispatch.FIRST_SECONDS", 0.2)
    with silent_server() as url, pool_at(url) as pool:
        account = Account()
        pool.account_to(account, None)
        assert pool.get("/models") is None
        sent = pool.once(sendable("p").call)
    assert isinstance(sent, Failed) and sent.fault.kind == "timeout" and sent.attempts == 1
    assert len(account.attempts) == 1


def test_the_wait_for_a_first_answer_is_stated_and_withdrawn(monkeypatch):
    monkeypatch.setattr(first_answer, "SILENT_SECONDS", 0.01)
    monkeypatch.setattr(first_answer, "STEP_SECONDS", 0.01)
    stated, said = threading.Event(), []

    def waiting(text: str) -> None:
        said.append(text)
        stated.set()

    late = Answer(chunks=(b'{"text": "yes"}',), gate=stated)
    with ScriptedServer(lambda request, number: late) as server, pool_at(server.url) as pool:
        pool.account_to(None, waiting)
        assert isinstance(pool.once(sendable("p").call), Answered)
        assert said[0].startswith(f"waiting for the first answer of 127.0.0.1:{server.port} (") and said[-1] == ""


@pytest.mark.parametrize("use", ["get('/models')", "once(call)", "stream([sendable('a', 1000)])"])
@pytest.mark.parametrize("interrupts", [1, 2])
def test_an_interrupt_leaves_no_traceback_of_the_pool(use, interrupts):
    """In a process of its own, which ends as a program does that is interrupted while it waits."""
    program = f"""
        import signal, socket, threading
        from plain_wire import PlainWire, sendable
        from harness.engines.endpoint.options import EndpointOptions
        from harness.engines.endpoint.transport.pool import HttpPool

        server = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{{server.getsockname()[1]}}/v1"
        call = sendable("a").call
        pool = HttpPool([url], PlainWire(), "m", EndpointOptions())

        def interrupt():
            connection, _ = server.accept()
            connection.recv(10)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            connection.recv(1000000)
            threading.Event().wait()

        threading.Thread(target=interrupt, daemon=True).start()
        try:
            list(pool.{use} or ())
        except KeyboardInterrupt:
            print("interrupted")
            again = threading.Timer(
                0, lambda: {interrupts} == 2 and signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            )
            try:
                again.start()
                pool.close()
                again.join()
            except KeyboardInterrupt:
                pass
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={"PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parents[4]}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("interrupted\n", "", 0)


def test_closing_in_the_middle_of_a_document_is_silent(caplog):
    with silent_server() as url, pool_at(url) as pool:
        with caplog.at_level(logging.ERROR), ThreadPoolExecutor(1) as thread:
            document = thread.submit(pool.get, "/models")
            while pool._loop is None or not asyncio.all_tasks(pool._loop):
                time.sleep(0.01)
            pool.close()
            assert document.exception(30) is not None
        gc.collect()
        assert not caplog.records


def test_a_stream_that_is_left_after_the_pool_was_closed_starts_no_thread():
    with pool_on(lambda request, number: says()) as pool:
        outcomes = pool.stream([sendable("a"), sendable("b")])
        next(outcomes)
        pool.close()
        outcomes.close()
        assert not [thread for thread in threading.enumerate() if thread.name == "endpoint-pool"]


def test_the_deadline_of_a_call_holds_while_it_waits_behind_a_slow_server():
    """Every call has failed once when the server asks for a wait far beyond the deadline of all."""
    broken = in_turn(*[BROKEN] * 6)

    def script(request, number):
        return broken(request, number) if number < 6 else Answer(chunks=events({"text": "a"}), hang=True)

    options = {"request_deadline": 2.0, "idle_seconds": 60.0, "concurrency": 8, "max_failed": 1.0}
    with pool_on(script, **options) as pool:
        sent = list(pool.stream([sendable(str(i), 1000) for i in range(6)]))
    assert len(sent) == 6 and all(isinstance(one, Failed) for one in sent)


def test_a_call_that_waits_is_given_up_at_its_deadline_with_its_last_fault():
    held = threading.Event()

    def script(request, number):
        if request.body["key"] == "first":
            return Answer(500, chunks=(b"no memory",))
        return Answer(chunks=(b'{"text": "yes"}',), gate=held)

    with pool_on(script, concurrency=1, request_deadline=2.0, max_failed=1.0) as pool:
        # The other call keeps the only place until the first call's deadline has passed
        pool._session.proven = True
        sent = next(pool.stream([sendable("first"), sendable("second")]))
        held.set()
    assert isinstance(sent, Failed) and sent.key == "first" and "no memory" in sent.fault.message


def test_after_an_interrupt_calls_that_wait_for_another_attempt_are_not_waited_for():
    script = in_turn(says(), *[Answer(503, {"retry-after": "300"}, (b"busy",))] * 9)
    with pool_on(script, concurrency=1) as pool:
        outcomes = pool.stream([sendable(str(i)) for i in range(3)])
        first = next(outcomes)
        while not any("503" in line for line in pool.said):
            time.sleep(0.01)
        outcomes.close()
        began = time.monotonic()
        # The one that was being taken comes again, and none else
        assert list(pool.finish_in_flight(60)) == [first] and time.monotonic() - began < 60


def read_request(stream: BinaryIO) -> bytes:
    """The body of one request; nothing where the client has closed the connection."""
    length = 0
    while (line := stream.readline().strip().lower()) != b"":
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return stream.read(length)


def closes_when_reused(requests: list[bytes], every: bool) -> socket.socket:
    """A server that answers the first request of a connection, and closes it when the second comes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                if every and requests:
                    requests.append(read_request(stream))
                    continue
                requests.append(read_request(stream))
                body = b'{"text": "yes"}'
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
                requests.append(read_request(stream))

    threading.Thread(target=serve, daemon=True).start()
    return server


def test_a_connection_that_the_server_had_closed_is_no_fault():
    requests: list[bytes] = []
    account, said = Account(), []
    with closes_when_reused(requests, every=False) as server:
        with pool_at(f"http://127.0.0.1:{server.getsockname()[1]}", concurrency=1) as pool:
            pool.account_to(account, said.append)
            sent = list(pool.stream([sendable(str(i)) for i in range(4)]))
        server.shutdown(socket.SHUT_RDWR)
    assert all(isinstance(one, Answered) and one.attempts == 1 for one in sent) and not any(said)
    outcomes = [attempt.outcome for attempt in account.attempts]
    assert outcomes.count("answered") == 4 and outcomes.count("stale_connection") == 3
    assert all(attempt.kept == (attempt.outcome == "answered") for attempt in account.attempts)


def test_a_request_is_sent_only_once_more_for_a_closed_connection():
    requests: list[bytes] = []
    with closes_when_reused(requests, every=True) as server:
        with pool_at(f"http://127.0.0.1:{server.getsockname()[1]}", request_deadline=0.9, max_failed=1.0) as pool:
            assert isinstance(pool.once(sendable("a").call), Answered)
            sent = pool.once(sendable("b").call)
        server.shutdown(socket.SHUT_RDWR)
    assert isinstance(sent, Failed) and sent.attempts == 1 and "broke" in sent.fault.message
    assert len(requests) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(503, chunks=(b"busy",)), "503"),
        (BROKEN, "broken reply"),
        (Answer(chunks=(b'{"error": "no memory"}',)), "error in the answer"),
        (Answer(chunks=(), drop=True), "broken reply"),
    ],
)
def test_the_line_about_a_wait_says_what_went_wrong(answer, words):
    with pool_on(in_turn(*[answer] * 3), SkippingClock(), concurrency=1) as pool:
        assert len(list(pool.stream([sendable("a")]))) == 1
        lines = [line for line in pool.said if line]
        assert lines and all(f"({words} x" in line for line in lines)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b""])
def test_what_is_no_json_object_is_requested_only_twice_while_nothing_else_came(body):
    with pool_on(lambda request, number: Answer(chunks=(body,) if body else ()), SkippingClock()) as pool:
        sent = pool.once(sendable("p").call)
        assert isinstance(sent, Failed) and sent.attempts == 2


def test_a_name_that_cannot_be_resolved_is_said_in_words():
    with pool_at("http://no-such-host.invalid/v1", connect_seconds=5.0) as pool:
        pool._session.clock = SkippingClock()
        with pytest.raises(EngineError) as raised:
            pool.get("/models")
    message = str(raised.value)
    assert "cannot be resolved" in message and "Errno" not in message and "--endpoint (engine.url)" in message
