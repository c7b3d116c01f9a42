"""What the pool makes of answers, faults and interrupts of one server."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from plain_wire import PlainWire, sendable
from servers.scripted_server import Answer, Received, Script, ScriptedServer, events

from harness.datatypes import Attempt
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.sending import Answered, Failed
from harness.engines.endpoint.transport.pool import HttpPool
from harness.errors import ConfigError, EngineError

LONG = 1000


class SkippingClock:
    """A clock whose waits are over at once."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        await asyncio.sleep(0)
        self.waits.append(seconds)
        self.time = max(self.time, until)


class Account:
    """A ledger with so many attempts to spend."""

    def __init__(self, attempts: int = 10**6) -> None:
        self.left = attempts
        self.attempts: list[Attempt] = []
        self.reserved: list[tuple[str, int, int]] = []

    def reserve(self, key: str, prompt_tokens: int, output_tokens: int) -> bool:
        if not self.left:
            return False
        self.left -= 1
        self.reserved.append((key, prompt_tokens, output_tokens))
        return True

    def record(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def exhausted(self) -> str:
        return "stopped at $1.93 of $2.00"


def says(text: str = "yes") -> Answer:
    return Answer(chunks=(b'{"text": "%s"}' % text.encode(),))


def in_turn(*answers: Answer) -> Script:
    """These answers, then good ones."""
    return lambda request, number: answers[number] if number < len(answers) else says()


@contextmanager
def pool_on(script: Script, clock: Any = None, key: str | None = None, **settings: Any) -> Iterator[Any]:
    account = settings.pop("ledger", None) or Account()
    said: list[str] = []
    with ScriptedServer(script) as server:
        options = EndpointOptions(**settings)
        pool = HttpPool([server.url], PlainWire(), "m", options, key, ledger=account, waiting=said.append, clock=clock)
        pool.said, pool.account, pool.server = said, account, server
        try:
            yield pool
        finally:
            pool.close()


def test_each_call_gets_exactly_one_outcome():
    with pool_on(lambda request, number: says(request.body["key"])) as pool:
        sent = list(pool.stream([sendable(f"k{i}") for i in range(100)]))
        assert sorted(one.key for one in sent) == sorted(f"k{i}" for i in range(100))
        assert all(one.reply.text == one.key and one.attempts == 1 for one in sent)
        assert sorted(a.key for a in pool.account.attempts) == sorted(one.key for one in sent)
        assert all(a.kept and (a.prompt_tokens, a.output_tokens) == (3, 2) for a in pool.account.attempts)


@pytest.mark.parametrize(
    "broken",
    [
        Answer(503, chunks=(b"overloaded",)),
        Answer(529, chunks=(b"overloaded",)),
        Answer(chunks=(b'{"text": "ye',)),
        Answer(chunks=(b'{"error": "no memory"}',)),
        Answer(chunks=(b"<html>",)),
        Answer(chunks=(b"[1]",)),
        Answer(chunks=events({"text": "half"})),
        Answer(chunks=events({"text": "half"}), drop=True),
        Answer(chunks=events({"text": "half"}, "not json")),
        Answer(chunks=(), drop=True),
    ],
)
def test_a_broken_answer_is_never_used_but_requested_again(broken):
    with pool_on(in_turn(broken), SkippingClock()) as pool:
        [sent] = pool.stream([sendable("a", LONG)])
        assert isinstance(sent, Answered) and sent.reply.text == "yes" and sent.attempts == 2
        first, second = pool.account.attempts
        assert not first.kept and second.kept and first.outcome in ("server_error", "broken_reply")


def test_waits_between_attempts_double():
    clock = SkippingClock()
    with pool_on(in_turn(*[Answer(503, chunks=(b"busy",))] * 4), clock) as pool:
        [sent] = pool.stream([sendable("a")])
    assert sent.attempts == 5
    assert [round(wait) >= 2**i for i, wait in enumerate(clock.waits[:4])] == [True] * 4


def test_a_wait_that_the_server_asks_for_holds_for_all_calls(monkeypatch):
    # The wait is up to a twentieth longer: one in a hundred would be stated as 22 s
    monkeypatch.setattr(random, "random", lambda: 0.5)
    clock = SkippingClock()
    limited = Answer(429, {"retry-after": "20"}, (b"slow down",))

    def script(request: Received, number: int) -> Answer:
        times.append(clock.now())
        return limited if number == 1 else says()

    times: list[float] = []
    with pool_on(script, clock, concurrency=1) as pool:
        assert all(isinstance(sent, Answered) for sent in pool.stream([sendable(str(i)) for i in range(4)]))
        assert times[2] >= times[1] + 20
        assert "waiting 21 s for the server (429 x1)" in pool.said and pool.said[-1] == ""


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [(401, ConfigError, "refuses the API key"), (404, ConfigError, "model"), (402, EngineError, "quota")],
)
def test_a_refused_key_or_model_costs_one_request(status, error, words):
    with pool_on(lambda request, number: Answer(status, chunks=(b"no",)), key="sk-secret") as pool:
        with pytest.raises(error, match=words) as raised:
            list(pool.stream([sendable(str(i)) for i in range(50)]))
        assert len(pool.server.received) == 1
        assert "sk-secret" not in str(raised.value)


