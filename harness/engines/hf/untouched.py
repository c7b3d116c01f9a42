"""A model and a process that are used for a while and given back as they were.

Guarantees, also after an exception or an interrupt: each module has the attributes that it had (train mode, forward,
hooks, generation defaults, tables that a rotary embedding keeps), each buffer its numbers, each parameter its
`requires_grad` and its gradient; configs, random generators, torch's threads, transformers' log level and the
environment are those of before. No tensor that was made in inference mode stays in a module. Parameters are not copied:
that nothing writes to them is checked by their version counters.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from harness.errors import EngineError

# Set by libraries' quiet modes
ENVIRONMENT = ("HF_", "TRANSFORMERS_", "TOKENIZERS_")


@contextmanager
def untouched(model: torch.nn.Module, name: str) -> Iterator[None]:
    """Inside, the model computes as its own code says, in its own precision; afterwards all is as before.

    Raises EngineError at the end if something wrote to the weights meanwhile (a training in another thread).
    """
    versions = _versions(model)
    with ExitStack() as stack:
        for remembered in (*_modules(model), _parameters(model), *_configs(model), *_process(model)):
            stack.callback(remembered)
        _compute_plainly(model)
        # The caller may be training in mixed precision
        stack.enter_context(torch.autocast(model_device(model).type, enabled=False))
        yield
    if _versions(model) != versions:
        raise EngineError(f"{name}: its weights changed while it was evaluated; evaluate between steps of the training")


def model_device(model: torch.nn.Module) -> torch.device:
    """Where the first parameter is."""
    return next(model.parameters()).device


def _compute_plainly(model: torch.nn.Module) -> None:
    """Leave out what others put around the model's code: compiled calls, casts of mixed precision (accelerate)."""
    for module in model.modules():
        attributes = vars(module)
        if attributes.get("_compiled_call_impl") is not None:
            attributes["_compiled_call_impl"] = None
        if "_original_forward" in attributes:
            attributes["forward"] = attributes["_original_forward"]


def _versions(model: torch.nn.Module) -> list[tuple[int, int]]:
    tensors = [tensor for tensor in model.parameters() if not tensor.is_inference()]
    return [(tensor.data_ptr(), tensor._version) for tensor in tensors]


def _modules(model: torch.nn.Module) -> list[Callable[[], None]]:
    return [_module(module) for module in model.modules()]


def _module(module: torch.nn.Module) -> Callable[[], None]:
    """Remember the attributes, the entries of those that are dictionaries (hooks, buffers), and buffers' numbers."""
    attributes = dict(vars(module))
    entries = {name: value.copy() for name, value in attributes.items() if isinstance(value, dict)}
    with torch.inference_mode(False), torch.no_grad():
        numbers = [(one, one.clone()) for one in module._buffers.values() if one is not None and not one.is_meta]

    def restore() -> None:
        vars(module).clear()
        vars(module).update(attributes)
        for name, content in entries.items():
            attributes[name].clear()
            attributes[name].update(content)
        with torch.no_grad():
            for buffer, before in numbers:
                if not torch.equal(buffer, before):
                    buffer.copy_(before)

    return restore


def _parameters(model: torch.nn.Module) -> Callable[[], None]:
    before = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]

    def restore() -> None:
        for parameter, wanted, gradient in before:
            if parameter.requires_grad != wanted:
                parameter.requires_grad_(wanted)
            if parameter.grad is not gradient:
                parameter.grad = gradient

    return restore


def _configs(model: torch.nn.Module) -> list[Callable[[], None]]:
    configs: dict[int, Any] = {}
    for module in model.modules():
        for name in ("config", "generation_config"):
            if (config := getattr(module, name, None)) is not None and hasattr(config, "__dict__"):
                configs[id(config)] = config
    return [_attributes(config) for config in configs.values()]


def _attributes(config: Any) -> Callable[[], None]:
    before = dict(vars(config))

    def restore() -> None:
        vars(config).clear()
        vars(config).update(before)

    return restore


def _process(model: torch.nn.Module) -> list[Callable[[], None]]:
    from transformers.utils import logging

    threads, python = torch.get_num_threads(), random.getstate()
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if model_device(model).type == "cuda" else None
    numpy = sys.modules.get("numpy")
    drawn = numpy.random.get_state() if numpy is not None else None
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    environment = _environment()

    def restore() -> None:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        random.setstate(python)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if numpy is not None and drawn is not None:
            numpy.random.set_state(drawn)
        logging.set_verbosity(level)
        (logging.enable_progress_bar if bars else logging.disable_progress_bar)()
        for name in {*_environment(), *environment}:
            if name in environment:
                os.environ[name] = environment[name]
            else:
                del os.environ[name]

    return [restore]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(ENVIRONMENT)}
