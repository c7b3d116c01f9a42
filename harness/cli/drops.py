"""What changed questions cost the runs of a comparison: read, computed, printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.analysis.changed_questions import ChangedTask
    from harness.analysis.drops import Drop, DropDifference
    from harness.datatypes import Record
    from harness.report.tables import Table
    from harness.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class SeenDrops:
    """The drops of some runs, the baseline first, and their differences from the baseline's."""

    drops: tuple[Drop, ...]
    differences: tuple[DropDifference, ...]
    tasks: tuple[ChangedTask, ...]
    warnings: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Their keys in JSON; nothing where no run has changed questions."""
        from harness.report.drops import difference_document, drop_document

        if not self.drops:
            return {}
        return {
            "drops": drop_document(self.drops, self.tasks),
            "drop_differences": difference_document(self.differences),
        }

    def tables(self) -> tuple[Table, ...]:
        """Their tables; none where no run has changed questions."""
        from harness.report.drops import difference_table, drop_table

        if not self.drops:
            return ()
        table = drop_table(self.drops, self.tasks, self.warnings)
        return (table, difference_table(self.differences)) if self.differences else (table,)


def drops_of(folders: Sequence[Path]) -> SeenDrops:
    """Compute the drops of runs. Raises RunFolderError for a folder that is no run."""
    from harness.analysis.changed_questions import changed_questions
    from harness.analysis.drops import differences_from_first, drops
    from harness.comparison import not_of_fixed_n, run_sides
    from harness.store.run_folder import read_manifest, read_scores

    manifests = [read_manifest(folder) for folder in folders]
    sides = run_sides(folders, manifests)
    seen, alone = [], list[str]()
    for side, manifest in zip(sides, manifests, strict=True):
        records = read_scores(side.folder, partial=True)[1]
        seen.append(changed_questions(side.label, manifest, records))
        if len(sides) == 1:
            # Of several runs the table of their differences has these
            alone = [*not_of_fixed_n(sides, manifests), *_of_scores(manifest, records)]
    tasks = {(each.task, each.changed): each for own in seen for each in own.tasks}
    return SeenDrops(
        drops([each for own in seen for each in own.sets]),
        differences_from_first([own.sets for own in seen]),
        tuple(tasks.values()),
        tuple(dict.fromkeys([*alone, *(line for own in seen for line in own.warnings)])),
    )


def _of_scores(manifest: Manifest, records: Sequence[Record]) -> tuple[str, ...]:
    """The warnings about the scores that the drops are of, as the run itself has them."""
    from harness.analysis.changed_questions import changed_tasks, not_changed
    from harness.analysis.estimates import estimate_task
    from harness.config.task_page import DrawnRows
    from harness.report.folding import folded_warnings

    tasks = dict.fromkeys(name for pair in changed_tasks(manifest) for name in (pair.task, pair.changed))
    drawn = {name: manifest.tasks[name].get("sample") for name in tasks}
    estimates = [
        estimate_task(
            name,
            records,
            [manifest.metric(name)],
            manifest.task(name).repeats,
            manifest.total(name),
            drawn=DrawnRows.model_validate(part) if (part := drawn[name]) else None,
            first=manifest.config.get("limit"),
            not_changed=not_changed(manifest, name),
        )[0]
        for name in tasks
    ]
    return folded_warnings(estimates)


def show_drops(seen: SeenDrops, format_: str) -> None:
    """Print the drops alone, as `table`, `markdown`, `csv` or `json`. Raises UserError for CSV of two tables."""
    from harness.report.comparison import document_text
    from harness.report.drops import drops_csv

    if format_ == "json":
        print(document_text(seen.document() | {"warnings": list(seen.warnings)}), end="")
    elif format_ == "csv":
        print(drops_csv(seen.drops), end="")
    elif format_ == "markdown":
        from harness.report.markdown import markdown

        print("\n".join(map(markdown, seen.tables())), end="")
    else:
        from harness.cli.screen import console
        from harness.report.terminal import print_table

        for place, table in enumerate(seen.tables()):
            if place:
                print()
            print_table(table, console())
