"""What servers stated with their answers, and what of it may explain a difference between two runs.

A score of a model behind a server can change although the model is the same: the server's software, flags, precision
or hardware may be others. Sees only what the answers and the start probe stated; a server may change without a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.datatypes import GenerateRequest, Record, Refusal, Served

# What a server states, in the order of its weight, and what another value of it means
STATED = {
    "model": "the scores are of more than one model, or of a renamed one",
    "provider": "providers may serve other precisions: choose one with engine.extra_body",
    "fingerprint": "the server's software, settings or hardware changed",
}
WAYS = {
    "exact": "as token ids of the model's own tokenizer and chat template",
    "chat": "as messages, through the server's chat template",
    "text": "as text, which the server tokenizes",
}
# Values named in a line, and their greatest length
NAMED = 3
LONGEST = 40


@dataclass(frozen=True, slots=True)
class ServedRun:
    """One run: its label in tables, the requested model, the engine's facts as in the manifest, its records."""

    label: str
    model: str
    engine: Mapping[str, Any]
    records: Sequence[Record]

    @property
    def by_server(self) -> bool:
        """Whether a server gave the answers."""
        return bool(self.engine.get("server")) or next(_served(self.records), None) is not None

    @property
    def way(self) -> str | None:
        """How prompts reached the model; None where that is not known (answers from a file)."""
        if self.by_server:
            way = (self.engine.get("generation") or {}).get("prompts")
            return way if way in WAYS else None
        return "exact" if "tokenizer" in (self.engine.get("digests") or {}) else None


def changes(records: Sequence[Record]) -> tuple[str, ...]:
    """What the server stated in more than one way during a run, one line each; empty for a run without a server."""
    lines = []
    for what, meaning in STATED.items():
        counts = _counts(records, what)
        if len(counts) > 1:
            named = _listed([f"{_short(name)} ({count} answer{'s' * (count > 1)})" for name, count in counts.items()])
            lines.append(f"the server stated more than one {what} during the run: {named}; {meaning}")
    return tuple(lines)


def may_explain(a: ServedRun, b: ServedRun) -> tuple[str, ...]:
    """What besides the models may explain a difference between two runs, one line each.

    Give only the records of the tasks that differ. Empty where no server gave the answers of either.
    """
    runs = (a, b)
    lines = [f"{run.label}: {line}" for run in runs for line in changes(run.records)]
    for what in STATED:
        # Another model has another name, and its server another fingerprint
        if what == "provider" or a.model == b.model:
            lines += _between(a, b, what)
    if a.way and b.way and a.way != b.way:
        lines.append("prompts were sent in other ways: " + "; ".join(f"{r.label}: {WAYS[r.way or '']}" for r in runs))
    for run in runs:
        if run.by_server:
            lines += [f"{run.label}: {line}" for line in _of_server(run)]
    return tuple(dict.fromkeys(lines))


def _of_server(run: ServedRun) -> Iterator[str]:
    deterministic = run.engine.get("deterministic")
    if deterministic is not True and any(map(_is_greedy, run.records)):
        yield (
            "its server is not deterministic: a greedy answer changed when it was requested again"
            if deterministic is False
            else "whether its server gives the same greedy answer again is not known (--repeat-check measures it)"
        )
    if run.engine.get("dtype") is None:
        yield "the precision that the model was served in is not stated (engine.served_as)"


def _between(a: ServedRun, b: ServedRun, what: str) -> Iterator[str]:
    names_a, names_b = _names(a, what), _names(b, what)
    if names_a and names_b and set(names_a) != set(names_b):
        shown = "; ".join(
            f"{run.label}: {_listed([*map(_short, names)])}" for run, names in ((a, names_a), (b, names_b))
        )
        yield f"the servers stated another {what}: {shown}"


def _names(run: ServedRun, what: str) -> tuple[str, ...]:
    """What the answers state; what the start probe saw where they state nothing."""
    stated = tuple(_counts(run.records, what))
    probed = (run.engine.get("server") or {}).get(what)
    return stated or ((str(probed),) if probed else ())


def _counts(records: Sequence[Record], what: str) -> Counter[str]:
    """Count the answers by what they state, first arrivals first; those that state nothing are left out."""
    ordered = sorted(records, key=lambda record: record.finished_at)
    return Counter(name for served in _served(ordered) if (name := str(getattr(served, what))))


def _served(records: Sequence[Record]) -> Iterator[Served]:
    for record in records:
        if not isinstance(record.reply, Refusal) and record.reply.served is not None:
            yield record.reply.served


def _is_greedy(record: Record) -> bool:
    return not isinstance(record.request, GenerateRequest) or record.request.sampling.temperature == 0


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _short(name: str) -> str:
    text = " ".join(name.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
