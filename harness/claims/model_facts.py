"""Facts about a model for a claim: counted from a config file, or stated in a source.

Guarantees: what a config does not contain is no fact. Parameters are counted in the class that the config names, built
without weights; `active_share` is with the input embedding, which is the larger of the two conventions.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.claims.facts import Fact
from harness.claims.page import Claim, Stated
from harness.claims.published import HOW_SURE

if TYPE_CHECKING:
    from harness.models.parameters import Parameters

COUNTED = ("active_share", "mixture_of_experts", "total_parameters", "active_parameters")


class Configs:
    """Model configs by file, each read and counted once, however many claims use it."""

    def __init__(self) -> None:
        """Configs are read on first use."""
        self._read: dict[Path, Any] = {}
        self._counted: dict[Path, Parameters] = {}

    def config(self, path: Path) -> Any:
        """Read a config. Raises ConfigError, EngineError."""
        from harness.engines.hf.checkpoint import open_config

        if path not in self._read:
            self._read[path] = open_config(str(path), None, False)[1]
        return self._read[path]

    def parameters(self, path: Path) -> Parameters:
        """Count the parameters of a config's class, which takes some seconds. Raises ConfigError, EngineError."""
        from harness.models.parameters import count_parameters

        if path not in self._counted:
            self._counted[path] = count_parameters(self.config(path))
        return self._counted[path]


def facts_of(claim: Claim, folder: Path, configs: Configs) -> list[Fact]:
    """Return the facts in a claim's evidence; config files are relative to `folder`, the page's folder.

    Raises ConfigError or EngineError for a config that cannot be read or built.
    """
    found: list[Fact] = []
    for row in claim.evidence:
        notes = tuple(note for note in (HOW_SURE[row.checked], row.note) if note)
        if row.config is not None:
            facts = _of_config(row, folder / row.config, configs, counted=claim.test.fact in COUNTED)
            found += [replace(fact, notes=(*fact.notes, *notes)) for fact in facts]
        elif row.fact is not None and row.value is not None:
            who = f"{row.who} ({_where(row)})" if row.who else _where(row)
            found.append(Fact(row.model, row.fact, row.value, who, notes))
    return found


def _of_config(row: Stated, path: Path, configs: Configs, *, counted: bool) -> list[Fact]:
    """Facts of one config; `counted`: those of its parameters too."""
    from harness.models.attention import UNKNOWN, attention_of

    attention = attention_of(configs.config(path))
    found = [] if attention.kind == UNKNOWN else [("attention", attention.kind, attention.detail)]
    facts = [Fact(row.model, name, value, _where(row), (detail,) if detail else ()) for name, value, detail in found]
    return facts + (_of_parameters(row, configs.parameters(path)) if counted else [])


def _of_parameters(row: Stated, counted: Parameters) -> list[Fact]:
    experts = f"{counted.used} of {counted.experts} routed experts a token" if counted.routed else ""
    facts: list[tuple[str, str | float, str]] = [
        ("total_parameters", counted.total, ""),
        ("mixture_of_experts", "yes" if counted.routed else "no", experts),
    ]
    if counted.active is not None:
        of = f"{counted.active:,} of {counted.total:,} parameters"
        facts += [("active_parameters", counted.active, ""), ("active_share", counted.active / counted.total, of)]
    return [Fact(row.model, name, value, _where(row), (note,) if note else ()) for name, value, note in facts]


def _where(row: Stated) -> str:
    return f"{row.source}, {row.date}" if row.date else row.source
