"""The proof that a server's log-probabilities of prompt tokens are right.

The server generates a few greedy tokens with their log-probabilities, then scores the same tokens as a prompt: both
must agree. A token that it did not choose must score lower and not be greedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.datatypes import Sampling
from harness.engines.endpoint.probe.session import Session
from harness.engines.endpoint.wire import ChoiceCall, PromptToken, ScoreCall, WireReply

TOKENS = 4
# Nats, over all tokens: above the noise of half precision, far below a wrong token
AGREE = 0.05
Scoring = Literal["prompt_logprobs", "echo"]


@dataclass(frozen=True, slots=True)
class _Greedy:
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    other: int


def try_scoring(session: Session) -> bool:
    """Prove prompt log-probabilities, and put the way to them into the dialect. False where they could not be proved.

    Needs prompts of token ids.
    """
    greedy = _generated(session)
    if greedy is None:
        return False
    for scoring in ("prompt_logprobs", "echo"):
        session.dialect = replace(session.dialect, scoring=scoring)
        found = _proved(session, greedy)
        if found is not None:
            session.dialect = replace(session.dialect, choice_ids=_choices_proved(session, greedy, found))
            return True
    session.dialect = replace(session.dialect, scoring="none")
    session.notes.append("log-likelihoods cannot be proved: neither prompt_logprobs nor echo gives right ones")
    return False


def _generated(session: Session) -> _Greedy | None:
    # With a way to score, tokens come as ids where the server has no other way to state them
    tried = replace(session.dialect, scoring="echo")
    answer = session.generate(dialect=tried, sampling=Sampling(TOKENS), logprobs=True)
    if not isinstance(answer, WireReply):
        session.notes.append(f"log-probabilities of new tokens are refused: {answer.message}")
        return None
    ids, logprobs = answer.output_ids, answer.token_logprobs
    if not ids or not logprobs:
        session.notes.append(
            "log-likelihoods cannot be proved: the server returns no token ids, or no log-probabilities"
        )
        return None
    paired = min(len(ids), len(logprobs))
    if len(set(logprobs[:paired])) == 1 and paired > 1:
        session.notes.append("log-likelihoods cannot be proved: all new tokens have the same log-probability")
        return None
    other = next(one for one in (*ids[1:], *session.ids, 5, 6) if one != ids[0])
    return _Greedy(ids[:paired], logprobs[:paired], other)


def _proved(session: Session, greedy: _Greedy) -> float | None:
    """The log-probability of the token that was not chosen, if all agrees."""
    scored = _scores(session, greedy.ids)
    if scored is None or not all(token.greedy for token in scored):
        return None
    if abs(sum(token.logprob for token in scored) - sum(greedy.logprobs)) > AGREE:
        session.notes.append(f"{session.dialect.scoring}: prompt and new tokens have different log-probabilities")
        return None
    wrong = _scores(session, (greedy.other,))
    if wrong is None or wrong[0].greedy or wrong[0].logprob >= scored[0].logprob:
        session.notes.append(f"{session.dialect.scoring}: a token that was not chosen scores as if it was")
        return None
    return wrong[0].logprob


def _scores(session: Session, continuation: Sequence[int]) -> tuple[PromptToken, ...] | None:
    """The scores of a continuation of the probe's prompt; None unless its tokens are those that were sent."""
    ids = (*session.ids, *continuation)
    answer = session.send(ScoreCall("", ids, len(session.ids)))
    if not isinstance(answer, WireReply) or answer.prompt_tokens is None:
        return None
    if tuple(token.id for token in answer.prompt_tokens) != ids[1:]:
        return None
    return answer.prompt_tokens[-len(continuation) :]


def _choices_proved(session: Session, greedy: _Greedy, other: float) -> bool:
    """Whether single tokens can be scored in one request, with the same numbers."""
    call = ChoiceCall("", session.ids, (greedy.ids[0], greedy.other))
    answer = session.send(call, replace(session.dialect, choice_ids=True))
    if not isinstance(answer, WireReply) or answer.option_logprobs is None:
        return False
    expected = {greedy.ids[0]: greedy.logprobs[0], greedy.other: other}
    found = answer.option_logprobs
    return all(one in found and abs(found[one] - value) <= AGREE for one, value in expected.items())
