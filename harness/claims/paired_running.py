"""Run several models for a claim: the same samples in one random order, until the paired test is settled.

Each model has its own `run.evaluate`, in a thread, with its own journal and run folder; its engine stays open between
batches. A batch begins when all models have answered the one before. Local models take turns, so that one computes at a
time (their weights are in memory together); models on servers answer together. The same command resumes a killed run:
the order depends only on the seed, and nothing in a journal is requested again. `claim.json` in each folder records the
order and the runs that belong together, so that a later check repeats the test.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis.protocol import protocol_differences
from harness.catalog import Task
from harness.claims.early_stopping import SampleOrder, refuse_other_looks
from harness.claims.ordered_test import SampleKey
from harness.claims.page import Claim, Party
from harness.claims.paired_claim import STOPPING, PairedClaimTest, refuse_unless_pairable
from harness.claims.protocol import run_faults, run_options
from harness.claims.test_choice import Kinds, drawn_order, kinds_of, values_so_far
from harness.config.schema import RunConfig
from harness.cost.budget import IDLE, Spending
from harness.datatypes import Record, Request
from harness.engines.base import ONCE_IN_IDENTITY, EngineFacts, Watched
from harness.errors import ConfigError, HarnessError, UserError
from harness.execution.base import Sandbox
from harness.run import EngineWatcher, Result, Watcher, evaluate
from harness.store.identity import Section, TaskIdentity
from harness.store.run_folder import DRAWN_FILE, read_manifest, write_text


@dataclass(frozen=True, slots=True)
class Side:
    """One model to run. `party`: which model of the claim it is; None for a stand-in."""

    config: RunConfig
    party: Party | None
    watcher: Watcher | None = None


class OtherSideFailed(UserError):
    """Ends a model's run because that of another one failed."""


