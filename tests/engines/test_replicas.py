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
from harness.engines.hf.device import choose_devices, replica_devices
from harness.engines.hf.token_jobs import Generated, GenerateJob, Refused
from harness.engines.local.engine import LocalOptions
from harness.engines.replicas.engine import ReplicatedEngine
from harness.engines.replicas.processes import Processes
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


def two_copies(folder: Path, *, restarts: int = 0, stuck_seconds: float = 900.0) -> ReplicatedEngine:
    spec = ModelSpec(str(folder), device="cpu", dtype="float32")
    options = LocalOptions(threads=1, stuck_seconds=stuck_seconds)
    devices = ["cpu", "cpu"]
    engine = ReplicatedEngine(spec, options, devices, lambda: Processes(spec, options, devices, restarts))
    engine.load()
    return engine


def processes(engine: ReplicatedEngine) -> list[int]:
    """The processes of an engine's replicas that are alive."""
    pool = engine._dispatcher._pool
    return list(pool.process_ids().values())


def wait_for_all(engine: ReplicatedEngine) -> None:
    """The engine begins with the first replica; some tests need both."""
    while engine._dispatcher._pool.starting():
        engine._dispatcher.attend(0.1)


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
    assert pair.facts().device == "cpu"
    assert any("2 replicas" in note for note in pair.facts().notes)
    # One that starts more slowly may join only after the other has answered everything
    wait_for_all(pair)
    assert len([state for state in pair.replicas() if state.alive]) == 2


@pytest.mark.slow
def test_when_a_copy_dies_the_other_does_its_work_and_without_any_the_run_stops(mortal: ReplicatedEngine) -> None:
    wait_for_all(mortal)
    lines: list[str] = []
    mortal.watch(lines.append)
    stream = mortal.stream(requests(40))
    first = next(stream)
    os.kill(processes(mortal)[0], signal.SIGKILL)
    keys = [first.key, *(reply.key for reply in stream)]
    assert sorted(keys) == sorted(request.key for request in requests(40))
    assert any("was lost: it was killed by SIGKILL" in line for line in lines)
    assert any("was lost" in note for note in mortal.facts().notes)
    os.kill(processes(mortal)[0], signal.SIGKILL)
    with pytest.raises(EngineError, match=r"no replica of the model is left \(cpu.*SIGKILL"):
        list(mortal.stream(requests(4)))


@pytest.mark.slow
def test_a_copy_that_is_stopped_is_ended_and_another_started(llama: Path) -> None:
    engine = two_copies(llama, restarts=1, stuck_seconds=2)
    wait_for_all(engine)
    lines: list[str] = []
    engine.watch(lines.append)
    before = processes(engine)
    os.kill(before[0], signal.SIGSTOP)
    keys = [reply.key for reply in engine.stream(requests(40))]
    assert sorted(keys) == sorted(request.key for request in requests(40))
    engine.close()
    assert not any(Path(f"/proc/{process}").exists() for process in before)


@pytest.mark.slow
def test_an_abandoned_stream_leaves_nothing_to_the_next(pair: ReplicatedEngine) -> None:
    first = pair.stream(requests(40))
    next(first)
    first.close()  # type: ignore[attr-defined]
    keys = [reply.key for reply in pair.stream(requests(6))]
    assert sorted(keys) == sorted(request.key for request in requests(6))


@pytest.mark.slow
def test_a_job_that_ends_every_copy_is_refused_and_the_others_are_not(llama: Path) -> None:
    """A prompt that no tokenizer made."""
    engine = two_copies(llama, restarts=1)
    good = [GenerateJob(f"good{n}", (5, 6, 7 + n), 3, Sampling(3), 0) for n in range(6)]
    outcomes = {one.key: one for one in engine.answer([GenerateJob("bad", (10**9,), 3, Sampling(3), 0), *good])}
    engine.close()
    bad = outcomes.pop("bad")
    assert isinstance(bad, Refused) and "IndexError" in bad.message
    assert sorted(outcomes) == sorted(job.key for job in good)
    assert all(isinstance(one, Generated) for one in outcomes.values())


@pytest.mark.slow
def test_a_fault_in_every_copy_ends_the_run_with_its_reason(mortal: ReplicatedEngine) -> None:
    jobs = [GenerateJob(f"bad{n}", (10**9,), 3, Sampling(3), 0) for n in range(3)]
    with pytest.raises(EngineError, match=r"no replica of the model is left \(cpu.*IndexError"):
        list(mortal.answer(jobs))


@pytest.mark.slow
def test_copies_end_with_the_engine(mortal: ReplicatedEngine) -> None:
    before = processes(mortal)
    assert before and all(Path(f"/proc/{process}").exists() for process in before)
    mortal.close()
    assert not any(Path(f"/proc/{process}").exists() for process in before)


@pytest.mark.parametrize(
    ("device", "replicas", "wanted"), [("cpu", 3, ["cpu"] * 3), ("cpu,cpu", None, ["cpu"] * 2), ("cpu", 1, ["cpu"])]
)
def test_the_devices_of_replicas(device: str, replicas: int | None, wanted: list[str]) -> None:
    assert replica_devices(device, replicas) == wanted


def test_replicas_that_do_not_fit_the_devices_are_refused() -> None:
    with pytest.raises(ConfigError, match="replicas: 3 do not fit the 2 devices"):
        replica_devices("cpu,cpu", 3)


@pytest.mark.parametrize("names", ["cpu,mps", "cpu,cuda", "gpu,cpu", "mps,mps"])
def test_devices_that_do_not_go_together_are_refused(names: str) -> None:
    with pytest.raises(ConfigError, match="device: "):
        choose_devices(names)
