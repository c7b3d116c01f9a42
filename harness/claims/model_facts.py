"""Facts of a model for a claim: counted from a config file, or as somebody states them.

Guarantees: what a config does not tell is no fact. A count is of the class that the config names, built without
weights; `active_share` is with the input embedding, which is the larger of the two conventions.
"""

from __future__ import annotations

from pathlib import Path

from harness.analysis.claims.facts import Fact
from harness.analysis.claims.published import HOW_SURE
from harness.config.claims import Claim, Stated

COUNTED = ("active_share", "mixture_of_experts", "total_parameters", "active_parameters")


def facts_of(claim: Claim, folder: Path) -> list[Fact]:
    """Return the facts that a claim's evidence tells; config files are looked for in `folder`, the page's own.

    Raises ConfigError or EngineError for a config that cannot be read or built.
    """
    found: list[Fact] = []
    for row in claim.evidence:
        if row.config is not None:
            found += facts_of_config(row, folder / row.config, counted=claim.test.fact in COUNTED)
        elif row.fact is not None and row.value is not None:
            who = f"{row.who} ({_where(row)})" if row.who else _where(row)
            notes = tuple(note for note in (HOW_SURE[row.checked], row.note) if note)
            found.append(Fact(row.model, row.fact, row.value, who, notes))
    return found


def facts_of_config(row: Stated, path: Path, *, counted: bool) -> list[Fact]:
    """Read a config; `counted`: its parameters too, which builds the class without weights."""
    from harness.engines.attention import UNKNOWN, attention_of
    from harness.engines.checkpoint import open_config
    from harness.engines.parameters import count_parameters

    _, config = open_config(str(path), None, False)
    values: dict[str, str | float] = {}
    attention = attention_of(config)
    if attention.kind != UNKNOWN:
        values["attention"] = attention.kind
    if counted:
        parameters = count_parameters(config)
        values["total_parameters"] = parameters.total
        values["mixture_of_experts"] = "yes" if parameters.routed else "no"
        if parameters.active is not None:
            values["active_parameters"] = parameters.active
            values["active_share"] = parameters.active / parameters.total
    detail = {
        "attention": attention.detail,
        "mixture_of_experts": f"{parameters.used} of {parameters.experts} routed experts a token"
        if counted and parameters.routed
        else "",
        "active_share": f"{parameters.active or 0:,} of {parameters.total:,} parameters" if counted else "",
    }
    notes = {name: tuple(note for note in (detail.get(name, ""), row.note) if note) for name in values}
    return [Fact(row.model, name, value, _where(row), notes[name]) for name, value in values.items()]


def _where(row: Stated) -> str:
    return f"{row.source}, {row.date}" if row.date else row.source
