"""A record without its texts: all that scores, comparisons and costs are computed from, in a few hundred bytes.

Runs of a hundred thousand records are read so: prompts, completions and programs would not fit beside each other.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from functools import lru_cache
from typing import Any

from harness.datatypes import (
    Completion,
    Failure,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Record,
    Refusal,
    Reply,
    Request,
    RollingRequest,
    Sampling,
    Score,
    Stage,
    TextPrompt,
)

# Longer answers become their beginning, which a comparison may show, and a digest
ANSWER, BEGINNING = 80, 64
# Characters of a failure's message that a warning may quote
MESSAGE = 160
# What metrics and warnings read in a score's detail: the form for a vote, the parts of a perplexity, what was noted of
# the answer. A metric or a warning that reads another key has to add it here
KEPT = ("vote", "logprob", "bytes", "words", "gold_present", "no_digit", "form")
_NO_PROMPT = TextPrompt("")
_NO_DETAIL: dict[str, Any] = {}


def slim(record: Record) -> Record:
    """Return the record without prompt, texts and explanations; answers cut, but still different ones in votes.

    Estimates, comparisons and costs of slim records are those of the whole ones.
    """
    return Record(
        record.schema,
        sys.intern(record.run_id),
        slim_request(record.request),
        _reply(record.reply, sys.intern(record.request.key)),
        tuple(_score(score) for score in record.scores),
        None if record.group is None else sys.intern(record.group),
        record.finished_at,
    )


def slim_request(request: Request) -> Request:
    """Return the request without prompt and texts."""
    # Runs of one task share keys and ids
    key, task, sample = sys.intern(request.key), sys.intern(request.task), sys.intern(request.sample_id)
    if isinstance(request, GenerateRequest):
        sampling = _same_sampling(request.sampling)
        return GenerateRequest(key, task, sample, request.repeat, _NO_PROMPT, sampling)
    if isinstance(request, LikelihoodRequest):
        return LikelihoodRequest(key, task, sample, request.repeat, _NO_PROMPT, ())
    return RollingRequest(key, task, sample, request.repeat, _NO_PROMPT, "")


def _reply(reply: Reply, key: str) -> Reply:
    if isinstance(reply, Completion):
        return replace(reply, key=key, text="", prompt_hash="", token_logprobs=None)
    if isinstance(reply, Likelihood):
        return replace(reply, key=key, continuations=(), prompt_hash="")
    return Refusal(key, _slim_failure(reply.failure))


def _score(score: Score) -> Score:
    vote = score.detail.get("vote", score.answer)
    detail = {name: score.detail[name] for name in KEPT if name in score.detail and name != "vote"}
    if vote != score.answer:
        detail["vote"] = _short(str(vote))
    answer = None if score.answer is None else _short(score.answer)
    failure = None if score.failure is None else _slim_failure(score.failure)
    return Score(sys.intern(score.scorer), score.value, answer, "", failure, detail or _NO_DETAIL)


def _short(text: str) -> str:
    """Return a short form, the same for equal texts alone."""
    if len(text) <= ANSWER:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return " ".join(text[: 4 * BEGINNING].split())[:BEGINNING] + digest[:16]


def _slim_failure(failure: Failure) -> Failure:
    return _same_failure(failure.stage, failure.kind, failure.message[:MESSAGE], failure.ours)


@lru_cache(maxsize=4096)
def _same_failure(stage: Stage, kind: str, message: str, ours: bool) -> Failure:
    return Failure(stage, kind, message, ours)


@lru_cache(maxsize=4096)
def _same_sampling(sampling: Sampling) -> Sampling:
    return sampling
