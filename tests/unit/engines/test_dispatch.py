"""The dispatcher of replicas over a made-up pool that loses, stalls, fails and joins: each job gets one outcome."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.datatypes import Sampling
from harness.engines.base import EngineFacts
from harness.engines.hf.token_jobs import Generated, GenerateJob, Job, Outcome, Refused
from harness.engines.replicas.contract import Arrived, Event, Failed, Joined, Lost, Restarting, Working
from harness.engines.replicas.dispatch import Dispatcher, Patience
from harness.engines.replicas.waiting import WaitingJobs
from harness.errors import EngineError, ModelError

FACTS = EngineFacts("local", "tiny", "text", digests={"weights": "w", "tokenizer": "t"})


def job(number: int, first: int = 1) -> GenerateJob:
    return GenerateJob(f"k{number}", (first, number % 3, number), 4 + number % 5, Sampling(4), 0)


def answer_to(one: Job) -> Generated:
    """An answer from which the job can be seen: a stale answer of an earlier stream would differ."""
    assert isinstance(one, GenerateJob)
    return Generated(one.key, (sum(one.ids), one.max_new), stopped=False, ended=True)


@dataclass
class FakePool:
    """Replicas r0, r1, ...; `chances` of an event at each look: a loss, a stall, a fault, a late join.

    `poison`: third ids of jobs in which every replica fails. `survivor`: r0 is never lost and never stalls.
    `memory`: new tokens for which a replica has the memory, by its name.
    """

    chance: random.Random
    replicas: int
    late: int = 0
    restarts: int = 0
    losses: float = 0.0
    stalls: float = 0.0
    poison: frozenset[int] = frozenset()
    survivor: bool = True
    memory: Mapping[str, int] = field(default_factory=dict)
    now: float = 0.0
    jobs: dict[str, list[Job]] = field(default_factory=dict)
    stalled: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    soon: list[Event] = field(default_factory=list)
    number: int = 0
    closed: bool = False

    def start(self) -> None:
        self.number = self.replicas + self.late
        self.waiting = [f"r{number}" for number in range(self.number)]

    def starting(self) -> int:
        return len(self.waiting)

    def send(self, replica: str, jobs: Sequence[Job]) -> None:
        assert jobs
        if replica in self.jobs:
            self.jobs[replica] += jobs

    def events(self, seconds: float) -> Sequence[Event]:
        self.now += self.chance.uniform(0.01, seconds)
        found, self.soon = self.soon, []
        if self.waiting and (len(self.jobs) < self.replicas or self.chance.random() < 0.1):
            name = self.waiting.pop(0)
            self.jobs[name] = []
            found.append(Joined(name, f"node of {name}", FACTS))
        for name in list(self.jobs):
            found += self.work(name)
        return found

    def work(self, name: str) -> list[Event]:
        mine = self.jobs[name]
        if name in self.stalled or not mine:
            return []
        spared = self.survivor and name == "r0"
        if not spared and self.chance.random() < self.stalls:
            self.stalled.add(name)
            return []
        if any(one.ids[2] in self.poison for one in mine if isinstance(one, GenerateJob)):
            return self.gone(Failed(name, "IndexError"))
        found: list[Event] = [Working(name, len(mine), 7)]
        for _ in range(self.chance.randint(0, 3)):
            if mine:
                one = mine.pop(self.chance.randrange(len(mine)))
                assert isinstance(one, GenerateJob)
                small = one.max_new > self.memory.get(name, 99)
                outcome = Refused(one.key, "memory", f"too large for {name}") if small else answer_to(one)
                found.append(Arrived(name, outcome))
        if not spared and self.chance.random() < self.losses:
            found += self.gone(Lost(name, "it was killed"))
        return found

    def gone(self, event: Lost | Failed) -> list[Event]:
        self.end(event.replica)
        return [event]

    def end(self, replica: str) -> None:
        assert replica not in self.ended
        self.ended.add(replica)
        del self.jobs[replica]
        if self.restarts:
            self.restarts -= 1
            self.waiting.append(f"r{self.number}")
            self.soon.append(Restarting(f"r{self.number}", "a node"))
            self.number += 1

    def close(self) -> None:
        self.closed = True


def dispatcher(pool: FakePool, rows: int = 4) -> Dispatcher:
    return Dispatcher(pool, pool.replicas, rows, Patience(20.0), clock=lambda: pool.now, like=FACTS)


def done(one: Dispatcher, jobs: Sequence[Job]) -> dict[str, Outcome]:
    """All outcomes by key; none twice."""
    outcomes: dict[str, Outcome] = {}
    for outcome in one.answer(jobs):
        assert outcome.key not in outcomes
        outcomes[outcome.key] = outcome
    return outcomes


@given(
    seed=st.integers(0, 10**6),
    replicas=st.integers(1, 6),
    late=st.integers(0, 3),
    count=st.integers(0, 80),
    losses=st.sampled_from([0.0, 0.05, 0.3]),
    stalls=st.sampled_from([0.0, 0.05]),
    restarts=st.integers(0, 4),
)
def test_each_job_gets_its_outcome_once_whatever_is_lost(
    seed: int, replicas: int, late: int, count: int, losses: float, stalls: float, restarts: int
) -> None:
    pool = FakePool(random.Random(seed), replicas, late, restarts, losses, stalls)
    one = dispatcher(pool)
    one.start()
    for stream in (1, 50):
        # The same keys again, other jobs: what a replica still repeats of the first stream is not the second's
        jobs = [job(number, stream) for number in range(count)]
        outcomes = done(one, jobs)
        assert outcomes.keys() == {each.key for each in jobs}
        for each in jobs:
            outcome = outcomes[each.key]
            # A job that was lost with several replicas may be given up; no other answer than its own is given
            assert outcome == answer_to(each) or (losses and isinstance(outcome, Refused))
    assert all(state.silent >= 0 and state.done >= 0 for state in one.states())
    one.close()
    assert pool.closed


@given(seed=st.integers(0, 10**6), replicas=st.integers(1, 4), poison=st.sets(st.integers(0, 39), max_size=3))
def test_a_job_that_every_replica_fails_in_is_refused_and_no_other_is(
    seed: int, replicas: int, poison: set[int]
) -> None:
    pool = FakePool(random.Random(seed), replicas, restarts=12, poison=frozenset(poison))
    one = dispatcher(pool)
    one.start()
    outcomes = done(one, [job(number) for number in range(40)])
    refused = {key for key, outcome in outcomes.items() if isinstance(outcome, Refused)}
    assert refused == {f"k{number}" for number in poison}
    assert len(outcomes) == 40


@given(
    seed=st.integers(0, 10**6),
    memory=st.lists(st.integers(3, 9), min_size=1, max_size=4),
    count=st.integers(0, 40),
    losses=st.sampled_from([0.0, 0.1]),
    restarts=st.integers(0, 3),
)
def test_a_job_is_too_large_only_if_it_is_for_every_replica(
    seed: int, memory: list[int], count: int, losses: float, restarts: int
) -> None:
    sizes = {f"r{number}": size for number, size in enumerate(memory)}
    pool = FakePool(random.Random(seed), len(memory), restarts=restarts, losses=losses, memory=sizes)
    one = dispatcher(pool)
    one.start()
    while pool.starting():
        one.attend(0.1)
    jobs = [job(number) for number in range(count)]
    outcomes = done(one, jobs)
    assert outcomes.keys() == {each.key for each in jobs}
    for each in jobs:
        outcome = outcomes[each.key]
        # Others than r0 may be lost before they get it
        if each.max_new <= (memory[0] if losses else max(memory)):
            assert outcome == answer_to(each) or (losses and isinstance(outcome, Refused) and outcome.kind == "replica")
        elif not losses:
            assert isinstance(outcome, Refused) and outcome.kind == "memory"


class Repeated(FakePool):
    """r0 gives nothing before r1 has refused what it was given of r0's jobs."""

    refused = False

    def work(self, name: str) -> list[Event]:
        if name == "r0":
            return super().work(name) if self.refused else [Working(name, 1, 1)]
        theirs = {one.key for one in self.jobs["r0"]}
        doubles = [one for one in self.jobs[name] if one.key in theirs]
        if not doubles:
            return super().work(name)
        self.refused = True
        self.jobs[name] = [one for one in self.jobs[name] if one.key not in theirs]
        return [Arrived(name, Refused(one.key, "memory", "too large")) for one in doubles]


