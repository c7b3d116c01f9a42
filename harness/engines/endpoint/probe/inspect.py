"""Everything that a probe can find out about a server, for `harness models inspect --endpoint`. Nothing is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.probe.needs import ProbeNeeds
from harness.engines.endpoint.probe.scoring import try_scoring
from harness.engines.endpoint.probe.session import Session
from harness.engines.endpoint.probe.start import probe
from harness.engines.endpoint.sending import Pool
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import Fault, PromptWay, TokenPrompt
from harness.errors import ConfigError

# More than any task has, and more than the servers with a limit take
STOPS = 6
# Any ids do for a server whose tokenizer is not here: small ones are in every vocabulary
SOME_IDS = (5, 6, 7)


def everything(way: PromptWay, ids: tuple[int, ...] = (), *, messages_only: bool = False) -> ProbeNeeds:
    """The needs of a run that would use all that a server has; `messages_only`: all that its protocol has."""
    task = "inspect"
    scores = "" if messages_only else task
    return ProbeNeeds(
        way,
        ids,
        greedy=task,
        sampled=task,
        top_k=task,
        prefill=task,
        likelihoods=scores,
        logprobs=scores,
        stops=STOPS,
    )


def inspect_server(
    pool: Pool,
    wire_name: str,
    model: str,
    options: EndpointOptions,
    *,
    way: PromptWay = "chat",
    ids: tuple[int, ...] = (),
    urls: Sequence[str] = (),
) -> ServerFacts:
    """Probe for everything. `ids`: a prompt for `exact`; for `chat`, token ids are tried with any.

    Raises what `probe` raises.
    """
    messages_only = wire_name == "anthropic"
    facts = probe(pool, wire_name, model, options, everything(way, ids, messages_only=messages_only), urls=urls)
    if messages_only:
        return replace(facts, token_ids=False, scoring=False, logprobs=False)
    if way == "exact":
        return facts
    session = Session(pool, "exact", SOME_IDS, facts.dialect, requests=facts.requests)
    try:
        taken = _takes_ids(session)
        scoring = taken and try_scoring(session)
    except ConfigError as error:
        # Chat-only servers answer that the route or the model is not there
        session.notes.append(f"plain prompts are refused: {error}")
        taken, scoring = False, False
    pool.use(facts.dialect)
    return replace(
        facts,
        token_ids=taken,
        scoring=scoring,
        dialect=replace(facts.dialect, scoring=session.dialect.scoring, choice_ids=session.dialect.choice_ids),
        requests=session.requests,
        notes=tuple(dict.fromkeys([*facts.notes, *session.notes])),
    )


def _takes_ids(session: Session) -> bool:
    """Whether a prompt of token ids is read as it is."""
    answer = session.generate(TokenPrompt(session.ids))
    if isinstance(answer, Fault):
        return False
    if answer.prompt_ids is not None:
        return answer.prompt_ids == session.ids
    return answer.usage.prompt in (None, len(session.ids))
