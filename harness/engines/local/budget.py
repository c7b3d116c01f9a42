"""How much may be computed and kept at once, by the memory that the device has free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.engines.hf.memory import free_bytes
from harness.engines.local.scheduler import Budget

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel

# Of what is free: the CPU's memory is not ours alone, a GPU's allocator needs slack for what layers compute
SHARE_CPU, SHARE_GPU = 0.5, 0.8
SHARE_OF_LOGITS = 0.15
MOST_LOGITS_BYTES = 512 * 2**20
# A logit is held as it comes, in float32, and as a sum or a sorted copy of it
BYTES_A_LOGIT = 12
# More rows cost nothing where the device waits for memory, and gain nothing where it waits for arithmetic
ROWS_CPU, ROWS_GPU = 128, 512
STEP_TOKENS_CPU, STEP_TOKENS_GPU = 512, 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user set: most rows, bytes for cache and logits, tokens a step."""

    rows: int | None = None
    memory: int | None = None
    step_tokens: int | None = None


def budget_for(model: HFModel, kv_bytes: int, limits: Limits) -> Budget:
    """The budget of a stream that starts now; `kv_bytes` are one token's keys and values in all layers."""
    cpu = model.device == "cpu"
    memory = int(free_bytes(model.device) * (SHARE_CPU if cpu else SHARE_GPU))
    if limits.memory is not None:
        memory = min(memory, limits.memory)
    for_logits = min(int(memory * SHARE_OF_LOGITS), MOST_LOGITS_BYTES)
    outputs = max(1, for_logits // (BYTES_A_LOGIT * model.vocabulary))
    rows = limits.rows or (ROWS_CPU if cpu else ROWS_GPU)
    return Budget(
        step_tokens=limits.step_tokens or (STEP_TOKENS_CPU if cpu else STEP_TOKENS_GPU),
        outputs=outputs,
        rows=min(rows, outputs),
        stored_tokens=max(1, (memory - for_logits) // max(1, kv_bytes)),
    )
