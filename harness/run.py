"""The main loop: plan, skip answered requests, stream the rest through the engine, score, append.

A run is planned completely (pages, data, prompts, scorers, toolchains, run folder) before the weights are loaded. Then
the engine gets one stream of requests for the whole suite. Threads score the replies, so that the engine never waits,
and each record is appended as soon as it is scored. A run that is killed at any instant and started again with the same
command ends with the same records as one that was not. No other module but `rescore` writes records.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from harness.analysis.estimates import estimate_suite, estimate_task
from harness.catalog import Task
from harness.config.schema import RunConfig
from harness.cost.budget import Spending
from harness.cost.ledger import RunLedger
from harness.datatypes import (
    RECORD_SCHEMA,
    Completion,
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
from harness.engines.base import Accountable, EngineFacts, PromptSize
from harness.engines.contexts import InParts, measured
from harness.engines.deduplicated import Deduplicated
from harness.errors import ConfigError, EngineError
from harness.execution.base import Sandbox
from harness.plan import Plan, planned, try_toolchains
from harness.repeat_check import RepeatRun, refuse_without_greedy
from harness.results import Estimate
from harness.scoring.base import TaskScorer
from harness.store.identity import Identity, Section
from harness.store.manifest import Manifest, machine, package_versions
from harness.store.run_folder import RunFolder, open_run, read_run, read_scores
from harness.store.slim import slim

# Replies that may wait for a scorer before the engine gets more requests: bounds memory, and the cost of each `wait`
MAX_WAITING = 512


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
# How long an interrupted or failed run waits for answers that a server is giving, in seconds: they are paid for
LAST_ANSWERS_SECONDS = 30.0
LAST_ANSWERS = (
    f"waiting {LAST_ANSWERS_SECONDS:.0f} s at most for the answers that are under way, since they are paid for: "
    "{count}; interrupt again to leave at once"
)
# Scores that take longer than this behind the last answer are something that the run waits for
SLOW_SCORES_SECONDS = 2.0
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
) -> Result:
    """Run a model on a suite, or finish a run that was cut off, and compute its scores.

    With a `chooser` only the requests that it selects, step by step; the run is finished when it selects no new one.
    Runs that get the same `spending` share the limits of their budgets.
    Raises HarnessError; records so far stay in the run folder. After a KeyboardInterrupt the run can be resumed.
    """
    watcher = watcher or Unwatched()
    with planned(config, shared_budget=spending is not None, doing=watcher.waiting) as plan:
        for task in plan.tasks:
            if task.page.reference.tests is not None:
                watcher.waiting(f"checking prompts and toolchains: {task.name}")
            try_toolchains(task, plan.services)
        watcher.waiting("")
        if config.repeat_check is not None:
            refuse_without_greedy(plan.tasks)
        path = plan.folder()
        watcher.planned(plan.facts, plan.tasks, path, plan.services.opened())
        folder = open_run(path, _manifest(plan, command))
        try:
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
                    requested += again.check(folder, plan.tasks, config.repeat_check, config.seed)
            return result_of(plan.tasks, path, folder.manifest, requested)
        except KeyboardInterrupt:
            # In the repeat check of a finished run no record is missing
            if folder.manifest.status != "finished":
                folder.mark("interrupted", time.time())
            raise
        finally:
            folder.close()


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
            _load(plan, folder)
            watcher.waiting("")
            watcher.started(len(every), sum(request.key in known for request in every))
        tried |= {request.key for request in part}
        _stream(plan, folder, part, report, watcher)


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


def _stream(
    plan: Plan, folder: RunFolder, requests: Sequence[Request], report: Callable[[Record], None], watcher: Watcher
) -> None:
    """Send requests to the engine, and append each reply to the journal when it is scored.

    When the engine fails, the answers that it gave before are scored and kept. So they are after an interrupt, where
    answers cost money; those under way are waited for. Another interrupt ends that.
    """
    by_key = {request.key: (task, request) for task in plan.tasks for request in task.requests}
    samples = {task.name: task.sample_of() for task in plan.tasks}
    stopped = threading.Event()

    def score_and_append(reply: Reply) -> Record:
        task, request = by_key[reply.key]
        sample = samples[task.name][request.sample_id]
        scores = score(task, sample, request, reply)
        if stopped.is_set():
            # Its program or judge may have been killed: the resumed run scores it
            raise CancelledError
        record = Record(RECORD_SCHEMA, folder.manifest.run_id, request, reply, scores, sample.group, time.time())
        folder.journal.append(record)
        return record

    once = Deduplicated(plan.capabilities, requests)
    parts = InParts(plan.capabilities, once.unique)
    engine = plan.engine
    with ThreadPoolExecutor(plan.services.workers, thread_name_prefix="score") as pool:
        waiting: set[Future[Record]] = set()

        taken: set[str] = set()

        def take(replies: Iterator[Reply]) -> None:
            nonlocal waiting
            for reply in once.shared(parts.merged(replies)):
                if reply.key in taken:
                    continue
                waiting.add(pool.submit(score_and_append, reply))
                taken.add(reply.key)
                waiting = _collect(waiting, report, patient=len(waiting) >= MAX_WAITING)

        def score_the_rest() -> None:
            nonlocal waiting
            begun, slow = time.monotonic(), False
            while waiting:
                waiting = _collect(waiting, report, patient=True)
                if waiting and not slow and time.monotonic() - begun > SLOW_SCORES_SECONDS:
                    slow = True
                    watcher.waiting("waiting for the scores of the last answers")
            if slow:
                watcher.waiting("")

        try:
            try:
                take(engine.stream(parts.sent))
                score_the_rest()
            except (KeyboardInterrupt, EngineError, ConfigError) as error:
                interrupted = isinstance(error, KeyboardInterrupt)
                if isinstance(engine, Accountable):
                    if interrupted and (count := engine.in_flight()):
                        watcher.waiting(LAST_ANSWERS.format(count=count))
                    # A second failure says no more than the first
                    with suppress(EngineError, ConfigError):
                        take(engine.finish_in_flight(LAST_ANSWERS_SECONDS))
                elif interrupted:
                    raise
                score_the_rest()
                raise
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            plan.services.close()
            raise


def _worth_a_retry(record: Record) -> bool:
    """Whether the record is unscored by a fault of the harness that may not occur again."""
    faults = [score.failure for score in record.scores if score.value is None]
    return any(fault is not None and fault.kind not in PERMANENT for fault in faults)


def _collect(waiting: set[Future[Record]], report: Callable[[Record], None], *, patient: bool) -> set[Future[Record]]:
    """Report the finished records and return the rest; an exception of a thread (a full disk) is raised here."""
    done, rest = wait(waiting, timeout=None if patient else 0, return_when=FIRST_COMPLETED)
    for future in done:
        report(future.result())
    return rest


def score(task: Task, sample: Sample, request: Request, reply: Reply) -> tuple[Score, ...]:
    """Return the scores of a reply by each scorer of its task. Raises nothing: a fault of a scorer is unscored."""
    if isinstance(reply, Refusal):
        return tuple(scorer.refused(sample, reply.failure) for scorer in task.scorers)
    return tuple(_one_score(scorer, sample, request.prompt, reply) for scorer in task.scorers)


def _one_score(scorer: TaskScorer, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
    scored = scorer.score_or_failure(sample, prompt, reply)
    return Score(scorer.name, None, failure=scored) if isinstance(scored, Failure) else scored


def result_of(tasks: Sequence[Task], path: Path, manifest: Manifest, requested: int) -> Result:
    """Compute the estimates from the journal; the last record of a key counts. Raises RunFolderError."""
    records = {record.request.key: record for record in read_scores(path, partial=True)[1]}
    estimates: list[Estimate] = []
    kept: list[Record] = []
    for task in tasks:
        answered = [records[request.key] for request in task.requests if request.key in records]
        scorers = [scorer.name for scorer in task.scorers]
        page = task.page
        own = {scorer.name: scorer.metrics for scorer in task.scorers if scorer.metrics}
        estimates += estimate_task(
            task.name, answered, page.metric, page.repeats, task.total, scorers, own, page.data.sample
        )
        kept += answered
    shared = len(set(manifest.pages)) < len(tasks)
    by_size = manifest.config["suite"].get("average") == "weighted"
    overall = estimate_suite(manifest.suite_name, estimates, shared=shared, by_size=by_size) if len(tasks) > 1 else None
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
    )


def task_facts(task: Task) -> dict[str, Any]:
    """Return the manifest's facts about a task; `binary` are its scorers that give only 0 and 1."""
    binary = [scorer.name for scorer in task.scorers if scorer.binary]
    drawn = {"sample": task.page.data.sample.model_dump()} if task.page.data.sample else {}
    counts = {"n": len(task.samples), "total": task.total, **drawn}
    return {**task.fingerprint, **counts, "commit": task.commit, "binary": binary}
