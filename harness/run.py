"""The main loop: plan, skip answered requests, stream the rest, compute the results.

A run is planned completely (pages, data, prompts, scorers, toolchains, run folder) before the weights are loaded. Then
the engine gets one stream of requests for the whole suite. A run that is killed at any instant and started again with
the same command ends with the same records as one that was not. Of the run's own records only `streaming` and
`rescore` write any.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from harness.analysis.changed_questions import not_changed
from harness.analysis.estimates import estimate_suite, estimate_task
from harness.analysis.number_sizes import number_sizes
from harness.catalog import Task
from harness.config.schema import RunConfig
from harness.config.task_page import TaskPage
from harness.cost.budget import Spending
from harness.cost.ledger import RunLedger
from harness.datatypes import (
    Record,
    Request,
)
from harness.engines.base import Accountable, EngineFacts, PromptSize, Watched
from harness.engines.contexts import measured
from harness.engines.registry import open_engine
from harness.errors import ConfigError, EngineError
from harness.execution.base import Sandbox
from harness.perturb.bound import PerturbedSamples
from harness.plan import EngineOpener, Plan, planned
from harness.repeat_check import RepeatRun, refuse_without_greedy
from harness.results import Estimate
from harness.sharding import Part, is_greedy
from harness.store import shard
from harness.store.identity import Identity, Section
from harness.store.manifest import Manifest, machine, package_versions
from harness.store.run_folder import RunFolder, open_run, read_run, read_scores
from harness.store.slim import slim
from harness.streaming import score, stream
from harness.toolchains import try_toolchains

# Faults of the harness that the same inputs give again: a retry cannot help
PERMANENT = {
    "missing",
    "mismatch",
    "template",
    "empty_prompt",
    "empty_continuation",
    "vocabulary",
    "context_overflow",
    "bad_request",
}
TRYING = "trying the server with a few small requests"


class Watcher(Protocol):
    """Observes a run (the progress bar of the command line)."""

    def planned(self, facts: EngineFacts, tasks: Sequence[Task], folder: Path, sandbox: Sandbox | None) -> None:
        """The plan is complete, nothing is loaded yet. `sandbox` is where programs will run, None if none will."""

    def started(self, total: int, known: int) -> None:
        """The engine is loaded; `known` of `total` requests are answered in the run folder already."""

    def recorded(self, record: Record) -> None:
        """A record was appended to the journal."""

    def waiting(self, text: str) -> None:
        """What the run waits for, as a line ("waiting 12 s for the server (429 x3)"); "" when that is over.

        May be called from any thread.
        """


@runtime_checkable
class EngineWatcher(Protocol):
    """A Watcher that also shows what an engine's copies of the model do."""

    def watching(self, engine: Watched) -> None:
        """The engine is about to load: read it from now on, and show the lines that it has."""


class Unwatched:
    """A Watcher that shows nothing."""

    def planned(self, facts: EngineFacts, tasks: Sequence[Task], folder: Path, sandbox: Sandbox | None) -> None:
        """Nothing."""

    def started(self, total: int, known: int) -> None:
        """Nothing."""

    def recorded(self, record: Record) -> None:
        """Nothing."""

    def waiting(self, text: str) -> None:
        """Nothing."""


class Chooser(Protocol):
    """Selects requests in steps, and may stop a run early (when a claim is decided)."""

    def begin(self, tasks: Sequence[Task], folder: Path) -> None:
        """The plan is complete, and nothing is written in the run folder yet: what is refused here leaves no folder."""

    def choose(self, tasks: Sequence[Task], records: Mapping[str, Record]) -> Sequence[Request]:
        """Return the next requests, given the records so far (by key); no new request ends the run."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run's results and its folder. `requested` counts the requests that this call sent to the engine.

    `scored` are its records in the order of the tasks, without their texts (`store.slim`).
    """

    folder: Path
    manifest: Manifest
    scored: tuple[Record, ...]
    estimates: tuple[Estimate, ...]
    overall: Estimate | None
    requested: int

    @property
    def records(self) -> tuple[Record, ...]:
        """The records with their texts, in the same order, read from the run folder. Raises RunFolderError."""
        complete = {record.request.key: record for record in read_run(self.folder, partial=True)[1]}
        return tuple(complete[record.request.key] for record in self.scored)