class PairedRun:
    """The rounds of a paired run: every model's answers go in, every model's next requests come out."""

    def __init__(self, claim: Claim, sides: Sequence[Side], order: SampleOrder, *, allow_protocol: bool) -> None:
        """Raise UserError for a claim that cannot be checked this way."""
        refuse_unless_pairable(claim)
        self.claim, self.sides, self._order, self._allow = claim, list(sides), order, allow_protocol
        self.test: PairedClaimTest | None = None
        self.folders: dict[int, Path] = {}
        self.results: dict[int, Result] = {}
        self._failed: int | None = None
        self._changed = threading.Condition()
        # One budget for all
        self._spending = Spending()
        self._given: dict[int, tuple[Sequence[Task], Mapping[str, Record]]] = {}
        # As they were given last; the runs add their records to these
        self._known: list[Mapping[str, Record]] = []
        self._next: list[list[Request]] = [[] for _ in sides]
        self._sent: list[set[str]] = [set() for _ in sides]
        self._round = 0
        self._metrics: dict[str, str] = {}
        self._kinds = Kinds()
        self._finished = self._interrupted = False
        self._turn: int | None = None
        self._local: set[int] = set()

    def run(self, command: Sequence[str]) -> tuple[PairedClaimTest, list[Result]]:
        """Run all models until the claim is settled or the samples are used up.

        Raises what `run.evaluate` does, KeyboardInterrupt after the folders are marked; records so far are kept, and
        the error has a note with the counts so far.
        """
        try:
            self._run_all(command)
        except (HarnessError, KeyboardInterrupt) as error:
            if self.test is not None:
                self.test.advance(self._values(self._known))
                error.add_note(self.test.interim())
            raise
        assert self.test is not None
        results = [self.results[side] for side in range(len(self.sides))]
        self._record(results)
        return self.test, results

    def _run_all(self, command: Sequence[str]) -> None:
        with ThreadPoolExecutor(len(self.sides), thread_name_prefix="side") as pool:
            runs = [pool.submit(self._one, side, command) for side in range(len(self.sides))]
            try:
                # In short waits, so that an interrupt is noticed at once
                while wait(runs, timeout=0.2).not_done:
                    pass
            except KeyboardInterrupt:
                with self._changed:
                    self._interrupted = True
                    self._changed.notify_all()
                raise
        if self._failed is not None:
            runs[self._failed].result()

    def choose(self, side: int, tasks: Sequence[Task], records: Mapping[str, Record]) -> list[Request]:
        """Return a model's next requests once all models have answered; none when the claim is settled."""
        with self._changed:
            self._leave(side)
            while True:
                self._given[side] = (tasks, records)
                seen = self._round
                if len(self._given) == len(self.sides):
                    self._step()
                while self._round == seen and not self._stopped:
                    self._changed.wait(0.5)
                self._raise_if_stopped()
                if self._finished:
                    return []
                if self._next[side]:
                    self._enter(side)
                    return self._next[side]

    def begin(self, side: int, tasks: Sequence[Task]) -> None:
        """Refuse a model that would not be run under the claim's protocol."""
        if self.sides[side].party is not None and not self._allow:
            self._refuse_faults(self.sides[side], tasks)

    def planned(self, side: int, folder: Path, *, local: bool) -> None:
        """Keep where a model's records go; `local`: it computes on this machine, so it takes turns."""
        with self._changed:
            self.folders[side] = folder
            if local:
                self._local.add(side)

    def raise_if_interrupted(self) -> None:
        """Raise KeyboardInterrupt in a model's thread after one in the main thread."""
        if self._interrupted:
            raise KeyboardInterrupt

    def _one(self, side: int, command: Sequence[str]) -> None:
        one = self.sides[side]
        try:
            with self._changed:
                # Plans and imports one after the other, too
                self._enter(side, always=True)
            watcher, chooser = _SideWatcher(self, side, one.watcher), _SideChooser(self, side)
            self.results[side] = evaluate(one.config, command, watcher, chooser, self._spending)
        finally:
            with self._changed:
                if side not in self.results and self._failed is None:
                    self._failed = side
                self._leave(side)
                self._changed.notify_all()

    @property
    def _stopped(self) -> bool:
        return self._interrupted or self._failed is not None

    def _raise_if_stopped(self) -> None:
        self.raise_if_interrupted()
        if self._failed is not None:
            raise OtherSideFailed("the run of another model of this claim failed")

    def _enter(self, side: int, *, always: bool = False) -> None:
        if always or side in self._local:
            while self._turn is not None and not self._stopped:
                self._changed.wait(0.5)
            self._raise_if_stopped()
            self._turn = side

    def _leave(self, side: int) -> None:
        if self._turn == side:
            self._turn = None
            self._changed.notify_all()

    def _step(self) -> None:
        """Feed all answers, and decide the next requests of each model."""
        given = [self._given[side] for side in range(len(self.sides))]
        if self.test is None:
            self.test = self._new_test([tasks for tasks, _ in given])
            self._metrics = {task.name: task.page.metric[0] for task in given[0][0]}
        self._known = [records for _, records in given]
        self.test.advance(self._values(self._known))
        wanted = self.test.next_samples()
        for side, (tasks, records) in enumerate(given):
            self._next[side] = [
                request
                for task in tasks
                for request in task.requests
                if (task.name, request.sample_id) in wanted[side]
                and request.key not in records
                and request.key not in self._sent[side]
            ]
            self._sent[side] |= {request.key for request in self._next[side]}
        self._finished = not any(self._next)
        self._given = {}
        self._round += 1
        self._changed.notify_all()

    def _values(self, known: Sequence[Mapping[str, Record]]) -> list[dict[SampleKey, float | None]]:
        with self.claim.named_in_errors():
            return [values_so_far(self._metrics, self._kinds, records.values()) for records in known]

    def _new_test(self, tasks_of: Sequence[Sequence[Task]]) -> PairedClaimTest:
        if not self._spending.ledgers and any(side.config.budget != type(side.config.budget)() for side in self.sides):
            raise ConfigError(IDLE.format("these engines send"))
        names = [_keys(tasks) for tasks in tasks_of]
        for side, other in zip(self.sides[1:], names[1:], strict=True):
            if other != names[0]:
                first, second = self.sides[0].config.model.name, side.config.model.name
                raise UserError(
                    f"{self.claim.place}: {first} and {second} do not have the same samples: a paired test needs them"
                )
        self._refuse_apart([task.name for task in tasks_of[0]])
        self._kinds = kinds_of(self.claim, tasks_of[0])
        order = drawn_order(names[0], self._kinds, self._order.seed, self._order.most)
        sizes = {task.name: len(task.samples) for task in tasks_of[0]}
        for folder in self.folders.values():
            refuse_other_looks(self.claim, folder, len(order))
        test = PairedClaimTest(self.claim, order, sizes, [part_name(side) for side in self.sides], self._kinds)
        test.limit = self._order.most
        return test

    def _refuse_faults(self, side: Side, tasks: Sequence[Task]) -> None:
        for task in tasks:
            identity = TaskIdentity.parse(Section(task.fingerprint))
            faults = run_faults(self.claim, None, identity)
            if faults:
                options = " ".join(run_options(self.claim, identity, task.name)) or "no option of `harness run`"
                raise UserError(
                    f"{self.claim.place}: {task.name}: {side.config.model.name} would not run under the claim's "
                    "protocol: "
                    f"{'; '.join(faults)} (add {options}; or --allow-protocol)"
                )

    def _refuse_apart(self, tasks: Sequence[str]) -> None:
        """Refuse models that would not be run alike, before the first request."""
        if self._allow:
            return
        written = [read_manifest(self.folders[side]).identity.written for side in range(len(self.sides))]
        for side, other in zip(self.sides[1:], written[1:], strict=True):
            apart = protocol_differences(written[0], other, tasks, ONCE_IN_IDENTITY).refused
            if apart:
                fields = "; ".join(f"{found.field}: {found.a} | {found.b}" for found in apart[:4])
                raise UserError(
                    f"{self.claim.place}: {self.sides[0].config.model.name} and {side.config.model.name} would "
                    "not be run "
                    f"under one protocol: {fields} (set these alike, or --allow-protocol)"
                )

    def _record(self, results: Sequence[Result]) -> None:
        """Write what a later check needs into each folder."""
        test = self.test
        assert test is not None
        ruling = test.ruling()
        runs = [
            {"run_id": result.manifest.run_id, "model": side.config.model.name, "folder": str(result.folder)}
            for side, result in zip(self.sides, results, strict=True)
        ]
        record: dict[str, Any] = {
            "claim": self.claim.id,
            "paired": True,
            "stand_in": any(side.party is None for side in self.sides),
            "word": ruling.word,
            "rule": ruling.rule,
            "used": test.fed,
            "tested": tested_as(self.claim),
            "models": list(test.models),
            "runs": runs,
            "sizes": test.sizes,
            "order": test.order,
            "limit": test.limit,
            "kinds": test.kinds.as_record(test.order),
            "stopping": STOPPING,
        }
        for result in results:
            write_text(result.folder / DRAWN_FILE, json.dumps(record, indent=1, ensure_ascii=False) + "\n")


