"""Linear layers whose weight the code around them reads itself, beside or instead of calling the layer.

Mamba multiplies by `self.dt_proj.weight`. The weight of such a layer must stay where it is.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

_LINEAR = (torch.nn.Linear, Conv1D)
# Of these no method reads the weight of a layer that only a subclass has
_COMMON = ("torch.", "transformers.modeling_utils", "transformers.generation")
# What may be asked of a weight whose numbers are elsewhere
_READ = re.compile(r"\.(\w+)\.weight\b(?!\s*\.\s*(?:device|dtype|shape)\b)")


def layers_read(model: torch.nn.Module) -> set[int]:
    """The ids of the linear layers whose weight a method of their parent's class reads."""
    found: set[int] = set()
    read: dict[Any, frozenset[str]] = {}
    for module in model.modules():
        layers = {name: id(child) for name, child in module.named_children() if isinstance(child, _LINEAR)}
        if layers:
            kind: Any = type(module)
            if kind not in read:
                read[kind] = weights_read(kind)
            found |= {layers[name] for name in layers.keys() & read[kind]}
    return found


def weights_read(kind: type[Any]) -> frozenset[str]:
    """The names in front of `.weight` in the methods of a class; where there is no source, all names beside one."""
    found: set[str] = set()
    for function in _functions(kind):
        used = set(_names(function.__code__))
        if "weight" not in used:
            continue
        try:
            found.update(_READ.findall(inspect.getsource(function)))
        except (OSError, TypeError):
            found |= used
    return frozenset(found)


def _functions(kind: type[Any]) -> Iterator[FunctionType]:
    for base in kind.__mro__:
        if base.__module__.startswith(_COMMON):
            continue
        for value in vars(base).values():
            function = inspect.unwrap(value) if callable(value) else None
            if isinstance(function, FunctionType) and function.__name__ != "__init__":
                yield function


def _names(code: CodeType) -> Iterator[str]:
    """Names that a function uses, with those of the functions in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
