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
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from harness.analysis.estimates import estimate_suite, estimate_task
from harness.catalog import Binder, Task
from harness.config.checking import check_values
from harness.config.pages import with_value
from harness.config.schema import RunConfig
from harness.data.rows import Loader
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
from harness.engines.asked_once import asked_once
from harness.engines.base import EngineFacts
from harness.errors import ConfigError, HarnessError, RunFolderError
from harness.execution.base import Sandbox
from harness.plan import Plan, execution_identity, limits, planned, suite_pages, try_toolchains
from harness.scoring.base import Scorer
from harness.scoring.services import Services
from harness.store import journal
from harness.store.manifest import Manifest, machine, package_versions
from harness.store.manifest import write as write_manifest
from harness.store.run_folder import MANIFEST, RECORDS, RunFolder, lock_folder, open_run, read_run

# Answers that may wait for a scorer before the engine is asked for more: bounds memory, and the cost of each `wait`
MAX_WAITING = 512


# Faults of ours that the same inputs give again: asking once more is of no use
SETTLED = {"missing", "mismatch", "template", "empty_prompt", "empty_continuation"}


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
    """A run's numbers and where they are. `asked` counts the requests that this call itself put to the engine."""

    folder: Path
    manifest: Manifest
    records: tuple[Record, ...]
    estimates: tuple[Estimate, ...]
    overall: Estimate | None
    asked: int


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
                    engine=asdict(plan.engine.facts()) if asked else folder.manifest.engine,
                    sandbox=plan.services.sandbox_level() or folder.manifest.sandbox,
                )
            return _result(plan.tasks, path, folder.manifest, asked)
        except KeyboardInterrupt:
            folder.mark("interrupted", time.time())
            raise
        finally:
            folder.close()


def rescore(path: Path, settings: Mapping[str, Any]) -> tuple[Result, int]:
    """Score a run's stored answers again with today's scorers; return the result and how many scores changed.

    `settings` replace keys of the run's config that do not change what is asked (`data.mirror`,
    `execution.wall_seconds`). The old journal is kept beside the new one. Raises RunFolderError when a page asks
    something else today, ConfigError for a setting that would.
    """
    read_run(path)
    lock = lock_folder(path)
    try:
        manifest, records = read_run(path)
        if not records:
            raise RunFolderError(f"{path}: has no answers to score")
        config = _with_settings(manifest.config, settings)
        with closing(Services(config.execution.sandbox, limits(config), config.execution.workers)) as services:
            tasks = _bound_again(path, manifest, config, services)
            by_key = {record.request.key: record for record in records}
            fresh = _score_again(tasks, by_key, services)
        if len(fresh) < len(records):
            raise RunFolderError(f"{path}: {len(records) - len(fresh)} answers are to questions that nobody asks today")
        changed = sum(_verdicts(by_key[record.request.key]) != _verdicts(record) for record in fresh)
        journal.replace(path / RECORDS, fresh, keep=_unused(path, "records.before-rescore"))
        stored = {(record.request.task, record.request.sample_id) for record in fresh}
        counts = Counter(task for task, _ in stored)
        manifest = replace(
            manifest,
            config=config.model_dump(mode="json"),
            tasks={task.name: {**_told(task), "n": counts[task.name]} for task in tasks},
            # Today's pages and limits: an unfinished run goes on with them
            identity={
                **manifest.identity,
                "tasks": {task.name: dict(task.fingerprint) for task in tasks},
                "execution": execution_identity(config, tasks),
            },
            packages=package_versions(),
        )
        write_manifest(path / MANIFEST, manifest)
        return _result(tasks, path, manifest, 0), changed
    finally:
        lock.release()


def _with_settings(kept: Mapping[str, Any], settings: Mapping[str, Any]) -> RunConfig:
    values = dict(kept)
    for dotted, value in settings.items():
        if dotted.partition(".")[0] not in ("data", "execution"):
            raise ConfigError(f"rescore: {dotted} cannot be set: only data.* and execution.* leave the questions alone")
        values = with_value(values, dotted.split("."), value, dotted)
    return check_values(RunConfig, values, "rescore")


def _bound_again(path: Path, manifest: Manifest, config: RunConfig, services: Services) -> tuple[Task, ...]:
    """Bind a run's tasks whole, whatever its last limit was: no stored answer may keep an old score."""
    loader, data = Loader(Path(config.data.mirror) if config.data.mirror else None), config.data
    binder = Binder(loader, services.tools(), manifest.engine["style"], None, config.seed, False, data.trust_page_code)
    tasks = tuple(binder.bind(page, source) for page, source in suite_pages(config))
    for task in tasks:
        if manifest.tasks.get(task.name, {}).get("ask") != task.fingerprint["ask"]:
            raise RunFolderError(f"{path}: the task {task.name!r} asks something else today; run it anew")
        try_toolchains(task, services)
    return tasks


