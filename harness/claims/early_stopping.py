"""Run a model for a claim: samples in random order, in small batches that grow, until the claim is settled.

Uses the same engine, plan, journal and run folder as `harness run`; the same command resumes a killed run. `claim.json`
in the folder records the order, so that a later check repeats the sequential test, and never treats n as fixed in
advance.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.values import NoSampleValues, values_of
from harness.catalog import Task
from harness.claims.page import ORDERS, Claim
from harness.claims.protocol import run_faults, run_options
from harness.claims.sequential_test import SampleKey, SequentialTest, random_order
from harness.config.schema import RunConfig
from harness.datatypes import Record, Request
from harness.errors import RunFolderError, UserError
from harness.run import Result, Watcher, evaluate
from harness.store.identity import Section, TaskIdentity
from harness.store.run_folder import DRAWN_FILE, write_text

# Begins the suite name of such a run, so that a run of fixed n gets another folder
SUITE_PREFIX = "claim-"


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """The seed of the random order, and the most samples to use (None: as many as it takes)."""

    seed: int = 0
    most: int | None = None


class SequentialSampler:
    """A `run.Chooser` that requests a claim's samples in random order until the test stops."""

    def __init__(self, claim: Claim, order: SampleOrder, *, of_subject: bool) -> None:
        """`of_subject`: require the claim's protocol, which a stand-in need not follow."""
        self.claim, self._order, self._of_subject = claim, order, of_subject
        self.test: SequentialTest | None = None

    def choose(self, tasks: Sequence[Task], records: Mapping[str, Record]) -> list[Request]:
        """Feed the known answers, return the next requests. Raises UserError for tasks that cannot be sampled so."""
        if self.test is None:
            self._refuse(tasks)
            pairs = [(task.name, sample.id) for task in tasks for sample in task.samples]
            order = random_order(pairs, self._order.seed)[: self._order.most]
            self.test = SequentialTest(self.claim, order, {task.name: len(task.samples) for task in tasks})
        feed(self.test, {task.name: task.page.metric[0] for task in tasks}, list(records.values()))
        wanted = set(self.test.next_samples())
        return [request for task in tasks for request in task.requests if (task.name, request.sample_id) in wanted]

    def _refuse(self, tasks: Sequence[Task]) -> None:
        refuse_unsampled(self.claim, tasks)
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
) -> tuple[SequentialTest, Result]:
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
        "used": test.used,
        "bar": claim.bar,
        "relation": claim.relation,
        "sizes": test.sizes,
        "order": test.order,
    }
    write_text(result.folder / DRAWN_FILE, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return test, result


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


def feed(test: SequentialTest, metrics: Mapping[str, str], records: Sequence[Record]) -> None:
    """Advance a test by the records so far. Raises UserError for values other than 0 and 1."""
    with test.claim.named_in_errors():
        values = binary_values(metrics, records)
    test.advance(values)


def binary_values(metrics: Mapping[str, str], records: Sequence[Record]) -> dict[SampleKey, float | None]:
    """Return the value of each answered sample, None where it is unscored. Raises UserError for other than 0 and 1."""
    values: dict[SampleKey, float | None] = {}
    for task, metric in metrics.items():
        try:
            own = values_of(records, task, metric)
        except NoSampleValues:
            own = None
        if own is None or not own.zero_or_one:
            raise UserError(f"{task}: early stopping needs samples that are right or wrong; its metric is {metric}")
        values |= {(task, sample.sample_id): sample.value for sample in own.samples}
        values |= {(task, name): None for name in own.unscored}
    return values


def refuse_unsampled(claim: Claim, tasks: Sequence[Task]) -> None:
    """Raise UserError for tasks whose samples cannot be drawn one by one."""
    for task in tasks:
        groups = [sample.group for sample in task.samples if sample.group is not None]
        if task.page.repeats != 1:
            raise UserError(f"{claim.place}: {task.name}: --run needs one answer per sample; set repeats to 1")
        if claim.test.about == "skill" and len(set(groups)) < len(groups):
            raise UserError(
                f"{claim.place}: {task.name}: samples are clustered; early stopping needs independent samples: use "
                f"`harness run`, then `harness claim check {claim.id} RUN`"
            )


def replay(claim: Claim, folder: Path, records: Sequence[Record], metrics: Mapping[str, str]) -> SequentialTest | None:
    """Repeat the sequential test of a stored run for the same claim; None for a run of another kind.

    Raises RunFolderError for a folder whose order cannot be read, or that was run for another claim: where it stopped
    depended on that one.
    """
    if not (folder / DRAWN_FILE).is_file():
        return None
    try:
        record = json.loads((folder / DRAWN_FILE).read_text(encoding="utf-8"))
        order = [(str(task), str(sample)) for task, sample in record["order"]]
        sizes = {str(task): int(size) for task, size in record["sizes"].items()}
        kept = (str(record["claim"]), float(record["bar"]), str(record["relation"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{folder / DRAWN_FILE}: cannot be read: {error}") from None
    if kept != (claim.id, claim.bar, claim.relation):
        raise RunFolderError(
            f"{folder} was run for the claim {kept[0]!r} and stopped when that one was settled; it cannot decide "
            f"{claim.id!r}: finish it first (the same `harness run` with --out {folder}, then delete its {DRAWN_FILE})"
        )
    test = SequentialTest(claim, order, sizes)
    feed(test, metrics, records)
    return test
