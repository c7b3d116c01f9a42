"""samples.csv: a line for each score of each record, safe to open in a spreadsheet.

A cell that a spreadsheet would take for a formula begins with an apostrophe (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from harness.export.base import Export, StoredRun
from harness.export.samples import COLUMNS, sample_rows
from harness.report.visible import visible

FORMULA = ("=", "+", "-", "@", "\t", "\r")
NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*")


class CsvExport:
    """Writes samples.csv."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the file."""
        path = out / "samples.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for record in run.records():
                writer.writerows([_cell(value) for value in row.values()] for row in sample_rows(record))
        return [path]


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def build() -> Export:
    """Make the export."""
    return CsvExport()
