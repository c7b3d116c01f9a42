"""One stream of requests through the engine: threads score the replies, so that the engine never waits.

Each record is appended as soon as it is scored; a reply that is not scored when the stream ends is not in the journal,
and the resumed run requests it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import suppress

from harness.catalog import Task
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
from harness.engines.awaited import Awaited
from harness.engines.base import Accountable, Capabilities, Engine
from harness.engines.contexts import InParts
from harness.engines.deduplicated import Deduplicated
from harness.errors import ConfigError, EngineError
from harness.scoring.base import TaskScorer
from harness.scoring.services import Services
from harness.store.run_folder import RunFolder

# Replies that may wait for a scorer before the engine gets more requests: bounds memory, and the cost of each `wait`
MAX_WAITING = 512
# How long an interrupted or failed run waits for answers that a server is giving, in seconds: they are paid for
LAST_ANSWERS_SECONDS = 30.0
LAST_ANSWERS = (
    f"waiting {LAST_ANSWERS_SECONDS:.0f} s at most for the answers that are under way, since they are paid for: "
    "{count}; interrupt {again}to leave at once"
)
# Scores that take longer than this behind the last answer are something that the run waits for
SLOW_SCORES_SECONDS = 2.0


def stream(
    engine: Engine,
    capabilities: Capabilities,
    tasks: Sequence[Task],
    services: Services,
    folder: RunFolder,
    requests: Sequence[Request],
    report: Callable[[Record], None],
    waiting_for: Callable[[str], None],
) -> None:
    """Send requests to the engine, and append each reply to the journal when it is scored.

    When the engine fails, the answers that it gave before are scored and kept. So they are after an interrupt, where
    answers cost money. After both, those under way are waited for, which `waiting_for` gets as a line; an interrupt
    ends that. Raises EngineError too where a request gets no reply, or a reply is to none of them.
    """
    by_key = {request.key: (task, request) for task in tasks for request in task.requests}
    samples = {task.name: task.sample_of() for task in tasks}
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

    once = Deduplicated(capabilities, requests)
    parts = InParts(capabilities, once.unique)
    awaited = Awaited(folder.manifest.identity.engine.name, requests)
    with ThreadPoolExecutor(services.workers, thread_name_prefix="score") as pool:
        waiting: set[Future[Record]] = set()

        def take(replies: Iterator[Reply]) -> None:
            nonlocal waiting
            for reply in replies:
                waiting.add(pool.submit(score_and_append, reply))
                # Before the wait below, where an interrupt is likeliest
                awaited.taken(reply.key)
                waiting = _collect(waiting, report, patient=len(waiting) >= MAX_WAITING)

        def score_the_rest() -> None:
            nonlocal waiting
            begun, slow = time.monotonic(), False
            while waiting:
                waiting = _collect(waiting, report, patient=True)
                if waiting and not slow and time.monotonic() - begun > SLOW_SCORES_SECONDS:
                    slow = True
                    waiting_for("waiting for the scores of the last answers")
            if slow:
                waiting_for("")

        try:
            try:
                take(awaited.every(once.shared(parts.merged(engine.stream(parts.sent)))))
                score_the_rest()
            except (KeyboardInterrupt, EngineError, ConfigError) as error:
                interrupted = isinstance(error, KeyboardInterrupt)
                if isinstance(engine, Accountable):
                    if count := engine.in_flight():
                        waiting_for(LAST_ANSWERS.format(count=count, again="again " if interrupted else ""))
                    # A second failure says no more than the first
                    with suppress(EngineError, ConfigError):
                        late = engine.finish_in_flight(LAST_ANSWERS_SECONDS)
                        take(awaited.first(once.shared(parts.merged(late))))
                elif interrupted:
                    raise
                score_the_rest()
                raise
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            services.close()
            raise


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
