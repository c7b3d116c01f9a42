"""Write a result: scores.json, table.md and table.csv in the run folder; return the tables for printing.

A suite that sets `sweep` or `languages` gets a table of each sweep, and of the languages, besides the scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.analysis.changed_questions import changed_questions
from harness.analysis.drops import drops
from harness.analysis.estimates import count_by_failure
from harness.analysis.related_tasks import CountedLanguages, PageSweep, languages, metrics_of, suite_of, sweeps
from harness.analysis.repeatability import repeat_notes, summary
from harness.analysis.served import changes
from harness.config.shard import suffix
from harness.plan import missing_text
from harness.report.csv_file import csv_text
from harness.report.drops import drop_document, drop_table
from harness.report.languages import language_document, language_table, left_out_lines
from harness.report.markdown import markdown
from harness.report.scores import RunFacts, scores_document, scores_text
from harness.report.sweeps import sweep_document, sweep_table
from harness.report.tables import Table, score_table
from harness.run import Result
from harness.store import repeats
from harness.store.manifest import Manifest
from harness.store.run_folder import write_text
from harness.store.shard import missing_shards


@dataclass(slots=True)
class Output:
    """What is written: the document of scores.json, and the tables."""

    document: dict[str, Any]
    tables: list[Table] = field(default_factory=list)


def publish(result: Result, *, folded: bool = True) -> tuple[str, list[Table]]:
    """Write the files; return the text of scores.json and the tables, scores first. Raises StorageError.

    `folded`: notes and warnings that many tasks share are a line for all of them; scores.json has each.
    """
    manifest = result.manifest
    model, suite = manifest.model_name, suite_of(manifest)
    run = RunFacts(run_id=manifest.run_id, model=model, suite=suite.name, engine=manifest.identity.engine.name)
    document = scores_document(run, result.estimates, result.overall)
    failures = count_by_failure(result.scored)
    title = f"{manifest.shown_name} on {suite.name}{f', {manifest.shard_name}' if manifest.shard else ''}"
    scores = score_table(result.estimates, result.overall, title=title, failures=failures, folded=folded)
    if (check := repeats.read(result.folder, manifest.run_id)) is not None:
        document["repeat_check"] = summary(check)
        scores = replace(scores, notes=(*scores.notes, *repeat_notes(check, result.scored)))
    changed = changes(result.scored)
    lines = [*changed, *_left_out(manifest), *part_of_run(manifest, result.folder)]
    document["warnings"] += lines
    output = Output(document, [replace(scores, warnings=(*scores.warnings, *first_ones(manifest), *lines))])
    metrics = metrics_of(result.estimates)
    for sweep in sweeps(suite, result.scored, metrics):
        _add_sweep(model, sweep, output)
    changed_set = changed_questions(model, manifest, result.scored)
    if found := drops(changed_set.sets):
        output.document["drops"] = drop_document(found, changed_set.tasks)
        output.tables.append(drop_table(found, changed_set.tasks, changed_set.warnings))
    output.document["warnings"] += changed_set.warnings
    if (counted := languages(suite, result.scored, metrics)) is not None:
        _add_languages(counted, f"{model} in {len(suite.tasks)} languages", output)
    write_text(result.folder / "scores.json", scores_text(document))
    write_text(result.folder / "table.md", "\n".join(map(markdown, output.tables)))
    write_text(result.folder / "table.csv", csv_text(document))
    return scores_text(document), output.tables


def part_of_run(manifest: Manifest, folder: Path) -> list[str]:
    """That these are the scores of a shard, or of a run that lacks some of its shards."""
    if manifest.shard:
        whole = folder.absolute().name.removesuffix(suffix(manifest.shard["number"], manifest.shard["of"]))
        return [
            f"{manifest.shard_text}: these are the scores of this part alone; when all shards are finished, "
            f"`harness merge {folder.parent / whole}-shard-*` makes one run of them"
        ]
    missing = manifest.merged.get("missing", ()) if manifest.status != "finished" else ()
    if not missing:
        return []
    return [f"{missing_shards(missing, manifest.merged['of'])}: this is the score of a part of the run"]


def first_ones(manifest: Manifest) -> list[str]:
    """That the samples of a limited run are the first ones; each task has a warning of how many of how many."""
    limit = manifest.config.get("limit")
    if limit is None or manifest.shard:
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


def _add_sweep(model: str, sweep: PageSweep, output: Output) -> None:
    if sweep.missing:
        warning = f"{sweep.page}: no table of the sweep: no value per sample of {', '.join(sweep.missing)}"
        output.document["warnings"].append(warning)
    elif sweep.found is None:
        output.document["warnings"].append(f"{sweep.page}: no sample was scored under every protocol of the sweep")
    else:
        title = f"{model} on {sweep.page}: {len(sweep.words)} protocols"
        output.document["sweeps"].append(sweep_document(sweep.found, sweep.words, sweep.page))
        output.tables.append(sweep_table(sweep.found, sweep.words, title))


def _add_languages(counted: CountedLanguages, title: str, output: Output) -> None:
    left = left_out_lines(counted.left_out)
    output.document["warnings"] += left
    if counted.found is None:
        output.document["warnings"].append(f"{counted.rule.english}: languages are not counted without it")
        return
    output.document["languages"] = language_document(counted.found)
    output.tables.append(language_table(counted.found, title, left))