def evaluate(
    config: RunConfig,
    command: Sequence[str] = (),
    watcher: Watcher | None = None,
    chooser: Chooser | None = None,
    spending: Spending | None = None,
    opener: EngineOpener = open_engine,
) -> Result:
    """Run a model on a suite, or finish a run that was cut off, and compute its scores.

    With a `chooser` only the requests that it selects, step by step; the run is finished when it selects no new one.
    Runs that get the same `spending` share the limits of their budgets. `opener` builds the engine, as in `planned`.
    Raises HarnessError; records so far stay in the run folder. After a KeyboardInterrupt the run can be resumed.
    """
    watcher = watcher or Unwatched()
    with planned(config, shared_budget=spending is not None, doing=watcher.waiting, opener=opener) as plan:
        for task in plan.tasks:
            if task.page.reference.tests is not None:
                watcher.waiting(f"checking prompts and toolchains: {task.name}")
            try_toolchains(task, plan.services)
        watcher.waiting("")
        if config.repeat_check is not None:
            refuse_without_greedy(greedy_keys(plan))
        if plan.part is not None and chooser is not None:
            raise ConfigError("--shard is a part that is fixed in advance, and these samples are chosen on the way")
        path = plan.folder()
        if chooser is not None:
            chooser.begin(plan.tasks, path)
        watcher.planned(plan.facts, plan.tasks, path, plan.services.opened())
        folder = open_run(path, _manifest(plan, command))
        try:
            if plan.part is not None:
                shard.write(path, plan.part.tasks)
            with accounts(plan, folder, watcher, spending) as ledger:
                requested = _run_requests(plan, folder, watcher, chooser, ledger)
                if requested or folder.manifest.status != "finished":
                    folder.mark(
                        "finished",
                        time.time(),
                        engine=folder.with_notes(plan.engine_facts()) if requested else folder.manifest.engine,
                        sandbox=plan.services.sandbox_level() or folder.manifest.sandbox,
                    )
                if config.repeat_check is not None:
                    load = None if requested else partial(_load, plan, folder)
                    again = RepeatRun(plan.engine, load, watcher.waiting, score, plan.services.workers)
                    requested += again.check(folder, plan.tasks, config.repeat_check, config.seed, greedy_keys(plan))
            return result_of(plan.tasks, path, folder.manifest, requested)
        except KeyboardInterrupt:
            # In the repeat check of a finished run no record is missing
            if folder.manifest.status != "finished":
                folder.mark("interrupted", time.time())
            raise
        finally:
            folder.close()


def greedy_keys(plan: Plan) -> tuple[str, ...]:
    """The keys of the greedy requests, of the whole run where the plan is a shard."""
    if plan.part is not None:
        return plan.part.greedy
    return tuple(request.key for task in plan.tasks for request in task.requests if is_greedy(request))


@contextmanager
def accounts(
    plan: Plan, folder: RunFolder, watcher: Watcher, spending: Spending | None = None
) -> Iterator[RunLedger | None]:
    """Have an engine that sends requests to a server record them in the folder, within the budget."""
    if not isinstance(plan.engine, Accountable):
        yield None
        return
    with closing(RunLedger(folder.path, plan.budget, spending)) as ledger:
        plan.engine.account_to(ledger, watcher.waiting)
        yield ledger


def _run_requests(
    plan: Plan, folder: RunFolder, watcher: Watcher, chooser: Chooser | None, ledger: RunLedger | None
) -> int:
    """Send the unanswered requests to the engine, in the chooser's steps if there is one; return how many were sent."""
    every = [request for task in plan.tasks for request in task.requests]
    known = {record.request.key: record for record in folder.records if not _worth_a_retry(record)}
    tried: set[str] = set()

    def report(record: Record) -> None:
        known[record.request.key] = slim(record)
        watcher.recorded(record)

    while True:
        wanted = chooser.choose(plan.tasks, known) if chooser else every
        part = [request for request in wanted if request.key not in known and request.key not in tried]
        if not part:
            return len(tried)
        if not tried:
            if folder.manifest.status == "finished":
                # A larger limit extends a finished run, which is incomplete until then
                folder.mark("running", None)
            if ledger is not None and plan.budget.limited:
                ledger.require_room(list(_sizes(plan, part)))
            watcher.waiting(f"loading {plan.facts.model}" if ledger is None else TRYING)
            if isinstance(plan.engine, Watched) and isinstance(watcher, EngineWatcher):
                watcher.watching(plan.engine)
            _load(plan, folder)
            watcher.waiting("")
            watcher.started(len(every), sum(request.key in known for request in every))
        tried |= {request.key for request in part}
        stream(plan.engine, plan.capabilities, plan.tasks, plan.services, folder, part, report, watcher.waiting)


