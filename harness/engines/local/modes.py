"""The execution modes of a model: the fastest one that computes what transformers computes, tested before the run.

`packed` runs unrelated tokens in one row with our own attention; `padded` runs left-padded batches through the model's
own, with shared prefixes read once; `plain` is the model's own `generate` on batches; `alone` is that for one request
at a time, the reference of the others. Guarantees: a mode is used only after its results on this model were compared
with plain `generate` and a plain forward; the notes give the reason for each faster mode that was not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from harness.engines.hf.hf_model import HFModel
from harness.engines.hf.memory import free_bytes
from harness.engines.hf.plain_batches import answer_in_batches
from harness.engines.hf.rope import longest_at_one_scale
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.local.budget import Budget
from harness.engines.local.drafting import Drafter, GivenDrafts, NoDrafts, PromptLookup
from harness.engines.local.kv_cache import PackingUnsupported
from harness.engines.local.packed import PackedMode
from harness.engines.local.padded import PaddedMode
from harness.engines.local.padded_batch import PaddedModel
from harness.engines.local.runner import Runner
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
# On a CPU sequences start while the cache takes less than this share of the weights, or this much: ten long prompts at
# a time instead of 24 take 3 % longer in all (SmolLM2-135M's shape, 700 tokens each), and half the memory
SHARE_AT_START = 0.75
LEAST_AT_START = 256 * 2**20
STEP_TOKENS_CPU, STEP_TOKENS_GPU = 512, 4096
# Tokens of a batch that takes twice as long as one of a single token: 0.27 GFLOP a token against 0.5 GB of weights on a
# CPU core (SmolLM2-135M's shape: 1 token 45 ms, 16 tokens 95 ms); with weights in 16 bits there is less to wait for
# (on a slower core 1 token 40 ms and 7 tokens 85 ms; in 32 bits 88 and 116); a GPU waits for its memory far longer
FREE_TOKENS_CPU, FREE_TOKENS_HALVED, FREE_TOKENS_GPU = 16, 6, 128


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user set: most sequences at a time, bytes for cache and logits, tokens per batch, guessed tokens.

    `sharers`: how many engines divide the free memory among them, where `memory` is not set.
    """

    rows: int | None = None
    memory: int | None = None
    step_tokens: int | None = None
    speculation: bool = True
    sharers: int = 1


