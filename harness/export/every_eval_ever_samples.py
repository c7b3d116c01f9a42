"""The rows of Every Eval Ever's file of samples: one for each result that a record contributes to.

A record that was left unscored has no row: the schema requires a number, and there is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.datatypes import Completion, Likelihood, LikelihoodRequest, Record, Score, TextPrompt
from harness.export.facts import encodable, score_name
from harness.report.record_text import prompt_text
from harness.results import Estimate


def instance_rows(
    record: Record, estimates: Sequence[Estimate], page: Mapping[str, Any], binary: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a record, without the ids of run and model."""
    for score in record.scores:
        if score.value is None:
            continue
        for estimate in estimates:
            if estimate.scorer == score.scorer:
                yield {
                    "evaluation_name": estimate.task,
                    "evaluation_result_id": f"{estimate.task}/{score_name(estimate)}",
                    **_row(record, score, page, score.scorer in binary),
                }


def _row(record: Record, score: Score, page: Mapping[str, Any], is_binary: bool) -> dict[str, Any]:
    request, reply = record.request, record.reply
    assert score.value is not None
    prompt = prompt_text(request)
    # The right answer is not in a run's records
    given: dict[str, Any] = {"raw": prompt, "reference": []}
    if isinstance(request.prompt, TextPrompt):
        given["formatted"] = prompt
    if isinstance(request, LikelihoodRequest):
        given["choices"] = list(request.continuations)
    row: dict[str, Any] = {
        "sample_id": request.sample_id,
        "sample_hash": hashlib.sha256(encodable(prompt).encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": given,
        "output": _output(record),
        "answer_attribution": _attribution(score, page),
        "evaluation": {
            "score": score.value,
            "is_correct": score.value == 1.0 if is_binary else score.value >= 1.0,
            "num_turns": 1,
        },
        "performance": _performance(reply),
        "error": f"{score.failure.kind}: {score.failure.message}" if score.failure else None,
        "metadata": _metadata(record, score),
    }
    usage = _usage(reply)
    return row | ({"token_usage": usage} if usage else {})


def _output(record: Record) -> dict[str, Any]:
    request, reply = record.request, record.reply
    if isinstance(reply, Completion):
        return {"raw": [reply.text], "reasoning_trace": [reply.reasoning] if reply.reasoning else None}
    if isinstance(reply, Likelihood) and isinstance(request, LikelihoodRequest) and reply.continuations:
        logprobs = [each.logprob for each in reply.continuations]
        return {"raw": [request.continuations[logprobs.index(max(logprobs))]]}
    return {"raw": []}


def _attribution(score: Score, page: Mapping[str, Any]) -> list[dict[str, Any]]:
    if score.answer is None:
        return []
    entries: Sequence[Mapping[str, Any]] = page.get("score", ())
    entry: Mapping[str, Any] = next((each for each in entries if each.get("name", each["by"]) == score.scorer), {})
    extract = entry.get("extract")
    method = extract.get("by") if isinstance(extract, Mapping) else extract
    return [
        {
            "turn_idx": 0,
            "source": "output.raw",
            "extracted_value": score.answer,
            "extraction_method": str(method or f"default of {entry.get('by', score.scorer)}"),
            "is_terminal": True,
        }
    ]


def _usage(reply: Any) -> dict[str, Any] | None:
    given, new = getattr(reply, "prompt_tokens", None), getattr(reply, "output_tokens", None)
    if given is None or new is None:
        return None
    usage = {"input_tokens": given, "output_tokens": new, "total_tokens": given + new}
    served = getattr(reply, "served", None)
    return usage | {
        "input_tokens_cache_read": reply.cached_tokens,
        "reasoning_tokens": served.reasoning_tokens if served else None,
    }


def _performance(reply: Any) -> dict[str, Any]:
    seconds, served = getattr(reply, "seconds", None), getattr(reply, "served", None)
    return {
        "latency_ms": 1000 * served.latency if served else None,
        "generation_time_ms": None if seconds is None else 1000 * seconds,
    }


def _metadata(record: Record, score: Score) -> dict[str, str]:
    found = {
        "repeat": record.request.repeat,
        "finish": getattr(record.reply, "finish", None),
        "reason": score.failure.message if score.failure else score.explanation or None,
        "failure_stage": score.failure.stage if score.failure else None,
        "group": record.group,
    }
    return {key: str(value) for key, value in found.items() if value is not None}