def _worth_a_retry(record: Record) -> bool:
    """Whether the record is unscored by a fault of the harness that may not occur again."""
    faults = [score.failure for score in record.scores if score.value is None]
    return any(fault is not None and fault.kind not in PERMANENT for fault in faults)


def _sizes(plan: Plan, requests: Sequence[Request]) -> Iterator[PromptSize]:
    """The sizes of the requests; without those that the run itself will refuse."""
    for request in requests:
        with suppress(EngineError):
            yield measured(plan.engine, plan.capabilities, request)


def _load(plan: Plan, folder: RunFolder) -> None:
    """Load the engine, and record what it loaded. Raises RunFolderError if the folder's answers are of another."""
    facts = plan.loaded()
    folder.keep_weights(facts.digests)
    folder.keep_server(facts.server)


@dataclass(frozen=True, slots=True)
class Answers:
    """A task as its estimates need it: `keys` of its requests in their order, `scorers` with metrics of their own."""

    name: str
    page: TaskPage
    total: int
    keys: Sequence[str]
    scorers: Mapping[str, Sequence[str]]


def result_of(tasks: Sequence[Task], path: Path, manifest: Manifest, requested: int) -> Result:
    """Compute the estimates from the journal; the last record of a key counts. Raises RunFolderError."""
    answers = [
        Answers(
            task.name,
            task.page,
            task.total,
            [request.key for request in task.requests],
            {scorer.name: scorer.metrics for scorer in task.scorers},
        )
        for task in tasks
    ]
    return result_of_answers(answers, path, manifest, requested)


def result_of_answers(tasks: Sequence[Answers], path: Path, manifest: Manifest, requested: int) -> Result:
    """Do the same without the samples of the tasks."""
    records = {record.request.key: record for record in read_scores(path, partial=True)[1]}
    estimates: list[Estimate] = []
    kept: list[Record] = []
    for task in tasks:
        answered = [records[key] for key in task.keys if key in records]
        page = task.page
        own = {name: metrics for name, metrics in task.scorers.items() if metrics}
        estimates += estimate_task(
            task.name,
            answered,
            page.metric,
            page.repeats,
            task.total,
            [*task.scorers],
            own,
            page.data.sample,
            not_changed=not_changed(manifest, task.name),
        )
        kept += answered
    # The suite's score is that of the questions as they are
    own_questions = [task for task in tasks if task.page.data.perturbed is None or task.page.data.perturbed.of is None]
    names = {task.name for task in own_questions}
    shared = len(set(manifest.pages)) < len(own_questions)
    by_size = manifest.config["suite"].get("average") == "weighted"
    primary = [estimate for estimate in estimates if estimate.task in names]
    several = len(own_questions) > 1
    overall = estimate_suite(manifest.suite_name, primary, shared=shared, by_size=by_size) if several else None
    return Result(path, manifest, tuple(kept), tuple(estimates), overall, requested)


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
        left_out=plan.left_out,
        shard=_shard_facts(plan.part) if plan.part else {},
    )


def _perturbed_facts(found: PerturbedSamples) -> dict[str, Any]:
    """What a manifest says of changed questions: how many samples have some, why others have none, and their sizes."""
    sizes = {
        name: number_sizes([pair.before for pair in pairs], [pair.after for pair in pairs])
        for name, pairs in (("numbers", found.numbers), ("answers", found.answers))
    }
    return {
        "about": found.about,
        "kept": len(found.kept),
        "left_out": dict(found.left_out),
        **{name: asdict(own) for name, own in sizes.items() if own is not None},
    }


def _shard_facts(part: Part) -> dict[str, Any]:
    """A shard, for the manifest."""
    whole = {task: own.whole for task, own in part.tasks.items()}
    return {"number": part.shard.number, "of": part.shard.of, "samples": whole}


def task_facts(task: Task) -> dict[str, Any]:
    """Return the manifest's facts about a task; `binary` are its scorers that give only 0 and 1."""
    binary = [scorer.name for scorer in task.scorers if scorer.binary]
    drawn = {"sample": task.page.data.sample.model_dump()} if task.page.data.sample else {}
    counts: dict[str, Any] = {"n": len(task.samples), "total": task.total, **drawn}
    if task.perturbed is not None:
        counts["perturbed"] = _perturbed_facts(task.perturbed)
    return {**task.fingerprint, **counts, "commit": task.commit, "binary": binary}
