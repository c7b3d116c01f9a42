"""A plug-in is one file with a `build` function; its file name is the name that users write.

Each kind of plug-in has its package here; other distributions add to it with an entry point `harness.<kind>`. Nothing
is imported before it is used, and the message for an unknown name suggests the closest known ones.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import pkgutil
from types import ModuleType
from typing import Any

from harness.errors import ConfigError, MissingPackage, UnknownName

# Kind -> package
PACKAGES = {
    "engine": "harness.engines",
    "scorer": "harness.scoring",
    "extractor": "harness.scoring.extractors",
    "metric": "harness.analysis.metrics",
    "sandbox": "harness.execution.sandboxes",
    "language": "harness.execution.languages",
    "export": "harness.export",
    "perturbation": "harness.perturb",
}


def names(kind: str) -> list[str]:
    """List the plug-ins of a kind, shipped and third-party, without importing any."""
    return sorted({*_shipped(kind), *_entry_points(kind)})


def load(kind: str, name: str) -> ModuleType:
    """Import the plug-in `name` of a kind. Raises UnknownName; ConfigError for an entry point without `build`."""
    if name in _shipped(kind):
        return importlib.import_module(f"{PACKAGES[kind]}.{name}")
    if name in (points := _entry_points(kind)):
        module: ModuleType = points[name].load()
        if not callable(getattr(module, "build", None)):
            value = points[name].value
            raise ConfigError(f"the entry point {name} = {value!r} names no module with a `build` function")
        return module
    raise UnknownName(kind, name, names(kind))


def require(package: str, extra: str, user: str) -> None:
    """Raise MissingPackage unless `package` can be imported, which `user` needs and an extra of the harness brings."""
    if importlib.util.find_spec(package) is None:
        install = f"pip install 'harness[{extra}]'"
        raise MissingPackage(
            f"{user} needs the package {package}, which is not installed: {install}", f"{package}: {install}"
        )


def _shipped(kind: str) -> list[str]:
    """Modules and packages of the kind's package that have a `def build(`; the other files are shared parts."""
    package = importlib.util.find_spec(PACKAGES[kind])
    if package is None or package.submodule_search_locations is None:
        return []
    plug_ins = []
    for info in pkgutil.iter_modules(package.submodule_search_locations):
        spec = info.module_finder.find_spec(info.name, None)
        if spec is None or spec.loader is None:
            continue
        source: str | None = spec.loader.get_source(spec.name)  # type: ignore[attr-defined]
        if source and "\ndef build(" in source:
            plug_ins.append(info.name)
    return plug_ins


def _entry_points(kind: str) -> dict[str, Any]:
    return {point.name: point for point in importlib.metadata.entry_points(group=f"harness.{kind}")}