def budget_for(model: HFModel, kv_bytes: int, limits: Limits) -> Budget:
    """The budget of a stream that starts now; `kv_bytes` is the size of one token's keys and values in all layers."""
    cpu = model.device == "cpu"
    memory = int(free_bytes(model.device) * (SHARE_CPU if cpu else SHARE_GPU))
    memory = memory // limits.sharers if limits.memory is None else min(memory, limits.memory)
    for_logits = min(int(memory * SHARE_OF_LOGITS), MOST_LOGITS_BYTES)
    outputs = max(1, for_logits // (BYTES_A_LOGIT * model.vocabulary))
    rows = limits.rows or (ROWS_CPU if cpu else ROWS_GPU)
    # Where the user set a limit, that is the limit
    bounded = cpu and limits.rows is None and limits.memory is None
    start_bytes = max(int(model.weights_bytes * SHARE_AT_START), LEAST_AT_START) if bounded else 0
    return Budget(
        step_tokens=limits.step_tokens or (STEP_TOKENS_CPU if cpu else STEP_TOKENS_GPU),
        outputs=outputs,
        max_sequences=min(rows, outputs),
        stored_tokens=max(1, (memory - for_logits) // max(1, kv_bytes)),
        start_tokens=start_bytes // max(1, kv_bytes) if start_bytes else None,
    )


def drafter_for(model: HFModel, limits: Limits) -> Drafter:
    """What guesses tokens in a stream that starts now."""
    if not limits.speculation:
        return NoDrafts()
    on_cpu = FREE_TOKENS_HALVED if model.halving.gains else FREE_TOKENS_CPU
    return PromptLookup(on_cpu if model.device == "cpu" else FREE_TOKENS_GPU)


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

    def answer(self, jobs: Sequence[Job], more: Callable[[], Sequence[Job]] | None = None) -> Iterator[Outcome]:
        """Do each job once; those that `more` returns too, between two batches where the mode can, else afterwards."""
        if isinstance(self.mode, PackedMode):
            yield from self.mode.answer(jobs, more)
        else:
            yield from self.mode.answer(jobs)
            while more is not None and (jobs := more()):
                yield from self.mode.answer(jobs)

    def load(self) -> tuple[int, int | None]:
        """Sequences in the batch now, and tokens computed so far; (0, None) where the mode does not count them."""
        return (self.mode.rows, self.mode.tokens) if isinstance(self.mode, PackedMode) else (0, None)


Oracles = Sequence[tuple[HFModel, Oracle]]


def oracles_of(model: HFModel) -> Oracles:
    """What modes are compared with: the answers of a tiny model of the same class, where there is one, and the model's.

    Raises EngineError if the model computes no finite numbers.
    """
    model.refuse_nonsense()
    tiny = tiny_model_of(model)
    own = (model, Oracle(model, brief=tiny is not None))
    return [own] if tiny is None else [(tiny, Oracle(tiny, brief=False)), own]


def choose_mode(model: HFModel, first: ModeName, limits: Limits, oracles: Oracles | None = None) -> ChosenMode:
    """Try modes from `first` down. Raises EngineError if the model computes no finite numbers.

    `oracles`: those of the model as it was before layers of it were replaced.
    """
    if first == "alone":
        model.refuse_nonsense()
    notes: list[str] = []
    search = _ModeSearch(model, limits, oracles)
    for name in MODES[MODES.index(first) :]:
        try:
            chosen = search.choose(name)
        except PackingUnsupported as error:
            notes.append(f"{name} mode is not used: {error}")
            continue
        return replace(chosen, notes=tuple(notes))
    raise AssertionError("one request at a time is always possible")


def remembered_mode(model: HFModel, name: ModeName, notes: Sequence[str], limits: Limits) -> ChosenMode | None:
    """The mode that `choose_mode` found before, without its check; None if it cannot be used any more."""
    try:
        return replace(_ModeSearch(model, limits).unchecked(name), notes=tuple(notes))
    except PackingUnsupported:
        return None


class _ModeSearch:
    """Tries modes, on a tiny model of the same class and on the model itself."""

    def __init__(self, model: HFModel, limits: Limits, oracles: Oracles | None = None) -> None:
        self._model, self._limits, self._oracles = model, limits, oracles

    def choose(self, name: ModeName) -> ChosenMode:
        """The mode called `name`. Raises PackingUnsupported with the reason it cannot be used."""
        if name == "alone":
            return self.unchecked(name)
        candidate: ChosenMode | None = None
        for model, oracle in self._tiny_and_model():
            if candidate is not None:
                candidate.mode.close()
            made = self._made(model, name)
            candidate = _by_length(made, model)
            with _guesses(made.mode, oracle):
                fault = oracle.difference_of(candidate.mode)
            if fault:
                candidate.mode.close()
                raise PackingUnsupported(fault)
        assert candidate is not None
        return candidate

    def unchecked(self, name: ModeName) -> ChosenMode:
        """The mode called `name`, as it is. Raises PackingUnsupported."""
        return ChosenMode(PlainMode(self._model, 1), name) if name == "alone" else self._of(self._model, name)

    def _of(self, model: HFModel, name: ModeName) -> ChosenMode:
        return _by_length(self._made(model, name), model)

    def _made(self, model: HFModel, name: ModeName) -> ChosenMode:
        return {"packed": self._packed, "padded": self._padded, "plain": self._plain}[name](model)

    def _tiny_and_model(self) -> Oracles:
        if self._oracles is None:
            self._oracles = oracles_of(self._model)
        return self._oracles

    def _packed(self, model: HFModel) -> ChosenMode:
        runner = Runner(model.model)
        try:
            with runner.packed_attention():
                size = runner.probe(model.probe_ids())
        except PackingUnsupported:
            runner.close()
            raise
        mode = PackedMode(
            runner,
            model.encoder,
            model.end_ids,
            lambda: budget_for(model, size, self._limits),
            lambda: drafter_for(model, self._limits),
        )
        return ChosenMode(mode, "packed", kv_bytes_per_token=size)

    def _plain(self, model: HFModel) -> ChosenMode:
        return ChosenMode(PlainMode(model, min(self._limits.rows or PLAIN_ROWS, PLAIN_ROWS)), "plain")

    def _padded(self, model: HFModel) -> ChosenMode:
        if not PaddedModel(model.model, model.device).caches:
            raise PackingUnsupported("the model takes no cache of transformers' kind")
        return ChosenMode(PaddedMode(model, self._limits.rows or PADDED_ROWS), "padded")


def _guesses(mode: Mode, oracle: Oracle) -> AbstractContextManager[None]:
    """Inside, a packed mode reads guessed tokens too, right and wrong ones."""
    return mode.guessing(GivenDrafts(oracle.texts)) if isinstance(mode, PackedMode) else nullcontext()


def _by_length(chosen: ChosenMode, model: HFModel) -> ChosenMode:
    longest = longest_at_one_scale(model.model.config)
    if longest is None or chosen.name == "plain":
        # Plain batches keep such sequences apart by themselves
        return chosen
    return replace(chosen, mode=SplitByLength(chosen.mode, PlainMode(model, 1), longest))
