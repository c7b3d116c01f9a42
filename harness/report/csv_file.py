"""The scores as CSV for spreadsheets: the rows of `scores.json`, unrounded, unknown left empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any


def csv_text(document: Mapping[str, Any]) -> str:
    """Return a scores document's rows as CSV with a heading; `level` is `task` or `suite`."""
    rows = [{"level": "task", **row} for row in document["rows"]]
    if document["overall"] is not None:
        rows.append({"level": "suite", **document["overall"]})
    page = io.StringIO()
    if rows:
        writer = csv.DictWriter(page, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return page.getvalue()
