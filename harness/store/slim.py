"""A record without its texts: what scores, comparisons and costs are computed from, in a few hundred bytes.

This is how a run of a hundred thousand records is read: prompts, completions and programs would not fit in memory.
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
    Served,
    Stage,
    TextPrompt,
)

# A longer answer is cut to its beginning, which a comparison may show, and a digest
ANSWER, BEGINNING = 80, 64
# Characters of a failure's message that a warning may quote
MESSAGE = 160
# Keys of a score's detail that metrics and warnings read: the answer for a vote, the parts of a perplexity and of other
# metrics of the corpus, notes on the answer. A metric or a warning that reads another key has to add it here
KEPT = (
    *("vote", "logprob", "bytes", "words", "targets", "weight", "bleu", "chrf"),
    *("confidence", "gold_present", "no_digit", "form", "empty"),
)
_NO_PROMPT = TextPrompt("")
_NO_DETAIL: dict[str, Any] = {}


def slim(record: Record) -> Record:
    """Return the record without prompt, texts and explanations; answers cut, different ones still different.

    Estimates, comparisons and costs of slim records equal those of the complete records.
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
        return replace(
            reply, key=key, text="", reasoning="", prompt_hash="", token_logprobs=None, served=_served(reply.served)
        )
    if isinstance(reply, Likelihood):
        return replace(reply, key=key, continuations=(), prompt_hash="", served=_served(reply.served))
    return Refusal(key, _slim_failure(reply.failure))


def _served(served: Served | None) -> Served | None:
    """What a server stated, with one copy of texts that all answers of a run share."""
    if served is None:
        return None
    model, fingerprint, provider = map(sys.intern, (served.model, served.fingerprint, served.provider))
    return replace(served, model=model, fingerprint=fingerprint, provider=provider)


def _score(score: Score) -> Score:
    vote = score.detail.get("vote", score.answer)
    detail = {name: score.detail[name] for name in KEPT if name in score.detail and name != "vote"}
    if vote != score.answer:
        detail["vote"] = _short(str(vote))
    answer = None if score.answer is None else _short(score.answer)
    failure = None if score.failure is None else _slim_failure(score.failure)
    return Score(sys.intern(score.scorer), score.value, answer, "", failure, detail or _NO_DETAIL)


def _short(text: str) -> str:
    """Return a short form that is equal only for equal texts."""
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
