"""What a server answered, in the words of the harness: how an answer ended, and what a fault means for its sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from harness.datatypes import Completion, Failure, Finish, GenerateRequest, Refusal, Reply, Request, Served
from harness.engines.endpoint.sending import Answered
from harness.engines.endpoint.wire import Ending, Fault, WireReply

Overflow = Literal["truncate_left", "refuse"]
# An ending of which the server gave no reason is taken for the model's own
FINISHES: dict[Ending, Finish] = {
    "end": "eos",
    "stop": "stop",
    "length": "length",
    "window": "window",
    "filtered": "filtered",
    "unknown": "eos",
}


def finish_of(ending: Ending, cut: bool, new_tokens: int | None, most: int) -> Finish:
    """Return how an answer ended; `cut`: at a stop string, by the client. `most` tokens were allowed by the task.

    A server that ran out of its context window says "length" too, with fewer tokens than were allowed.
    """
    if ending == "filtered":
        return "filtered"
    if cut:
        return "stop"
    finish = FINISHES[ending]
    return "window" if finish == "length" and new_tokens is not None and new_tokens < most else finish


def is_empty(reply: WireReply) -> bool:
    """Whether a server gave no answer at all though it says that the answer is complete.

    A stop string that the server names as met at once is an answer, and so is reasoning without an answer.
    """
    ended = reply.ending in ("end", "stop", "unknown")
    return ended and not reply.text and not reply.reasoning and reply.stop_string is None


def served_by(answers: Sequence[Answered]) -> Served:
    """Return what is known of the answers of one request: the slowest, and all attempts."""
    last = answers[-1].reply
    reasoning = [answer.reply.usage.reasoning for answer in answers if answer.reply.usage.reasoning is not None]
    return Served(
        latency=max(answer.latency for answer in answers),
        attempts=sum(answer.attempts for answer in answers),
        model=last.model,
        fingerprint=last.fingerprint,
        provider=last.provider,
        reasoning_tokens=sum(reasoning) if reasoning else None,
    )


def reply_to_fault(request: Request, fault: Fault, overflow: Overflow) -> Reply:
    """Return what a call that was given up means: the model's own failure, or one of ours, which leaves it unscored.

    What the server withheld is an answer without text. A prompt that does not fit is the model's own fault where the
    user chose to refuse such prompts; where it was to be cut, and was not, it is ours.
    """
    if fault.kind == "filtered" and isinstance(request, GenerateRequest):
        return Completion(request.key, "", "filtered")
    ours = not (fault.kind == "context_overflow" and overflow == "refuse")
    return refusal(request, fault.kind, fault.message, ours=ours)


def refusal(request: Request, kind: str, message: str, *, ours: bool = True) -> Refusal:
    """Return the refusal of a request by the engine."""
    return Refusal(request.key, Failure("engine", kind, message, ours))
