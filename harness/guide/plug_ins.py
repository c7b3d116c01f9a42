"""Scorers, extractors and metrics as a reader wants them: what each does, and its options; of other packages too."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Literal

from harness import plugins
from harness.config.section import Section
from harness.guide.keys import Key, about_of, default_of, kind_of
from harness.scoring.options import ExtractorOptions, ScorerOptions

Kind = Literal["scorer", "extractor", "metric"]
KINDS: tuple[Kind, ...] = ("scorer", "extractor", "metric")


@dataclass(frozen=True, slots=True)
class PlugIn:
    """One plug-in: the name as a page writes it, its documentation, and the options that only it has."""

    kind: Kind
    name: str
    about: str
    options: tuple[Key, ...]


def shared_options(kind: Kind) -> tuple[Key, ...]:
    """The options that every plug-in of a kind has."""
    shared: dict[Kind, type[Section]] = {"scorer": ScorerOptions, "extractor": ExtractorOptions}
    options = _options(shared[kind]) if kind in shared else ()
    # What no plug-in has to say, since the factory reads it
    known = {
        "name": ("name of the score in records and tables", "that of `by`"),
        "confidence": (
            "as `extract`, reads the confidence that a completion states, from 0 to 1, for metrics such as `ece`",
            "",
        ),
        "extract": ("the extractor: its name, or a mapping with its name as `by` and options", "the scorer's own"),
    }
    return tuple(
        replace(key, about=known[key.name][0], default=known[key.name][1]) if key.name in known else key
        for key in options
    )


def plug_in(kind: Kind, name: str) -> PlugIn:
    """Describe a plug-in by the name of its file. Raises UnknownName."""
    module = plugins.load(kind, name)
    about = inspect.cleandoc(module.__doc__ or "")
    if kind == "metric":
        return PlugIn(kind, written(name), about, ())
    base = ScorerOptions if kind == "scorer" else ExtractorOptions
    schema = _schema(module, base)
    shared = set(base.model_fields)
    options = tuple(key for key in _options(schema) if key.name not in shared) if schema is not None else ()
    return PlugIn(kind, name, about, options)


def plug_ins(kind: Kind) -> list[PlugIn]:
    """Every plug-in of a kind that is installed."""
    return [plug_in(kind, name) for name in plugins.names(kind)]


def written(metric: str) -> str:
    """A metric's name as a page writes it: `pass_at_k` is `pass@k`."""
    return metric.removesuffix("_at_k") + "@k" if metric.endswith("_at_k") else metric


def _schema(module: ModuleType, base: type[Section]) -> type[Section] | None:
    """The class of a plug-in's options: the one of its own module that extends the shared ones."""
    own = [
        each
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, base) and each.__module__ == module.__name__
    ]
    return own[-1] if own else None


def _options(schema: type[Section]) -> tuple[Key, ...]:
    return tuple(
        Key(name, kind_of(info), default_of(info), about_of(schema, name, info))
        for name, info in schema.model_fields.items()
    )
