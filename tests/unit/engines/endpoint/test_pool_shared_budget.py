"""The pool and a budget that other runs draw on too: it waits for room, and ends at once where there is none."""

from __future__ import annotations

import threading

import pytest
from servers.adding_server import adding

from harness.datatypes import Attempt, ChatPrompt, Message, Sampling
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.sending import Sendable
from harness.engines.endpoint.transport.pool import HttpPool
from harness.engines.endpoint.wire import GenerateCall
from harness.engines.endpoint.wires.openai import OpenAIWire
from harness.errors import EngineError


class Shared:
    """Another run's requests hold the room until it was looked for so many times."""

    def __init__(self, refusals: int, why: str = "") -> None:
        self.refusals, self.why, self.looked = refusals, why, 0

    def reserve(self, key: str, prompt_tokens: int, output_tokens: int) -> bool:
        self.looked += 1
        return self.looked > self.refusals

    def record(self, attempt: Attempt) -> None:
        pass

    def exhausted(self) -> str:
        return self.why


def calls() -> list[Sendable]:
    prompts = [ChatPrompt((Message("user", f"What is {number} + 1?"),)) for number in range(4)]
    return [
        Sendable(GenerateCall(str(number), prompt, Sampling(max_tokens=8), (), None))
        for number, prompt in enumerate(prompts)
    ]


def pool_at(url: str, ledger: Shared) -> HttpPool:
    return HttpPool([url], OpenAIWire(), "adder", EndpointOptions(stream=False), None, ledger=ledger)


def test_room_that_another_run_holds_is_waited_for():
    with adding(1.0) as server:
        ledger = Shared(refusals=3)
        pool = pool_at(server.url, ledger)
        try:
            assert sorted(sent.key for sent in pool.stream(calls())) == ["0", "1", "2", "3"]
        finally:
            pool.close()
    assert ledger.looked >= 7 and len(server.questions) == 4


def test_a_stream_that_ended_without_room_leaves_nothing_to_wait_for():
    with adding(1.0) as server:
        pool = pool_at(server.url, Shared(refusals=10**9, why="stopped at $1.93 of $2.00"))
        try:
            with pytest.raises(EngineError, match="stopped at"):
                list(pool.stream(calls()))
            left: list[object] = []
            # Ten minutes is how long it may wait; a thread shows that it does not
            thread = threading.Thread(target=lambda: left.extend(pool.finish_in_flight(600)), daemon=True)
            thread.start()
            thread.join(60)
            assert not thread.is_alive() and not left and not server.questions
        finally:
            pool.close()
