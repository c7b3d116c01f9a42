"""The first trials: one plain answer, how its limits are spelt, and which fields beyond the plain ones are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.engines.endpoint.probe.session import TOKENS_TO_REASON, Session, names_field, shown
from harness.engines.endpoint.wire import Dialect, Fault, WireReply
from harness.errors import ConfigError, EndpointError, EngineError

PROTOCOLS = {"openai": "OpenAI-compatible", "anthropic": "Anthropic-compatible"}
# No server has it: one that accepts it accepts any field
ABSURD = "harness_no_such_field"
# Fields of the sampler with the value that switches each off
SAMPLERS = {
    "openai": (("top_k", 0), ("min_p", 0.0), ("repetition_penalty", 1.0)),
    "anthropic": (("top_p", 1.0), ("top_k", 0)),
}
# After so many refusals no field beyond the plain ones is tried any more: a server that lists what it refuses needs one
MOST_REFUSALS = 2


@dataclass(frozen=True, slots=True)
class Fields:
    """What the trial of fields showed. `reply` is a greedy answer with them, None where none came."""

    reply: WireReply | None
    ignores_unknown: bool | None
    deterministic: bool | None


def first_reply(session: Session, wire_name: str, urls: Sequence[str], *, answered: bool) -> WireReply:
    """Get one plain answer, changing what the server names as wrong. `answered`: `/models` was a JSON document.

    Raises ConfigError, EndpointError or EngineError.
    """
    while True:
        answer = session.generate()
        if isinstance(answer, WireReply):
            return answer
        # Each change can be made once, so this ends
        if "output limit was reached" in answer.message and session.tokens < TOKENS_TO_REASON:
            session.tokens = TOKENS_TO_REASON
            session.notes.append(f"the model gives no answer of a few tokens: trials had {TOKENS_TO_REASON}")
            continue
        changed = _adapted(session.dialect, answer)
        if changed is None:
            if not answered and _from_no_server(answer):
                raise no_server(wire_name, urls, answer.message)
            raise _error(session, answer)
        if session.dialect.top_p and not changed.top_p:
            session.notes.append("the server refuses top_p beside temperature: its own default applies")
        session.dialect = changed


def try_fields(session: Session, wire_name: str, base: WireReply, stream: bool) -> Fields:
    """Request the plain answer again with the sampler's fields, token ids, and streamed; leave out what is refused."""
    plain = session.dialect
    # What the user's extra_body sets stays the user's
    candidates = {name: off for name, off in SAMPLERS.get(wire_name, ()) if name not in plain.extra}
    sampler: dict[str, Any] = candidates
    ids_back, absurd, refusals = wire_name != "anthropic", True, 0
    while True:
        tried = replace(plain, sampler=dict(sampler), token_ids_back=ids_back, stream=stream)
        extra = {**plain.extra, ABSURD: 1} if absurd else plain.extra
        answer = session.generate(dialect=replace(tried, extra=extra))
        if isinstance(answer, WireReply):
            break
        refusals += 1
        if stream and (answer.kind != "bad_request" or names_field(answer, "stream")):
            stream = False
            session.notes.append(f"streamed answers fail, so answers are not streamed ({answer.message})")
        elif refusals > MOST_REFUSALS:
            session.notes.append(f"a repeated plain request failed: {answer.message}")
            session.dialect = replace(plain, stream=stream)
            return Fields(None, None, None)
        elif names_field(answer, "stream_options") and plain.stream_usage:
            plain = replace(plain, stream_usage=False)
        else:
            left, left_ids = _without_named(sampler, ids_back, answer)
            # The field that no server has explains the first refusal; later ones must name what they are about
            if refusals == MOST_REFUSALS or (not absurd and (left, left_ids) == (sampler, ids_back)):
                left, left_ids = {}, False
            sampler, ids_back, absurd = left, left_ids, False
    _note_left_out(session, candidates, sampler)
    session.dialect = replace(tried, token_ids_back=answer.prompt_ids is not None or answer.output_ids is not None)
    return Fields(answer, absurd, _deterministic(session, base, answer))


