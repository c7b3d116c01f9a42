"""What of a score's place in the report misleads: a mean over protocols, a scorer that read nothing, another protocol.

Each is found from manifests and estimates alone, so that every section says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.analysis.protocol import Difference, protocol_differences
from harness.analysis.related_tasks import pages_under_protocols, suite_of
from harness.config.schema import SuiteTask
from harness.engines.base import ONCE_IN_IDENTITY
from harness.html_report.document import Material, ReportRun

# With a larger share of completions without an answer, a score says more of the extraction than of the model
MOST_UNREAD = 0.5
# From the most telling field to the least; others come between
TELLING = ("style", "shots", "template", "prompt", "sampling", "generation", "score", "extract", "data", "revision")
LAST = ("execution", "model")


def protocol_uses(run: ReportRun) -> dict[str, tuple[SuiteTask, ...]]:
    """Return the pages that the run has under several protocols, with their tasks."""
    return pages_under_protocols(suite_of(run.manifest))


def protocols_of(runs: Sequence[ReportRun]) -> tuple[tuple[str, SuiteTask], ...]:
    """Return the tasks of all runs that are protocols of a page, each with the page."""
    return tuple((page, use) for run in runs for page, uses in protocol_uses(run).items() for use in uses)


def without_mixed_means(runs: Sequence[ReportRun]) -> tuple[ReportRun, ...]:
    """Return the runs, without a suite's mean where that would be one over protocols."""
    return tuple(replace(run, overall=None) if protocol_uses(run) else run for run in runs)


def unread(material: Material) -> dict[str, tuple[str, ...]]:
    """Return, by task, the runs whose first scorer found no answer in more than half of the completions."""
    found: dict[str, list[str]] = {}
    for run in material.runs:
        for estimate in run.primary:
            if estimate.unextracted is not None and estimate.unextracted > MOST_UNREAD:
                found.setdefault(estimate.task, []).append(run.label)
    return {task: tuple(labels) for task, labels in found.items()}


def unread_text(scorer: str, labels: Sequence[str]) -> str:
    """Say whose answers were not read."""
    return f"{scorer or 'The scorer'} found no answer in more than half of the completions of {', '.join(labels)}"


def other_protocol(material: Material, task: str) -> dict[str, str]:
    """Return, by run, how its protocol of a task differs from that of the first run that has the task."""
    having = [run for run in material.runs if task in run.manifest.identity.tasks]
    found: dict[str, str] = {}
    for run in having[1:]:
        identities = (having[0].manifest.identity.written, run.manifest.identity.written)
        if fields := by_tell(protocol_differences(*identities, [task], ONCE_IN_IDENTITY).refused):
            more = f" and {len(fields) - 1} more" if len(fields) > 1 else ""
            found[run.label] = f"other protocol: {_short_name(fields[0], task)}{more}"
    return found


def by_tell(fields: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return fields of a protocol, those that say most about it first."""

    def order(found: Difference) -> int:
        parts = found.field.split(".")
        if parts[0] in LAST:
            return len(TELLING) + 1
        named = (part for part in parts if part not in ("tasks", "page"))
        return min((TELLING.index(part) for part in named if part in TELLING), default=len(TELLING))

    return tuple(sorted(fields, key=order))


def _short_name(found: Difference, task: str) -> str:
    name = found.field.removeprefix(f"tasks.{task}.").removeprefix("page.")
    text = " ".join(str(found.b).split())
    return f"{'prompt' if name == 'style' else name} {text}" if len(text) <= 30 else f"{name} differs"
