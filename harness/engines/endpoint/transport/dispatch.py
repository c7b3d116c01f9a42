"""Sends one stream of calls to the servers: which call next, when again, and when the run cannot go on.

Everything here runs in the pool's event loop, in one thread; outcomes leave through a queue.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import queue
import time
from collections.abc import Sequence
from dataclasses import replace

from harness.engines.base import Ledger
from harness.engines.endpoint.sending import Answered, Failed, Sendable, Sent
from harness.engines.endpoint.transport.connections import Attempted, Waits, written
from harness.engines.endpoint.transport.first_answer import FIRST_SECONDS, FirstAnswer
from harness.engines.endpoint.transport.recorded import attempt_of, stale_attempt
from harness.engines.endpoint.transport.run_health import RunHealth
from harness.engines.endpoint.transport.session import Job, Once, Session, most_tokens, prompt_length
from harness.engines.endpoint.transport.site import Site, waiting_line
from harness.engines.endpoint.transport.urls import Queues
from harness.engines.endpoint.wire import Fault
from harness.errors import EngineError

# A request that fails with status 500 so often while others pass is itself the cause
MOST_500 = 3
# Seconds of an attempt beyond the idle time: for each new token and for each token of the prompt
SECONDS_PER_TOKEN, SECONDS_PER_PROMPT_TOKEN = 0.5, 0.05
# Between two looks at a budget that other runs share
BUDGET_SECONDS = 0.1


# An outcome, the error that ends the stream, or None at its end
Message = Sent | BaseException | None


class Dispatch:
    """One stream of calls. `messages` holds its outcomes; None or an error is the last.

    Where the run cannot go on, the outcomes of what was in flight come after the error: they are paid for.
    `untaken` holds them too, by key, until whoever reads the messages says that one was taken: an interrupt may come
    while it is passed on.
    """

    def __init__(self, session: Session, sites: Sequence[Site], items: Sequence[Sendable], once: Once | None) -> None:
        """Send nothing yet."""
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.untaken: dict[str, Sent] = {}
        self._session = session
        self._sites = {site.url: site for site in sites}
        self._once = once
        self._queues: Queues[Job] = Queues(list(self._sites))
        for item in items:
            self._queues.add(item.prefix or item.call.key, Job(item))
        self._later: list[tuple[float, int, Job]] = []
        # By the time at which a call that still waits is given up; calls that were sent again are left in it
        self._deadlines: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = math.inf
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._health = RunHealth(
            len(items),
            session.options.max_failed,
            session.options.stall_seconds,
            session.clock.now(),
            session.keyed,
        )
        self._draining = False
        self._ended = False
        self._budget_wait = False
        self._notice: tuple[float, str] | None = None

    @property
    def ended(self) -> bool:
        """Whether the last message was put."""
        return self._ended

    @property
    def in_flight(self) -> int:
        """Calls that were sent and have no outcome yet."""
        return 0 if self._ended else len(self._tasks)

    def start(self) -> None:
        """Begin to send."""
        self._pump()

    def drain(self) -> None:
        """Send nothing more; what is in flight may end."""
        self._draining = True
        self._queues.clear()
        self._later.clear()
        self._say("", 0.0)
        self._end_if_done()

    def fail(self, error: BaseException) -> None:
        """The run cannot go on: say so, and send nothing more; what is in flight may end."""
        if not self._draining:
            self.messages.put(error)
            self.drain()

    def stop(self, error: BaseException | None = None) -> None:
        """Cancel everything; `error` ends the stream."""
        if self._ended:
            return
        self._ended = True
        self.messages.put(error)
        for task in self._tasks:
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._say("", 0.0)

    # --- sending -------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Send what may be sent now, and wake up when the next may be."""
        if self._ended or self._draining:
            self._end_if_done()
            return
        now = self._session.clock.now()
        self._give_up_late(now)
        if self._draining:
            return
        while self._later and self._later[0][0] <= now:
            job = heapq.heappop(self._later)[2]
            self._queues.add(job.item.prefix or job.item.call.key, job, first=True)
        for site in self._sites.values():
            if site.dead_until is not None and now >= site.dead_until:
                self._queues.revive(site.url)
            while site.room(now) and (self._session.proven or not self._tasks):
                if not self._send_next(site, now):
                    break
                if self._ended:
                    return
        self._set_timer(now)
        self._report(now)
        self._end_if_done()

    def _send_next(self, site: Site, now: float) -> bool:
        full = [other.url for other in self._sites.values() if not other.room(now)]
        taken = self._queues.take(site.url, full)
        if taken is None:
            return False
        job, ledger = taken[1], self._session.ledger
        if ledger is not None and self._once is None:
            item = job.item
            if not ledger.reserve(item.call.key, item.prompt_tokens, item.most_output):
                self._queues.add(taken[0], job, first=True)
                if not self._tasks:
                    self._wait_for_budget(ledger)
                return False
        if not job.attempts:
            job.began_at, job.others_before = now, self._health.successes
        job.attempts += 1
        job.fault = None
        number = site.pace.sent(now)
        task = asyncio.get_running_loop().create_task(self._attempt(job, site, number))
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return True

    def _wait_for_budget(self, ledger: Ledger) -> None:
        """End the stream where the budget is used up; look again where runs that share it may free some."""
        why = ledger.exhausted()
        if why:
            self.stop(EngineError(why))
        elif not self._budget_wait:
            self._budget_wait = True
            asyncio.get_running_loop().call_later(BUDGET_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._budget_wait = False
        self._pump()

    async def _attempt(self, job: Job, site: Site, number: int) -> None:
        session, clock = self._session, self._session.clock
        accepted = False

        def on_accepted() -> None:
            nonlocal accepted
            accepted = site.heard = True
            site.pace.accepted(number, clock.now())
            if not session.proven:
                session.proven = True
                self._pump()

        def on_event() -> None:
            site.pace.progressed(1)
            self._health.heard(clock.now())

        tried = None
        try:
            http = written(session.wire, job.item.call, session.model, session.dialect, session.options.stream)
            with FirstAnswer(site, session.waiting):
                tried = await site.connections.post(job.item, http, self._waits(job, site), on_accepted, on_event)
            site.heard |= tried.reached
        finally:
            site.pace.ended()
            # A cancelled attempt may cost something all the same
            tried_or_cut = tried or Attempted(time.time(), fault=Fault("timeout", "cancelled", retry=True))
            if session.ledger is not None and (tried is not None or accepted):
                key = "" if self._once else job.item.call.key
                session.ledger.record(attempt_of(job.item, key, site.url, tried_or_cut, accepted))
                # After the other, which has taken what was reserved
                if tried is not None and (stale := stale_attempt(key, site.url, tried)) is not None:
                    session.ledger.record(stale)
        self._settle(job, site, tried)

    def _waits(self, job: Job, site: Site) -> Waits:
        options, call = self._session.options, job.item.call
        left = job.began_at + options.request_deadline - self._session.clock.now()
        total = options.idle_seconds + SECONDS_PER_TOKEN * most_tokens(call)
        total += SECONDS_PER_PROMPT_TOKEN * max(job.item.prompt_tokens, prompt_length(call))
        idle = options.idle_seconds
        if self._once is not None and not site.heard:
            idle = total = min(idle, FIRST_SECONDS)
        return Waits(min(options.connect_seconds, idle), idle, max(0.01, min(total, left)))

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.stop(error)
        self._pump()

    # --- outcomes ------------------------------------------------------------------------------

    def _settle(self, job: Job, site: Site, tried: Attempted) -> None:
        now, key = self._session.clock.now(), job.item.call.key
        # This attempt is over: it is not in flight where it ends the run
        if (task := asyncio.current_task()) is not None:
            self._tasks.discard(task)
        if self._ended:
            return
        if tried.reply is not None:
            if not tried.events:
                site.pace.progressed(tried.reply.usage.output or 1)
            site.answered(now, tried)
            self._session.proven = True
            self._health.answered(now)
            self._say("", 0.0)
            self._give(Answered(key, tried.reply, site.url, tried.seconds, job.attempts))
            return
        fault = tried.fault
        assert fault is not None
        if fault.retry:
            self._site_failed(site, tried, now)
            if self._others_open(site, now):
                # The wait holds for its URL, not for the call nor for the run
                fault = replace(fault, wait=None)
                tried = replace(tried, fault=fault)
        else:
            # The server is well: it has read the request
            site.faults = 0
        if fault.kind in ("context_overflow", "filtered"):
            self._session.proven = True
        error = self._health.fault(fault, now, len(self._tasks))
        if error is not None and (self._once is None or not fault.retry):
            self.fail(error)
        elif self._draining:
            return
        else:
            self._again_or_never(job, site, tried, now)

    def _give(self, sent: Sent) -> None:
        self.untaken[sent.key] = sent
        self.messages.put(sent)

    def _site_failed(self, site: Site, tried: Attempted, now: float) -> None:
        site.failed(now, tried, self._session.backoff)
        others = [url for url in self._queues.alive if url != site.url]
        if site.looks_dead() and others:
            site.bury(now)
            if site.url in self._queues.alive:
                self._queues.drop(site.url)
            fault = tried.fault
            self._say(f"{fault.message if fault else site.url}; its calls go to the other servers", now)

    def _others_open(self, site: Site, now: float) -> bool:
        """Whether calls may be sent to another URL before the run counts as stalled."""
        until = now + self._session.options.stall_seconds
        return any(self._sites[url].paused_until <= until for url in self._queues.alive if url != site.url)

    def _again_or_never(self, job: Job, site: Site, tried: Attempted, now: float) -> None:
        """Let a call wait for its next attempt, or give it up."""
        fault = tried.fault
        assert fault is not None
        deadline = job.began_at + self._session.options.request_deadline
        wait = self._session.backoff.wait(job.attempts)
        if fault.wait is not None:
            wait = fault.wait * (1 + (self._session.backoff.stretch() - 1) / 5) + 0.01
        job.errors_500 += fault.status == 500
        if (
            not fault.retry
            or now + wait > deadline
            or (self._once is not None and job.attempts >= self._once.most_attempts(site, tried))
            or (job.errors_500 >= MOST_500 and self._health.successes > job.others_before)
        ):
            self._give_up(job, fault)
        else:
            job.fault = fault
            heapq.heappush(self._later, (now + wait, next(self._order), job))
            heapq.heappush(self._deadlines, (deadline, next(self._order), job))

    def _give_up(self, job: Job, fault: Fault) -> None:
        self._give(Failed(job.item.call.key, fault, job.attempts))
        error = self._health.failed(fault) if self._once is None else None
        if error is not None:
            self.fail(error)

    def _give_up_late(self, now: float) -> None:
        """Give up the calls whose deadline passed while they waited; one in flight ends by itself in time."""
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
            self._deadline_timer = None
        while self._deadlines and not self._draining:
            at, _, job = self._deadlines[0]
            if job.fault is not None and at > now:
                later = asyncio.get_running_loop().call_later
                self._deadline_timer = later(at - now + 0.001, self._pump)
                return
            heapq.heappop(self._deadlines)
            if job.fault is not None:
                fault, job.fault = job.fault, None
                self._later = [entry for entry in self._later if entry[2] is not job]
                heapq.heapify(self._later)
                self._queues.discard(job.item.prefix or job.item.call.key, job)
                self._give_up(job, fault)

    def _end_if_done(self) -> None:
        if not (self._tasks or self._later or len(self._queues)):
            self.stop()

    # --- waiting -------------------------------------------------------------------------------

    def _next_time(self, now: float) -> float:
        times = [self._later[0][0]] if self._later else []
        if len(self._queues):
            changes = [site.next_change(now) for site in self._sites.values()]
            times += [at for at in changes if at is not None]
        return min(times, default=math.inf)

    def _set_timer(self, now: float) -> None:
        at = self._next_time(now)
        if at == self._timer_at and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = at
        if at < math.inf:
            self._timer = asyncio.get_running_loop().create_task(self._wake(at))
            self._timer.add_done_callback(self._timer_ended)

    async def _wake(self, at: float) -> None:
        clock = self._session.clock
        while (left := at - clock.now()) > 0:
            await clock.sleep(left)
        self._timer, self._timer_at = None, math.inf
        self._pump()

    def _timer_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.stop(error)

    def _report(self, now: float) -> None:
        """Say what is waited for: while a server has to be left alone, or nothing else runs."""
        alive = [self._sites[url] for url in self._queues.alive]
        paused = [site for site in alive if site.paused_until > now and site.why]
        until = self._next_time(now)
        if self._ended or not (len(self._queues) or self._later) or until == math.inf:
            self._say("", 0.0)
        elif paused:
            site = max(paused, key=lambda site: site.paused_until)
            self._say(waiting_line(site, site.paused_until - now, len(self._sites) > 1), site.paused_until)
        elif not self._tasks:
            self._say(waiting_line(max(alive, key=lambda site: site.faults), until - now, False), until)
        elif self._notice is not None and now >= self._notice[0]:
            self._say("", 0.0)

    def _say(self, text: str, until: float) -> None:
        """Call `waiting` where there is something new to say."""
        if text == (self._notice[1] if self._notice else "") or (self._notice and text and until == self._notice[0]):
            return
        self._notice = (until, text) if text else None
        if self._session.waiting is not None:
            self._session.waiting(text)
