"""From an engine's name and options to the engine, for every engine alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from harness import plugins
from harness.engines import DEFAULT_ENGINE, ENDPOINT_ENGINE
from harness.engines.base import Engine, ModelSpec
from harness.errors import ConfigError


def engine_name(name: str | None, options: Mapping[str, Any] | None = None) -> str:
    """The engine that a config names; where it names none, the default one, or with a server's URL that for servers."""
    return name or (ENDPOINT_ENGINE if options and options.get("url") is not None else DEFAULT_ENGINE)


def engine_module(name: str | None) -> ModuleType:
    """Import an engine's module. Raises UnknownName."""
    return plugins.load("engine", engine_name(name))


def open_engine(name: str | None, spec: ModelSpec, options: Mapping[str, Any]) -> Engine:
    """Build an engine. Raises ConfigError, naming the engines that have an option which this one lacks."""
    name = engine_name(name)
    module = engine_module(name)
    _refuse_option_of_another(name, module, options)
    engine: Engine = module.build(spec, options)
    return engine


def _refuse_option_of_another(name: str, module: ModuleType, options: Mapping[str, Any]) -> None:
    own = _option_names(module)
    # Without a list the engine's `build` refuses what it does not know, as for a misspelt option
    unknown = [] if own is None else [option for option in options if option not in own]
    if not unknown:
        return
    others = [other for other in plugins.names("engine") if other != name]
    for option in unknown:
        having = [other for other in others if _has_option(other, option)]
        if having:
            raise ConfigError(
                f"the engine {name!r} has no option {option!r}; choose an engine that has it "
                f"(--engine {' or '.join(having)}), or leave it out"
            )


def _has_option(name: str, option: str) -> bool:
    try:
        module = plugins.load("engine", name)
    except (ImportError, ConfigError):
        # Another package's engine that does not load here is no suggestion
        return False
    return option in (_option_names(module) or ())


def _option_names(module: ModuleType) -> frozenset[str] | None:
    names = getattr(module, "option_names", None)
    return frozenset(names()) if names is not None else None
