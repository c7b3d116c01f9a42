"""Which way a model is run: the fastest that gives what transformers itself gives, found out before anything counts.

`packed` runs unrelated tokens in one row with our own attention; `padded` runs left-padded batches through the model's
own, with what they share read once; `plain` is the model's own `generate` on batches; `alone` is that for one request
at a time, and what the others are held against. Guarantees: a level that was not held against plain `generate` and a
plain forward on this model is not used; why one was passed over is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from harness.engines.hf.hf_model import HFModel
from harness.engines.hf.plain_batches import answer_in_batches
from harness.engines.hf.rope import longest_at_one_scale
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.local.batches import BatchModel
from harness.engines.local.budget import Limits, budget_for
from harness.engines.local.packed import Packed
from harness.engines.local.padded import Padded
from harness.engines.local.runner import Runner
from harness.engines.local.self_check import Oracle, twin_of
from harness.engines.local.store import Unpackable

LevelName = Literal["packed", "padded", "plain", "alone"]
LEVELS: tuple[LevelName, ...] = ("packed", "padded", "plain", "alone")
PADDED_ROWS, PLAIN_ROWS = 16, 8


class Level(Protocol):
    """A way to do token jobs."""

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in any order."""

    def close(self) -> None:
        """Let go of the model."""


@dataclass(slots=True)
class Plain:
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
    slow: Plain
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
    """The level, its name, and why a faster one was passed over; what a token takes in the cache where it was found."""

    level: Level
    name: LevelName
    notes: tuple[str, ...] = ()
    kv_bytes_per_token: int | None = None


def choose_level(model: HFModel, first: LevelName, limits: Limits) -> Chosen:
    """Try levels from `first` down. Raises EngineError if the model computes no numbers at all."""
    model.refuse_nonsense()
    notes: list[str] = []
    trial = _Trial(model, limits)
    for name in LEVELS[LEVELS.index(first) :]:
        try:
            chosen = trial.choose(name)
        except Unpackable as error:
            notes.append(f"not run {name}: {error}")
            continue
        return replace(chosen, notes=tuple(notes))
    raise AssertionError("one request at a time is always possible")


class _Trial:
    """The levels of one model, tried on its twin and on itself."""

    def __init__(self, model: HFModel, limits: Limits) -> None:
        self._model, self._limits = model, limits
        self._oracles: list[tuple[HFModel, Oracle]] | None = None

    def choose(self, name: LevelName) -> Chosen:
        """The level called `name`. Raises Unpackable with why it cannot be used."""
        if name == "alone":
            return Chosen(Plain(self._model, 1), name)
        make = {"packed": self._packed, "padded": self._padded, "plain": self._plain}[name]
        found: Chosen | None = None
        for model, oracle in self._twin_and_model():
            if found is not None:
                found.level.close()
            found = _by_length(make(model), model)
            if fault := oracle.fault_of(found.level):
                found.level.close()
                raise Unpackable(fault)
        assert found is not None
        return found

    def _twin_and_model(self) -> list[tuple[HFModel, Oracle]]:
        if self._oracles is None:
            twin = twin_of(self._model)
            models = [self._model] if twin is None else [twin, self._model]
            self._oracles = [(one, Oracle(one, brief=one is self._model and twin is not None)) for one in models]
        return self._oracles

    def _packed(self, model: HFModel) -> Chosen:
        runner = Runner(model.model)
        try:
            with runner.engaged():
                size = runner.probe(model.probe_ids())
        except Unpackable:
            runner.close()
            raise
        level = Packed(runner, model.encoder, model.end_ids, lambda: budget_for(model, size, self._limits))
        return Chosen(level, "packed", kv_bytes_per_token=size)

    def _plain(self, model: HFModel) -> Chosen:
        return Chosen(Plain(model, min(self._limits.rows or PLAIN_ROWS, PLAIN_ROWS)), "plain")

    def _padded(self, model: HFModel) -> Chosen:
        if not BatchModel(model.model, model.device).caches:
            raise Unpackable("the model takes no cache of transformers' kind")
        return Chosen(Padded(model, self._limits.rows or PADDED_ROWS), "padded")


def _by_length(chosen: Chosen, model: HFModel) -> Chosen:
    longest = longest_at_one_scale(model.model.config)
    if longest is None or chosen.name == "plain":
        # Plain batches keep such rows apart by themselves
        return chosen
    return replace(chosen, level=ByLength(chosen.level, Plain(model, 1), longest))
