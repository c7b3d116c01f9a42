"""Running a model for a claim: samples in a random order, asked in small parts that grow, until it is settled.

Through the same engine, plan, journal and run folder as `harness run`; killed at any instant, the same command goes
on. `claim.json` in the folder keeps the order, so that whoever reads the run later tests it in the same way, and never
as if its n had been chosen beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.values import values_of
from harness.catalog import Task
from harness.claims.page import ORDERS, Claim
from harness.claims.protocol import run_faults, run_options
from harness.claims.sequential_test import Pair, Walk, random_order
from harness.config.schema import RunConfig
from harness.datatypes import Record, Request
from harness.errors import RunFolderError, UserError
from harness.run import Result, Watcher, evaluate
from harness.store.identity import Section, TaskIdentity
from harness.store.run_folder import DRAWN_FILE, write_text

# How the suite of such a run is called: a plain run's folder is another one, for its n was chosen beforehand
DRAWN = "claim-"


@dataclass(frozen=True, slots=True)
class Order:
    """How samples are drawn: the seed of the order, and the most to draw (None: as many as it takes)."""

    seed: int = 0
    most: int | None = None


class Drawing:
    """A `run.Chooser` that walks the random order of a claim's samples."""

    def __init__(self, claim: Claim, order: Order, *, of_subject: bool) -> None:
        """`of_subject`: hold the run to the claim's protocol; a stand-in is not."""
        self.claim, self._order, self._of_subject = claim, order, of_subject
        self.walk: Walk | None = None

    def choose(self, tasks: Sequence[Task], records: Mapping[str, Record]) -> list[Request]:
        """Feed what is known, and say what to ask next. Raises UserError for tasks that cannot be drawn from."""
        if self.walk is None:
            self._refuse(tasks)
            pairs = [(task.name, sample.id) for task in tasks for sample in task.samples]
            order = random_order(pairs, self._order.seed)[: self._order.most]
            self.walk = Walk(self.claim, order, {task.name: len(task.samples) for task in tasks})
        feed(self.walk, {task.name: task.page.metric[0] for task in tasks}, list(records.values()))
        wanted = set(self.walk.next_pairs())
        return [request for task in tasks for request in task.requests if (task.name, request.sample_id) in wanted]

    def _refuse(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            groups = [sample.group for sample in task.samples if sample.group is not None]
            if task.page.repeats != 1:
                raise UserError(f"{task.name}: a claim is checked with one answer a sample; set repeats to 1")
            if self.claim.test.about == "skill" and len(set(groups)) < len(groups):
                raise UserError(
                    f"{task.name}: its samples come in groups, which no test here may take one by one: use "
                    f"`harness run`, then `harness claim check {self.claim.id} RUN`"
                )
            identity = TaskIdentity.parse(Section(task.fingerprint))
            faults = run_faults(self.claim, None, identity) if self._of_subject else ()
            if faults:
                options = " ".join(run_options(self.claim, identity, task.name)) or "no option of a run changes that"
                raise UserError(
                    f"{task.name} would not be asked as the claim says: {'; '.join(faults)} (add {options}; or "
                    "--stand-in, which judges the numbers for themselves)"
                )


def draw(
    claim: Claim, config: RunConfig, drawing: Drawing, command: Sequence[str] = (), watcher: Watcher | None = None
) -> tuple[Walk, Result]:
    """Run until the claim is settled or the samples are used up, and keep the order in the run folder.

    Raises what `run.evaluate` does, and UserError for a claim that cannot be checked so.
    """
    refuse_undrawable(claim)
    result = evaluate(config, command, watcher, drawing)
    walk = drawing.walk
    assert walk is not None
    ruling = walk.ruling()
    told = {
        "claim": claim.id,
        "word": ruling.word,
        "rule": ruling.rule,
        "used": walk.used,
        "bar": claim.bar,
        "relation": claim.relation,
        "sizes": walk.sizes,
        "order": walk.order,
    }
    write_text(result.folder / DRAWN_FILE, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return walk, result


def refuse_undrawable(claim: Claim) -> None:
    """Raise UserError for a claim that is not about one model's score and a threshold, which is all we stop early."""
    simple = claim.threshold is not None and claim.relation in ORDERS and not claim.test.not_measured
    if not simple or (claim.test.aggregate == "mean" and len(claim.test.tasks) > 1):
        raise UserError(
            f"{claim.id}: only a score against a threshold (above or below it) is checked while it runs: run the "
            f"models with `harness run`, then `harness claim check {claim.id} RUN...`"
        )


def feed(walk: Walk, metrics: Mapping[str, str], records: Sequence[Record]) -> None:
    """Advance a walk by the records there are. Raises UserError for values other than 0 and 1."""
    values: dict[Pair, float | None] = {}
    for task, metric in metrics.items():
        own = values_of(records, task, metric)
        if own is None or any(value not in (0, 1) for value in own.values):
            raise UserError(
                f"{task}: only samples that are right or wrong can be drawn one by one; its metric is {metric}"
            )
        values |= {(task, name): value for name, value in zip(own.ids, own.values, strict=True)}
        values |= {(task, name): None for name in own.unscored}
    walk.advance(values)


def replay(claim: Claim, folder: Path, records: Sequence[Record], metrics: Mapping[str, str]) -> Walk | None:
    """Walk a kept run again for the same claim; None for a run that was not drawn.

    Raises RunFolderError for a folder whose order cannot be read, or that was drawn for another claim: where it
    stopped depended on that one.
    """
    if not (folder / DRAWN_FILE).is_file():
        return None
    try:
        told = json.loads((folder / DRAWN_FILE).read_text(encoding="utf-8"))
        order = [(str(task), str(sample)) for task, sample in told["order"]]
        sizes = {str(task): int(size) for task, size in told["sizes"].items()}
        kept = (str(told["claim"]), float(told["bar"]), str(told["relation"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{folder / DRAWN_FILE}: cannot be read: {error}") from None
    if kept != (claim.id, claim.bar, claim.relation):
        raise RunFolderError(
            f"{folder} was drawn for the claim {kept[0]!r} and stopped where that one was settled; it cannot serve "
            f"{claim.id!r}: finish it first (the same `harness run` with --out {folder}, then delete its {DRAWN_FILE})"
        )
    walk = Walk(claim, order, sizes)
    feed(walk, metrics, records)
    return walk
