"""Write a result: scores.json, table.md and table.csv in the run folder; return the tables for printing.

A suite that sets `sweep` or `languages` gets a table of each sweep, and of the languages, besides the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.analysis.estimates import count_by_failure
from harness.analysis.languages import count_languages
from harness.analysis.repeatability import repeat_notes, summary
from harness.analysis.served import changes
from harness.analysis.sweep import sweep_of
from harness.analysis.values import SampleValues, values_if_any
from harness.config.checking import check_values
from harness.config.schema import LanguageRule, SuitePage, SuiteTask
from harness.plan import missing_text
from harness.report.csv_file import csv_text
from harness.report.languages import language_document, language_table
from harness.report.markdown import markdown
from harness.report.scores import RunFacts, scores_document, scores_text
from harness.report.sweeps import sweep_document, sweep_table
from harness.report.tables import Table, score_table
from harness.run import Result
from harness.store import repeats
from harness.store.manifest import Manifest
from harness.store.run_folder import write_text


@dataclass(slots=True)
class Output:
    """What is written: the document of scores.json, and the tables."""

    document: dict[str, Any]
    tables: list[Table] = field(default_factory=list)


def publish(result: Result) -> tuple[str, list[Table]]:
    """Write the files; return the text of scores.json and the tables, scores first. Raises StorageError."""
    manifest = result.manifest
    model, suite = manifest.model_name, check_values(SuitePage, manifest.config["suite"], "manifest.json")
    run = RunFacts(run_id=manifest.run_id, model=model, suite=suite.name, engine=manifest.identity.engine.name)
    document = scores_document(run, result.estimates, result.overall)
    failures = count_by_failure(result.scored)
    scores = score_table(result.estimates, result.overall, title=f"{model} on {suite.name}", failures=failures)
    if (check := repeats.read(result.folder, manifest.run_id)) is not None:
        document["repeat_check"] = summary(check)
        scores = replace(scores, notes=(*scores.notes, *repeat_notes(check, result.scored)))
    changed = changes(result.scored)
    lines = [*changed, *_left_out(manifest)]
    document["warnings"] += lines
    output = Output(document, [replace(scores, warnings=(*scores.warnings, *_first_ones(manifest), *lines))])
    for page, uses in _sweeps(suite).items():
        _add_sweep(result, uses, f"{model} on {page}: {len(uses)} protocols", output)
    if suite.languages is not None:
        _add_languages(result, suite.languages, f"{model} in {len(suite.tasks)} languages", output)
    write_text(result.folder / "scores.json", scores_text(document))
    write_text(result.folder / "table.md", "\n".join(map(markdown, output.tables)))
    write_text(result.folder / "table.csv", csv_text(document))
    return scores_text(document), output.tables


def _first_ones(manifest: Manifest) -> list[str]:
    """That the samples of a limited run are the first ones; each task has a warning of how many of how many."""
    limit = manifest.config.get("limit")
    if limit is None:
        return []
    facts = [own for own in manifest.tasks.values() if "sample" not in own]
    if not any(own["n"] == limit < own["total"] for own in facts):
        return []
    return [
        f"--limit {limit} takes the first {limit} samples of a task, which are no random part of it; "
        "--limit-seed S draws them"
    ]


def _left_out(manifest: Manifest) -> list[str]:
    """A line that names the tasks which `--skip-missing` left out, and of how many tasks the suite's score is."""
    if not manifest.left_out:
        return []
    n = len(manifest.config["suite"]["tasks"])
    of = f"{n} of {n + len(manifest.left_out)} tasks"
    return [f"{manifest.suite_name}: only {of} were run (--skip-missing); left out: {missing_text(manifest.left_out)}"]


def _sweeps(suite: SuitePage) -> dict[str, list[SuiteTask]]:
    """Tasks that are protocols of one page, by page, where there are several with the same axes."""
    found: dict[str, list[SuiteTask]] = {}
    for task in suite.tasks:
        if task.protocol:
            found.setdefault(task.page, []).append(task)
    return {page: uses for page, uses in found.items() if len(uses) > 1 and len({*map(_axes, uses)}) == 1}


def _axes(task: SuiteTask) -> tuple[str, ...]:
    return tuple(task.protocol)


def _add_sweep(result: Result, uses: Sequence[SuiteTask], title: str, output: Output) -> None:
    values = {task.label: own for task in uses if (own := _values(result, task.label)) is not None}
    if missing := [task.label for task in uses if task.label not in values]:
        warning = f"{uses[0].page}: no table of the sweep: no value per sample of {', '.join(missing)}"
        output.document["warnings"].append(warning)
        return
    found = sweep_of(values)
    words = {task.label: task.protocol for task in uses}
    output.document["sweeps"].append(sweep_document(found, words, uses[0].page))
    output.tables.append(sweep_table(found, words, title))


def _add_languages(result: Result, rule: LanguageRule, title: str, output: Output) -> None:
    names = dict.fromkeys(estimate.task for estimate in result.estimates)
    values = {name: own for name in names if (own := _values(result, name)) is not None and own.binary}
    left = [f"{name}: not counted: it has no sample that is right or wrong" for name in names if name not in values]
    output.document["warnings"] += left
    if rule.english not in values:
        output.document["warnings"].append(f"{rule.english}: languages are not counted without it")
        return
    found = count_languages(values, rule.english, rule.chance, rule.margin)
    output.document["languages"] = language_document(found)
    output.tables.append(language_table(found, title, tuple(left)))


def _values(result: Result, task: str) -> SampleValues | None:
    metric = next(estimate.metric for estimate in result.estimates if estimate.task == task)
    return values_if_any(result.scored, task, metric)
