"""How busy a fleet of replicas is: the real dispatcher over simulated replicas, with answers as long as recorded ones.

    python benchmarks/efficiency.py RECORDED... [--replicas 1 8 64 512] [--requests 10000] [--rows 128]

RECORDED are files of recorded completions (JSON lines, gzip or not, key `completion`); a token is four characters. The
clock is virtual. A step of a replica takes `--step` seconds and `--row` more for each sequence in its batch; speeds of
replicas differ by `--spread` (standard deviation of the logarithm); a message takes 5 ms. Printed for each number of
replicas: the share of the time from the first job to the last outcome in which a replica had no job that counts (a
repeated job does not), how long the run took against its bound (all steps, evenly), the driver's processor time for
1,000 outcomes; then how fast a journal takes the records.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import json
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.datatypes import RECORD_SCHEMA, Completion, GenerateRequest, Record, Sampling, Score, TextPrompt
from harness.engines.base import EngineFacts
from harness.engines.hf.token_jobs import Generated, GenerateJob, Job
from harness.engines.replicas.contract import Arrived, Event, Joined
from harness.engines.replicas.dispatch import AT_ONCE_CPU, AT_ONCE_GPU, Dispatcher
from harness.store.journal import Journal

LATENCY = 0.005
CHARACTERS_A_TOKEN = 4
FACTS = EngineFacts("local", "simulated", "text")


@dataclass
class Simulated:
    """A replica: each sequence in its batch gets a token a step. Times are in virtual seconds."""

    step: float
    row: float
    rows: int
    steps: float = 0.0
    now: float = 0.0
    idle: float = 0.0
    running: list[tuple[float, str]] = field(default_factory=list)
    queued: list[tuple[str, int]] = field(default_factory=list)

    def advance(self, now: float) -> None:
        """Go on to a time at which the batch changes."""
        if self.running:
            self.steps += (now - self.now) / self.step_seconds()
        else:
            self.idle += now - self.now
        self.now = now

    def step_seconds(self) -> float:
        """How long a step takes with the batch as it is."""
        return self.step + self.row * len(self.running)

    def admit(self) -> None:
        """Fill the batch from the queue."""
        count = min(len(self.queued), self.rows - len(self.running))
        for key, length in self.queued[:count]:
            heapq.heappush(self.running, (self.steps + length, key))
        del self.queued[:count]

    def next_end(self) -> float:
        """When the next sequence ends."""
        return self.now + max(0.0, self.running[0][0] - self.steps) * self.step_seconds()


class SimulatedPool:
    """A pool of simulated replicas with a virtual clock; `spent` is the processor time of the simulation itself."""

    def __init__(self, replicas: Sequence[Simulated], lengths: dict[str, int]) -> None:
        """`lengths`: the tokens of each job's answer."""
        self.replicas = {f"{number}": one for number, one in enumerate(replicas)}
        self.lengths = lengths
        self.now = self.spent = self.last = 0.0
        self.seen: set[str] = set()
        self.repeated = 0.0
        self.ends: list[tuple[float, str, int]] = []
        self.version = dict.fromkeys(self.replicas, 0)
        self.first: list[Event] = []

    def start(self) -> None:
        """All join at once."""
        self.first = [Joined(name, f"node {int(name) // 8}", FACTS) for name in self.replicas]

    def starting(self) -> int:
        """Those that have not joined."""
        return len(self.first)

    def send(self, replica: str, jobs: Sequence[Job]) -> None:
        """Put jobs into a replica's queue."""
        begun = time.process_time()
        one = self.replicas[replica]
        one.advance(self.now + LATENCY if not one.running else max(one.now, self.now))
        one.queued += [(job.key, self.lengths[job.key.partition(":")[2]]) for job in jobs]
        one.admit()
        self._plan(replica)
        self.spent += time.process_time() - begun

    def events(self, seconds: float) -> Sequence[Event]:
        """The next end of a sequence."""
        begun = time.process_time()
        found: list[Event] = self.first
        self.first = []
        until = self.now + seconds
        while not found and self.ends and self.ends[0][0] <= until:
            when, name, version = heapq.heappop(self.ends)
            if version == self.version[name]:
                self.now = max(self.now, when)
                found.append(self._end(name, when))
        if not found:
            self.now = until
        self.spent += time.process_time() - begun
        return found

    def end(self, replica: str) -> None:
        """No replica is stuck here."""
        raise AssertionError(replica)

    def close(self) -> None:
        """Nothing to end."""

    def _end(self, name: str, when: float) -> Event:
        one = self.replicas[name]
        one.advance(when)
        key = heapq.heappop(one.running)[1]
        if key not in self.seen:
            self.seen.add(key)
            self.last = when
        one.admit()
        self._plan(name)
        return Arrived(name, Generated(key, (1,), stopped=False, ended=True))

    def _plan(self, name: str) -> None:
        self.version[name] += 1
        if self.replicas[name].running:
            heapq.heappush(self.ends, (self.replicas[name].next_end(), name, self.version[name]))


