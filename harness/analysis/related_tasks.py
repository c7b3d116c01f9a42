"""Tasks of one suite that are shown together: protocols of one page (a sweep), and languages that are counted.

From a suite and a run's records alone, so that a run's own tables and a report of it a month later say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.languages import LanguageCount, count_languages
from harness.analysis.sweep import Sweep, sweep_of
from harness.analysis.values import values_if_any
from harness.config.checking import check_values
from harness.config.schema import LanguageRule, SuitePage, SuiteTask
from harness.datatypes import Record
from harness.results import Estimate
from harness.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class PageSweep:
    """One page under several protocols. `words`: by task its value on each axis; `missing`: tasks without values.

    `found` is None where a task is missing, or no sample was scored under every protocol.
    """

    page: str
    words: Mapping[str, Mapping[str, str]]
    found: Sweep | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CountedLanguages:
    """Languages by task. `left_out`: those without a sample that is right or wrong; `found` is None without English."""

    rule: LanguageRule
    found: LanguageCount | None
    left_out: tuple[str, ...] = ()


def suite_of(manifest: Manifest) -> SuitePage:
    """Return the suite of a run. Raises ConfigError where the manifest holds none that this version knows."""
    return check_values(SuitePage, manifest.config["suite"], "manifest.json")


def metrics_of(estimates: Sequence[Estimate]) -> dict[str, str]:
    """Return the primary metric of each task, in the order of the estimates."""
    found: dict[str, str] = {}
    for estimate in estimates:
        found.setdefault(estimate.task, estimate.metric)
    return found


def sweeps(suite: SuitePage, records: Sequence[Record], metrics: Mapping[str, str]) -> list[PageSweep]:
    """Return the sweep of each page that the suite has under several protocols. `metrics`: the primary one by task."""
    return [_sweep(page, uses, records, metrics) for page, uses in _protocols(suite).items()]


def pages_under_protocols(suite: SuitePage) -> dict[str, tuple[SuiteTask, ...]]:
    """Return the pages that the suite has under several protocols, each with its tasks."""
    return {page: tuple(uses) for page, uses in _protocols(suite).items()}


def languages(suite: SuitePage, records: Sequence[Record], metrics: Mapping[str, str]) -> CountedLanguages | None:
    """Count the languages of a suite that has a rule for them; None where it has none."""
    rule = suite.languages
    if rule is None:
        return None
    found = {name: values_if_any(records, name, metric) for name, metric in metrics.items()}
    values = {name: own for name, own in found.items() if own is not None and own.binary}
    left = tuple(name for name in metrics if name not in values)
    if rule.english not in values:
        return CountedLanguages(rule, None, left)
    return CountedLanguages(rule, count_languages(values, rule.english, rule.chance, rule.margin), left)


def _sweep(page: str, uses: Sequence[SuiteTask], records: Sequence[Record], metrics: Mapping[str, str]) -> PageSweep:
    words = {task.label: task.protocol for task in uses}
    found = {name: values_if_any(records, name, metrics[name]) for name in words if name in metrics}
    values = {name: own for name, own in found.items() if own is not None}
    if missing := tuple(name for name in words if name not in values):
        return PageSweep(page, words, None, missing)
    common = set.intersection(*({sample.sample_id for sample in own.samples} for own in values.values()))
    return PageSweep(page, words, sweep_of(values) if common else None)


def _protocols(suite: SuitePage) -> dict[str, list[SuiteTask]]:
    """Tasks that are protocols of one page, by page, where there are several with the same axes."""
    found: dict[str, list[SuiteTask]] = {}
    for task in suite.tasks:
        if task.protocol:
            found.setdefault(task.page, []).append(task)
    return {page: uses for page, uses in found.items() if len(uses) > 1 and len({*map(_axes, uses)}) == 1}


def _axes(task: SuiteTask) -> tuple[str, ...]:
    return tuple(task.protocol)
