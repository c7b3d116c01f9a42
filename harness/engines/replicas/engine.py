"""The local engine on several devices or machines: one replica of the model on each, behind one engine.

Config and tokenizer are opened here; weights only in the replicas. Guarantees: each request gets one reply, which is
the one that a single replica gives; the replicas end with the engine, however it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from harness.engines.base import ModelSpec, ReplicaState
from harness.engines.hf.checkpoint_engine import Opened, opened
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.local.engine import LocalEngine, LocalOptions
from harness.engines.replicas.contract import Pool
from harness.engines.replicas.dispatch import AT_ONCE_CPU, AT_ONCE_GPU, Dispatcher, Patience


class ReplicatedEngine(LocalEngine):
    """One model, several replicas."""

    def __init__(
        self,
        spec: ModelSpec,
        options: LocalOptions,
        devices: Sequence[str],
        pool: Callable[[], Pool],
        first: Opened | None = None,
    ) -> None:
        """`devices`: the device of each replica that is wanted, for config, precision and the manifest.

        `pool` makes the pool; it is called again when the engine is used after `close` or an abandoned stream. `first`:
        the opened checkpoint, where the devices are not of this machine. Raises ConfigError, HubError or EngineError
        with one line.
        """
        first = first or opened(replace(spec, device=devices[0]))
        super().__init__(replace(first, spec=replace(spec, device=_kind_of(devices))), options)
        self._wanted = len(devices)
        self._make_pool = pool
        self._dispatcher: Dispatcher | None = None
        self._said: list[str] = []
        self._say: Callable[[str], None] = lambda line: None

    def concurrency(self) -> int:
        """Of all replicas together."""
        return self._rows() * self._wanted

    def load(self) -> None:
        """Start the replicas and wait for the first one; the others join as they are ready. Raises EngineError."""
        if self._dispatcher is not None:
            return
        dispatcher = Dispatcher(
            self._make_pool(),
            self._wanted,
            self._rows(),
            Patience(self.options.stuck_seconds),
            say=self._noted,
            like=self._facts,
            at_once=AT_ONCE_CPU if self._facts.device == "cpu" else AT_ONCE_GPU,
        )
        try:
            loaded = dispatcher.start()
        except BaseException:
            dispatcher.close()
            raise
        self._dispatcher = dispatcher
        own = self._facts
        notes = (*own.notes, f"{self._wanted} replica{'s' * (self._wanted > 1)}", *loaded.notes, *self._said)
        self._facts = replace(loaded, model=own.model, device=own.device, notes=tuple(dict.fromkeys(notes)))

    def answer(self, jobs: Sequence[Job], more: Callable[[], Sequence[Job]] | None = None) -> Iterator[Outcome]:
        """Do each job once; those that `more` returns too, after the others."""
        yield from self._answer(jobs)
        while more is not None and (jobs := more()):
            yield from self._answer(jobs)

    def _answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        assert self._dispatcher is not None
        whole = False
        try:
            yield from self._dispatcher.answer(jobs)
            whole = True
        finally:
            self._facts = replace(self._facts, notes=tuple(dict.fromkeys([*self._facts.notes, *self._said])))
            if not whole:
                # The replicas still work on answers that no one will read: the next stream starts new ones
                self.drop()

    def watch(self, say: Callable[[str], None]) -> None:
        """Call `say` with a line when a replica joins late, is lost, stuck or started again."""
        self._say = say

    def replicas(self) -> Sequence[ReplicaState]:
        """What each replica does now."""
        return self._dispatcher.states() if self._dispatcher is not None else ()

    def drop(self) -> None:
        """End the replicas."""
        if self._dispatcher is not None:
            self._dispatcher.close()
            self._dispatcher = None

    def _rows(self) -> int:
        """Most sequences that one replica runs at once."""
        return super().concurrency()

    def _noted(self, line: str, *, lasting: bool) -> None:
        if lasting:
            self._said.append(line)
        self._say(line)


def _kind_of(devices: Sequence[str]) -> str:
    """`cuda` of cuda:0 and cuda:1: how many replicas there are is no part of a run's identity."""
    return devices[0] if len({*devices}) == 1 else devices[0].partition(":")[0]
