"""Which code a model runs in this process: others than its author may have replaced the `forward` of its classes.

Guarantees: equal digests mean the same functions, by their instructions, constants and names, also those that they wrap
or call in the files of the model; code that neither transformers nor torch nor this package brings has no digest.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

# Their versions are known beside this digest
KNOWN = ("transformers", "torch", "harness")
# Here a function's callees may be replaced one by one; further ones belong to the package
MODELS = "transformers.models."
Plain = str | bytes | int | float | complex | bool | None


def forward_digest(model: Any) -> str | None:
    """sha256 over the code of all kinds of modules in a model, and of its attention; None if some of it is unknown."""
    import torch
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    kinds = {type(module) for module in model.modules()}
    if not all(_known(kind.__module__) for kind in kinds):
        return None
    named = [(f"{kind.__module__}.{kind.__qualname__}", kind.forward) for kind in kinds]
    named += [(name, vars(module)["forward"]) for name, module in model.named_modules() if "forward" in vars(module)]
    named += [("product", torch.nn.functional.scaled_dot_product_attention)]
    attention = ALL_ATTENTION_FUNCTIONS.get(str(getattr(model.config, "_attn_implementation", None)))
    named += [] if attention is None else [("attention", attention)]
    digest = hashlib.sha256()
    for name, function in sorted(named, key=lambda one: one[0]):
        lines = list(_lines(function, set()))
        if None in lines:
            return None
        digest.update(repr((name, lines)).encode())
    return digest.hexdigest()


def _known(module: str) -> bool:
    return module.partition(".")[0] in KNOWN


def _lines(function: Any, seen: set[int]) -> Iterator[str | None]:
    """A line for each function that runs; None for one from elsewhere, or whose code cannot be read."""
    if isinstance(function, MethodType):
        function = function.__func__
    if id(function) in seen:
        return
    seen.add(id(function))
    if isinstance(function, BuiltinFunctionType):
        yield function.__qualname__
        return
    if isinstance(function, functools.partial):
        held, origin, code = [function.func, *function.args, *function.keywords.values()], "", ()
    elif isinstance(function, FunctionType):
        # `__module__` is what a wrapper copies from the function in it
        held, origin, code = _held(function), str(function.__globals__.get("__name__")), _of_code(function.__code__)
        if not _known(origin):
            yield None
            return
    else:
        yield None
        return
    yield repr((origin, code, [one for one in held if isinstance(one, Plain)]))
    if origin.startswith(MODELS):
        held += map(function.__globals__.get, function.__code__.co_names)
    for other in held:
        if isinstance(other, FunctionType | MethodType | functools.partial):
            yield from _lines(other, seen)


def _held(function: FunctionType) -> list[Any]:
    """Its defaults, and what it has from where it was made: the function that it wraps."""
    found = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # still empty
            found.append(cell.cell_contents)
    return found


def _of_code(code: CodeType) -> tuple[Any, ...]:
    return code.co_code, code.co_names, [_of_constant(one) for one in code.co_consts]


def _of_constant(constant: Any) -> Any:
    if isinstance(constant, CodeType):
        return _of_code(constant)
    # The order of a set is another one in each process
    return sorted(map(repr, constant)) if isinstance(constant, frozenset) else repr(constant)