class _SideChooser:
    """The `run.Chooser` of one model."""

    def __init__(self, whole: PairedRun, side: int) -> None:
        self._whole, self._side = whole, side

    def begin(self, tasks: Sequence[Task], folder: Path) -> None:
        """Refuse what cannot be checked, before the folder is made."""
        self._whole.begin(self._side, tasks)

    def choose(self, tasks: Sequence[Task], records: Mapping[str, Record]) -> Sequence[Request]:
        """Return the next requests of this model."""
        return self._whole.choose(self._side, tasks, records)


class _SideWatcher:
    """The `run.Watcher` of one model: passes on what happens, and an interrupt to the thread."""

    def __init__(self, whole: PairedRun, side: int, inner: Watcher | None) -> None:
        self._whole, self._side, self._inner = whole, side, inner
        self._raised = False

    def planned(self, facts: EngineFacts, tasks: Sequence[Task], folder: Path, sandbox: Sandbox | None) -> None:
        """Keep the folder."""
        self._whole.planned(self._side, folder, local=facts.device is not None)
        if self._inner:
            self._inner.planned(facts, tasks, folder, sandbox)

    def started(self, total: int, known: int) -> None:
        """Pass it on."""
        if self._inner:
            self._inner.started(total, known)

    def recorded(self, record: Record) -> None:
        """Pass it on. Raises KeyboardInterrupt once after one: what is then still in flight is kept."""
        if self._inner:
            self._inner.recorded(record)
        if not self._raised:
            try:
                self._whole.raise_if_interrupted()
            except KeyboardInterrupt:
                self._raised = True
                raise

    def waiting(self, text: str) -> None:
        """Pass it on, where the watcher shows it."""
        show = getattr(self._inner, "waiting", None)
        if show is not None:
            show(text)

    def watching(self, engine: Watched) -> None:
        """Pass it on."""
        if isinstance(self._inner, EngineWatcher):
            self._inner.watching(engine)


def part_name(side: Side) -> str:
    """What a model is called in the claim's parts: its name in the claim, a stand-in's own."""
    return side.config.model.name if side.party is None else side.party.model


def tested_as(claim: Claim) -> dict[str, Any]:
    """What a stored order depends on: with another of these it stopped for another reason."""
    return {
        "relation": claim.relation,
        "by": claim.by,
        "tolerance": claim.tolerance,
        "aggregate": claim.test.aggregate,
        "about": claim.test.about,
        "alpha": claim.stats.alpha,
        # Left out where it is not set, as in the records of before it counted
        **({"min_n": claim.stats.min_n} if claim.stats.min_n > 1 else {}),
    }


def _keys(tasks: Sequence[Task]) -> list[SampleKey]:
    return sorted((task.name, sample.id) for task in tasks for sample in task.samples)
