"""Log-likelihoods by a server's log-probabilities of prompt tokens: rows of token ids to calls, and answers to scores.

Guarantees: every scored token is the one that was sent; an answer with other tokens is no score.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.engines.endpoint.sending import Answered, Sendable
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import ChoiceCall, ScoreCall
from harness.engines.hf.digests import ids_digest
from harness.engines.hf.token_jobs import Scored, ScoredRow, ScoreJob

# A server generates one token after a prompt that it scores, and the local engine scores one token that it never reads
ROOM = 2


def score_calls(job: ScoreJob, facts: ServerFacts) -> tuple[Sendable, ...]:
    """Return one call for each row, or one for all where they are single tokens after the same context."""
    context = job.rows[0][0]
    if facts.dialect.choice_ids and all(row[0] == context and len(row[1]) == 1 for row in job.rows):
        options = tuple(dict.fromkeys(continuation[0] for _, continuation in job.rows))
        return (_sendable(ChoiceCall(job.key, context, options), context),)
    return tuple(
        _sendable(ScoreCall(f"{job.key}#{place}", context + continuation, len(context)), context)
        for place, (context, continuation) in enumerate(job.rows)
    )


def scored(job: ScoreJob, calls: Sequence[Sendable], answers: Sequence[Answered], seconds: float) -> Scored | str:
    """Return the scores of a job's rows in their order, or what is wrong with an answer."""
    call = calls[0].call
    cached = sum(answer.reply.usage.cached for answer in answers)
    if isinstance(call, ChoiceCall):
        rows = _choices(job, answers[0])
        if rows is None:
            return "an option, or the likeliest token, has no log-probability"
        return Scored(job.key, rows, cached, seconds)
    found = []
    for (context, continuation), answer in zip(job.rows, answers, strict=True):
        tokens = answer.reply.prompt_tokens or ()
        tail = tokens[len(context) - 1 :]
        if tuple(token.id for token in tokens) != (context + continuation)[1:]:
            return "the server scored other tokens than were sent"
        found.append(ScoredRow(tuple(token.logprob for token in tail), all(token.greedy for token in tail)))
    return Scored(job.key, tuple(found), cached, seconds)


def _choices(job: ScoreJob, answer: Answered) -> tuple[ScoredRow, ...] | None:
    """An option is greedy if no token, named or sampled at temperature 0, has a higher log-probability."""
    options, sampled = answer.reply.option_logprobs or {}, answer.reply.token_logprobs
    if not sampled or any(continuation[0] not in options for _, continuation in job.rows):
        return None
    best = max([*options.values(), *sampled])
    return tuple(ScoredRow((options[after[0]],), options[after[0]] >= best) for _, after in job.rows)


def _sendable(call: ScoreCall | ChoiceCall, context: Sequence[int]) -> Sendable:
    return Sendable(call, ids_digest([context]), prompt_tokens=len(call.ids), most_output=1)
