"""What a reader of a run must know of its server, for the manifest."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engines.endpoint.address import Servers
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.probe.needs import ProbeNeeds
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import WireReply

# More of these would repeat what is known
MOST_CHANGES = 5


def first_notes(options: EndpointOptions, servers: Servers, of_tokenizer: Sequence[str]) -> tuple[str, ...]:
    """Notes that need no request."""
    notes = [*of_tokenizer, *servers.notes]
    if not servers.hosted and not options.served_as:
        notes.append("no server states its precision and flags: state the precision with --set engine.served_as=...")
    return tuple(notes)


def notes_of_server(facts: ServerFacts, needs: ProbeNeeds) -> tuple[str, ...]:
    """Notes on what the probe found, as far as the run needs it."""
    notes = list(facts.notes)
    if needs.sampled and not facts.dialect.sampler:
        notes.append(
            "sampler defaults unknown: the server takes no top_k, min_p or repetition_penalty, so it may apply its own"
        )
    if needs.sampled and facts.seeds is False:
        notes.append("the server gives other sampled answers for the same seed")
    if needs.greedy and facts.deterministic is False:
        notes.append("a greedy answer changed when it was requested again")
    return tuple(dict.fromkeys(notes))


class AnswerChanges:
    """Watches whether each URL answers as one server all through a run: its model, fingerprint and provider.

    In what several URLs differ from each other is no change: the probe compares them.
    """

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self._seen: dict[tuple[str, str], str] = {}
        self._notes: list[str] = []

    def see(self, reply: WireReply, url: str) -> None:
        """Look at one answer of a URL. An answer that does not state a name changes nothing."""
        stated = {"model": reply.model, "fingerprint": reply.fingerprint, "provider": reply.provider}
        for what, name in stated.items():
            before = self._seen.get((url, what))
            if name and before != name:
                self._seen[url, what] = name
                if before is not None and len(self._notes) < MOST_CHANGES:
                    self._notes.append(f"the server's {what} changed during the run: {before} -> {name}")

    def notes(self) -> tuple[str, ...]:
        """The changes, each once."""
        return tuple(dict.fromkeys(self._notes))
