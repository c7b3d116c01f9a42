"""What becomes of a prefill: judged by what follows it, not by what the server says.

A greedy answer is split. The first part is the prefill of the next request, whose few tokens must be the second part:
then the prefill was continued. A server that opens a new turn starts the answer over, or writes something else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.datatypes import Sampling
from harness.engines.endpoint.probe.session import QUESTION, Session, chat
from harness.engines.endpoint.wire import Fault, Prefill, WireReply

# So few that a new turn cannot repeat the whole prefill
AFTER_PREFILL = 3
TRIALS = 2
# Its answer has many different words, if the model can do it
SECOND_QUESTION = "Count from one to twenty in words."

# No model begins an answer to the question with it
UNLIKELY = "Seven of them, and then"


@dataclass(frozen=True, slots=True)
class _Trials:
    """`prompt_ids` of the plain question, where they came back; a question with the answer that is split."""

    prompt_ids: tuple[int, ...] | None
    question: str
    answer: str


def try_prefill(session: Session, base: WireReply, wire_name: str) -> Prefill:
    """Find out what the server does with a prefill, with the flags that vLLM needs if it does not continue without."""
    trials = _Trials(base.prompt_ids, *_answer_to_split(session, base))
    plain = _outcome(session, trials)
    if plain in ("continued", "returned") or wire_name == "anthropic":
        return plain
    without = session.dialect
    session.dialect = replace(without, continue_flags=True)
    flagged = _outcome(session, trials)
    if flagged in ("continued", "returned"):
        return flagged
    session.dialect = without
    if plain == "unknown":
        session.notes.append("what becomes of a prefill could not be seen: the model's answers are too short or vary")
    return plain


def splits(text: str) -> Iterator[tuple[str, str]]:
    """Places to split an answer, those after its middle first: the second part must not begin as the answer does.

    At spaces, and between letters, digits and signs, where tokenizers split too.
    """
    start = text.strip()
    places = [at for at in range(1, len(text)) if _kind(text[at - 1]) != _kind(text[at]) and text[at - 1] != " "]
    for at in sorted(places, key=lambda place: abs(place - len(text) * 0.6)):
        head, rest = text[:at], text[at:].strip()
        if head.strip() and not head[-1].isspace() and len(rest) > 1 and _common(start, rest) < min(2, len(rest) - 1):
            yield head, rest


def judge(answer: str, rest: str, reply: str) -> Prefill:
    """What a reply without the prefill shows. `answer` is the whole greedy answer, `rest` what follows the prefill."""
    start, said = answer.strip(), reply.strip()
    if len(said) <= _common(start, rest):
        # Both would begin like this
        return "unknown"
    if _agree(said, rest):
        return "continued"
    return "new_turn" if start.startswith(said) else "unknown"


def judge_ids(before: Sequence[int], after: Sequence[int]) -> Prefill:
    """What prompt ids show: `before` without the prefill ends with the opening of the answer, `after` has the prefill.

    A prompt that ends with the same opening again has opened a new turn.
    """
    if tuple(after[-2:]) == tuple(before[-2:]):
        return "new_turn"
    return "continued" if tuple(after[: len(before)]) == tuple(before) else "unknown"


def _agree(one: str, other: str) -> bool:
    """Whether one text is the beginning of the other."""
    return one.startswith(other) or other.startswith(one)


def _common(one: str, other: str) -> int:
    """How many first characters two texts share."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


def _kind(letter: str) -> str:
    return "space" if letter.isspace() else "digit" if letter.isdigit() else "letter" if letter.isalpha() else "sign"


def _answer_to_split(session: Session, base: WireReply) -> tuple[str, str]:
    """A question with a greedy answer that can be split; the answer is empty where there is none, or no need of one."""
    if base.prompt_ids or list(splits(base.text)):
        return QUESTION, base.text
    found = session.generate(chat(SECOND_QUESTION))
    return SECOND_QUESTION, found.text if isinstance(found, WireReply) else ""


def _outcome(session: Session, trials: _Trials) -> Prefill:
    """What becomes of a prefill in the session's dialect: by the prompt's ids, else by the text."""
    reply = session.generate(chat(QUESTION, UNLIKELY), sampling=Sampling(AFTER_PREFILL))
    if not isinstance(reply, WireReply):
        return _refused(session, reply)
    returned = reply.text.strip().startswith(UNLIKELY)
    found: Prefill = "unknown"
    if trials.prompt_ids and reply.prompt_ids:
        found = judge_ids(trials.prompt_ids, reply.prompt_ids)
    if found == "unknown":
        found = _by_text(session, trials, returned)
    return "returned" if returned and found == "continued" else found


def _by_text(session: Session, trials: _Trials, returned: bool) -> Prefill:
    """Split the answer at two places at most; one match is enough, since a continuation cannot be right by chance."""
    other = False
    for prefill, rest in list(splits(trials.answer))[:TRIALS]:
        reply = session.generate(chat(trials.question, prefill), sampling=Sampling(AFTER_PREFILL))
        if not isinstance(reply, WireReply):
            return _refused(session, reply)
        text = reply.text.strip()
        text = text.removeprefix(prefill.strip()) if returned else text
        seen = judge(trials.answer, rest, text)
        if seen != "unknown":
            return seen
        other = other or bool(text)
    # Something else than the rest of its own answer
    return "new_turn" if other else "unknown"


def _refused(session: Session, fault: Fault) -> Prefill:
    if fault.kind == "bad_request":
        return "refused"
    session.notes.append(f"a request with a prefill failed: {fault.message}")
    return "unknown"
