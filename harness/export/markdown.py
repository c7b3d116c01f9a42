"""summary.md: what a pull request or the summary of a CI job shows of a run; with a baseline, the regressions first.

GitHub reads it as a comment or in `$GITHUB_STEP_SUMMARY`. Its tables are made from scores.json, not from the run's
table.md, which a stranger may have written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.analysis.compare import is_better, is_worse
from harness.comparison import Compared, compare_runs, difference_text
from harness.export.base import Export, StoredRun
from harness.privacy import presentable, presentable_command
from harness.report.comparison import Finding, comparison_table
from harness.report.markdown import markdown, safe
from harness.report.tables import Table, picked, score_table
from harness.report.visible import visible_line

WORSE, BETTER, NOT_SHOWN = "worse", "better", "not shown"
# What a reviewer reads first, with a sign, since a summary has no colours
SIGNS = {WORSE: "▼ worse", BETTER: "▲ better", NOT_SHOWN: "not shown"}
SHOWN = ("Difference", "95 % interval", "p (Holm)", "n")


class MarkdownExport:
    """Writes summary.md."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the scores."""
        return _written(out, [_scores(run), _facts(run)])

    def write_compared(self, run: StoredRun, baseline: Path, out: Path, *, allow_protocol: bool) -> list[Path]:
        """Write the comparison with the baseline, then the scores folded. Raises what `compare_runs` raises."""
        found = compare_runs([baseline, run.folder], allow_protocol=allow_protocol)
        heading = f"Scores of {safe(run.manifest.shown_name)} on {safe(run.manifest.suite_name)}"
        return _written(out, [_compared(found), _folded(heading, _scores(run)), _facts(run)])


def _written(out: Path, parts: Sequence[str]) -> list[Path]:
    path = out / "summary.md"
    path.write_text("\n".join(parts), encoding="utf-8", errors="backslashreplace")
    return [path]


def _scores(run: StoredRun) -> str:
    title = f"{run.manifest.shown_name} on {run.manifest.suite_name}"
    table = score_table(run.estimates, run.overall, title=title)
    return markdown(replace(table, warnings=run.warnings))


def _compared(found: Compared) -> str:
    words = [WORSE if is_worse(c) else BETTER if is_better(c) else NOT_SHOWN for c in found.comparisons]
    findings = [Finding(comparison, word) for comparison, word in zip(found.comparisons, words, strict=True)]
    order = list(SIGNS)
    findings.sort(key=lambda finding: (order.index(finding.word), finding.comparison.difference))
    counts = ", ".join(f"{words.count(word)} {word}" for word in order)
    differing = [f"the protocol differs: {difference_text(difference)}" for _, difference in found.protocol]
    table = comparison_table(findings, [*differing, *found.warnings], found.explanations)
    summary = f"**{counts}** of {len(words)} task{'s' if len(words) > 1 else ''} (p <= 0.05 after Holm)."
    title, narrow = f"## {safe(table.title)}", markdown(_narrow(table, findings))
    notes = "".join(f"- **Warning:** {safe(line)}\n" for line in table.warnings)
    # Of the columns that are left out
    shown = [note for note in table.notes if not note.startswith("Detectable")]
    method = _folded("How this was compared", "".join(f"{safe(note)}  \n" for note in shown))
    return "\n".join([title, "", summary, "", narrow, *([notes] if notes else []), method])


def _narrow(table: Table, findings: Sequence[Finding]) -> Table:
    """The columns that decide, the finding first: a pull request is narrow."""
    headings = [column.heading for column in table.columns]
    finding = headings.index("Finding")
    places = [finding, 0, 1, 2, *(headings.index(name, 3) for name in SHOWN)]
    few = picked(table, places)
    rows = [
        replace(row, cells=(SIGNS[each.word], *row.cells[1:])) for row, each in zip(few.rows, findings, strict=True)
    ]
    return replace(few, rows=tuple(rows))


def _folded(summary: str, text: str) -> str:
    """A part that opens on a click. The blank lines make GitHub read what is inside as Markdown."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n</details>\n"


def _facts(run: StoredRun) -> str:
    manifest = run.manifest
    revision = manifest.engine.get("revision")
    lines = [
        f"- model: {_code(presentable(manifest.model_path))}" + (f" at {_code(str(revision))}" if revision else ""),
        f"- run: {_code(manifest.run_id)}, {run.date.strftime('%Y-%m-%d %H:%M')} UTC",
        f"- command: {_code(presentable_command(manifest.command))}",
    ]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Text in a code span, which ends at the first backtick."""
    return f"`{visible_line(text).replace('`', '') or ' '}`"


def build() -> Export:
    """Make the export."""
    return MarkdownExport()
