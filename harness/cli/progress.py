"""A run going by, on stderr: a live bar with rate and time left, or plain lines without a terminal."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from harness.cli.interrupts import leave_to_the_run
from harness.cli.screen import Shown, console
from harness.datatypes import Refusal
from harness.report.visible import visible_line

if TYPE_CHECKING:
    from harness.catalog import Task
    from harness.datatypes import Record
    from harness.engines.base import EngineFacts
    from harness.execution.base import Sandbox

LINE_SECONDS = 10.0
# How prompts reach a server, with what makes them
WAYS = {
    "exact": "exact, by the tokenizer's chat template",
    "chat": "chat, by the server's chat template",
    "text": "text, by the server's tokenizer",
}


class Progress:
    """A Watcher that shows. Use as a context manager, so that the terminal is left clean."""

    def __init__(self) -> None:
        """Nothing is shown before `planned`."""
        self._bar: Any = None
        self._job: Any = None
        self._total = 0
        self._done = 0
        self._start = 0.0
        self._spoke = 0.0
        self._fresh = 0
        self._failed = 0
        self._waits = ""
        self._last_wait = ""
        self._waited = 0.0

    def __enter__(self) -> Progress:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    def planned(self, facts: EngineFacts, tasks: Sequence[Task], folder: Path, sandbox: Sandbox | None) -> None:
        """Show what will run, with its settings."""
        leave_to_the_run()
        requests = sum(len(task.requests) for task in tasks)
        self._say(f"{facts.model}: {engine_text(facts)}")
        settings = ", ".join(f"{key}={value}" for key, value in facts.generation.items() if value is not None)
        if settings:
            self._say(f"generation: {settings}")
        if facts.end_tokens:
            self._say(
                f"answers end with {' or '.join(map(repr, facts.end_tokens))}, the task's stop strings, or max_tokens"
            )
        for note in facts.notes:
            self._say(f"note: {note}")
        for task in tasks:
            part = f" of {task.total}" if len(task.samples) < task.total else ""
            self._say(f"{task.name}: {len(task.samples)}{part} samples, {_protocol(task)}")
        if sandbox is not None:
            self._say(
                f"programs run in the sandbox {sandbox.level!r}{f': {sandbox.caution}' if sandbox.caution else ''}"
            )
        self._say(f"{requests} requests -> {folder}")

    def started(self, total: int, known: int) -> None:
        """Show the bar."""
        self._total, self._done = total, known
        self._start = self._spoke = time.monotonic()
        if known:
            self._say(f"{known} of {total} answers are there from an earlier try; going on")
        if not sys.stderr.isatty():
            return
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("answers"),
            BarColumn(),
            TextColumn("{task.fields[counts]}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[waits]}", markup=False),
            console=console(errors=True),
            transient=True,
        )
        self._job = self._bar.add_task(
            "", total=total, completed=known, counts=self._counts(""), rate="", waits=self._waits
        )
        self._bar.start()
        # The bar prints above itself what is printed meanwhile, and would obey it
        sys.stdout, sys.stderr = Shown(sys.stdout), Shown(sys.stderr)

    def recorded(self, record: Record) -> None:
        """Move on by one: an answer, or a request that failed."""
        self._count(record)
        now = time.monotonic()
        seconds = max(now - self._start, 1e-9)
        rate, ended = self._fresh / seconds, self._done + self._failed
        if self._bar is not None:
            self._bar.update(self._job, completed=ended, counts=self._counts(""), rate=f"{rate:.1f}/s")
        elif now - self._spoke >= LINE_SECONDS:
            self._spoke = now
            left = (self._total - ended) * seconds / (self._fresh + self._failed)
            self._say(f"{self._counts(' answers')}, {rate:.1f}/s, about {left:.0f} s left")

    def waiting(self, text: str) -> None:
        """Show what the run waits for, beside the bar; without a terminal as a plain line, now and then."""
        self._waits = text
        if self._bar is not None:
            self._bar.update(self._job, waits=visible_line(text))
            self._bar.refresh()
            return
        # A wait is shown once, though its seconds go down, and again if it lasts
        kind, now = re.sub(r"\d+", "", text), time.monotonic()
        if text and (kind != self._last_wait or now - self._waited >= LINE_SECONDS):
            self._last_wait, self._waited = kind, now
            self._say(text)

    def _count(self, record: Record) -> None:
        if isinstance(record.reply, Refusal) and record.reply.failure.ours:
            self._failed += 1
        else:
            self._done += 1
            self._fresh += 1

    def _counts(self, unit: str) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._done}/{self._total}{unit}{failed}"

    def _say(self, line: str) -> None:
        print(visible_line(line), file=sys.stderr, flush=True)


def engine_text(facts: EngineFacts) -> str:
    """An engine in a few words: where and in which precision the model runs, and how it gets its prompts."""
    way = facts.generation.get("prompts")
    if way in WAYS:
        served = f", served as {facts.dtype}" if facts.dtype else ""
        plain = way == "exact" and facts.style == "text"
        return f"{facts.engine} engine{served}; prompts: {'exact, by the tokenizer' if plain else WAYS[way]}"
    place = ", ".join(str(part) for part in (facts.device, facts.dtype) if part)
    return f"{facts.engine} engine{f' on {place}' if place else ''}, {facts.style} prompts"


def _protocol(task: Task) -> str:
    """How a task is prompted, in a few words: what must agree before its score may be compared with another."""
    shots = f"{task.fingerprint['shots']} shots"
    sampling = task.page.sampling
    if task.page.ask == "loglikelihood" or sampling is None:
        return f"{task.style}, {shots}, log-likelihood"
    how = "greedy" if sampling.temperature == 0 else f"temperature {sampling.temperature:g}, top_p {sampling.top_p:g}"
    repeats = f", {task.page.repeats} times each" if task.page.repeats > 1 else ""
    return f"{task.style}, {shots}, {how}, at most {sampling.max_tokens} tokens{repeats}"
