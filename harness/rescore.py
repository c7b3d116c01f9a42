"""Score a run's stored answers again, without the model; only the records being scored are in memory.

The new journal replaces the old one only when it is complete; the old one is kept beside it.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.catalog import Binder, Task
from harness.config.building import with_absolute_mirror
from harness.config.checking import check_values
from harness.config.pages import with_value
from harness.config.schema import RunConfig
from harness.config.task_page import DrawnRows, TaskPage
from harness.data.rows import Loader
from harness.datatypes import Record, Request
from harness.errors import ConfigError, RunFolderError
from harness.page_scorers import page_scorers
from harness.plan import execution_identity, limits, suite_pages
from harness.run import Result, result_of, task_facts
from harness.scoring.services import Services
from harness.store import journal
from harness.store.manifest import Manifest, package_versions
from harness.store.manifest import write as write_manifest
from harness.store.run_folder import (
    MANIFEST,
    RECORDS,
    binary_scorers,
    lock_folder,
    read_manifest,
    refuse_incomplete,
)
from harness.store.slim import slim_request
from harness.streaming import MAX_WAITING, score
from harness.toolchains import try_toolchains


@dataclass(slots=True)
class _Stored:
    """A journal: the byte offset of the last record of each request key, and how many scores changed so far."""

    path: Path
    offsets: dict[str, int]
    changed: int = 0


def rescore(
    path: Path, settings: Mapping[str, Any], doing: Callable[[str], None] = lambda text: None
) -> tuple[Result, int]:
    """Score a run's stored answers again with the current scorers; return the result and how many scores changed.

    `settings` replace keys of the run's config that do not change the requests (`data.mirror`,
    `execution.wall_seconds`). The old journal is kept beside the new one. Raises RunFolderError if a task page makes
    other requests now or a finished run lacks records, ConfigError for a setting that would change the requests.
    `doing` is called with what is done next.
    """
    read_manifest(path)
    lock = lock_folder(path)
    try:
        manifest = read_manifest(path)
        config = _with_settings(manifest.config, settings)
        with closing(Services(config.execution.sandbox, limits(config), config.execution.workers)) as services:
            tasks, changed = _replaced(path, manifest, config, services, doing)
        manifest = replace(
            manifest,
            config=config.model_dump(mode="json"),
            tasks={task.name: {**task_facts(task), "n": _planned(task, manifest)} for task in tasks},
            # The current pages and limits: an unfinished run is resumed with them
            identity=manifest.identity.with_tasks(
                {task.name: dict(task.fingerprint) for task in tasks}, execution_identity(config, tasks)
            ),
            packages=package_versions(),
        )
        write_manifest(path / MANIFEST, manifest)
        return result_of(tasks, path, manifest, 0), changed
    finally:
        lock.release()


def _replaced(
    path: Path, manifest: Manifest, config: RunConfig, services: Services, doing: Callable[[str], None]
) -> tuple[tuple[Task, ...], int]:
    """Replace the journal; return the tasks with their answered requests (slim), and how many scores changed."""
    doing("reading the journal")
    stored = _Stored(path / RECORDS, _offsets(path, manifest))
    doing(f"binding {len(manifest.tasks)} tasks" if len(manifest.tasks) > 1 else "binding the task")
    tasks = _bound_again(path, manifest, config, services)
    answered = {task.name: [request for request in task.requests if request.key in stored.offsets] for task in tasks}
    lost = len(stored.offsets) - sum(map(len, answered.values()))
    if lost:
        raise RunFolderError(
            f"{path}: {lost} stored answers match no request of the current task pages; start a new run"
        )
    doing(f"scoring {len(stored.offsets)} answers")
    fresh = _scored_again(tasks, answered, stored, services)
    journal.replace(path / RECORDS, fresh, keep=_unused(path, "records.before-rescore"))
    light = (replace(task, samples=(), requests=tuple(map(slim_request, answered[task.name]))) for task in tasks)
    return tuple(light), stored.changed


def _offsets(path: Path, manifest: Manifest) -> dict[str, int]:
    """Read the journal once, which checks it; return the offset of the last record of each request key.

    Raises RunFolderError for a finished run that lacks records: with new scores it would pass for a whole run.
    """
    offsets = {
        sys.intern(r.request.key): offset for offset, r in journal.stream(path / RECORDS, binary_scorers(manifest))
    }
    refuse_incomplete(path, manifest, len(offsets))
    if not offsets:
        raise RunFolderError(f"{path}: has no answers to score")
    return offsets


def _with_settings(config: Mapping[str, Any], settings: Mapping[str, Any]) -> RunConfig:
    values = dict(config)
    for dotted, value in settings.items():
        if dotted.partition(".")[0] not in ("data", "execution"):
            raise ConfigError(
                f"rescore: {dotted} cannot be set: only data.* and execution.* leave the requests unchanged"
            )
        values = with_value(values, dotted.split("."), value, dotted)
    return check_values(RunConfig, with_absolute_mirror(values), "rescore")


def _bound_again(path: Path, manifest: Manifest, config: RunConfig, services: Services) -> tuple[Task, ...]:
    """Bind all samples of a run's tasks, whatever its last limit was: every stored answer gets a new score."""
    loader, data = Loader(Path(config.data.mirror) if config.data.mirror else None), config.data
    # The prompts were made once: what fitted the engine then fits now
    binder = Binder(
        loader,
        manifest.identity.engine.style,
        seed=config.seed,
        trust_page_code=data.trust_page_code,
        either_style=True,
    )
    tools = services.tools()
    tasks = tuple(binder.bind(*spec, page_scorers(*spec, tools, data.trust_page_code)) for spec in suite_pages(config))
    for task in tasks:
        if manifest.tasks.get(task.name, {}).get("ask") != task.fingerprint["ask"]:
            raise RunFolderError(
                f"{path}: the task {task.name!r} has changed since this run (prompt, data or decoding); start a new run"
            )
        try_toolchains(task, services)
    return tuple(replace(task, page=_with_part(task, manifest)) for task in tasks)


