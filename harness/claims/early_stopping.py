"""Run a model for a claim: samples in random order, in small batches that grow, until the claim is settled.

Uses the same engine, plan, journal and run folder as `harness run`; the same command resumes a killed run. `claim.json`
in the folder records the order, so that a later check repeats the sequential test, and never treats n as fixed in
advance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.catalog import Task
from harness.claims.difficulty import Chosen, TaskFigures, choose_figures, figures_in
from harness.claims.difficulty_test import DifficultyTest
from harness.claims.e_value_test import EValueTest
from harness.claims.graded_test import GradedTest
from harness.claims.ordered_test import OrderedTest, SampleKey
from harness.claims.page import ORDERS, Claim
from harness.claims.protocol import run_faults, run_options
from harness.claims.sequential_test import SequentialTest
from harness.claims.test_choice import Kinds, drawn_order, kinds_in, kinds_of, values_so_far
from harness.config.schema import RunConfig
from harness.datatypes import Record, Request
from harness.errors import RunFolderError, UserError
from harness.run import Result, Watcher, evaluate
from harness.store.identity import Section, TaskIdentity
from harness.store.run_folder import DRAWN_FILE, MANIFEST, write_text

# The items' difficulties in the folder of a run whose test uses them, written before the first answer
DIFFICULTY_FILE = "difficulty.json"
# Begins the suite name of such a run, so that a run of fixed n gets another folder
SUITE_PREFIX = "claim-"


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """The seed of the random order, and the most samples to request (None: as many as it takes)."""

    seed: int = 0
    most: int | None = None


class SequentialSampler:
    """A `run.Chooser` that requests a claim's samples in random order until the test stops."""

    def __init__(self, claim: Claim, order: SampleOrder, *, of_subject: bool) -> None:
        """`of_subject`: require the claim's protocol, which a stand-in need not follow."""
        self.claim, self._order, self._of_subject = claim, order, of_subject
        self.test: OrderedTest | None = None
        self.kinds = Kinds()
        self.folder: Path | None = None
        self._chosen: Chosen | None = None

    def choose(self, tasks: Sequence[Task], records: Mapping[str, Record]) -> list[Request]:
        """Feed the known answers, return the next requests. Raises UserError for tasks that cannot be sampled so."""
        if self.test is None:
            if self.folder is not None:
                refuse_other_looks(self.claim, self.folder, sum(len(task.samples) for task in tasks))
                refuse_other_test(self.claim, self.folder)
            pairs = [(task.name, sample.id) for task in tasks for sample in task.samples]
            self.kinds, note = self._kinds_of(tasks, started=bool(records))
            order = drawn_order(pairs, self.kinds, self._order.seed, self._order.most)
            self.test = _new_test(self.claim, order, {task.name: len(task.samples) for task in tasks}, self.kinds)
            self.test.limit, self.test.choice_note = self._order.most, note
        feed(self.test, {task.name: task.page.metric[0] for task in tasks}, self.kinds, list(records.values()))
        wanted = set(self.test.next_samples())
        return [request for task in tasks for request in task.requests if (task.name, request.sample_id) in wanted]

    def begin(self, tasks: Sequence[Task], folder: Path) -> None:
        """Take the run folder, before anything is written there. Raises UserError for tasks that cannot be sampled so.

        A refused check leaves no folder: one without answers would count as a run that was cut off.
        """
        self._refuse(tasks)
        if not (folder / MANIFEST).exists() and kinds_of(self.claim, tasks).simple:
            self._chosen = choose_figures(self.claim, tasks)
        self.folder = folder

    def _kinds_of(self, tasks: Sequence[Task], *, started: bool) -> tuple[Kinds, str]:
        """What is known of the samples, and why their difficulty is not used.

        The difficulties are those that the run began with (`started`: it has answers), which later pages may not have.
        """
        kinds = kinds_of(self.claim, tasks)
        kept = None if self.folder is None else difficulty_kept(self.folder)
        if kept is not None and self.claim.test.about != "benchmark":
            raise RunFolderError(
                f"{self.folder} began with the items' difficulty, for a claim about exactly these items; "
                f"{self.claim.id!r} is about a {self.claim.test.about} by now: use another --out"
            )
        if kept is not None:
            return replace(kinds, difficulty=kept), ""
        if started or not kinds.simple:
            return kinds, ""
        chosen = self._chosen or choose_figures(self.claim, tasks)
        if chosen.figures and self.folder is not None:
            record = {task: one.as_record() for task, one in chosen.figures.items()}
            write_text(self.folder / DIFFICULTY_FILE, json.dumps(record, indent=1) + "\n")
        return replace(kinds, difficulty=chosen.figures), chosen.why_not

    def _refuse(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            identity = TaskIdentity.parse(Section(task.fingerprint))
            faults = run_faults(self.claim, None, identity) if self._of_subject else ()
            if faults:
                options = " ".join(run_options(self.claim, identity, task.name)) or "no option of `harness run`"
                raise UserError(
                    f"{self.claim.place}: {task.name} would not be run under the claim's protocol: "
                    f"{'; '.join(faults)} (add {options}; or "
                    "pass --stand-in to judge the model separately)"
                )


def run_until_settled(
    claim: Claim,
    config: RunConfig,
    sampler: SequentialSampler,
    command: Sequence[str] = (),
    watcher: Watcher | None = None,
) -> tuple[OrderedTest, Result]:
    """Run until the claim is settled or the samples are used up, and record the order in the run folder.

    Raises what `run.evaluate` does, and UserError for a claim that cannot be checked this way.
    """
    refuse_unless_stoppable(claim)
    result = evaluate(config, command, watcher, sampler)
    test = sampler.test
    assert test is not None
    ruling = test.ruling()
    record = {
        "claim": claim.id,
        "word": ruling.word,
        "rule": ruling.rule,
        "stopping": test.RULE,
        "used": test.used,
        "bar": claim.bar,
        "relation": claim.relation,
        "tested": tested_as(claim),
        "sizes": test.sizes,
        "order": test.order,
        "limit": test.limit,
        "kinds": sampler.kinds.as_record(test.order),
    }
    write_text(result.folder / DRAWN_FILE, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return test, result


def difficulty_kept(folder: Path) -> dict[str, TaskFigures] | None:
    """The difficulties that a run began with; None for one that uses none. Raises RunFolderError for a broken file."""
    path = folder / DIFFICULTY_FILE
    if not path.is_file():
        return None
    try:
        return figures_in(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error}; start again in another folder (--out)") from None


def refuse_other_looks(claim: Claim, folder: Path, total: int) -> None:
    """Raise UserError for a run that an earlier version stopped at looks set by its limit.

    A test with other looks on the same answers might contradict its verdict, and has another chance to err.
    """
    path = folder / DRAWN_FILE
    if not path.is_file():
        return
    try:
        drawn = len(json.loads(path.read_text(encoding="utf-8"))["order"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error!r}") from None
    if drawn < total:
        raise UserError(
            f"{folder} was tested by an earlier version for at most {drawn} of {total} samples: `harness claim check "
            f"{claim.id}` with its folders repeats that verdict; for a new test use another --out"
        )


def tested_as(claim: Claim) -> dict[str, Any]:
    """What a verdict depends on besides relation and threshold, by its place on the claim's page."""
    return {"test.about": claim.test.about, "test.aggregate": claim.test.aggregate, "stats.alpha": claim.stats.alpha}


def refuse_other_test(claim: Claim, folder: Path) -> None:
    """Raise RunFolderError where a stopped run was tested at another alpha, or about something else.

    Records from before this was kept are taken as they are.
    """
    path = folder / DRAWN_FILE
    if not path.is_file():
        return
    try:
        kept = dict(json.loads(path.read_text(encoding="utf-8")).get("tested", {}))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error!r}") from None
    changed = [
        f"{name} was {kept[name]}, is {now}" for name, now in tested_as(claim).items() if kept.get(name, now) != now
    ]
    if changed:
        raise RunFolderError(
            f"{folder} stopped when {claim.id!r} was settled, which has changed since ({'; '.join(changed)}): change "
            "it back, or run the check again in another folder (--out)"
        )


def refuse_unless_stoppable(claim: Claim) -> None:
    """Raise UserError unless the claim compares one model's score with a threshold that samples can refute and show."""
    simple = claim.threshold is not None and claim.relation in ORDERS and not claim.test.not_measured
    if not simple or (claim.test.aggregate == "mean" and len(claim.test.tasks) > 1):
        raise UserError(
            f"{claim.place}: --run checks only claims of a score above or below a threshold: run the models "
            f"with `harness run`, then `harness claim check {claim.id} RUN...`"
        )
    if claim.test.about == "skill" and not 0 < claim.bar < 1:
        raise UserError(
            f"{claim.place}: no number of samples can test a skill of {claim.bar:g}; give a threshold between 0 "
            "and 1, or "
            "`test: {about: benchmark}` for the score on exactly these items"
        )


def feed(test: OrderedTest, metrics: Mapping[str, str], kinds: Kinds, records: Sequence[Record]) -> None:
    """Advance a test by the records so far. Raises UserError for values that it cannot take."""
    with test.claim.named_in_errors():
        values = values_so_far(metrics, kinds, records)
    test.advance(values)


def replay(claim: Claim, folder: Path, records: Sequence[Record], metrics: Mapping[str, str]) -> OrderedTest | None:
    """Repeat the sequential test of a stored run for the same claim; None for a run of another kind.

    By the rule that stopped it: one made before boundaries were exact names none. Raises RunFolderError for a folder
    whose order cannot be read, that was run for another claim, on which its stop depended, or whose rule is not known
    here.
    """
    if not (folder / DRAWN_FILE).is_file():
        return None
    try:
        record = json.loads((folder / DRAWN_FILE).read_text(encoding="utf-8"))
        order = [(str(task), str(sample)) for task, sample in record["order"]]
        sizes = {str(task): int(size) for task, size in record["sizes"].items()}
        kinds = kinds_in(record, order)
        kept = (str(record["claim"]), float(record["bar"]), str(record["relation"]))
        rule = str(record.get("stopping", EValueTest.RULE if kinds.simple else GradedTest.RULE))
        limit = limit_in(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{folder / DRAWN_FILE}: cannot be read: {error}") from None
    if kept != (claim.id, claim.bar, claim.relation):
        raise RunFolderError(
            f"{folder} was run for the claim {kept[0]!r} and stopped when that one was settled; it cannot decide "
            f"{claim.id!r}: finish it first (the same `harness run` with --out {folder}, then delete its {DRAWN_FILE})"
        )
    refuse_other_test(claim, folder)
    if rule not in (EValueTest.RULE, SequentialTest.RULE, GradedTest.RULE, DifficultyTest.RULE):
        raise RunFolderError(
            f"{folder / DRAWN_FILE}: stopped by the rule {rule!r}, which this version does not know: use the version "
            "that made it, or run the check again"
        )
    if rule == DifficultyTest.RULE and claim.test.about != "benchmark":
        raise RunFolderError(
            f"{folder} was tested for a claim about exactly these items; {claim.id!r} is about a {claim.test.about} by "
            "now: run the check again in another folder (--out)"
        )
    if (rule == DifficultyTest.RULE) != bool(kinds.difficulty):
        raise RunFolderError(
            f"{folder / DRAWN_FILE}: its rule is {rule!r}, which does not go with the items' difficulties in it; "
            "run the check again in another folder (--out)"
        )
    test = EValueTest(claim, order, sizes) if rule == EValueTest.RULE else _new_test(claim, order, sizes, kinds)
    test.limit = limit
    feed(test, metrics, kinds, records)
    return test


def limit_in(record: Mapping[str, Any]) -> int | None:
    """The limit in `claim.json`. Raises TypeError or ValueError for a broken one."""
    limit = record.get("limit")
    return None if limit is None else int(limit)


def _new_test(claim: Claim, order: Sequence[SampleKey], sizes: Mapping[str, int], kinds: Kinds) -> OrderedTest:
    if kinds.difficulty:
        return DifficultyTest(claim, order, sizes, kinds.difficulty)
    return SequentialTest(claim, order, sizes) if kinds.simple else GradedTest(claim, order, sizes, kinds)
