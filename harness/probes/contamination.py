"""`harness probe contamination`: the requests of all tests as one stream, the records in a folder, then the findings.

A probe that is killed goes on with the same command: answers that are in the folder are not requested again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from harness.cost.ledger import RunLedger
from harness.datatypes import RECORD_SCHEMA, Record, Refusal, Reply, Request
from harness.engines.awaited import Awaited
from harness.engines.base import Accountable
from harness.engines.contexts import InParts
from harness.engines.deduplicated import Deduplicated
from harness.errors import RunFolderError, UserError
from harness.probes import by_heart, order
from harness.probes.plan import PlannedTask, ProbePlan
from harness.results import BY_HEART, ORDER, PROBE_LEVEL, ProbeCost, ProbeFinding
from harness.stats.multiple import holm
from harness.store import journal
from harness.store.manifest import machine, package_versions
from harness.store.run_folder import RECORDS, differences, lock_folder, write_text

FILE = "probe.json"
SCHEMA = 1


class Watcher(Protocol):
    """Observes a probe (the progress bar of the command line)."""

    def started(self, total: int, known: int) -> None:
        """The engine is loaded; `known` of `total` requests are answered in the folder already."""

    def recorded(self, record: Record) -> None:
        """A record was appended."""

    def waiting(self, text: str) -> None:
        """What is waited for, as a line; "" when that is over."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A finished probe: its findings, in the order of the tasks, and its folder."""

    folder: Path
    findings: tuple[ProbeFinding, ...]
    cost: ProbeCost
    requested: int
    document: Mapping[str, Any]


def probe(plan: ProbePlan, cost: ProbeCost, watcher: Watcher, command: Sequence[str] = ()) -> Probed:
    """Request what the folder lacks, and compute the findings. Raises HarnessError; answers so far are kept."""
    path = plan.folder()
    if not plan.requests:
        refused = "; ".join(
            f"{one.task.name}, {test}: {why}" for one in plan.tasks for test, why in one.refused.items()
        )
        raise UserError(f"no test can be made: {refused}")
    lock = lock_folder(path)
    try:
        _refuse_other(path, plan)
        replies = {
            record.request.key: record.reply
            for record in journal.read(path / RECORDS)
            if not (isinstance(record.reply, Refusal) and record.reply.failure.ours)
        }
        missing = [request for request in plan.requests if request.key not in replies]
        started = time.time()
        document = _document(plan, cost, command, started)
        write_text(path / FILE, _text(document))
        if missing:
            with _accounts(plan, path, watcher.waiting):
                watcher.waiting(f"loading {plan.facts.model}")
                plan.engine.load()
                watcher.waiting("")
                watcher.started(len(plan.requests), len(replies))
                with closing(journal.Journal(path / RECORDS)) as records:
                    for record in _answered(plan, missing, document["probe_id"]):
                        records.append(record)
                        replies[record.request.key] = record.reply
                        watcher.recorded(record)
        watcher.waiting("computing the tests")
        findings = family([finding for planned in plan.tasks for finding in _findings(planned, replies, plan)])
        watcher.waiting("")
        document |= {"engine": asdict(plan.engine.facts()), "finished_at": time.time(), "status": "finished"}
        document["findings"] = [asdict(finding) for finding in findings]
        document["alpha"] = PROBE_LEVEL
        write_text(path / FILE, _text(document))
        return Probed(path, findings, cost, len(missing), document)
    finally:
        lock.release()


def family(findings: Sequence[ProbeFinding]) -> tuple[ProbeFinding, ...]:
    """The findings with p-values adjusted over all of them (Holm)."""
    made = [finding for finding in findings if finding.p_value is not None]
    adjusted = iter(holm([finding.p_value for finding in made if finding.p_value is not None]))
    return tuple(
        finding if finding.p_value is None else replace(finding, p_adjusted=next(adjusted)) for finding in findings
    )


def _findings(planned: PlannedTask, replies: Mapping[str, Reply], plan: ProbePlan) -> Iterator[ProbeFinding]:
    task, seed = planned.task, plan.config.seed
    if reason := planned.refused.get(ORDER):
        yield ProbeFinding(task.name, ORDER, 0, refused=reason)
    else:
        yield order.order_finding(task, replies, seed)
    if reason := planned.refused.get(BY_HEART):
        yield ProbeFinding(task.name, BY_HEART, 0, refused=reason)
    else:
        yield by_heart.by_heart_finding(task, planned.points, replies)


def _answered(plan: ProbePlan, requests: Sequence[Request], probe_id: str) -> Iterator[Record]:
    by_key = {request.key: request for request in requests}
    once = Deduplicated(plan.capabilities, requests)
    parts = InParts(plan.capabilities, once.unique)
    awaited = Awaited(plan.facts.engine, requests)
    for reply in awaited.every(once.shared(parts.merged(plan.engine.stream(parts.sent)))):
        yield Record(RECORD_SCHEMA, probe_id, by_key[reply.key], reply, (), None, time.time())


@contextmanager
def _accounts(plan: ProbePlan, path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Have an engine that sends requests to a server record them in the folder, within the budget."""
    if not isinstance(plan.engine, Accountable):
        yield
        return
    with closing(RunLedger(path, plan.budget)) as ledger:
        plan.engine.account_to(ledger, waiting)
        yield


def _refuse_other(path: Path, plan: ProbePlan) -> None:
    """Raise RunFolderError where the folder holds something else, or the answers of another probe."""
    file = path / FILE
    if not file.exists():
        if any(entry.name != ".lock" for entry in path.iterdir()):
            raise RunFolderError(f"{path} is not empty and holds no probe; give another --out")
        return
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))["identity"]
    except (OSError, ValueError, LookupError, TypeError):
        raise RunFolderError(f"{file} cannot be read as a probe; give another --out") from None
    fresh = json.loads(json.dumps(plan.identity(), default=str))
    if differing := differences(kept, fresh):
        raise RunFolderError(f"{path} holds another probe ({', '.join(differing)} differ); give another --out")


def _document(plan: ProbePlan, cost: ProbeCost, command: Sequence[str], started: float) -> dict[str, Any]:
    path = plan.folder()
    return {
        "schema": SCHEMA,
        "probe": "contamination",
        "probe_id": path.name,
        "status": "running",
        "identity": plan.identity(),
        "config": plan.config.model_dump(mode="json"),
        "engine": asdict(plan.facts),
        "tasks": {
            planned.task.name: {
                **planned.task.fingerprint,
                "n": len(planned.task.rows),
                "total": planned.task.total,
                "refused": dict(planned.refused),
                "rows": [row.id for row in planned.task.rows],
            }
            for planned in plan.tasks
        },
        "cost": asdict(cost),
        "command": list(command),
        "started_at": started,
        "packages": package_versions(),
        "machine": machine(),
    }


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n"
