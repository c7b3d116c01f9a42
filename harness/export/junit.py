"""junit.xml: a suite for each task, a case for each record, as continuous integration shows them.

A score below 1 is a failure, a sample left unscored an error. What XML cannot hold is written escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from harness.datatypes import Completion, Record
from harness.export.base import Export, StoredRun
from harness.report.visible import visible

# Characters of an answer in a report: CI systems keep it in memory
MOST_OUTPUT = 4000


class JUnitExport:
    """Writes junit.xml."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the file."""
        root = ElementTree.Element("testsuites", name=f"{run.manifest.model_name} on {run.manifest.suite_name}")
        suites: dict[str, ElementTree.Element] = {}
        counts: dict[str, dict[str, int]] = {}
        for record in run.records():
            task = record.request.task
            if task not in suites:
                suites[task] = ElementTree.SubElement(
                    root, "testsuite", name=_text(task), timestamp=run.date.strftime("%Y-%m-%dT%H:%M:%S")
                )
                counts[task] = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
            kind = _case(suites[task], record)
            counts[task]["tests"] += 1
            if kind:
                counts[task][kind] += 1
        for task, suite in suites.items():
            _count(suite, counts[task])
        _count(root, {key: sum(own[key] for own in counts.values()) for key in ("tests", "failures", "errors")})
        path = out / "junit.xml"
        ElementTree.indent(root)
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
        return [path]


def _case(suite: ElementTree.Element, record: Record) -> str:
    """Add a case; return what it counts as besides a test."""
    request, reply = record.request, record.reply
    name = request.sample_id + (f" #{request.repeat}" if request.repeat else "")
    seconds = getattr(reply, "seconds", None) or 0.0
    case = ElementTree.SubElement(
        suite, "testcase", classname=_text(request.task), name=_text(name), time=f"{seconds:.3f}"
    )
    kind = ""
    first = record.scores[0] if record.scores else None
    if first is None or first.value is None:
        kind = "errors"
        failure = first.failure if first else getattr(reply, "failure", None)
        message = f"{failure.kind}: {failure.message}" if failure else "not scored"
        ElementTree.SubElement(case, "error", message=_text(message), type="unscored")
    elif first.value < 1:
        kind = "failures"
        reason = first.failure.message if first.failure else first.explanation
        label = first.failure.kind if first.failure else "wrong"
        ElementTree.SubElement(
            case, "failure", message=_text(f"{first.scorer} {first.value:g}: {reason}"), type=_text(label)
        )
    if isinstance(reply, Completion) and kind:
        ElementTree.SubElement(case, "system-out").text = _text(reply.text[:MOST_OUTPUT])
    return kind


def _count(element: ElementTree.Element, counts: Mapping[str, int]) -> None:
    for key, value in counts.items():
        element.set(key, str(value))


def _text(text: str) -> str:
    """Only characters that XML 1.0 has: controls and surrogates escaped, the two that are no characters replaced."""
    return visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def build() -> Export:
    """Make the export."""
    return JUnitExport()
