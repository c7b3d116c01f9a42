"""One record as a sample of an Inspect log, and the summary of it that a list of samples shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from harness.datatypes import ChatPrompt, Completion, Likelihood, LikelihoodRequest, Record, Refusal, Score
from harness.report.record_text import prompt_text

STOP_REASONS = {
    "stop": "stop",
    "eos": "stop",
    "length": "max_tokens",
    "window": "model_length",
    "filtered": "content_filter",
}
# Longest text in a summary: all of a log's summaries are read at once
SHORT = 1000


def sample_json(record: Record, name: str, model: str) -> dict[str, Any]:
    """Return the sample `name` as JSON holds it; `epoch` counts repeats from 1."""
    request = record.request
    messages = _messages(record)
    sample: dict[str, Any] = {
        "id": name,
        "epoch": request.repeat + 1,
        "input": messages if isinstance(request.prompt, ChatPrompt) else prompt_text(request),
        "target": "",
        "messages": messages,
        "output": {"model": model, "choices": []},
        "scores": {score.scorer: _score(score) for score in record.scores if score.value is not None},
        "metadata": _metadata(record),
        "model_usage": {model: usage} if (usage := _usage(record.reply)) else {},
    }
    if isinstance(request, LikelihoodRequest):
        sample["choices"] = list(request.continuations)
    if (answer := _answer(record)) is not None:
        message, reason = answer
        sample["messages"] = [*messages, message]
        choice = {"message": message, "stop_reason": reason}
        sample["output"] = {"model": model, "choices": [choice], "usage": usage}
    if record.finished_at:
        sample["completed_at"] = datetime.fromtimestamp(record.finished_at, UTC).isoformat()
    if (seconds := getattr(record.reply, "seconds", None)) is not None:
        sample["total_time"] = seconds
    if (failure := _failure(record)) is not None:
        sample["error"] = {"message": failure, "traceback": "", "traceback_ansi": ""}
    return sample


def summary_json(sample: dict[str, Any]) -> dict[str, Any]:
    """Return the line of a list for a sample: no messages, no output, texts shortened."""
    keys = ("id", "epoch", "choices", "target", "model_usage", "completed_at", "total_time")
    summary: dict[str, Any] = {key: sample[key] for key in keys if key in sample}
    given = sample["input"]
    summary["input"] = (
        _short(given)
        if isinstance(given, str)
        else [message | {"content": _short(message["content"])} for message in given]
    )
    summary["scores"] = {
        name: {key: _short(value) if isinstance(value, str) else value for key, value in score.items()}
        for name, score in sample["scores"].items()
    }
    if "error" in sample:
        summary["error"] = sample["error"]["message"]
    return summary | {"metadata": {}, "completed": True, "message_count": len(sample["messages"])}


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}..."


def _messages(record: Record) -> list[dict[str, Any]]:
    prompt = record.request.prompt
    if not isinstance(prompt, ChatPrompt):
        return [{"role": "user", "content": prompt_text(record.request)}]
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


def _answer(record: Record) -> tuple[dict[str, Any], str] | None:
    """The assistant's message and why it ended; of log-likelihoods the likeliest option."""
    request, reply = record.request, record.reply
    if isinstance(reply, Completion):
        content: Any = reply.text
        if reply.reasoning:
            reasoning = {"type": "reasoning", "reasoning": reply.reasoning}
            content = [reasoning, {"type": "text", "text": reply.text}]
        return {"role": "assistant", "source": "generate", "content": content}, STOP_REASONS[reply.finish]
    if isinstance(reply, Likelihood) and isinstance(request, LikelihoodRequest) and reply.continuations:
        logprobs = [each.logprob for each in reply.continuations]
        likeliest = request.continuations[logprobs.index(max(logprobs))]
        return {"role": "assistant", "source": "generate", "content": likeliest}, "stop"
    return None


def _score(score: Score) -> dict[str, Any]:
    details: dict[str, Any] = dict(score.detail)
    if score.failure is not None:
        details["failure"] = f"{score.failure.stage}/{score.failure.kind}"
    return {
        "value": score.value,
        "answer": score.answer,
        "explanation": score.failure.message if score.failure else score.explanation,
        "metadata": details,
    }


def _metadata(record: Record) -> dict[str, Any]:
    request, reply = record.request, record.reply
    found: dict[str, Any] = {"sample_id": request.sample_id, "group": record.group}
    found["finish"] = getattr(reply, "finish", None)
    if isinstance(request.prompt, ChatPrompt):
        found["prefill"] = request.prompt.prefill or None
    if isinstance(reply, Likelihood):
        found["logprobs"] = [each.logprob for each in reply.continuations]
    return {key: value for key, value in found.items() if value is not None}


def _usage(reply: Any) -> dict[str, Any] | None:
    """Tokens as Inspect counts them: those from a cache are no input tokens."""
    given, new = getattr(reply, "prompt_tokens", None), getattr(reply, "output_tokens", None)
    if given is None and new is None:
        return None
    cached = getattr(reply, "cached_tokens", 0)
    served = getattr(reply, "served", None)
    usage = {
        "input_tokens": max(0, (given or 0) - cached),
        "output_tokens": new or 0,
        "total_tokens": (given or 0) + (new or 0),
        "input_tokens_cache_read": cached or None,
        "reasoning_tokens": served.reasoning_tokens if served else None,
    }
    return {key: value for key, value in usage.items() if value is not None}


def _failure(record: Record) -> str | None:
    """Why a sample was left unscored."""
    if isinstance(record.reply, Refusal):
        return f"{record.reply.failure.kind}: {record.reply.failure.message}"
    ours = (score.failure for score in record.scores if score.value is None and score.failure is not None)
    failure = next(ours, None)
    return f"{failure.kind}: {failure.message}" if failure else None