def _with_part(task: Task, manifest: Manifest) -> TaskPage:
    """The task's page with the random part that a run with `limit_seed` drew, which no page names."""
    drawn = manifest.tasks[task.name].get("sample")
    if drawn is None:
        return task.page
    part = check_values(DrawnRows, drawn, f"manifest.json: tasks.{task.name}.sample")
    return task.page.model_copy(update={"data": task.page.data.model_copy(update={"sample": part})})


def _scored_again(
    tasks: Sequence[Task], answered: Mapping[str, Sequence[Request]], stored: _Stored, services: Services
) -> Iterator[Record]:
    """Yield the records with new scores, in the order of the tasks; the number scored at once is bounded."""
    samples = {task.name: (task, task.sample_of()) for task in tasks}

    def rescored(record: Record) -> tuple[Record, bool]:
        task, by_id = samples[record.request.task]
        scores = score(task, by_id[record.request.sample_id], record.request, record.reply)
        fresh = replace(record, scores=scores, finished_at=time.time())
        return fresh, _verdicts(fresh) != _verdicts(record)

    waiting: deque[Future[tuple[Record, bool]]] = deque()

    def next_record() -> Record:
        record, changed = waiting.popleft().result()
        stored.changed += changed
        return record

    offsets = (stored.offsets[request.key] for task in tasks for request in answered[task.name])
    with ThreadPoolExecutor(services.workers, thread_name_prefix="score") as pool:
        try:
            for record in journal.at(stored.path, offsets):
                waiting.append(pool.submit(rescored, record))
                if len(waiting) >= MAX_WAITING:
                    yield next_record()
            while waiting:
                yield next_record()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            services.close()
            raise


def _planned(task: Task, manifest: Manifest) -> int:
    """How many samples of a task the run is of: those without an answer too, so that it does not seem complete."""
    answered = len({request.sample_id for request in task.requests})
    # An earlier, larger limit leaves more answers than the last one planned
    return max(answered, int(manifest.tasks[task.name].get("n", 0)))


def _verdicts(record: Record) -> list[tuple[Any, ...]]:
    """Return what counts as a change: not the time that a judge took, nor its explanation."""
    return [(score.scorer, score.value, score.answer, score.failure) for score in record.scores]


def _unused(path: Path, stem: str) -> Path:
    number = 1
    while (path / f"{stem}-{number}.jsonl").exists():
        number += 1
    return path / f"{stem}-{number}.jsonl"
