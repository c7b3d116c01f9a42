"""From an engine's name and options to the engine, for every engine alike."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness import plugins
from harness.engines import DEFAULT_ENGINE, ENDPOINT_ENGINE
from harness.engines.base import Engine, ModelSpec
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.engines.hf.live_model import LiveModel


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


def check_options(name: str | None, spec: ModelSpec, options: Mapping[str, Any]) -> None:
    """Refuse options that are wrong whatever the tasks are, before anything is opened. Raises HarnessError."""
    name = engine_name(name, options)
    module = engine_module(name)
    _refuse_option_of_another(name, module, options)
    check = getattr(module, "check_options", None)
    if check is not None:
        check(spec, options)


def open_live(live: LiveModel, name: str | None, spec: ModelSpec, options: Mapping[str, Any]) -> Engine:
    """Build an engine for a model that is in memory. Raises ConfigError for an engine that takes none."""
    from harness.engines.hf.checkpoint_engine import Opened
    from harness.engines.hf.live_model import live_checkpoint, refuse_settings

    name = engine_name(name, options)
    module = engine_module(name)
    if not hasattr(module, "build_live"):
        able = [other for other in plugins.names("engine") if hasattr(plugins.load("engine", other), "build_live")]
        raise ConfigError(f"the engine {name!r} takes no model object; use {' or '.join(able)}, or name a model")
    _refuse_option_of_another(name, module, options)
    refuse_settings(spec)
    # The engine takes digests of the small files while it is built, and does not read them again
    with tempfile.TemporaryDirectory(prefix="harness-live-") as folder:
        checkpoint = live_checkpoint(live, Path(folder))
        opened = Opened(replace(spec, device=live.device), checkpoint, live.dtype, live)
        engine: Engine = module.build_live(opened, options)
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