def test_the_probe_gets_one_call_answered_and_a_refused_key_raised():
    with pool_on(
        in_turn(Answer(500, chunks=(b"x",)), says("ok"), Answer(401, chunks=(b"no",))), SkippingClock()
    ) as pool:
        assert pool.once(sendable("p").call).reply.text == "ok"
        assert [attempt.key for attempt in pool.account.attempts] == ["", ""]
        with pytest.raises(ConfigError):
            pool.once(sendable("p").call)


def test_a_body_that_is_refused_twice_at_the_start_stops_the_run():
    script = in_turn(*[Answer(400, chunks=(b"temperature 3 is too high|temperature",))] * 50)
    with pool_on(script) as pool:
        with pytest.raises(ConfigError, match=r"too high.*--set tasks\.NAME\.sampling\.temperature"):
            list(pool.stream([sendable(str(i)) for i in range(50)]))
        assert len(pool.server.received) == 2


def test_a_body_that_is_refused_later_costs_its_call_only():
    def script(request: Received, number: int) -> Answer:
        return Answer(400, chunks=(b"bad",)) if number in (10, 20) else says()

    with pool_on(script) as pool:
        sent = list(pool.stream([sendable(str(i)) for i in range(60)]))
    assert len(sent) == 60 and [one.fault.kind for one in sent if isinstance(one, Failed)] == ["bad_request"] * 2


def test_a_call_that_breaks_the_server_is_given_up_while_others_pass():
    def script(request: Received, number: int) -> Answer:
        return Answer(500, chunks=(b"crash",)) if request.body["key"] == "bad" else says()

    with pool_on(script, SkippingClock()) as pool:
        sent = {one.key: one for one in pool.stream([sendable(k) for k in ("a", "bad", *map(str, range(30)))])}
    assert isinstance(sent["bad"], Failed) and sent["bad"].attempts >= 3
    assert sum(isinstance(one, Answered) for one in sent.values()) == 31


def test_a_server_without_one_success_stops_the_run_and_says_why():
    down = Answer(503, chunks=(b"maintenance",))
    words = r"no answer for \d+ s, \d+ attempts failed.*maintenance.*resume"
    with pool_on(lambda request, number: down, SkippingClock()) as pool, pytest.raises(EngineError, match=words):
        list(pool.stream([sendable(str(i)) for i in range(20)]))


def test_too_many_failed_calls_stop_the_run():
    def script(request: Received, number: int) -> Answer:
        return says() if number < 10 else Answer(400, chunks=(b"bad",))

    with pool_on(script) as pool, pytest.raises(EngineError, match="5 of 100 calls failed"):
        list(pool.stream([sendable(str(i)) for i in range(100)]))


def test_a_hung_server_ends_in_the_deadline_of_its_call():
    hanging = Answer(chunks=events({"text": "a"}), hang=True)
    options = {"idle_seconds": 0.1, "request_deadline": 0.5, "max_failed": 1.0}
    with pool_on(lambda request, number: hanging, **options) as pool:
        [sent] = pool.stream([sendable("a", LONG)])
    assert isinstance(sent, Failed) and sent.fault.kind == "timeout"