def _without_named(sampler: Mapping[str, Any], ids_back: bool, fault: Fault) -> tuple[dict[str, Any], bool]:
    """The fields that a refusal does not name."""
    kept: dict[str, Any] = {}
    for name, off in sampler.items():
        if not names_field(fault, name):
            kept[name] = off
        elif name == "top_k" and off == 0 and "-1" in fault.message:
            kept[name] = -1
    return kept, ids_back and not names_field(fault, "return_token_ids")


def _note_left_out(session: Session, candidates: Mapping[str, Any], sampler: Mapping[str, Any]) -> None:
    left_out = [name for name in candidates if name not in sampler]
    if left_out:
        session.notes.append(f"the server refuses {', '.join(left_out)}: its own defaults apply")


def _deterministic(session: Session, base: WireReply, again: WireReply) -> bool | None:
    """Whether greedy text repeats; a difference may also come from the fields or from streaming."""
    if not session.dialect.temperature or not (shown(base) or shown(again)):
        return None
    if shown(base) == shown(again):
        if session.dialect.stream and again.usage.output is None and base.usage.output is not None:
            session.dialect = replace(session.dialect, stream=False)
            session.notes.append("streamed answers state no usage, so answers are not streamed")
        return True
    whole = session.generate(dialect=replace(session.dialect, stream=False))
    if isinstance(whole, Fault):
        return False
    if session.dialect.stream and not shown(again) and shown(whole):
        session.dialect = replace(session.dialect, stream=False)
        session.notes.append("streamed answers are empty, so answers are not streamed")
        return shown(whole) == shown(base)
    if shown(whole) == shown(again):
        session.notes.append("greedy text changes when the sampler's fields are switched off: the server's own are on")
        return True
    return False


def _adapted(dialect: Dialect, fault: Fault) -> Dialect | None:
    """The dialect without what the server names as wrong; None where nothing can be changed."""
    if fault.kind != "bad_request":
        return None
    if dialect.max_tokens == "max_tokens" and names_field(fault, "max_tokens"):
        return replace(dialect, max_tokens="max_completion_tokens")
    # First, since a server that refuses both in one request names both
    if dialect.temperature and dialect.top_p and names_field(fault, "top_p"):
        return replace(dialect, top_p=False)
    if dialect.temperature and names_field(fault, "temperature"):
        return replace(dialect, temperature=False)
    return None


def no_server(wire_name: str, urls: Sequence[str], reason: str) -> EndpointError:
    """The error of a URL at which nothing ever answered as a server of the protocol does."""
    where = f" at {urls[0]}" if urls else ""
    return EndpointError(
        f"no {PROTOCOLS.get(wire_name, wire_name)} server answers{where} ({reason}); start the server, or correct its "
        "base URL (--endpoint or engine.url), such as http://HOST:8000/v1"
    )


def _from_no_server(fault: Fault) -> bool:
    """Whether a fault is no answer of a server for models: no connection, a page, or a route that is not there."""
    if fault.status is None:
        return fault.kind in ("server_error", "timeout")
    return fault.status in (404, 405) or (fault.kind == "broken_reply" and fault.status == 200)


def _error(session: Session, fault: Fault) -> ConfigError | EngineError:
    """The error of a probe that got no answer at all."""
    if fault.kind == "bad_request" and session.way == "exact":
        return ConfigError(
            f"the server refuses a prompt of token ids: {fault.message.rstrip('.')}; set engine.prompts to chat "
            "(or text), or use a server that takes token ids"
        )
    if fault.kind in ("bad_request", "context_overflow", "filtered"):
        return ConfigError(f"the server refuses the plainest request: {fault.message}")
    return EngineError(f"the server does not answer the first request: {fault.message}")