def _ask(plan: Plan, folder: RunFolder, watcher: Watcher | None, chooser: Chooser | None) -> int:
    """Ask what is not known, all at once or in the chooser's parts, and return how many requests that were."""
    every = [request for task in plan.tasks for request in task.requests]
    known = {record.request.key: record for record in folder.records if not _worth_another_try(record)}
    tried: set[str] = set()

    def tell(record: Record) -> None:
        known[record.request.key] = record
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
        scores = _score(task, sample, request, reply)
        if stopped.is_set():
            # Its program or judge was ended under it: the next try judges it
            raise CancelledError
        record = Record(RECORD_SCHEMA, folder.manifest.run_id, request, reply, scores, sample.group, time.time())
        folder.journal.append(record)
        return record

    with ThreadPoolExecutor(plan.services.workers, thread_name_prefix="score") as pool:
        waiting: set[Future[Record]] = set()
        try:
            # Answers made elsewhere are to tasks, all others to prompts
            by_task = plan.config.engine.name == "scripted"
            for reply in plan.engine.stream(requests) if by_task else asked_once(plan.engine, requests):
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


def _score(task: Task, sample: Sample, request: Request, reply: Reply) -> tuple[Score, ...]:
    if isinstance(reply, Refusal):
        value = None if reply.failure.ours else 0.0
        return tuple(Score(scorer.name, value, failure=reply.failure) for scorer in task.scorers)
    return tuple(_one_score(scorer, sample, request.prompt, reply) for scorer in task.scorers)


def _one_score(scorer: Scorer, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
    try:
        return scorer.score(sample, prompt, reply)
    except HarnessError as error:
        return Score(scorer.name, None, failure=Failure("score", type(error).__name__, str(error), ours=True))
    except Exception as error:  # noqa: BLE001 - a fault in a scorer leaves one sample unscored, never a run lost
        return Score(scorer.name, None, failure=Failure("score", type(error).__name__, str(error), ours=True))


def _score_again(tasks: Sequence[Task], by_key: dict[str, Record], services: Services) -> list[Record]:
    def again(task: Task, sample: Sample, record: Record) -> Record:
        return replace(record, scores=_score(task, sample, record.request, record.reply), finished_at=time.time())

    with ThreadPoolExecutor(services.workers, thread_name_prefix="score") as pool:
        futures = [
            pool.submit(again, task, task.sample_of()[request.sample_id], by_key[request.key])
            for task in tasks
            for request in task.requests
            if request.key in by_key
        ]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            services.close()
            raise


def _result(tasks: Sequence[Task], path: Path, manifest: Manifest, asked: int) -> Result:
    """Fold the journal to estimates; the last record of a key counts."""
    records = {record.request.key: record for record in journal.read(path / RECORDS)}
    estimates: list[Estimate] = []
    kept: list[Record] = []
    for task in tasks:
        own = [records[request.key] for request in task.requests if request.key in records]
        scorers = [scorer.name for scorer in task.scorers]
        estimates += estimate_task(task.name, own, task.page.metric, task.page.repeats, task.total, scorers)
        kept += own
    suite: Any = manifest.config["suite"]
    shared = len({entry["task"] for entry in suite["tasks"]}) < len(tasks)
    overall = estimate_suite(str(suite["name"]), estimates, shared=shared) if len(tasks) > 1 else None
    return Result(path, manifest, tuple(kept), tuple(estimates), overall, asked)


def _manifest(plan: Plan, command: Sequence[str]) -> Manifest:
    started = time.time()
    identity = plan.identity()
    digest = hashlib.sha256(json.dumps([identity, started], default=str).encode()).hexdigest()
    return Manifest(
        run_id=digest[:16],
        identity=json.loads(json.dumps(identity, default=str)),
        config=plan.config.model_dump(mode="json"),
        engine=asdict(plan.facts),
        tasks={task.name: _told(task) for task in plan.tasks},
        command=tuple(command),
        started_at=started,
        packages=package_versions(),
        machine=machine(),
    )


def _told(task: Task) -> dict[str, Any]:
    """What the manifest says of a task."""
    return {**task.fingerprint, "n": len(task.samples), "total": task.total, "commit": task.commit}


def _verdicts(record: Record) -> list[tuple[Any, ...]]:
    """What a score says, without how long the judge took."""
    return [(score.scorer, score.value, score.answer, score.failure) for score in record.scores]


def _unused(path: Path, stem: str) -> Path:
    number = 1
    while (path / f"{stem}-{number}.jsonl").exists():
        number += 1
    return path / f"{stem}-{number}.jsonl"
