"""Where the layers of a model go that is larger than its device's memory: other GPUs, the CPU, the disk (accelerate).

Only for `--device auto`: a device that was named is used or refused. The device itself stays the one that computes;
what lies elsewhere is brought there layer by layer, so each batch of tokens costs a reading of it.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from harness import plugins
from harness.engines.hf.memory import free_bytes

# Of the free memory: what weights may take, the rest is for cache and logits
SHARE_OF_DEVICE, SHARE_OF_SPREAD = 0.9, 0.75


@dataclass(frozen=True, slots=True)
class Placement:
    """How many bytes of weights each device takes, and the folder for those that none has room for."""

    room: Mapping[int | str, int]
    folder: str

    def arguments(self) -> dict[str, Any]:
        """What transformers' loader is given."""
        return {"device_map": "auto", "max_memory": dict(self.room), "offload_folder": self.folder}

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def placement_of(name: str, weights: int | None, device: str) -> Placement | None:
    """None where the weights (bytes) fit into `device`. Raises MissingPackage without accelerate."""
    if weights is None or device == "mps" or weights <= free_bytes(device) * SHARE_OF_DEVICE:
        return None
    plugins.require("accelerate", "large", f"{name}: larger than the free memory of {device}; spreading it")
    # It warns of what it was requested to do
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    room: dict[int | str, int] = {}
    if device.startswith("cuda"):
        room |= {gpu: int(free_bytes(f"cuda:{gpu}") * SHARE_OF_SPREAD) for gpu in range(torch.cuda.device_count())}
    room["cpu"] = int(free_bytes("cpu") * SHARE_OF_SPREAD)
    return Placement(room, tempfile.mkdtemp(prefix="harness-offload-"))


def placed(model: Any) -> str:
    """A note on where the layers are."""
    counts = Counter(
        str(place) if isinstance(place, str) else f"cuda:{place}" for place in model.hf_device_map.values()
    )
    parts = ", ".join(f"{place} ({count})" for place, count in counts.items())
    return f"dispatched, as it is larger than the device's memory: parts of the model on {parts}; slower"
