"""One flat row for each score of a record: what spreadsheets, data frames and trackers get."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from harness.datatypes import Completion, LikelihoodRequest, Record
from harness.export.base import StoredRun
from harness.export.facts import encodable
from harness.report.record_text import prompt_text

COLUMNS = (
    *("task", "sample_id", "repeat", "scorer", "score", "answer", "reason", "failure", "finish", "prompt"),
    *("completion", "reasoning", "options", "prompt_tokens", "output_tokens", "seconds"),
)
# Rows in memory at once
BATCH = 2000
INTEGERS = {"repeat", "prompt_tokens", "output_tokens"}
FLOATS = {"score", "seconds"}


def write_parquet(run: StoredRun, path: Path) -> None:
    """Write all rows of a run, with the types of their columns."""
    import pyarrow
    from pyarrow import parquet

    kinds = {column: pyarrow.string() for column in COLUMNS}
    kinds |= {column: pyarrow.int64() for column in INTEGERS} | {column: pyarrow.float64() for column in FLOATS}
    schema = pyarrow.schema([(column, kinds[column]) for column in COLUMNS])
    with parquet.ParquetWriter(path, schema) as writer:
        rows = (row for record in run.records() for row in sample_rows(record))
        while batch := list(islice(rows, BATCH)):
            writer.write_table(pyarrow.Table.from_pylist(encodable(batch), schema=schema))


def sample_rows(record: Record) -> list[dict[str, Any]]:
    """Return a row with COLUMNS for each score of a record; unknown values are None."""
    request, reply = record.request, record.reply
    completion = reply if isinstance(reply, Completion) else None
    shared = {
        "task": request.task,
        "sample_id": request.sample_id,
        "repeat": request.repeat,
        "finish": completion.finish if completion else None,
        "prompt": prompt_text(request),
        "completion": completion.text if completion else None,
        "reasoning": completion.reasoning or None if completion else None,
        "options": "\n".join(request.continuations) if isinstance(request, LikelihoodRequest) else None,
        "prompt_tokens": getattr(reply, "prompt_tokens", None),
        "output_tokens": completion.output_tokens if completion else None,
        "seconds": getattr(reply, "seconds", None),
    }
    rows = []
    for score in record.scores:
        own = {
            "scorer": score.scorer,
            "score": score.value,
            "answer": score.answer,
            "reason": score.failure.message if score.failure else score.explanation,
            "failure": f"{score.failure.stage}/{score.failure.kind}" if score.failure else None,
        }
        rows.append({column: (shared | own)[column] for column in COLUMNS})
    return rows
