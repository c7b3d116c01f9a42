"""What a probe found out about a server, for a reader: each fact with what it means for runs; and as one document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.engines.endpoint.server import ServerFacts
from harness.models.server import Server

WIDTH = 15
UNSEEN = "could not be seen"
_OWN_PREFILL = {"exact": "made here, with the tokenizer", "text": "plain text has none"}
_PREFILL = {
    "continued": "continued",
    "returned": "continued, and returned before the answer: it is taken off here",
    "new_turn": "a new turn is opened instead: tasks with a prefill are refused",
    "refused": "refused: tasks with a prefill are refused too",
    "unknown": f"{UNSEEN}: tasks with a prefill are refused",
}


def server_lines(seen: Server) -> Iterator[str]:
    """Yield label and value of each fact."""
    for label, value in _facts(seen):
        yield f"{label:<{WIDTH}} {value}"


def server_document(seen: Server) -> dict[str, Any]:
    """Everything; null for what was not tried or could not be seen."""
    return {
        "requested": seen.requested,
        "engine": seen.engine,
        "server": dict(seen.facts.as_facts()),
    }


def _facts(seen: Server) -> Iterator[tuple[str, str]]:
    facts = seen.facts
    dialect = facts.dialect
    listed = {True: "listed by /models", False: "not listed by /models", None: "/models does not say"}[facts.listed]
    yield "model", f"{facts.model or 'not stated in answers'} ({listed})"
    stated = [facts.version, facts.fingerprint and f"fingerprint {facts.fingerprint}", facts.provider]
    yield "server", ", ".join(one for one in stated if one) or "states no version and no fingerprint"
    yield "engine", f"{seen.engine}, prompts: {facts.way}"
    yield "window", f"{facts.window:,} tokens" if facts.window else "unknown: set engine.context_window"
    yield "greedy", _greedy(facts)
    yield "temperature 1", _says(facts.samples, "samples", "does not sample: sampled tasks are refused")
    yield "seeds", _seeds(facts)
    yield "sampler", _sampler(facts)
    yield "limit", f"sent as {dialect.max_tokens}"
    yield "stop strings", _stops(facts)
    yield "prefill", _OWN_PREFILL[facts.way] if facts.way in _OWN_PREFILL else _PREFILL[facts.prefill]
    ids = "taken: with engine.tokenizer, prompts are exactly those of the local engine"
    yield "token ids", _says(facts.token_ids, ids, "not taken: engine.prompts: exact is refused")
    yield "log-likelihoods", _likelihoods(facts)
    yield "logprobs", _says(facts.logprobs, "returned for new tokens", "not returned for new tokens")
    ignored = "ignored without a word: a misspelt key of engine.extra_body has no effect"
    yield "unknown fields", _says(facts.ignores_unknown, ignored, "refused")
    yield "streams", "used" if dialect.stream else "not used"
    yield "prompt cache", "cached tokens are stated" if facts.cached_tokens else "no cached tokens seen"
    yield (
        "reasoning",
        f"in a {facts.reasoning_field}"
        if facts.reasoning_field == "separate field"
        else facts.reasoning_field or "none seen",
    )
    yield "precision", "no server states it: name it with engine.served_as"
    yield "probe", f"{facts.requests} small requests"
    yield from (("note", note) for note in facts.notes)


def _says(found: bool | None, yes: str, no: str) -> str:
    return UNSEEN if found is None else yes if found else no


def _greedy(facts: ServerFacts) -> str:
    if not facts.dialect.temperature:
        return "not possible: the server takes no temperature, or only 1, so greedy tasks are refused"
    return _says(facts.deterministic, "the same text twice", "two texts for one request: scores are not repeatable")


def _seeds(facts: ServerFacts) -> str:
    if not facts.dialect.seed:
        return "none: sampled answers cannot be repeated"
    if facts.samples is False:
        return "nothing to see: the server does not sample"
    return _says(facts.seeds, "the same seed gives the same text", "have no effect: sampled answers cannot be repeated")


def _sampler(facts: ServerFacts) -> str:
    sent = ", ".join(f"{name}={value:g}" for name, value in facts.dialect.sampler.items())
    own = [*(["temperature"] if facts.dialect.temperature else []), *(["top_p"] if _sends_top_p(facts) else [])]
    if not sent:
        return f"{' and '.join(own)} only; the server's other defaults are unknown" if own else "the server's own"
    return ", ".join([*own, f"switched off: {sent}"])


def _sends_top_p(facts: ServerFacts) -> bool:
    return facts.dialect.temperature and facts.dialect.top_p and "top_p" not in facts.dialect.sampler


def _stops(facts: ServerFacts) -> str:
    if not facts.dialect.stops:
        return "not taken: answers are cut here, and cost more tokens"
    kept = _says(facts.keeps_stop, "kept in the text, and cut off here", "cut off by the server")
    return f"{facts.dialect.stops} a request; {kept}"


def _likelihoods(facts: ServerFacts) -> str:
    if facts.scoring:
        single = ", single tokens in one request" if facts.dialect.choice_ids else ""
        return f"proved right ({facts.dialect.scoring}{single}); they need engine.tokenizer"
    return _says(facts.scoring, "", "not proved right: tasks with log-likelihoods are refused")
