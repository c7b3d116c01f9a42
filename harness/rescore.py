"""A run's stored answers scored again, without the model: one record in memory at a time but for those being scored.

The old journal stays beside the new one, which takes its place only when it is whole.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.catalog import Binder, Task
from harness.config.checking import check_values
from harness.config.pages import with_value
from harness.config.schema import RunConfig
from harness.data.rows import Loader
from harness.datatypes import Record, Request
from harness.errors import ConfigError, RunFolderError
from harness.plan import execution_identity, limits, suite_pages, try_toolchains
from harness.run import MAX_WAITING, Result, result_of, score, task_facts
from harness.scoring.services import Services
from harness.store import journal
from harness.store.manifest import Manifest, package_versions
from harness.store.manifest import write as write_manifest
from harness.store.run_folder import MANIFEST, RECORDS, binary_scorers, lock_folder, read_manifest
from harness.store.slim import slim_request


@dataclass(slots=True)
class _Stored:
    """A journal by request key: where the last record of each begins; and how many scores changed so far."""

    path: Path
    places: dict[str, int]
    changed: int = 0


def rescore(path: Path, settings: Mapping[str, Any]) -> tuple[Result, int]:
    """Score a run's stored answers again with today's scorers; return the result and how many scores changed.

    `settings` replace keys of the run's config that do not change what is asked (`data.mirror`,
    `execution.wall_seconds`). The old journal is kept beside the new one. Raises RunFolderError when a page asks
    something else today, ConfigError for a setting that would.
    """
    read_manifest(path)
    lock = lock_folder(path)
    try:
        manifest = read_manifest(path)
        config = _with_settings(manifest.config, settings)
        with closing(Services(config.execution.sandbox, limits(config), config.execution.workers)) as services:
            tasks, changed = _replaced(path, manifest, config, services)
        manifest = replace(
            manifest,
            config=config.model_dump(mode="json"),
            tasks={task.name: {**task_facts(task), "n": _samples(task.requests)} for task in tasks},
            # Today's pages and limits: an unfinished run goes on with them
            identity=manifest.identity.with_tasks(
                {task.name: dict(task.fingerprint) for task in tasks}, execution_identity(config, tasks)
            ),
            packages=package_versions(),
        )
        write_manifest(path / MANIFEST, manifest)
        return result_of(tasks, path, manifest, 0), changed
    finally:
        lock.release()


def _replaced(path: Path, manifest: Manifest, config: RunConfig, services: Services) -> tuple[tuple[Task, ...], int]:
    """Write the journal anew; return the tasks with the requests that were answered, slim, and how many changed."""
    stored = _Stored(path / RECORDS, _places(path, manifest))
    tasks = _bound_again(path, manifest, config, services)
    answered = {task.name: [request for request in task.requests if request.key in stored.places] for task in tasks}
    lost = len(stored.places) - sum(map(len, answered.values()))
    if lost:
        raise RunFolderError(f"{path}: {lost} answers are to questions that the pages no longer ask")
    fresh = _scored_again(tasks, answered, stored, services)
    journal.replace(path / RECORDS, fresh, keep=_unused(path, "records.before-rescore"))
    light = (replace(task, samples=(), requests=tuple(map(slim_request, answered[task.name]))) for task in tasks)
    return tuple(light), stored.changed


def _places(path: Path, manifest: Manifest) -> dict[str, int]:
    """Read the journal once, which checks it: request key -> where its last record begins."""
    found = {sys.intern(r.request.key): place for place, r in journal.stream(path / RECORDS, binary_scorers(manifest))}
    if not found:
        raise RunFolderError(f"{path}: has no answers to score")
    return found


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
    binder = Binder(
        loader, services.tools(), manifest.identity.engine.style, None, config.seed, False, data.trust_page_code
    )
    tasks = tuple(binder.bind(page, source) for page, source in suite_pages(config))
    for task in tasks:
        if manifest.tasks.get(task.name, {}).get("ask") != task.fingerprint["ask"]:
            raise RunFolderError(f"{path}: the task {task.name!r} asks something else today; run it anew")
        try_toolchains(task, services)
    return tasks


def _scored_again(
    tasks: Sequence[Task], answered: Mapping[str, Sequence[Request]], stored: _Stored, services: Services
) -> Iterator[Record]:
    """Yield the records with new scores, in the tasks' order; a bounded number is scored at once."""
    samples = {task.name: (task, task.sample_of()) for task in tasks}

    def again(record: Record) -> tuple[Record, bool]:
        task, by_id = samples[record.request.task]
        scores = score(task, by_id[record.request.sample_id], record.request, record.reply)
        fresh = replace(record, scores=scores, finished_at=time.time())
        return fresh, _verdicts(fresh) != _verdicts(record)

    waiting: deque[Future[tuple[Record, bool]]] = deque()

    def settled() -> Record:
        record, changed = waiting.popleft().result()
        stored.changed += changed
        return record

    places = (stored.places[request.key] for task in tasks for request in answered[task.name])
    with ThreadPoolExecutor(services.workers, thread_name_prefix="score") as pool:
        try:
            for record in journal.at(stored.path, places):
                waiting.append(pool.submit(again, record))
                if len(waiting) >= MAX_WAITING:
                    yield settled()
            while waiting:
                yield settled()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            services.close()
            raise


def _samples(requests: Sequence[Request]) -> int:
    return len({request.sample_id for request in requests})


def _verdicts(record: Record) -> list[tuple[Any, ...]]:
    """What a score says, without how long the judge took."""
    return [(score.scorer, score.value, score.answer, score.failure) for score in record.scores]


def _unused(path: Path, stem: str) -> Path:
    number = 1
    while (path / f"{stem}-{number}.jsonl").exists():
        number += 1
    return path / f"{stem}-{number}.jsonl"
