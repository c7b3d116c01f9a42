"""What the start probe found out about a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.engines.endpoint.wire import Dialect, Prefill, PromptWay


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """How one server really behaves; None where it was not tried or could not be seen.

    `way`: how it was prompted; `model`: the name that its answers state; `listed`: whether `/models` lists the
    requested one; `window` in tokens; `samples`: temperature 1 varies; `seeds`: the same seed gives the same text;
    `keeps_stop`: the text holds the stop string; `token_ids`: prompts may be token ids; `scoring`: its prompt
    log-probabilities were proved right; `logprobs`: new tokens come with theirs; `template_options`: it takes
    `chat_template_kwargs`; `ignores_unknown`: unknown fields are accepted without a word;
    `reasoning_field`: where reasoning is returned, "separate field" or "in the text" (empty: none was seen).
    `requests` were spent on finding it out.
    """

    dialect: Dialect = field(default_factory=Dialect)
    way: PromptWay = "chat"
    model: str = ""
    listed: bool | None = None
    window: int | None = None
    samples: bool | None = None
    seeds: bool | None = None
    deterministic: bool | None = None
    keeps_stop: bool | None = None
    prefill: Prefill = "unknown"
    token_ids: bool | None = None
    scoring: bool | None = None
    logprobs: bool | None = None
    template_options: bool | None = None
    ignores_unknown: bool | None = None
    cached_tokens: bool | None = None
    reasoning_field: str = ""
    fingerprint: str = ""
    provider: str = ""
    version: str = ""
    notes: tuple[str, ...] = ()
    requests: int = 0

    def as_facts(self) -> Mapping[str, Any]:
        """As the manifest keeps it."""
        return asdict(self)