def test_a_stream_is_closed_at_the_first_stop_string_and_its_cost_estimated():
    answer = Answer(chunks=events({"text": "one\n"}, {"text": "\nQues"}, {"text": "tion: two"}), hang=True)
    with pool_on(lambda request, number: answer) as pool:
        [sent] = pool.stream([sendable("a", LONG, stop=("\n\nQuestion:",))])
        assert sent.reply.ending == "stop" and sent.reply.text == "one\n\nQuestion: two"
        assert pool.server.cut_by_client.wait(10)
        [attempt] = pool.account.attempts
        assert attempt.estimated and attempt.output_tokens >= 3 and attempt.prompt_tokens == 3


def test_an_empty_budget_ends_the_run_after_what_is_in_flight():
    with pool_on(lambda request, number: says(), ledger=Account(3)) as pool:
        outcomes = pool.stream([sendable(str(i)) for i in range(10)])
        assert len([next(outcomes) for _ in range(3)]) == 3
        with pytest.raises(EngineError, match=r"stopped at \$1\.93"):
            next(outcomes)
        assert pool.account.reserved == [("0", 3, 16), ("1", 3, 16), ("2", 3, 16)]


def test_after_an_interrupt_what_is_in_flight_is_delivered_and_what_was_being_taken_again():
    gate = threading.Event()

    def script(request: Received, number: int) -> Answer:
        return says() if number == 0 else Answer(chunks=(b'{"text": "late"}',), gate=gate)

    with pool_on(script, concurrency=4) as pool:
        outcomes = pool.stream([sendable(str(i)) for i in range(50)])
        taken = next(outcomes)
        while pool.server.open_now < 4:
            time.sleep(0.01)
        with pytest.raises(KeyboardInterrupt):
            outcomes.throw(KeyboardInterrupt)
        gate.set()
        assert pool.in_flight > 0
        late = list(pool.finish_in_flight(20))
        assert pool.in_flight == 0
        *late, last = late
        assert len(late) == 4 and all(one.reply.text == "late" for one in late)
        assert last is taken
        assert len(pool.server.received) == 5


def test_a_run_that_fails_keeps_the_answers_that_are_in_flight():
    gate, spent = threading.Event(), threading.Event()

    def script(request: Received, number: int) -> Answer:
        if request.body["key"] == "2":
            return Answer(402, chunks=(b"no credit",), gate=spent)
        return Answer(chunks=(b'{"text": "late"}',), gate=gate) if number else says()

    with pool_on(script, concurrency=4) as pool:
        outcomes = pool.stream([sendable(str(i)) for i in range(50)])
        next(outcomes)
        while pool.server.open_now < 4:
            time.sleep(0.01)
        spent.set()
        with pytest.raises(EngineError, match="no credit"):
            next(outcomes)
        assert pool.in_flight == 3
        gate.set()
        late = list(pool.finish_in_flight(20))
        assert [one.reply.text for one in late if isinstance(one, Answered)] == ["late"] * 3
        assert len(pool.server.received) == 5


def test_closing_leaves_no_thread_and_no_connection():
    hanging = Answer(chunks=events({"text": "a"}), hang=True)
    with pool_on(lambda request, number: hanging if number else says()) as pool:
        outcomes = pool.stream([sendable(str(i), LONG) for i in range(5)])
        next(outcomes)
        while pool.server.open_now < 2:
            time.sleep(0.01)
        pool.close()
        pool.close()
        assert pool.server.cut_by_client.wait(10)
        assert not [thread for thread in threading.enumerate() if thread.name == "endpoint-pool"]


def test_an_unreachable_server_is_one_line():
    pool = HttpPool(["http://127.0.0.1:9/v1"], PlainWire(), "m", EndpointOptions(), clock=SkippingClock())
    try:
        with pytest.raises(EngineError, match=r"cannot connect to 127\.0\.0\.1:9: .*refused"):
            pool.get("/models")
        sent = pool.once(sendable("p").call)
        assert isinstance(sent, Failed) and "cannot connect" in sent.fault.message
    finally:
        pool.close()


def test_documents_of_the_server_are_read_where_it_has_them():
    with pool_on(in_turn(Answer(chunks=(b'{"data": []}',)), Answer(404, chunks=(b"none",)))) as pool:
        assert pool.get("/models") == {"data": []}
        assert pool.get("/models") is None


def test_a_document_is_not_waited_for_as_long_as_the_server_asks():
    clock = SkippingClock()
    with pool_on(lambda request, number: Answer(429, {"retry-after": "3600"}, (b"slow down",)), clock) as pool:
        assert pool.get("/models") is None
        assert not clock.waits and len(pool.server.received) == 1