def test_what_is_repeated_in_too_small_a_replica_keeps_the_answer_of_the_first() -> None:
    pool = Repeated(random.Random(3), 2)
    one = dispatcher(pool)
    one.start()
    while pool.starting():
        one.attend(0.1)
    jobs = [job(number) for number in range(12)]
    assert done(one, jobs) == {each.key: answer_to(each) for each in jobs}
    assert pool.refused


@given(seed=st.integers(0, 10**6))
def test_when_none_is_left_the_run_stops_with_the_reasons_and_keeps_what_it_has(seed: int) -> None:
    pool = FakePool(random.Random(seed), 3, losses=1.0, survivor=False)
    one = dispatcher(pool)
    one.start()
    keys: list[str] = []
    with pytest.raises(EngineError, match=r"no replica of the model is left .*it was killed"):
        keys.extend(outcome.key for outcome in one.answer([job(number) for number in range(200)]))
    assert len(keys) == len({*keys})


def test_a_stopped_replica_is_ended_and_its_jobs_are_done_by_others() -> None:
    pool = FakePool(random.Random(3), 2)
    lines: list[str] = []
    one = Dispatcher(
        pool, 2, 4, Patience(20.0), clock=lambda: pool.now, say=lambda line, *, lasting: lines.append(line)
    )
    one.start()
    while pool.starting():
        one.attend(0.1)
    pool.stalled.add("r1")
    outcomes = done(one, [job(number) for number in range(300)])
    assert len(outcomes) == 300
    assert any("node of r1 was stuck and is ended: no sign of life for" in line for line in lines)
    assert [state.state for state in one.states()] == ["idle", "was stuck and is ended"]


