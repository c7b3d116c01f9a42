"""The execution modes of a model: the fastest one that computes what transformers computes, tested before the run.

`packed` runs unrelated tokens in one row with our own attention; `padded` runs left-padded batches through the model's
own, with shared prefixes read once; `plain` is the model's own `generate` on batches; `alone` is that for one request
at a time, the reference of the others. Guarantees: a mode is used only after its results on this model were compared
with plain `generate` and a plain forward; the notes give the reason for each faster mode that was not used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from harness.engines.hf.hf_model import HFModel
from harness.engines.hf.memory import free_bytes
from harness.engines.hf.plain_batches import answer_in_batches
from harness.engines.hf.rope import longest_at_one_scale
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.local.kv_cache import PackingUnsupported
from harness.engines.local.packed import PackedMode
from harness.engines.local.padded import PaddedMode
from harness.engines.local.padded_batch import PaddedModel
from harness.engines.local.runner import Runner
from harness.engines.local.scheduler import Budget
from harness.engines.local.self_check import Oracle, tiny_model_of

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel


# Of the free memory: the CPU's is not ours alone, a GPU's allocator needs slack for what layers compute
SHARE_CPU, SHARE_GPU = 0.5, 0.8
SHARE_OF_LOGITS = 0.15
MOST_LOGITS_BYTES = 512 * 2**20
# A logit is stored as it comes, in float32, and as a sum or a sorted copy of it
BYTES_A_LOGIT = 12
# More sequences cost nothing while the device waits for memory, and gain nothing once it waits for arithmetic
ROWS_CPU, ROWS_GPU = 128, 512
STEP_TOKENS_CPU, STEP_TOKENS_GPU = 512, 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user set: most sequences at a time, bytes for cache and logits, tokens per batch."""

    rows: int | None = None
    memory: int | None = None
    step_tokens: int | None = None


def budget_for(model: HFModel, kv_bytes: int, limits: Limits) -> Budget:
    """The budget of a stream that starts now; `kv_bytes` is the size of one token's keys and values in all layers."""
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
        max_sequences=min(rows, outputs),
        stored_tokens=max(1, (memory - for_logits) // max(1, kv_bytes)),
    )


ModeName = Literal["packed", "padded", "plain", "alone"]
MODES: tuple[ModeName, ...] = ("packed", "padded", "plain", "alone")
PADDED_ROWS, PLAIN_ROWS = 16, 8


class Mode(Protocol):
    """A way to do token jobs."""

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in any order."""

    def close(self) -> None:
        """Release the model."""


@dataclass(slots=True)
class PlainMode:
    """Plain batches of the model's own `generate`."""

    model: HFModel
    rows: int

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        return answer_in_batches(self.model, jobs, self.rows)

    def close(self) -> None:
        """Nothing is kept."""


@dataclass(slots=True)
class SplitByLength:
    """`fast` for jobs whose positions all have one RoPE scale, one request at a time for the longer ones.

    Some models change the rotation of all positions once any sequence of the call is longer than `longest` tokens
    (dynamic and long RoPE), so a long sequence would change its neighbours.
    """

    fast: Mode
    slow: PlainMode
    longest: int

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        yield from self.fast.answer([job for job in jobs if job.longest <= self.longest])
        yield from self.slow.answer([job for job in jobs if job.longest > self.longest])

    def close(self) -> None:
        """Release the model."""
        self.fast.close()


@dataclass(frozen=True, slots=True)
class ChosenMode:
    """The mode, its name, why faster ones were not used, and the bytes per token of the KV cache if measured."""

    mode: Mode
    name: ModeName
    notes: tuple[str, ...] = ()
    kv_bytes_per_token: int | None = None


def choose_mode(model: HFModel, first: ModeName, limits: Limits) -> ChosenMode:
    """Try modes from `first` down. Raises EngineError if the model computes no finite numbers."""
    model.refuse_nonsense()
    notes: list[str] = []
    search = _ModeSearch(model, limits)
    for name in MODES[MODES.index(first) :]:
        try:
            chosen = search.choose(name)
        except PackingUnsupported as error:
            notes.append(f"{name} mode is not used: {error}")
            continue
        return replace(chosen, notes=tuple(notes))
    raise AssertionError("one request at a time is always possible")


class _ModeSearch:
    """Tries modes, on a tiny model of the same class and on the model itself."""

    def __init__(self, model: HFModel, limits: Limits) -> None:
        self._model, self._limits = model, limits
        self._oracles: list[tuple[HFModel, Oracle]] | None = None

    def choose(self, name: ModeName) -> ChosenMode:
        """The mode called `name`. Raises PackingUnsupported with the reason it cannot be used."""
        if name == "alone":
            return ChosenMode(PlainMode(self._model, 1), name)
        make = {"packed": self._packed, "padded": self._padded, "plain": self._plain}[name]
        candidate: ChosenMode | None = None
        for model, oracle in self._tiny_and_model():
            if candidate is not None:
                candidate.mode.close()
            candidate = _by_length(make(model), model)
            if fault := oracle.difference_of(candidate.mode):
                candidate.mode.close()
                raise PackingUnsupported(fault)
        assert candidate is not None
        return candidate

    def _tiny_and_model(self) -> list[tuple[HFModel, Oracle]]:
        if self._oracles is None:
            tiny = tiny_model_of(self._model)
            models = [self._model] if tiny is None else [tiny, self._model]
            self._oracles = [
                (model, Oracle(model, brief=model is self._model and tiny is not None)) for model in models
            ]
        return self._oracles

    def _packed(self, model: HFModel) -> ChosenMode:
        runner = Runner(model.model)
        try:
            with runner.packed_attention():
                size = runner.probe(model.probe_ids())
        except PackingUnsupported:
            runner.close()
            raise
        mode = PackedMode(runner, model.encoder, model.end_ids, lambda: budget_for(model, size, self._limits))
        return ChosenMode(mode, "packed", kv_bytes_per_token=size)

    def _plain(self, model: HFModel) -> ChosenMode:
        return ChosenMode(PlainMode(model, min(self._limits.rows or PLAIN_ROWS, PLAIN_ROWS)), "plain")

    def _padded(self, model: HFModel) -> ChosenMode:
        if not PaddedModel(model.model, model.device).caches:
            raise PackingUnsupported("the model takes no cache of transformers' kind")
        return ChosenMode(PaddedMode(model, self._limits.rows or PADDED_ROWS), "padded")


def _by_length(chosen: ChosenMode, model: HFModel) -> ChosenMode:
    longest = longest_at_one_scale(model.model.config)
    if longest is None or chosen.name == "plain":
        # Plain batches keep such sequences apart by themselves
        return chosen
    return replace(chosen, mode=SplitByLength(chosen.mode, PlainMode(model, 1), longest))
