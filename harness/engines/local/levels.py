"""Which way a model is run: the fastest that gives what transformers itself gives, found out before anything counts.

`packed` runs unrelated tokens in one row with our own attention; `padded` runs left-padded batches with the model's
own; `alone` runs one request at a time and is what the others are held against. Guarantees: a level that was not held
against plain `generate` and a plain forward on this model is not used; why one was passed over is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from harness.engines.hf_model import HFModel
from harness.engines.local.budget import Limits, budget_for
from harness.engines.local.packed import Packed
from harness.engines.local.rope import longest_at_one_scale
from harness.engines.local.runner import Runner
from harness.engines.local.self_check import fault_of, fault_on_twin
from harness.engines.local.store import Unpackable
from harness.engines.padded import answer_in_batches
from harness.engines.token_jobs import Job, Outcome

LevelName = Literal["packed", "padded", "alone"]
LEVELS: tuple[LevelName, ...] = ("packed", "padded", "alone")
PADDED_ROWS = 8


class Level(Protocol):
    """A way to do token jobs."""

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in any order."""

    def close(self) -> None:
        """Let go of the model."""


@dataclass(slots=True)
class Padded:
    """Plain batches of the model's own `generate`."""

    model: HFModel
    rows: int

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        return answer_in_batches(self.model, jobs, self.rows)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class ByLength:
    """`fast` for jobs whose positions all have one scale, one at a time for the longer ones.

    Some models change how they turn all positions once any row of the call is longer than `longest` tokens (dynamic and
    long RoPE), so a long row would change its neighbours.
    """

    fast: Level
    slow: Padded
    longest: int

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        yield from self.fast.answer([job for job in jobs if job.longest <= self.longest])
        yield from self.slow.answer([job for job in jobs if job.longest > self.longest])

    def close(self) -> None:
        """Let go of the model."""
        self.fast.close()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The level, its name, and why a faster one was passed over."""

    level: Level
    name: LevelName
    notes: tuple[str, ...]
    kv_bytes_per_token: int | None = None


def choose_level(model: HFModel, first: LevelName, limits: Limits) -> Chosen:
    """Try levels from `first` down. Raises EngineError if the model computes no numbers at all."""
    notes: list[str] = []
    model.refuse_nonsense()
    alone = Padded(model, 1)
    for name in LEVELS[LEVELS.index(first) :]:
        if name == "packed":
            found = _try_packed(model, limits)
            if isinstance(found, Chosen):
                return found
            notes.append(f"not run packed: {found}")
        elif name == "padded":
            rows = min(limits.rows or PADDED_ROWS, PADDED_ROWS)
            fault = model.padding_fault() if rows > 1 else None
            if fault is None:
                level = _by_length(model, Padded(model, rows))
                return Chosen(level, name, tuple(notes))
            notes.append(f"not run in padded batches: {fault}")
    return Chosen(alone, "alone", tuple(notes))


def _try_packed(model: HFModel, limits: Limits) -> Chosen | str:
    try:
        runner = Runner(model.model)
    except Unpackable as error:
        return str(error)
    packed: Packed | None = None
    try:
        fault = fault_on_twin(model, limits)
        if fault is None:
            with runner.engaged():
                size = runner.probe(model.probe_ids())
            packed = Packed(runner, model.encoder, model.end_ids, lambda: budget_for(model, size, limits))
            fault = fault_of(packed, model)
    except Unpackable as error:
        fault = str(error)
    if fault is None and packed is not None:
        return Chosen(_by_length(model, packed), "packed", (), size)
    runner.close()
    return fault or "it could not be tried"


def _by_length(model: HFModel, fast: Level) -> Level:
    longest = longest_at_one_scale(model.model.config)
    return fast if longest is None else ByLength(fast, Padded(model, 1), longest)
