"""Root-mean-square norms (Zhang and Sennrich 2019) in four operators instead of eight.

A model of 30 layers has 61 of them, each on a few rows, so their time is that of the calls. Replaced is only a module
whose class has, instruction by instruction, the code below, on a CPU in float32, and only where a trial gives the same
numbers sooner. Everything else keeps its own code.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch

TRIAL_ROWS, TRIAL_ROUNDS = 8, 8
TOLERANCE = 1e-5


def _usual(self: Any, hidden_states: torch.Tensor) -> torch.Tensor:
    # The code of LlamaRMSNorm and its copies, to be compared with: change nothing
    input_dtype = hidden_states.dtype
    hidden_states = hidden_states.to(torch.float32)
    variance = hidden_states.pow(2).mean(-1, keepdim=True)
    hidden_states = hidden_states * torch.rsqrt(variance + self.variance_epsilon)
    return self.weight * hidden_states.to(input_dtype)  # type: ignore[no-any-return]


def shorten_norms(model: torch.nn.Module, device: str, trials: dict[str, bool] | None = None) -> int:
    """Replace the norms of a float32 model on a CPU; return how many.

    `trials` are outcomes of earlier trials of the same model on this machine, which are not repeated; the others' are
    added.
    """
    trials = {} if trials is None else trials
    if device != "cpu":
        return 0
    norms: list[Any] = [module for module in model.modules() if _is_usual(module)]
    replaced = 0
    for norm in norms:
        short, trial = _shortened(norm), f"norm {norm.weight.shape[0]}"
        if trial not in trials:
            trials[trial] = _gains(norm, short)
        if trials[trial] and _same(norm, short):
            norm.forward = short
            replaced += 1
    return replaced


def _is_usual(module: Any) -> bool:
    forward, weight = getattr(type(module), "forward", None), getattr(module, "weight", None)
    if not isinstance(forward, FunctionType) or not isinstance(weight, torch.Tensor):
        return False
    known, code = _usual.__code__, forward.__code__
    # Constants begin with the docstring, or with None where there is none
    return (
        code.co_code == known.co_code
        and code.co_names == known.co_names
        and code.co_consts[1:] == known.co_consts[1:]
        and forward.__globals__.get("torch") is torch
        and "forward" not in vars(module)
        and weight.dtype == torch.float32
        and weight.dim() == 1
        and isinstance(module.variance_epsilon, float)
        and not (module._forward_hooks or module._forward_pre_hooks)
    )


def _shortened(norm: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    weight = norm.weight.detach()
    epsilon, share = torch.tensor(norm.variance_epsilon), 1 / weight.shape[0]
    usual = norm.forward

    def forward(hidden_states: torch.Tensor) -> torch.Tensor:
        if hidden_states.dtype != torch.float32:
            return usual(hidden_states)  # type: ignore[no-any-return]
        size = torch.linalg.vector_norm(hidden_states, dim=-1, keepdim=True)
        scale = torch.addcmul(epsilon, size, size, value=share).rsqrt_()
        return (hidden_states * scale).mul_(weight)

    return forward


def _trial_rows(norm: Any) -> torch.Tensor:
    width = norm.weight.shape[0]
    # Rows of very different sizes: the last are so small that epsilon counts
    sizes = torch.logspace(2, -4, TRIAL_ROWS)[:, None]
    return (torch.linspace(-3, 3, TRIAL_ROWS * width).view(TRIAL_ROWS, width).sin() * sizes)[None]


@torch.inference_mode()
def _same(norm: Any, short: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    rows = _trial_rows(norm)
    right = norm.forward(rows)
    return float((short(rows) - right).abs().max()) <= TOLERANCE * float(right.abs().max())


@torch.inference_mode()
def _gains(norm: Any, short: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    rows = _trial_rows(norm)
    return _seconds(lambda: short(rows)) < _seconds(lambda: norm.forward(rows))


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds of the quickest of a few rounds."""
    found = []
    for _ in range(TRIAL_ROUNDS):
        started = time.thread_time()
        work()
        found.append(time.thread_time() - started)
    return min(found)
