"""The local engine on one device: it finds the fastest correct execution mode for its model, and uses that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from harness.engines.hf.checkpoint_engine import CheckpointEngine, CheckpointOptions
from harness.engines.hf.token_jobs import Job, Outcome

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel
    from harness.engines.local.modes import ChosenMode


class LocalOptions(CheckpointOptions):
    """Options of the engine.

    `batch_size`: most sequences at a time (by memory, unless given); `max_memory`: gigabytes for cache and logits;
    `step_tokens`: prompt and new tokens in one batch; `level`: the fastest execution mode to try.
    """

    batch_size: int | None = Field(None, ge=1)
    max_memory: float | None = Field(None, gt=0)
    step_tokens: int | None = Field(None, ge=16)
    level: Literal["packed", "padded", "plain", "alone"] = "packed"


class LocalEngine(CheckpointEngine):
    """One local model, in the fastest execution mode that is correct for it."""

    name = "local"
    paced_by = frozenset({"threads", "batch_size", "level", "max_memory", "step_tokens"})
    options: LocalOptions
    _model: HFModel | None = None
    _chosen: ChosenMode | None = None

    def concurrency(self) -> int:
        """The batch size that is set, else the most sequences that the device runs at once with enough memory."""
        from harness.engines.local.modes import ROWS_CPU, ROWS_GPU

        return self.options.batch_size or (ROWS_CPU if self.facts().device == "cpu" else ROWS_GPU)

    def throughput_options(self) -> dict[str, Any]:
        """Rows and memory as the user set them; the level once it is known."""
        limits = {name: getattr(self.options, name) for name in ("batch_size", "max_memory", "step_tokens")}
        level = self._chosen.name if self._chosen else self.options.level
        return {"level": level, **{name: value for name, value in limits.items() if value is not None}}

    def start(self, model: HFModel) -> tuple[str, ...]:
        """Choose the execution mode."""
        from harness.engines.hf.linear import pack_linears
        from harness.engines.local.modes import Limits, choose_mode

        memory = None if self.options.max_memory is None else int(self.options.max_memory * 1e9)
        limits = Limits(self.options.batch_size, memory, self.options.step_tokens)
        self._model = model
        packed = pack_linears(model.model, model.device)
        self._chosen = choose_mode(model, self.options.level, limits)
        note = f"linear layers in oneDNN's own order of weights: {packed}"
        return (*self._chosen.notes, note) if packed else self._chosen.notes

    def measured_kv_bytes(self) -> int | None:
        """As measured when the mode was chosen."""
        return self._chosen.kv_bytes_per_token if self._chosen else None

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in the chosen mode."""
        assert self._chosen is not None
        return self._chosen.mode.answer(jobs)

    def drop(self) -> None:
        """Free the weights and the KV cache."""
        if self._chosen is not None:
            self._chosen.mode.close()
            self._chosen = None
        if self._model is not None:
            self._model.close()
            self._model = None
