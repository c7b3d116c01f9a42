"""The start probe: at most a dozen tiny answers, and a few refusals, that find out what a server really does.

What can be seen by behaviour is not taken from what the server states. A fault in the first plain request is the error;
later ones become facts or notes. Only what the run needs is tried.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.probe.basics import Fields, first_reply, no_server, try_fields
from harness.engines.endpoint.probe.model_names import Listing, dated_snapshot, read_listing, same_model
from harness.engines.endpoint.probe.needs import ProbeNeeds
from harness.engines.endpoint.probe.prefill import try_prefill
from harness.engines.endpoint.probe.sampling import Sampled, try_sampling
from harness.engines.endpoint.probe.scoring import try_scoring
from harness.engines.endpoint.probe.session import QUESTION, Session, chat, shown
from harness.engines.endpoint.probe.stops import try_stops
from harness.engines.endpoint.sending import Pool
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import Dialect, Prefill, WireReply
from harness.errors import ConfigError, EngineError


def probe(
    pool: Pool,
    wire_name: str,
    model: str,
    options: EndpointOptions,
    needs: ProbeNeeds,
    *,
    dialect: Dialect | None = None,
    urls: Sequence[str] = (),
) -> ServerFacts:
    """Find out what the server does, and have the pool use it from then on.

    `dialect` is what the options fix; `urls` are all base URLs, of which each must have the same model. Raises
    ConfigError for another model than the requested one, for token ids that are not taken as they are, and for what
    the server refuses in the plainest request; EndpointError where nothing at the URL answers as a server does;
    EngineError where a server fails.
    """
    first = dialect or Dialect(extra=dict(options.extra_body), template_options=dict(options.template_options))
    if wire_name == "anthropic":
        # With temperature in the same request, newer models refuse it: it is tried with the sampler's fields
        first = replace(first, seed=False, top_p=False)
    session = Session(pool, needs.way, needs.ids, replace(first, stream=False))
    try:
        document = pool.get("/models")
    except EngineError as error:
        raise no_server(wire_name, urls, str(error).removesuffix("; see --endpoint (engine.url)")) from None
    listing = read_listing(document, model)
    base = first_reply(session, wire_name, urls, answered=document is not None)
    _check_model(session, model, base.model, listing, options)
    if needs.way == "exact":
        _check_ids(session, base)
    _check_other_urls(session, base, urls)
    fields = try_fields(session, wire_name, base, options.stream)
    facts = _trials(session, wire_name, base, fields, needs)
    session.pool.use(session.dialect)
    replies = [base, *([fields.reply] if fields.reply else [])]
    window = _window(session, options, listing)
    return replace(
        facts,
        dialect=session.dialect,
        way=needs.way,
        model=base.model,
        listed=listing.listed,
        window=window,
        deterministic=fields.deterministic,
        ignores_unknown=fields.ignores_unknown,
        cached_tokens=True if any(reply.usage.cached for reply in replies) else None,
        reasoning_field=_reasoning(session, replies),
        fingerprint=base.fingerprint,
        provider=base.provider,
        version=listing.version,
        notes=tuple(dict.fromkeys(session.notes)),
        requests=session.requests,
    )


def _trials(session: Session, wire_name: str, base: WireReply, fields: Fields, needs: ProbeNeeds) -> ServerFacts:
    """The trials that only some runs need."""
    greedy = fields.reply or base
    exact = needs.way == "exact"
    sampled = Sampled(None, None)
    if needs.sampled or needs.top_k:
        # Only a greedy text that repeats can be compared with
        text = shown(greedy) if fields.deterministic else ""
        sampled = try_sampling(session, text, fields.ignores_unknown)
    keeps_stop = try_stops(session, greedy, needs.stops) if needs.stops else None
    prefill: Prefill = "unknown"
    if needs.prefill and needs.way == "chat":
        prefill = try_prefill(session, greedy, wire_name)
    scoring = None
    if needs.likelihoods and exact:
        scoring = try_scoring(session)
    takes_options = None
    if needs.template_options:
        takes_options = isinstance(session.generate(replace(chat(QUESTION), template_options=needs.options)), WireReply)
        if takes_options and fields.ignores_unknown:
            session.notes.append("the server takes any field: that its chat template gets tasks' options is not proved")
    logprobs = True if scoring else _logprobs(session) if needs.logprobs else None
    return ServerFacts(
        samples=sampled.samples,
        seeds=sampled.seeds,
        keeps_stop=keeps_stop,
        prefill=prefill,
        token_ids=True if exact else None,
        scoring=scoring,
        logprobs=logprobs,
        template_options=takes_options,
    )


def _logprobs(session: Session) -> bool:
    """Whether new tokens come with their log-probabilities."""
    answer = session.generate(logprobs=True)
    return isinstance(answer, WireReply) and bool(answer.token_logprobs)


def _check_model(session: Session, model: str, stated: str, listing: Listing, options: EndpointOptions) -> None:
    """Refuse answers of another model, which some servers give to any name."""
    if stated and dated_snapshot(model, stated):
        session.notes.append(f"{model} is answered by {stated}")
        return
    # A server that repeats the name that it was given states nothing
    only = listing.names[0] if listing.listed is False and len(listing.names) == 1 else ""
    other = stated if stated and not same_model(model, stated) else only
    if other and not any(same_model(name, other) for name in listing.aliases):
        expected = options.answers_as
        if not expected or not (same_model(expected, other) or dated_snapshot(expected, other)):
            raise ConfigError(
                f"the server answers as the model {other!r}, not {expected or model!r}; give --model the name that it "
                f"serves, or, if {other!r} is the right model, --set engine.answers_as={shlex.quote(other)}"
            )
        session.notes.append(f"{model} is answered by {other}, as engine.answers_as states")
    elif listing.listed is False:
        session.notes.append(f"/models does not list {model}")


def _check_ids(session: Session, base: WireReply) -> None:
    """Refuse a server that reads other tokens than were sent."""
    read = len(base.prompt_ids) if base.prompt_ids is not None else base.usage.prompt
    changed = base.prompt_ids is not None and base.prompt_ids != session.ids
    if changed or (read is not None and read != len(session.ids)):
        raise ConfigError(
            f"the server read {read} tokens where {len(session.ids)} were sent as token ids: its answers would be to "
            "another prompt; set engine.prompts to chat (or text), or use another server"
        )
    if read is None:
        session.notes.append(
            "the server does not state how many prompt tokens it read: that it read ours is not proved"
        )


def _check_other_urls(session: Session, base: WireReply, urls: Sequence[str]) -> None:
    """One plain request to each further URL: the same model must answer."""
    for url in urls[1:]:
        answer = session.generate(url=url)
        if not isinstance(answer, WireReply):
            session.notes.append(f"{url} did not answer the probe: {answer.message}")
        elif answer.model != base.model and not same_model(base.model, answer.model):
            raise ConfigError(f"{url} serves the model {answer.model!r}, and {urls[0]} serves {base.model!r}")
        elif answer.fingerprint != base.fingerprint:
            session.notes.append(f"{url} has the fingerprint {answer.fingerprint}, {urls[0]} has {base.fingerprint}")


def _window(session: Session, options: EndpointOptions, listing: Listing) -> int | None:
    chosen, stated = options.context_window, listing.window
    if chosen and stated and chosen > stated:
        session.notes.append(f"engine.context_window is {chosen}, and the server states {stated}")
    return chosen or stated


def _reasoning(session: Session, replies: Sequence[WireReply]) -> str:
    """Where reasoning was seen."""
    if any(reply.reasoning for reply in replies):
        return "separate field"
    if any(reply.text.lstrip().startswith("<think>") for reply in replies):
        return "in the text"
    if all(not reply.text and reply.usage.reasoning for reply in replies):
        session.notes.append("the model reasons first and does not show it: its texts could not be compared")
    return ""
