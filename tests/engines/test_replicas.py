"""Several devices: a copy of the model on each gives what one gives, also when a copy dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import plugins
from harness.datatypes import Completion, GenerateRequest, LikelihoodRequest, Reply, Request, Sampling, TextPrompt
from harness.engines.base import ModelSpec
from harness.engines.hf.device import choose_devices
from harness.engines.hf.token_jobs import GenerateJob
from harness.engines.local.replicas import ReplicatedEngine
from harness.errors import ConfigError, EngineError

SHOTS = "Question: what is 3 + 4? Answer: 7\nThe quick brown fox jumps over the lazy dog.\n" * 3


def requests(count: int) -> list[Request]:
    requested: list[Request] = [
        GenerateRequest(f"g{n}", "t", f"g{n}", 0, TextPrompt(f"{SHOTS}{n} foxes and"), Sampling(6 + n % 5))
        for n in range(count)
    ]
    return [*requested, LikelihoodRequest("l", "t", "l", 0, TextPrompt(SHOTS), (" fox", " the lazy dog"))]


def without_time(reply: Reply) -> tuple[object, ...]:
    if isinstance(reply, Completion):
        return (reply.text, reply.finish, reply.output_tokens)
    return tuple((one.tokens, one.greedy, round(one.logprob, 4)) for one in getattr(reply, "continuations", ()))


def two_copies(folder: Path) -> ReplicatedEngine:
    engine = plugins.load("engine", "local").build(ModelSpec(str(folder), device="cpu,cpu", dtype="float32"), {})
    engine.load()
    return engine


@pytest.fixture(scope="module")
def pair(llama: Path) -> Iterator[ReplicatedEngine]:
    """One for the tests that leave it whole: each start costs two processes that import torch."""
    engine = two_copies(llama)
    yield engine
    engine.close()


@pytest.fixture
def mortal(llama: Path) -> Iterator[ReplicatedEngine]:
    engine = two_copies(llama)
    yield engine
    engine.close()


@pytest.mark.slow
def test_two_copies_answer_like_one(pair: ReplicatedEngine, llama: Path) -> None:
    alone = plugins.load("engine", "local").build(ModelSpec(str(llama), device="cpu", dtype="float32"), {})
    wanted = {reply.key: without_time(reply) for reply in alone.stream(requests(12))}
    assert {reply.key: without_time(reply) for reply in pair.stream(requests(12))} == wanted
    assert pair.facts().device == "cpu,cpu"
    assert any("2 replicas" in note for note in pair.facts().notes)
    assert len([one for one in pair._replicas if one.alive]) == 2


@pytest.mark.slow
def test_when_a_copy_dies_the_other_does_its_work_and_without_any_the_run_stops(mortal: ReplicatedEngine) -> None:
    stream = mortal.stream(requests(40))
    first = next(stream)
    os.kill(mortal._replicas[0]._process.pid or 0, signal.SIGKILL)
    keys = [first.key, *(reply.key for reply in stream)]
    assert sorted(keys) == sorted(request.key for request in requests(40))
    for replica in mortal._replicas:
        if replica.alive:
            os.kill(replica._process.pid or 0, signal.SIGKILL)
        replica._process.join()
    with pytest.raises(EngineError, match=r"all replicas died.*-9"):
        list(mortal.stream(requests(4)))


@pytest.mark.slow
def test_an_abandoned_stream_leaves_nothing_to_the_next(pair: ReplicatedEngine) -> None:
    first = pair.stream(requests(40))
    next(first)
    first.close()  # type: ignore[attr-defined]
    keys = [reply.key for reply in pair.stream(requests(6))]
    assert sorted(keys) == sorted(request.key for request in requests(6))


@pytest.mark.slow
def test_a_fault_in_a_copy_is_told_once(mortal: ReplicatedEngine) -> None:
    """A prompt that no tokenizer made: every copy would meet the same fault."""
    job = GenerateJob("bad", (10**9,), 3, Sampling(3), 0)
    with pytest.raises(EngineError, match=r"the replica on cpu failed \(IndexError"):
        list(mortal.answer([job]))


@pytest.mark.slow
def test_copies_end_with_the_engine(mortal: ReplicatedEngine) -> None:
    processes = [replica._process for replica in mortal._replicas]
    assert all(process.is_alive() for process in processes)
    mortal.close()
    assert not any(process.is_alive() for process in processes)


@pytest.mark.parametrize("names", ["cpu,mps", "cpu,cuda", "gpu,cpu", "mps,mps"])
def test_devices_that_do_not_go_together_are_refused(names: str) -> None:
    with pytest.raises(ConfigError, match="device: "):
        choose_devices(names)
