"""What transformers' model code is imported without, and that nobody notices."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch._dynamo", "torch.distributed.tensor", "scipy.optimize", "sympy", "accelerate")
PROGRAM = f"""
import sys
from harness.engines.local import build
from harness.engines.base import ModelSpec
import builtins
before = builtins.__import__
engine = build(ModelSpec("harness/demo/models/demo-smaller"), {{}})
engine.load()
print([name for name in {HEAVY!r} if name in sys.modules])
assert builtins.__import__ is before

# A stand-in can be called, so what it stands for must be a class or a function
import importlib
from harness.engines.hf.lean_imports import _StandIn
left = [
    value
    for name, module in list(sys.modules.items())
    if name.startswith("transformers")
    for value in list(vars(module).values())
    if type(value) is _StandIn
]
assert left
for one in left:
    assert callable(getattr(importlib.import_module(one._module), one._name)), (one._module, one._name)

# A stand-in is as good as the real thing as soon as the real one is there
from transformers.distributed import tensor_parallel, utils
import torch
import torch.distributed.tensor as real
layout = tensor_parallel.ALL_PARALLEL_STYLES["colwise"].output_layouts
assert isinstance(layout, real.Shard) and layout == real.Shard(-1) and layout.dim == -1
assert isinstance(real.Shard(1), tensor_parallel.Shard) and not isinstance(torch.ones(1), tensor_parallel.DTensor)
assert not utils.is_dtensor(torch.ones(1))
assert torch.compiler.disable(lambda: 3)() == 3 and torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)) == 2
assert torch.empty(3, device="meta").normal_().is_meta
print("right")
"""


@pytest.mark.slow
def test_a_run_imports_no_compiler_and_leaves_every_import_as_it_was() -> None:
    """Half of the start-up was torch's compiler and other packages that no run uses."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[]", "right"]
