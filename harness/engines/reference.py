"""The reference engine: plain `transformers`, slow and obviously right; faster engines are compared with it.

Greedy requests run in left-padded batches of equal settings, longest first; sampled ones run alone, each with
a generator seeded by its own key. Guarantees: greedy text equals `model.generate` on the prompt alone (up to
rounding in half precision, see `hf_model`). A model that mishandles padding is found out when it loads, and then
runs one request at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from harness.config.checking import check_values
from harness.engines.base import ModelSpec
from harness.engines.hf.checkpoint_engine import CheckpointEngine, CheckpointOptions, Opened, opened
from harness.engines.hf.token_jobs import Job, Outcome

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel


class ReferenceOptions(CheckpointOptions):
    """Options of the engine."""

    batch_size: int = Field(8, ge=1)


def option_names() -> frozenset[str]:
    """Keys of `engine` in a config."""
    return frozenset(ReferenceOptions.model_fields)


def check_options(spec: ModelSpec, options: Mapping[str, Any]) -> ReferenceOptions:
    """Check what needs no file of a hub and no torch. Raises ConfigError, MissingPackage or ModelError."""
    from harness.engines.hf.device import refuse_unknown_device
    from harness.engines.hf.sources import refuse_settings

    chosen = check_values(ReferenceOptions, options, "engine reference")
    refuse_unknown_device(spec.device)
    refuse_settings(spec)
    return chosen


def build(spec: ModelSpec, options: Mapping[str, Any]) -> ReferenceEngine:
    """Open config and tokenizer; no weights. Raises ConfigError, HubError or EngineError with one line."""
    chosen = check_options(spec, options)
    return ReferenceEngine(opened(spec), chosen)


def build_live(opened: Opened, options: Mapping[str, Any]) -> ReferenceEngine:
    """An engine for a model that is in memory. Raises ConfigError or EngineError with one line."""
    return ReferenceEngine(opened, check_values(ReferenceOptions, options, "engine reference"))


class ReferenceEngine(CheckpointEngine):
    """One local model, run in plain batches."""

    name = "reference"
    options: ReferenceOptions
    _model: HFModel | None = None
    _batch_size: int | None = None

    def concurrency(self) -> int:
        """The batch size."""
        return self._batch_size or self.options.batch_size

    def throughput_options(self) -> dict[str, Any]:
        """How many requests are in a batch."""
        return {"batch_size": self.concurrency()}

    def start(self, model: HFModel) -> tuple[str, ...]:
        """Try padded batches."""
        self._model, self._batch_size = model, self.options.batch_size
        if self._batch_size > 1 and (fault := model.padding_fault()):
            self._batch_size = 1
            return (f"batch_size is 1: {fault}",)
        return ()

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Likelihoods go one request at a time, greedy requests in batches, sampled ones alone."""
        from harness.engines.hf.plain_batches import answer_in_batches

        assert self._model is not None and self._batch_size is not None
        return answer_in_batches(self._model, jobs, self._batch_size)

    def drop(self) -> None:
        """Drop the weights."""
        if self._model is not None:
            self._model.close()
            self._model = None
