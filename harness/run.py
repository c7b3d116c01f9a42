"""THE loop: bind, skip what is known, stream, score beside the engine, append.

A run is planned completely (pages, data, prompts, scorers, toolchains, run folder) before a weight loads. Then the
engine gets one stream for the whole suite; scoring runs in threads that wait for other processes, so the engine
never waits; each record is appended the moment it is scored. Killed at any instant and started again with the same
command, a run ends with the records of an undisturbed one. Nothing else in the house writes records.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.analysis.estimates import estimate_suite, estimate_task
from harness.catalog import Task
from harness.config.schema import RunConfig
from harness.datatypes import (
    RECORD_SCHEMA,
    Completion,
    Estimate,
    Failure,
    Likelihood,
    Prompt,
    Record,
    Refusal,
    Reply,
    Request,
    Sample,
    Score,
)
from harness.engines.base import EngineFacts
from harness.engines.deduplicated import deduplicated
from harness.errors import HarnessError
from harness.execution.base import Sandbox
from harness.plan import Plan, planned, try_toolchains
from harness.scoring.base import TaskScorer
from harness.store.identity import Identity, Section
from harness.store.manifest import Manifest, machine, package_versions
from harness.store.run_folder import RunFolder, open_run, read_run, read_scores
from harness.store.slim import slim

# Answers that may wait for a scorer before the engine is asked for more: bounds memory, and the cost of each `wait`
MAX_WAITING = 512


# Faults of ours that the same inputs give again: asking once more is of no use
SETTLED = {"missing", "mismatch", "template", "empty_prompt", "empty_continuation", "vocabulary"}


class Watcher(Protocol):
    """Somebody who wants to see a run go by (the CLI's progress bar)."""

    def planned(self, facts: EngineFacts, tasks: Sequence[Task], folder: Path, sandbox: Sandbox | None) -> None:
        """Everything is bound; nothing heavy has happened yet. `sandbox` is what programs will run in, if any will."""

    def started(self, total: int, known: int) -> None:
        """The engine is loaded; `known` of `total` requests were answered by an earlier try."""

    def recorded(self, record: Record) -> None:
        """One more record stands in the journal."""


class Chooser(Protocol):
    """Somebody who wants a run in parts, and perhaps not all of it (a claim that is settled early)."""

    def choose(self, tasks: Sequence[Task], records: Mapping[str, Record]) -> Sequence[Request]:
        """Say what to ask next, by the records so far (by key); nothing new ends the run."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run's numbers and where they are. `asked` counts the requests that this call itself put to the engine.

    `scored` are its records in the tasks' order, without their texts (`store.slim`).
    """

    folder: Path
    manifest: Manifest
    scored: tuple[Record, ...]
    estimates: tuple[Estimate, ...]
    overall: Estimate | None
    asked: int

    @property
    def records(self) -> tuple[Record, ...]:
        """The whole records, in the same order, read from the run folder. Raises RunFolderError."""
        whole = {record.request.key: record for record in read_run(self.folder)[1]}
        return tuple(whole[record.request.key] for record in self.scored)


def evaluate(
    config: RunConfig,
    command: Sequence[str] = (),
    watcher: Watcher | None = None,
    chooser: Chooser | None = None,
) -> Result:
    """Run a model on a suite, or finish a run that was cut off, and compute its scores.

    With a `chooser` only what it asks for, in its parts; its run is finished when it asks for nothing more.
    Raises HarnessError; whatever was scored before stays in the run folder. KeyboardInterrupt leaves it resumable.
    """
    with planned(config) as plan:
        for task in plan.tasks:
            try_toolchains(task, plan.services)
        path = plan.folder()
        if watcher:
            watcher.planned(plan.facts, plan.tasks, path, plan.services.opened())
        folder = open_run(path, _manifest(plan, command))
        try:
            asked = _ask(plan, folder, watcher, chooser)
            if asked or folder.manifest.status != "finished":
                folder.mark(
                    "finished",
                    time.time(),
                    engine=plan.engine_facts() if asked else folder.manifest.engine,
                    sandbox=plan.services.sandbox_level() or folder.manifest.sandbox,
                )
            return result_of(plan.tasks, path, folder.manifest, asked)
        except KeyboardInterrupt:
            folder.mark("interrupted", time.time())
            raise
        finally:
            folder.close()


def _ask(plan: Plan, folder: RunFolder, watcher: Watcher | None, chooser: Chooser | None) -> int:
    """Ask what is not known, all at once or in the chooser's parts, and return how many requests that were."""
    every = [request for task in plan.tasks for request in task.requests]
    known = {record.request.key: record for record in folder.records if not _worth_another_try(record)}
    tried: set[str] = set()

    def tell(record: Record) -> None:
        known[record.request.key] = slim(record)
        if watcher:
            watcher.recorded(record)

    while True:
        wanted = chooser.choose(plan.tasks, known) if chooser else every
        part = [request for request in wanted if request.key not in known and request.key not in tried]
        if not part:
            return len(tried)
        if not tried:
            if folder.manifest.status == "finished":
                # A larger limit extends it; until that is done it must not pass for whole
                folder.mark("running", None)
            folder.keep_weights(plan.loaded().digests)
            if watcher:
                watcher.started(len(every), sum(request.key in known for request in every))
        tried |= {request.key for request in part}
        _stream(plan, folder, part, tell)


def _stream(plan: Plan, folder: RunFolder, requests: Sequence[Request], tell: Callable[[Record], None]) -> None:
    """Put requests to the engine, and record each answer when its score is there."""
    by_key = {request.key: (task, request) for task in plan.tasks for request in task.requests}
    samples = {task.name: task.sample_of() for task in plan.tasks}
    stopped = threading.Event()

    def settle(reply: Reply) -> Record:
        task, request = by_key[reply.key]
        sample = samples[task.name][request.sample_id]
        scores = score(task, sample, request, reply)
        if stopped.is_set():
            # Its program or judge was ended under it: the next try judges it
            raise CancelledError
        record = Record(RECORD_SCHEMA, folder.manifest.run_id, request, reply, scores, sample.group, time.time())
        folder.journal.append(record)
        return record

    with ThreadPoolExecutor(plan.services.workers, thread_name_prefix="score") as pool:
        waiting: set[Future[Record]] = set()
        try:
            for reply in deduplicated(plan.engine, plan.capabilities, requests):
                waiting.add(pool.submit(settle, reply))
                waiting = _collect(waiting, tell, patient=len(waiting) >= MAX_WAITING)
            while waiting:
                waiting = _collect(waiting, tell, patient=True)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            plan.services.close()
            raise


def _worth_another_try(record: Record) -> bool:
    """Whether a fault of ours left the record unscored, and may be gone by now."""
    faults = [score.failure for score in record.scores if score.value is None]
    return any(fault is not None and fault.kind not in SETTLED for fault in faults)


def _collect(waiting: set[Future[Record]], tell: Callable[[Record], None], *, patient: bool) -> set[Future[Record]]:
    """Tell of the records that are there, raising what a thread raised (a full disk), and return the rest."""
    done, rest = wait(waiting, timeout=None if patient else 0, return_when=FIRST_COMPLETED)
    for future in done:
        tell(future.result())
    return rest


def score(task: Task, sample: Sample, request: Request, reply: Reply) -> tuple[Score, ...]:
    """Return what a reply is worth by each of its task's scorers. Raises nothing: a fault of theirs is unscored."""
    if isinstance(reply, Refusal):
        value = None if reply.failure.ours else 0.0
        return tuple(Score(scorer.name, value, failure=reply.failure) for scorer in task.scorers)
    return tuple(_one_score(scorer, sample, request.prompt, reply) for scorer in task.scorers)


def _one_score(scorer: TaskScorer, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
    try:
        return scorer.score(sample, prompt, reply)
    except HarnessError as error:
        return Score(scorer.name, None, failure=Failure("score", type(error).__name__, str(error), ours=True))
    except Exception as error:  # noqa: BLE001 - a fault in a scorer leaves one sample unscored, never a run lost
        return Score(scorer.name, None, failure=Failure("score", type(error).__name__, str(error), ours=True))


def result_of(tasks: Sequence[Task], path: Path, manifest: Manifest, asked: int) -> Result:
    """Fold the journal to estimates; the last record of a key counts. Raises RunFolderError."""
    records = {record.request.key: record for record in read_scores(path)[1]}
    estimates: list[Estimate] = []
    kept: list[Record] = []
    for task in tasks:
        own = [records[request.key] for request in task.requests if request.key in records]
        scorers = [scorer.name for scorer in task.scorers]
        estimates += estimate_task(task.name, own, task.page.metric, task.page.repeats, task.total, scorers)
        kept += own
    shared = len(set(manifest.pages)) < len(tasks)
    overall = estimate_suite(manifest.suite_name, estimates, shared=shared) if len(tasks) > 1 else None
    return Result(path, manifest, tuple(kept), tuple(estimates), overall, asked)


def _manifest(plan: Plan, command: Sequence[str]) -> Manifest:
    started = time.time()
    identity = plan.identity()
    digest = hashlib.sha256(json.dumps([identity, started], default=str).encode()).hexdigest()
    return Manifest(
        run_id=digest[:16],
        identity=Identity.parse(Section(json.loads(json.dumps(identity, default=str)), path="identity.")),
        config=plan.config.model_dump(mode="json"),
        engine=plan.engine_facts(),
        tasks={task.name: task_facts(task) for task in plan.tasks},
        command=tuple(command),
        started_at=started,
        packages=package_versions(),
        machine=machine(),
    )


def task_facts(task: Task) -> dict[str, Any]:
    """What the manifest says of a task; `binary` are its scorers that give 0 and 1 alone."""
    binary = [scorer.name for scorer in task.scorers if scorer.binary]
    return {**task.fingerprint, "n": len(task.samples), "total": task.total, "commit": task.commit, "binary": binary}
