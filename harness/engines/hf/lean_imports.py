"""Imports transformers' model code without what a causal language model on one device never uses.

At import, transformers' modules also import torch's compiler, its tensors over several machines, scipy.optimize and
accelerate: half of the time that the import takes. Within `lean_imports`, such a name in a module of transformers is
bound to a stand-in instead, which imports the real object when it is first used. Guarantees: importers outside of
transformers get the real modules; a stand-in behaves as the real class in calls, attributes, `isinstance` and
`issubclass`; afterwards every import is as usual. Nothing is changed for modules that are imported already.
"""

from __future__ import annotations

import builtins
import importlib
import logging
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any

# Modules, with those below them, whose names transformers needs in no step of loading or running a model on one device
DEFERRED = (
    "accelerate",
    "scipy.optimize",
    "torch._dynamo",
    "torch.distributed._composable",
    "torch.distributed._functional_collectives",
    "torch.distributed.checkpoint",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "torch.nn.attention.flex_attention",
    # These hide functions from the compiler, which imports the compiler
    "transformers.generation.continuous_batching.cache",
    "transformers.generation.continuous_batching.initialization",
    "transformers.integrations.flex_attention",
)
IMPORTER = "transformers."
# Modules of torch whose functions import the compiler to mark a function for it
MARKERS = ("torch.compiler", "torch._compile")
# Of these, instances are made at import, for a table of ways to split layers over devices
VALUES = frozenset({"Partial", "Replicate", "Shard"})
NOISY = ("torchao", "torch.utils._pytree")
_lock = threading.RLock()


def import_transformers() -> None:
    """Import the code that every model of transformers is built on; does nothing where it is imported already."""
    if "transformers.modeling_utils" in sys.modules:
        return
    with lean_imports(), _quiet():
        importlib.import_module("transformers.modeling_utils")
        importlib.import_module("transformers.modeling_layers")
        importlib.import_module("transformers.generation.utils")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep away what torchao, where it is installed, warns of at each import: its kernels for other machines."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def lean_imports() -> Iterator[None]:
    """Leave out, meanwhile, what transformers imports and does not need."""
    with _lock, _compiler_left_out(), _deferring(), _folders_listed_once():
        yield


@contextmanager
def _folders_listed_once() -> Iterator[None]:
    """Have transformers read the sources of all models once for its table of names, not once a spelling of it."""
    from transformers.utils import import_utils

    real = import_utils.create_import_structure_from_path
    if not hasattr(real, "cache_info"):
        yield
        return

    def listed(path: Any) -> Any:
        return real(Path(path).parent if Path(path).is_file() else Path(path))

    import_utils.create_import_structure_from_path = listed
    try:
        yield
    finally:
        import_utils.create_import_structure_from_path = real


@contextmanager
def _deferring() -> Iterator[None]:
    real = builtins.__import__

    def deferring(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if name == "torch._dynamo" and globals is not None and globals.get("__name__") in MARKERS:
            # It binds `torch`; see _Marks
            return sys.modules["torch"]
        # A constant has no stand-in
        if fromlist and globals is not None and not any(one.lstrip("_").isupper() for one in fromlist):
            importer = str(globals.get("__name__"))
            if importer.startswith(IMPORTER):
                wanted = resolve_name("." * level + name, globals.get("__package__")) if level else name
                if _is_deferred(wanted) and wanted not in sys.modules:
                    return _Names(wanted)
        return real(name, globals, locals, fromlist or (), level)

    builtins.__import__ = deferring
    try:
        yield
    finally:
        builtins.__import__ = real


@contextmanager
def _compiler_left_out() -> Iterator[None]:
    import torch

    if "torch._dynamo" in sys.modules:
        yield
        return
    vars(torch)["_dynamo"] = marks = _Marks()
    try:
        yield
    finally:
        marks.forget()
        if vars(torch).get("_dynamo") is marks:
            del vars(torch)["_dynamo"]


class _Marks:
    """`torch._dynamo` as far as decorators need it while nothing is compiled: functions stay as they are."""

    def __init__(self) -> None:
        self._disabled: list[Any] = []

    def allow_in_graph(self, function: Any) -> Any:
        return function

    def assume_constant_result(self, function: Any) -> Any:
        return function

    def disable(self, function: Any = None, recursive: bool = True, **options: Any) -> Any:
        if function is None or options.get("wrapping", True):
            return importlib.import_module("torch._dynamo").disable(function, recursive, **options)
        self._disabled.append(function)
        return function

    def forget(self) -> None:
        """Have torch disable these functions when they are called next: it keeps the result at the function."""
        for function in self._disabled:
            vars(function).pop("__dynamo_disable", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("torch._dynamo"), name)


def _is_deferred(name: str) -> bool:
    return (
        any(name == one or name.startswith(one + ".") for one in DEFERRED) and find_spec(name.split(".")[0]) is not None
    )


class _Names:
    """A module of which `from ... import` takes names."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _StandIn(name, (), {"_module": self._module, "_name": name})


class _StandIn(type):
    """A class that takes the place of a name: a class, or a function."""

    _module: str
    _name: str

    def _real(cls) -> Any:
        return getattr(importlib.import_module(cls._module), cls._name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls._name in VALUES:
            return _Value(cls, args, kwargs)
        return cls._real()(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls._real(), name)

    def __instancecheck__(cls, instance: object) -> bool:
        # Of a class whose module was never imported there is no instance
        return cls._module in sys.modules and isinstance(instance, cls._real())

    def __subclasscheck__(cls, subclass: type) -> bool:
        return cls._module in sys.modules and issubclass(subclass, cls._real())


class _Value:
    """An instance of a class that was not imported when it was made."""

    def __init__(self, stand_in: _StandIn, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._recipe = (stand_in, args, kwargs)

    def _real(self) -> Any:
        stand_in, args, kwargs = self._recipe
        return stand_in._real()(*args, **kwargs)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._real())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __eq__(self, other: object) -> bool:
        return bool(self._real() == other)

    def __hash__(self) -> int:
        return hash(self._real())

    def __repr__(self) -> str:
        return repr(self._real())
