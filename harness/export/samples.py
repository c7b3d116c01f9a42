"""One flat row for each record: what spreadsheets and data frames get."""

from __future__ import annotations

from typing import Any

from harness.datatypes import Completion, LikelihoodRequest, Record
from harness.report.record_text import prompt_text

COLUMNS = (
    *("task", "sample_id", "repeat", "scorer", "score", "answer", "reason", "failure", "finish", "prompt"),
    *("completion", "reasoning", "options", "prompt_tokens", "output_tokens", "seconds"),
)


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
