"""`--repeat-check N`: N of a run's greedy samples are requested a second time, and what changes is counted.

Guarantees: the second requests are the first ones under other keys, and go to the engine; no stored answer and no
answer to an equal request takes their place. The second answers become no records. The choice depends on the run's seed
and its answers alone. A check that is there already, of as many samples of the same answers, is not made again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from harness.analysis.repeatability import is_current, summary
from harness.catalog import Task
from harness.datatypes import Completion, Record, Refusal, Reply, Request, Sample, Score
from harness.engines.awaited import Awaited
from harness.engines.base import Engine, HoldsAnswers
from harness.errors import ConfigError, error_prefix
from harness.sharding import is_greedy
from harness.store import repeats
from harness.store.journal import at, stream
from harness.store.repeats import RepeatCheck, RepeatedSample
from harness.store.run_folder import RECORDS, RunFolder, binary_scorers
from harness.store.slim import slim

Scored = Callable[[Task, Sample, Request, Reply], tuple[Score, ...]]


def refuse_without_greedy(keys: Sequence[str]) -> None:
    """Raise ConfigError where no task generates greedily (`keys`: the requests that do)."""
    if not keys:
        raise ConfigError(
            "--repeat-check requests greedy answers again, and no task of this run generates with temperature 0; "
            "leave it out"
        )


@dataclass(frozen=True, slots=True)
class RepeatRun:
    """What requests answers again: the engine, and how to score.

    `load` loads the engine (None: it is loaded); `waiting` gets what the run waits for; `score` runs in `workers`
    threads.
    """

    engine: Engine
    load: Callable[[], None] | None
    waiting: Callable[[str], None]
    score: Scored
    workers: int

    def check(self, folder: RunFolder, tasks: Sequence[Task], wanted: int, seed: int, keys: Sequence[str]) -> int:
        """Request `wanted` samples again, all if there are fewer, and write the file; return how many were requested.

        `keys` are those of the greedy requests. A shard has them of the whole run too, and requests of the `wanted`
        samples of all shards its own. Raises HarnessError; then nothing is written.
        """
        with error_prefix("repeat check (the run itself is finished; without --repeat-check its scores are printed): "):
            return self._check(folder, tasks, wanted, seed, keys)

    def _check(self, folder: RunFolder, tasks: Sequence[Task], wanted: int, seed: int, keys: Sequence[str]) -> int:
        offsets, light = _read(folder)
        current = {request.key: (task, request) for task in tasks for request in task.requests}
        eligible = [key for key in current if key in light and _is_eligible(light[key])]
        known = repeats.read(folder.path, folder.manifest.run_id)
        same = known is not None and (known.wanted, known.eligible) == (wanted, len(eligible))
        if known is not None and same and is_current(known, light.values()):
            return 0
        # Sorted: the choice is the same in whatever order the tasks are listed
        chosen = _chosen(eligible, wanted, seed, [key for key in keys if key not in current])
        first = dict(zip(chosen, at(folder.path / RECORDS, [offsets[key] for key in chosen]), strict=True))
        samples = {task.name: task.sample_of() for task in tasks}

        def compared(reply: Reply) -> RepeatedSample:
            task, request = current[reply.key]
            scores = self.score(task, samples[task.name][request.sample_id], request, reply)
            return _compared(first[reply.key], reply, scores)

        replies = self._replies([current[key][1] for key in chosen]) if chosen else []
        with ThreadPoolExecutor(self.workers, thread_name_prefix="score") as pool:
            again = sorted(pool.map(compared, replies), key=lambda sample: (sample.task, sample.sample_id))
        held = isinstance(self.engine, HoldsAnswers)
        check = RepeatCheck(folder.manifest.run_id, wanted, len(eligible), held, tuple(again))
        repeats.write(folder.path, check, summary(check))
        return len(chosen)

    def _replies(self, requests: Sequence[Request]) -> list[Reply]:
        if self.load is not None:
            self.load()
        self.waiting(f"requesting {len(requests)} samples again for the repeat check")
        try:
            # Not `Deduplicated`: each must reach the engine. The text of a greedy answer does not depend on the key
            sent = [replace(request, key=request.key + repeats.AGAIN) for request in requests]
            replies = Awaited(self.engine.facts().engine, sent).every(self.engine.stream(sent))
            return [replace(reply, key=reply.key.removesuffix(repeats.AGAIN)) for reply in replies]
        finally:
            self.waiting("")


def _read(folder: RunFolder) -> tuple[Mapping[str, int], Mapping[str, Record]]:
    """The run's last record of each key: where it is in the journal, and the record without its texts."""
    offsets: dict[str, int] = {}
    light: dict[str, Record] = {}
    for offset, record in stream(folder.path / RECORDS, binary_scorers(folder.manifest)):
        offsets[record.request.key] = offset
        light[record.request.key] = slim(record)
    return offsets, light


def _chosen(eligible: Sequence[str], wanted: int, seed: int, elsewhere: Sequence[str]) -> list[str]:
    """Choose among the eligible keys and those of other shards; return those that are eligible here.

    Every shard takes the answers of the others for eligible, so that all choose from the same keys.
    """
    every = sorted({*eligible, *elsewhere})
    own = frozenset(eligible)
    return [key for key in random.Random(seed).sample(every, min(wanted, len(every))) if key in own]


def _is_eligible(record: Record) -> bool:
    """Whether it is a greedy completion with a score: only such a one can be compared."""
    answered = isinstance(record.reply, Completion)
    return answered and is_greedy(record.request) and bool(record.scores) and record.scores[0].value is not None


def _compared(first: Record, reply: Reply, scores: Sequence[Score]) -> RepeatedSample:
    """The first record's sample beside the second reply to it."""
    before, now = first.scores[0].value, scores[0]
    assert isinstance(first.reply, Completion) and before is not None
    request, failure = first.request, now.failure.message if now.failure and now.value is None else ""
    if isinstance(reply, Refusal):
        return RepeatedSample(
            request.key, request.task, request.sample_id, before, failure=failure or reply.failure.message
        )
    assert isinstance(reply, Completion)
    changed = reply.text != first.reply.text
    text = reply.text if changed else None
    return RepeatedSample(request.key, request.task, request.sample_id, before, now.value, changed, text, failure)
