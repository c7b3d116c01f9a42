"""A model behind a server: what the probe of its engine finds out about the server."""

from __future__ import annotations

from dataclasses import dataclass

from harness.config.schema import EngineConfig, ModelPage
from harness.engines.endpoint.server import ServerFacts
from harness.engines.registry import engine_module, engine_name
from harness.errors import ConfigError
from harness.plan import model_spec


@dataclass(frozen=True, slots=True)
class Server:
    """The facts, the engine that found them, and the requested model."""

    engine: str
    requested: str
    facts: ServerFacts


def is_served(engine: EngineConfig) -> bool:
    """Whether the model is behind a server: its engine can inspect one. Raises UnknownName."""
    return hasattr(engine_module(engine_name(engine.name, engine.options())), "inspect_endpoint")


def inspect_server(model: ModelPage, engine: EngineConfig) -> Server:
    """Send a probe's requests. Raises ConfigError or EngineError with one line."""
    name = engine_name(engine.name, engine.options())
    inspect = getattr(engine_module(name), "inspect_endpoint", None)
    if inspect is None:
        raise ConfigError(f"the engine {name!r} has no server to inspect; leave --endpoint out")
    spec = model_spec(model)
    facts: ServerFacts = inspect(spec, engine.options())
    return Server(name, spec.path, facts)
