"""Linear layers that read one input, as one product: query, key and value; gate and up.

One product of a few rows with a wide weight costs less than several with narrow ones. The module's own code stays as
it is: the first layer that gets a tensor computes for all of its group, and the others, when they get the very same
tensor, return their part. So a class that gives its layers different inputs is computed rightly, only not faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

# Names of layers that read one input, in the order in which they are called
GROUPS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
# Larger weights are read from memory as fast as it goes, joined or not
MOST_WEIGHTS = 8 * 2**20

Product = Callable[[torch.Tensor], torch.Tensor]


def groups_of(model: torch.nn.Module, usable: Callable[[Any], bool]) -> Iterator[list[Any]]:
    """Groups of `usable` layers of one module, with one input width, and with a bias each or none."""
    for module in model.modules():
        for names in GROUPS:
            layers = [getattr(module, name, None) for name in names]
            if not all(isinstance(layer, torch.nn.Linear) and usable(layer) for layer in layers):
                continue
            widths = {layer.weight.shape[1] for layer in layers if layer is not None}
            biases = {layer.bias is None for layer in layers if layer is not None}
            size = sum(layer.weight.numel() for layer in layers if layer is not None)
            if len(widths) == len(biases) == 1 and size <= MOST_WEIGHTS:
                yield layers


def joined_weight(layers: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Weight [all outputs, in] and bias of a group."""
    weight = torch.cat([layer.weight.detach() for layer in layers])
    bias = None if layers[0].bias is None else torch.cat([layer.bias.detach() for layer in layers])
    return weight, bias


class JoinedProduct:
    """One product for several layers; each gets its part, whatever the order of the calls."""

    def __init__(self, product: Product, sizes: Sequence[int]) -> None:
        """`product` gives the layers' outputs side by side, `sizes` are their widths."""
        self._product, self._sizes = product, list(sizes)
        self._input: torch.Tensor | None = None
        self._parts: list[torch.Tensor | None] = []
        # At the first input: a copy, to see whether the module changes its layers' input between their calls
        self._copy: torch.Tensor | None = None
        self._tried = False
        self._changes = False

    def part(self, index: int) -> Product:
        """The product of one layer."""

        def product(rows: torch.Tensor) -> torch.Tensor:
            found = self._kept(index, rows)
            return self._compute(index, rows) if found is None else found

        return product

    def _kept(self, index: int, rows: torch.Tensor) -> torch.Tensor | None:
        """What was computed for this layer from this very tensor; each part is given out once, so none is kept long."""
        if self._input is not rows:
            return None
        part, self._parts[index] = self._parts[index], None
        if self._copy is not None and not torch.equal(self._copy, rows):
            self._changes, part = True, None
        if all(other is None for other in self._parts):
            self._input = self._copy = None
        return part

    def _compute(self, index: int, rows: torch.Tensor) -> torch.Tensor:
        parts = torch.split(self._product(rows), self._sizes, -1)
        if self._changes:
            return parts[index]
        if not self._tried:
            self._copy, self._tried = rows.clone(), True
        self._input, self._parts = rows, list(parts)
        self._parts[index] = None
        return parts[index]