def simulate(
    count: int, lengths: Sequence[int], rows: int, step: float, row: float, spread: float, at_once: float
) -> tuple[float, float, float, float]:
    """Run; return the share of idle time, the time, the time over its bound, and driver seconds for 1,000 outcomes."""
    chance = random.Random(0)
    replicas = []
    for _ in range(count):
        slower = chance.lognormvariate(0, spread)
        replicas.append(Simulated(step * slower, row * slower, rows))
    by_key = {f"k{number}": length for number, length in enumerate(lengths)}
    pool = SimulatedPool(replicas, by_key)
    jobs = [GenerateJob(key, tuple(chance.randrange(1000) for _ in range(40)), 512, Sampling(512), 0) for key in by_key]
    dispatcher = Dispatcher(pool, count, rows, clock=lambda: pool.now, at_once=at_once)
    dispatcher.start()
    begun = time.process_time()
    outcomes = sum(1 for _ in dispatcher.answer(jobs))
    driver = time.process_time() - begun - pool.spent
    assert outcomes == len(lengths)
    idle = sum(one.idle + max(0.0, pool.last - one.now) * (not one.running) for one in replicas)
    idle += repeated_seconds(replicas, pool)
    # All tokens, evenly, in batches as full as an even share allows
    full = min(rows, max(1, len(lengths) // count))
    bound = sum(lengths) / count / full * (step + row * full)
    return (
        idle / count / pool.last,
        pool.last,
        pool.last / max(bound, max(lengths) * (step + row)),
        1000 * driver / len(lengths),
    )


def repeated_seconds(replicas: Sequence[Simulated], pool: SimulatedPool) -> float:
    """Time in which replicas did only jobs that another one finished first: since they were idle, to the end."""
    return sum(
        max(0.0, pool.last - one.now)
        for one in replicas
        if one.running and all(key in pool.seen for _, key in one.running)
    )


def recorded_lengths(files: Sequence[Path], count: int, most: int) -> list[int]:
    """Tokens of so many recorded completions, drawn from all files."""
    lengths = []
    for file in files:
        opened = gzip.open if file.suffix == ".gz" else open
        with opened(file, "rt", encoding="utf-8") as lines:
            tokens = [len(json.loads(line)["completion"]) // CHARACTERS_A_TOKEN for line in lines]
            lengths += [min(most, max(1, one)) for one in tokens]
    return random.Random(0).choices(lengths, k=count)


def journal_speed(lengths: Sequence[int]) -> tuple[float, float]:
    """Records and megabytes a second of processor and waiting time, with prompts of 3,000 characters."""
    score = Score("exact_match", 1.0)
    records = []
    for number, length in enumerate(lengths):
        request = GenerateRequest(f"k{number}", "gsm8k", f"s{number}", 0, TextPrompt("word " * 600), Sampling(512))
        reply = Completion(f"k{number}", "word" * length, "stop", 750, length, prompt_hash="0" * 64)
        records.append(Record(RECORD_SCHEMA, "0" * 16, request, reply, (score,), None, 0.0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        journal = Journal(path)
        begun = time.perf_counter()
        for record in records:
            journal.append(record)
        seconds = time.perf_counter() - begun
        journal.close()
        return len(records) / seconds, path.stat().st_size / seconds / 1e6


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recorded", nargs="+", type=Path)
    parser.add_argument("--replicas", nargs="+", type=int, default=[1, 8, 64, 512])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--most", type=int, default=512, help="an answer's most tokens")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--step", type=float, default=0.020)
    parser.add_argument("--row", type=float, help="[default: 0.0025 for cpu, 0.00005 for gpu]")
    parser.add_argument("--device", choices=["cpu", "gpu"], default="cpu", help="sets --row, and how work is dealt")
    parser.add_argument("--spread", type=float, default=0.05)
    given = parser.parse_args()
    lengths = recorded_lengths(given.recorded, given.requests, given.most)
    print(f"{len(lengths)} requests, answers of {sum(lengths) / len(lengths):.0f} tokens, the longest {max(lengths)}\n")
    print(
        "| replicas | idle | the run takes | over its bound | driver, CPU s per 1,000 outcomes |\n|--:|--:|--:|--:|--:|"
    )
    cpu = given.device == "cpu"
    row = given.row or (0.0025 if cpu else 0.00005)
    at_once = AT_ONCE_CPU if cpu else AT_ONCE_GPU
    for count in given.replicas:
        idle, seconds, over, driver = simulate(count, lengths, given.rows, given.step, row, given.spread, at_once)
        print(f"| {count} | {100 * idle:.1f} % | {seconds:.0f} s | {over:.2f} | {driver:.3f} |")
    records, megabytes = journal_speed(lengths)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\njournal: {records:.0f} records/s, {megabytes:.0f} MB/s; peak memory {memory:.0f} MB")


if __name__ == "__main__":
    main()
