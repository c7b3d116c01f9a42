"""The local engine on one device: it finds the fastest correct execution mode for its model, and uses that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from harness.engines.base import ReplicaState
from harness.engines.hf.checkpoint_engine import CheckpointEngine, CheckpointOptions
from harness.engines.hf.digests import file_marks
from harness.engines.hf.token_jobs import Job, Outcome
from harness.errors import EngineError

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel
    from harness.engines.local.modes import ChosenMode, Limits
    from harness.engines.local.remembered import CheckOutcome


class LocalOptions(CheckpointOptions):
    """Options of the engine.

    `batch_size`: most sequences at a time (by memory, unless given); `max_memory`: gigabytes for cache and logits, of
    each replica; `step_tokens`: prompt and new tokens in one batch; `level`: the fastest execution mode to try;
    `speculation`: guess tokens that repeat earlier text, where few sequences are left; `self_check`: at each start, or
    once for the same weights, machine and versions.

    `replicas`: copies of the model, on one device each or on the CPU; `stuck_seconds`: a replica that shows no life for
    so long while others finish requests is ended, and its requests go to others (four times as long where none
    finishes).

    `ray`: the address of a Ray cluster on whose nodes the replicas run (`local`: a Ray of this machine), with
    `gpus_per_replica` and `cpus_per_replica` each; one that is lost is started again `ray_restarts` times, and the
    first one may wait `ray_start_seconds` for a node.
    """

    batch_size: int | None = Field(None, ge=1)
    max_memory: float | None = Field(None, gt=0)
    step_tokens: int | None = Field(None, ge=16)
    speculation: bool = True
    level: Literal["packed", "padded", "plain", "alone"] = "packed"
    self_check: Literal["cached", "always"] = "cached"
    replicas: int | None = Field(None, ge=1)
    stuck_seconds: float = Field(900.0, gt=0)
    ray: str | None = Field(None, min_length=1)
    gpus_per_replica: float | None = Field(None, ge=0)
    cpus_per_replica: float | None = Field(None, gt=0)
    ray_restarts: int = Field(3, ge=0)
    ray_start_seconds: float = Field(600.0, gt=0)


class LocalEngine(CheckpointEngine):
    """One local model, in the fastest execution mode that is correct for it."""

    name = "local"
    paced_by = frozenset({"threads", "batch_size", "level", "max_memory", "step_tokens", "speculation", "self_check"})
    options: LocalOptions
    _model: HFModel | None = None
    _chosen: ChosenMode | None = None
    _self_check: str | None = None
    # Engines on the same device, each a process that sees all of its free memory
    sharers = 1
    _done = 0
    _began = _latest = 0.0

    def concurrency(self) -> int:
        """The batch size that is set, else the most sequences that the device runs at once with enough memory."""
        from harness.engines.local.modes import ROWS_CPU, ROWS_GPU

        return self.options.batch_size or (ROWS_CPU if self.facts().device == "cpu" else ROWS_GPU)

    def throughput_options(self) -> dict[str, Any]:
        """Rows and memory as the user set them; the level, and whether it was checked now, once they are known."""
        limits = {name: getattr(self.options, name) for name in ("batch_size", "max_memory", "step_tokens")}
        level = self._chosen.name if self._chosen else self.options.level
        off = {} if self.options.speculation else {"speculation": False}
        known = {**limits, "self_check": self._self_check, **off}
        return {"level": level, **{name: value for name, value in known.items() if value is not None}}

    def start(self, model: HFModel) -> tuple[str, ...]:
        """Choose the execution mode, or take the one that was found by the same check before."""
        from harness.engines.local.modes import Limits
        from harness.engines.local.remembered import one_at_a_time, outcome_key, read_outcome

        memory = None if self.options.max_memory is None else int(self.options.max_memory * 1e9)
        limits = Limits(
            self.options.batch_size, memory, self.options.step_tokens, self.options.speculation, self.sharers
        )
        self._model = model
        settings = {"first": self.options.level, "limits": asdict(limits), "files": self._marks()}
        # Quantised tensors have no plain numbers to know them by
        key = None if model.borrowed or model.quantised else outcome_key(model, self._facts, settings)
        if key is None:
            return self._checked(model, limits, None)
        earlier = None if self.options.self_check == "always" else read_outcome(key)
        if earlier is None:
            with one_at_a_time(key):
                earlier = None if self.options.self_check == "always" else read_outcome(key)
                if earlier is None:
                    return self._checked(model, limits, key)
        return self._as_before(model, limits, key, earlier)

    def _checked(
        self, model: HFModel, limits: Limits, key: str | None, replaced: tuple[dict[str, bool], int] | None = None
    ) -> tuple[str, ...]:
        """Check the execution modes, and remember the outcome under `key`.

        `replaced`: trials and number of the layers that are packed already, which cannot be done twice.
        """
        from harness.engines.hf.lean_imports import lean_imports
        from harness.engines.local.modes import choose_mode, oracles_of
        from harness.engines.local.remembered import CheckOutcome, write_outcome

        with lean_imports():
            # Before layers are replaced: what is wrong with them would be in both of what is compared
            oracles = None if self.options.level == "alone" else oracles_of(model)
            trials, packed = replaced or _made_faster(model, {})
            self._chosen = choose_mode(model, self.options.level, limits, oracles)
        if oracles and self._chosen.name == "alone" and any(trials.values()):
            # No mode agreed: then it is the layers, or a model that answers differently each time
            _, own = oracles[-1]
            if fault := own.difference_of(self._chosen.mode):
                raise EngineError(
                    f"{self.checkpoint.files.name}: with layers laid out for this processor {fault}; "
                    "choose another engine: --engine reference"
                )
        self._self_check = "ran at this start"
        if key is not None:
            write_outcome(key, CheckOutcome(self._chosen.name, self._chosen.notes, trials, packed, time.time()))
        return self._notes(packed, trials)

    def _as_before(self, model: HFModel, limits: Limits, key: str, earlier: CheckOutcome) -> tuple[str, ...]:
        """Use what an earlier check found; check again if that cannot be used."""
        from harness.engines.local.modes import remembered_mode

        trials, packed = _made_faster(model, dict(earlier.trials))
        self._chosen = remembered_mode(model, earlier.mode, earlier.notes, limits) if packed == earlier.packed else None
        if self._chosen is None:
            return self._checked(model, limits, key, (trials, packed))
        moment = datetime.fromtimestamp(earlier.checked_at, UTC)
        self._self_check = f"remembered from {moment:%Y-%m-%d %H:%M} UTC"
        return self._notes(packed, trials)

    def _marks(self) -> list[list[int | str]]:
        """Of weights that are too large to be hashed whole at each start: whether their files are the same ones."""
        files = self.checkpoint.files
        if "weights_sampled" not in self._facts.digests:
            return []
        return [file_marks(files.folder / name) for name in files.weight_names()]

    def _notes(self, packed: int, trials: Mapping[str, bool]) -> tuple[str, ...]:
        assert self._chosen is not None
        note = f"linear layers in oneDNN's own order of weights: {packed}"
        if trials.get("halved"):
            note += "; in float16, where that holds them exactly, once sequences generate"
        return (*self._chosen.notes, note) if packed else self._chosen.notes

    def measured_kv_bytes(self) -> int | None:
        """As measured when the mode was chosen."""
        return self._chosen.kv_bytes_per_token if self._chosen else None

    def answer(self, jobs: Sequence[Job], more: Callable[[], Sequence[Job]] | None = None) -> Iterator[Outcome]:
        """Do each job once, in the chosen mode.

        `more` is called between two batches for jobs that join them; a mode that cannot take any then gets them when it
        is done with those before.
        """
        assert self._chosen is not None and self._model is not None
        self._model.halving.active = True
        self._began = self._latest = time.monotonic()
        for outcome in self._chosen.answer(jobs, more):
            self._done, self._latest = self._done + 1, time.monotonic()
            yield outcome

    def watch(self, say: Callable[[str], None]) -> None:
        """One copy of the model has nothing to say beside its state."""

    def replicas(self) -> Sequence[ReplicaState]:
        """What the model does now."""
        if self._chosen is None:
            return ()
        now, (rows, tokens) = time.monotonic(), self._chosen.load()
        place = str(self.facts().device)
        state = "working" if rows else "idle"
        return [ReplicaState("1", place, state, self._done, rows, now - self._began, now - self._latest, tokens)]

    def drop(self) -> None:
        """Free the weights and the KV cache."""
        if self._chosen is not None:
            self._chosen.mode.close()
            self._chosen = None
        if self._model is not None:
            self._model.close()
            self._model = None


def _made_faster(model: HFModel, trials: dict[str, bool]) -> tuple[dict[str, bool], int]:
    """Replace what has a faster equal on this machine.

    Nothing of a borrowed model, nor of a quantised one: its package may unpack weights and look for its own modules.
    Return the trials with those that were added, and how many linear layers were replaced.
    """
    from harness.engines.hf.linear import pack_linears
    from harness.engines.hf.norms import shorten_norms

    if model.borrowed or model.quantised:
        return trials, 0
    shorten_norms(model.model, model.device, trials)
    return trials, pack_linears(model.model, model.device, trials, model.halving)
