"""Runs and verdicts -> the sections of the report, in their order on the page."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from harness.html_report.caveats import protocols_of
from harness.html_report.document import Material, Section
from harness.html_report.sections import (
    calibration,
    changed_questions,
    claims,
    costs,
    languages,
    pairs,
    pass_at_k,
    protocols,
    provenance,
    ranks,
    samples,
    scores,
    warnings,
)

# From what decides to what explains
SECTIONS: tuple[ModuleType, ...] = (
    *(warnings, claims, scores, pairs, ranks, changed_questions),
    *(protocols, languages, pass_at_k, calibration, costs, samples, provenance),
)


def sections(material: Material) -> tuple[Section, ...]:
    """Return the sections that have something to show."""
    order = list(SECTIONS)
    if protocols_of(material.runs):
        # Of a sweep the range is the result
        order.remove(protocols)
        order.insert(order.index(scores), protocols)
    builders: list[Callable[[Material], Section | None]] = [module.build for module in order]
    return tuple(section for build in builders if (section := build(material)) is not None)
