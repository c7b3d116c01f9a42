"""Signs of life of a replica whose engine gives nothing for a long time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from harness.datatypes import Sampling
from harness.engines.hf.token_jobs import Generated, GenerateJob, Job, Outcome
from harness.engines.replicas import worker
from harness.engines.replicas.worker import JobsEnded, Sign, serve

JOB = GenerateJob("k", (1, 2), 4, Sampling(4), 0)


class SlowEngine:
    """Its one batch lasts until `enough` is set, or some time without it."""

    def __init__(self, seconds: float) -> None:
        self.enough, self.seconds = threading.Event(), seconds

    def answer(self, jobs: Sequence[Job], more: Callable[[], Sequence[Job]]) -> Iterator[Outcome]:
        self.enough.wait(self.seconds)
        for job in jobs:
            yield Generated(job.key, (1,), stopped=False, ended=True)

    def replicas(self) -> tuple[()]:
        return ()


def messages(engine: Any, send: Callable[[Outcome | Sign], None]) -> None:
    hands = iter([[JOB]])

    def receive(wait: bool) -> Sequence[Job]:
        for hand in hands:
            return hand
        raise JobsEnded

    serve(engine, receive, send)


def test_a_long_batch_gives_signs_of_life_and_no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SIGN_SECONDS", 0.001)
    engine, sent = SlowEngine(60), list[Outcome | Sign]()

    def send(message: Outcome | Sign) -> None:
        sent.append(message)
        if len(sent) == 3:
            engine.enough.set()

    messages(engine, send)
    assert sent[:3] == [Sign(0, 0)] * 3
    assert [one.key for one in sent if isinstance(one, Generated)] == ["k"]
    assert not [one for one in threading.enumerate() if one.name == "signs of life"]


def test_an_engine_that_hangs_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SIGN_SECONDS", 0.001)
    monkeypatch.setattr(worker, "LONGEST_BATCH_SECONDS", 0.0)
    sent: list[Outcome | Sign] = []
    messages(SlowEngine(0.1), sent.append)
    assert [type(one) for one in sent] == [Generated, Sign]
