"""What becomes of a prefill: judged by what follows it, not by what the server says.

A greedy answer is split. The first part is the prefill of the next request, whose few tokens must be the second part:
then the prefill was continued. A server that opens a new turn starts the answer over, or writes something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.datatypes import Sampling
from harness.engines.endpoint.probe_session import QUESTION, Session, chat
from harness.engines.endpoint.wire import Prefill, WireReply

# So few that a new turn cannot repeat the whole prefill
AFTER_PREFILL = 3
TRIALS = 2
# Its answer has many different words, if the model can do it
SECOND_QUESTION = "Count from one to twenty in words."


def try_prefill(session: Session, base: WireReply, wire_name: str) -> Prefill:
    """Find out what the server does with a prefill, with the flags that vLLM needs if it does not continue without."""
    question, answer = QUESTION, base
    if not list(splits(answer.text)):
        found = session.generate(chat(SECOND_QUESTION))
        if not isinstance(found, WireReply) or not list(splits(found.text)):
            session.notes.append("what becomes of a prefill could not be seen: the model's answers are too short")
            return "unknown"
        question, answer = SECOND_QUESTION, found
    plain = _outcome(session, question, answer)
    if plain in ("continued", "returned") or wire_name == "anthropic":
        return plain
    without = session.dialect
    session.dialect = replace(without, continue_flags=True)
    flagged = _outcome(session, question, answer)
    if flagged in ("continued", "returned"):
        return flagged
    session.dialect = without
    return plain


def splits(text: str) -> Iterator[tuple[str, str]]:
    """Places to split an answer, at spaces, the later half first: what follows must differ from the beginning."""
    start = text.strip()
    places = [at for at, letter in enumerate(text) if letter == " " and text[:at].strip() and text[at:].strip()]
    for at in sorted(places, key=lambda place: abs(place - len(text) * 0.6)):
        head, rest = text[:at].rstrip(), text[at:].strip()
        first = rest.split()[0]
        if len(first) > 1 and not start.startswith(first) and first not in head.split():
            yield head, rest


def judge(answer: str, prefill: str, rest: str, reply: str) -> Prefill:
    """What a reply shows. `answer` is the whole greedy answer, which is `prefill` and then `rest`."""
    said = reply.strip()
    if not said:
        return "unknown"
    if said.startswith(prefill.strip()):
        after = said[len(prefill.strip()) :].strip()
        return "returned" if after and _agree(after, rest) else "unknown"
    if _agree(said, rest):
        return "continued"
    return "new_turn" if answer.strip().startswith(said) else "unknown"


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


def _outcome(session: Session, question: str, answer: WireReply) -> Prefill:
    """Try at two places at most; one clear outcome is enough, since a continuation cannot be right by chance."""
    other = False
    for prefill, rest in list(splits(answer.text))[:TRIALS]:
        reply = session.generate(chat(question, prefill), sampling=Sampling(AFTER_PREFILL))
        if not isinstance(reply, WireReply):
            if reply.kind != "bad_request":
                session.notes.append(f"a request with a prefill failed: {reply.message}")
                return "unknown"
            return "refused"
        found = judge(answer.text, prefill, rest, reply.text)
        if answer.prompt_ids and reply.prompt_ids:
            by_ids = judge_ids(answer.prompt_ids, reply.prompt_ids)
            # The ids are what the model read
            found = by_ids if by_ids == "new_turn" or found == "unknown" else found
        if found != "unknown":
            return found
        other = other or bool(reply.text.strip())
    # Something else than the rest of its own answer
    return "new_turn" if other else "unknown"
