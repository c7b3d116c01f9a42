"""Memory of a device: how much is free, and whether an error means that it ran out."""

from __future__ import annotations

import psutil
import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory ran out: torch has one kind for GPUs and another for the CPU's allocator."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def release(device: str) -> None:
    """Give the allocator's unused blocks back to the device."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def free_bytes(device: str) -> int:
    """Bytes that a new allocation may count on now."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    if device == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)