def test_the_last_jobs_of_a_slow_replica_do_not_wait_for_its_deadline() -> None:
    pool = FakePool(random.Random(3), 2)
    one = Dispatcher(pool, 2, 4, Patience(1e9), clock=lambda: pool.now)
    one.start()
    while pool.starting():
        one.attend(0.1)
    pool.stalled.add("r1")
    assert len(done(one, [job(number) for number in range(30)])) == 30


def test_a_replica_with_another_model_is_not_used() -> None:
    pool = FakePool(random.Random(3), 2)
    lines: list[str] = []
    one = Dispatcher(pool, 2, 4, clock=lambda: pool.now, say=lambda line, *, lasting: lines.append(line), like=FACTS)
    one.start()
    other = EngineFacts("local", "tiny", "text", digests={"weights": "other"})
    pool.jobs["bad"] = []
    pool.soon.append(Joined("bad", "node 9", other))
    one.attend(0.1)
    assert "bad" in pool.ended
    assert lines == ["the replica on node 9 is not used: its weights differ from those of the others (other, not w)"]


def test_damaged_files_are_reported_as_such() -> None:
    pool = FakePool(random.Random(3), 1)
    pool.soon.append(Failed("r0", "model.safetensors is cut off", of_model=True))
    with pytest.raises(ModelError, match=r"model\.safetensors is cut off"):
        dispatcher(pool).start()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=60), st.integers(0, 40))
def test_waiting_jobs_are_taken_once(hands: list[tuple[str, int]], count: int) -> None:
    jobs = [job(number) for number in range(count)]
    waiting = WaitingJobs(jobs, 3)
    taken: list[Job] = []
    for number, (replica, size) in enumerate(hands):
        hand = waiting.take(replica, size)
        assert len(hand) == min(size, count - len(taken))
        if number % 7 == 3:
            waiting.put_back(hand[:1])
            hand = hand[1:]
        taken += hand
        assert len(waiting) == count - len(taken)
    rest = waiting.take("d", count)
    assert sorted(one.key for one in [*taken, *rest]) == sorted(one.key for one in jobs)
