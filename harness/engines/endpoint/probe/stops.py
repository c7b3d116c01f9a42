"""Trials of stop strings: whether one is kept in the text, and how many a request may have."""

from __future__ import annotations

from dataclasses import replace

from harness.engines.endpoint.probe.session import Session, names_field
from harness.engines.endpoint.wire import Fault, WireReply

# What servers with a limit take at least
USUAL_STOPS = 4


def try_stops(session: Session, base: WireReply, most: int) -> bool | None:
    """Send the greedy request again with a stop string of its own answer among `most`; whether the text holds it.

    The dialect gets the number of stop strings that a request may have.
    """
    stop = stop_string(base.text)
    reason = ""
    for number in dict.fromkeys((most, min(most, USUAL_STOPS), 1)):
        answer = session.generate(dialect=replace(session.dialect, stops=number), stop=_stops(stop, number))
        if isinstance(answer, WireReply):
            session.dialect = replace(session.dialect, stops=max(number, USUAL_STOPS if number == most else 0))
            return _kept(session, answer, base.text, stop)
        reason = answer.message
        if answer.kind != "bad_request" or _unsupported(answer):
            break
    session.dialect = replace(session.dialect, stops=0)
    session.notes.append(f"the server takes no stop strings, so answers are cut here ({reason})")
    return None


def stop_string(text: str) -> str:
    """A piece from the middle of a text that is not earlier in it; empty where there is none."""
    for start in (len(text) // 2, len(text) // 3, 1):
        piece = text[start : start + 3]
        if piece.strip() and text.find(piece) == start > 0:
            return piece
    return ""


def _stops(stop: str, number: int) -> tuple[str, ...]:
    """`number` stop strings, of which only the first occurs."""
    others = [f"<harness-stop-{place}>" for place in range(number)]
    return tuple([stop, *others][:number] if stop else others)


def _unsupported(fault: Fault) -> bool:
    """Whether stop strings are refused as such, not their number."""
    return names_field(fault, "stop") and "not supported" in fault.message


def _kept(session: Session, answer: WireReply, whole: str, stop: str) -> bool | None:
    if not stop:
        return None
    if answer.text == whole and answer.ending != "stop":
        session.notes.append(
            "the server does not end an answer at a stop string: it is cut here, and costs more tokens"
        )
    return stop in answer.text
