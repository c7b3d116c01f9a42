"""Which records of a run a reader wants to see: of a task, of a sample, wrong, truncated, not read, with a text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from harness.datatypes import Completion, LikelihoodRequest, Record, Refusal, RollingRequest, TextPrompt

# wrong: below full marks; no_answer: nothing extracted; unread: the right answer is in the text, but was not extracted
Kind = Literal["wrong", "truncated", "no_answer", "unread", "unscored"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Mark = Literal["right", "partly", "wrong", "unscored", "number"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a record must be to be selected: of this task and this sample, of any of `kinds`, containing `text`.

    What is empty is not looked at. `text` is looked for in prompt, completion and extracted answer, without case.
    """

    task: str = ""
    sample: str = ""
    kinds: frozenset[Kind] = frozenset()
    text: str = ""

    def takes(self, record: Record) -> bool:
        """Whether a record is selected."""
        request = record.request
        if self.task and request.task != self.task:
            return False
        if self.sample and request.sample_id != self.sample:
            return False
        if self.kinds and not self.kinds & kinds_of(record):
            return False
        return not self.text or self.text.casefold() in _all_text(record).casefold()


def kinds_of(record: Record) -> frozenset[Kind]:
    """Return the kinds of a record; of several scores the first decides whether it is wrong, as in the score table."""
    found: set[Kind] = set()
    reply, scores = record.reply, record.scores
    # A refusal that is the model's own scores 0
    refused = isinstance(reply, Refusal) and (reply.failure.ours or not scores)
    if refused or any(score.value is None for score in scores):
        found.add("unscored")
    if isinstance(reply, Completion) and reply.finish in ("length", "window"):
        found.add("truncated")
    first = scores[0] if scores else None
    # The score of a whole text is a number of bits, neither right nor wrong
    if first is not None and not isinstance(record.request, RollingRequest):
        if first.value is not None and first.value < 1:
            found.add("wrong")
        if first.failure is not None and first.failure.stage == "extract":
            found.add("no_answer")
        if first.detail.get("gold_present"):
            found.add("unread")
    return frozenset(found)


def each_score(record: Record) -> tuple[Record, ...]:
    """Return the record once for each of its scores, with that one alone: what it is by that scorer."""
    return tuple(replace(record, scores=(score,)) for score in record.scores)


def mark_of(record: Record) -> Mark:
    """Return what the first score is: right (1 or more), partly (between), wrong (0 or less), unscored.

    The score of a whole text is a `number`, neither right nor wrong.
    """
    first = record.scores[0] if record.scores else None
    if first is None or first.value is None:
        return "unscored"
    if isinstance(record.request, RollingRequest):
        return "number"
    return "right" if first.value >= 1 else "partly" if first.value > 0 else "wrong"


def failure_of(record: Record) -> str:
    """How the answer failed, or why it has no score, as `stage/kind`: of the first score; empty where it did not."""
    reply = record.reply
    first = record.scores[0].failure if record.scores else None
    failure = reply.failure if isinstance(reply, Refusal) else first
    return "" if failure is None else f"{failure.stage}/{failure.kind}"


def _all_text(record: Record) -> str:
    request, reply = record.request, record.reply
    prompt = request.prompt
    parts = [prompt.text] if isinstance(prompt, TextPrompt) else [message.content for message in prompt.messages]
    if isinstance(request, LikelihoodRequest):
        parts += request.continuations
    if isinstance(request, RollingRequest):
        parts.append(request.text)
    if isinstance(reply, Completion):
        parts += [reply.text, reply.reasoning]
    return "\n".join([*parts, *(score.answer or "" for score in record.scores)])
