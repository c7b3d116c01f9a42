"""A result on paper: scores.json, table.md and table.csv in the run folder, and the tables for whoever prints them.

A suite that asks for it gets more than scores: a table of each sweep, and of languages.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from harness.analysis.estimates import count_by_failure
from harness.analysis.languages import count_languages
from harness.analysis.sweep import sweep_of
from harness.analysis.values import Values, values_of
from harness.config.checking import check_values
from harness.config.schema import LanguageRule, SuitePage, SuiteTask
from harness.report.csv_file import csv_text
from harness.report.languages import language_document, language_table
from harness.report.markdown import markdown
from harness.report.scores import RunFacts, scores_document, scores_text
from harness.report.sweeps import sweep_document, sweep_table
from harness.report.tables import Table, score_table
from harness.run import Result
from harness.store.run_folder import write_text


def publish(result: Result) -> tuple[str, list[Table]]:
    """Write the files; return the text of scores.json and the tables, scores first. Raises StorageError."""
    manifest = result.manifest
    model, suite = manifest.model_name, check_values(SuitePage, manifest.config["suite"], "manifest.json")
    run = RunFacts(run_id=manifest.run_id, model=model, suite=suite.name, engine=manifest.identity.engine.name)
    document = scores_document(run, result.estimates, result.overall)
    failures = count_by_failure(result.scored)
    tables = [score_table(result.estimates, result.overall, title=f"{model} on {suite.name}", failures=failures)]
    for page, uses in _sweeps(suite).items():
        _add_sweep(result, uses, f"{model} on {page}: {len(uses)} protocols", (document, tables))
    if suite.languages is not None:
        _add_languages(result, suite.languages, f"{model} in {len(suite.tasks)} languages", (document, tables))
    write_text(result.folder / "scores.json", scores_text(document))
    write_text(result.folder / "table.md", "\n".join(map(markdown, tables)))
    write_text(result.folder / "table.csv", csv_text(document))
    return scores_text(document), tables


def _sweeps(suite: SuitePage) -> dict[str, list[SuiteTask]]:
    """Uses of one page that stand for protocols, where there are several of the same axes."""
    found: dict[str, list[SuiteTask]] = {}
    for task in suite.tasks:
        if task.protocol:
            found.setdefault(task.page, []).append(task)
    return {page: uses for page, uses in found.items() if len(uses) > 1 and len({*map(_axes, uses)}) == 1}


def _axes(task: SuiteTask) -> tuple[str, ...]:
    return tuple(task.protocol)


def _add_sweep(
    result: Result, uses: Sequence[SuiteTask], title: str, paper: tuple[dict[str, Any], list[Table]]
) -> None:
    document, tables = paper
    values = {task.label: _values(result, task.label) for task in uses}
    known = {name: own for name, own in values.items() if own is not None and own.values}
    if len(known) < len(values):
        missing = ", ".join(name for name in values if name not in known)
        document["warnings"].append(f"{uses[0].page}: no table of the sweep: no value per sample of {missing}")
        return
    groups: dict[str, Hashable] = {}
    for own in known.values():
        groups |= dict(zip(own.ids, own.clusters or (), strict=False))
    found = sweep_of({name: dict(zip(own.ids, own.values, strict=True)) for name, own in known.items()}, groups or None)
    words = {task.label: task.protocol for task in uses}
    document["sweeps"].append(sweep_document(found, words, uses[0].page))
    tables.append(sweep_table(found, words, title))


def _add_languages(result: Result, rule: LanguageRule, title: str, paper: tuple[dict[str, Any], list[Table]]) -> None:
    document, tables = paper
    names = dict.fromkeys(estimate.task for estimate in result.estimates)
    values = {name: own for name in names if (own := _values(result, name)) is not None and own.binary and own.values}
    left = [f"{name}: not counted: it has no sample that is right or wrong" for name in names if name not in values]
    document["warnings"] += left
    if rule.english not in values:
        document["warnings"].append(f"{rule.english}: no count of languages without it")
        return
    samples = {name: dict(zip(own.ids, own.values, strict=True)) for name, own in values.items()}
    found = count_languages(samples, rule.english, rule.chance, rule.margin)
    document["languages"] = language_document(found)
    tables.append(language_table(found, title, tuple(left)))


def _values(result: Result, task: str) -> Values | None:
    metric = next(estimate.metric for estimate in result.estimates if estimate.task == task)
    return values_of(result.scored, task, metric)
