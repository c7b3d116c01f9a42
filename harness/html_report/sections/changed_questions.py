"""What changed questions cost each run (`--perturb`), and how the runs' drops differ."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.changed_questions import changed_questions
from harness.analysis.drops import differences_from_first, drops
from harness.html_report.document import Material, Section
from harness.report.drops import difference_table, drop_table
from harness.report.tables import Table

LEAD = (
    "The same questions as they are and changed a little, sample by sample: the drop is what the score loses on the "
    "changed ones. A/A compares two changed versions of the same questions, which differ by chance alone."
)


@dataclass(frozen=True, slots=True)
class ChangedQuestionsData:
    """The tables, as a terminal prints them."""

    tables: tuple[Table, ...]


def build(material: Material) -> Section | None:
    """Show the drops of all runs; None where no run has changed questions."""
    seen = [changed_questions(run.label, run.manifest, run.records) for run in material.runs]
    found = drops([each for own in seen for each in own.sets])
    if not found:
        return None
    tasks = {(each.task, each.changed): each for own in seen for each in own.tasks}
    warnings = dict.fromkeys(line for own in seen for line in own.warnings)
    tables = [drop_table(found, tuple(tasks.values()), tuple(warnings))]
    differences = differences_from_first([own.sets for own in seen])
    if differences:
        tables.append(difference_table(differences))
    return Section("changed_questions", "Changed questions", LEAD, ChangedQuestionsData(tuple(tables)))
