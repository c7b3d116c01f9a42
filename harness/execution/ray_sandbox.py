"""The `Sandbox` that runs programs on the nodes of a Ray cluster too, each in that node's own sandbox.

Guaranteed: every program runs in a sandbox of the level that this machine has, which each node proves by the same trial
before it is used; a node that has less, other versions of Python or the harness, or lacks a language is not used for
it, with a note. A program whose node is lost runs again elsewhere, but where two nodes were lost with it it is not
judged (`infra`). A fault of a node is tried again here before it counts. Not guaranteed: that the nodes are equally
fast; the time that a program waits for a core is not charged. Programs reach no network, so they do not reach the
cluster either; the level `none` cannot promise that and is refused.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from harness.errors import ConfigError
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.ray_runner import ProgramRunner, Refused
from harness.ray_cluster import Node, connect, in_words

# For the probe of a node, and the first start of its toolchains
OPEN_SECONDS = 600.0
# Nodes that may be lost with a program, and programs that failed on a node alone before it is not used any more
LOSSES, FAULTS = 2, 3
# Beyond what a job's limits allow, retries included: the node hangs
SPARE_SECONDS = 600.0
# No more programs at once on a node, whatever its cores: each is a thread here
MOST_AT_ONCE = 64

# A language, and packages that its program imports
Needs = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class _Runner:
    """A node that runs programs. `lacks`: languages, with packages, that do not run there; `faults` were its own."""

    node: Node
    actor: Any
    most: int
    running: int = 0
    lost: bool = False
    faults: int = 0
    lacks: set[Needs] = field(default_factory=set)

    def can(self, needs: Needs) -> bool:
        """Whether it runs such programs."""
        return not self.lost and not self.lacks.intersection(((needs[0], ()), needs))


class RaySandbox:
    """Programs on the nodes and here, as many at once as there are cores."""

    def __init__(self, address: str, local: Sandbox) -> None:
        """Connect and probe every node that is there now. Takes over `local`. Raises ConfigError, EngineError."""
        if local.level == "none":
            local.close()
            raise ConfigError(
                "--ray-scoring: the sandbox 'none' lets programs reach the network, and so the cluster; use another "
                "sandbox, or leave --ray-scoring out"
            )
        self.level = local.level
        self._local = local
        self._own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._here = 0
        self._changed = threading.Condition()
        self._notes: list[str] = []
        self._cluster = connect(address)
        self._runners = self._open()
        count = len(self._runners)
        self._note(f"programs run on {count} other node{'' if count == 1 else 's'} of the cluster too")
        # For the user, before the run; later notes are in the manifest
        self.caution = "; ".join(filter(None, (local.caution, *self._notes)))

    @property
    def slots(self) -> int:
        """How many programs run at once."""
        return self._own + sum(runner.most for runner in self._runners)

    def notes(self) -> tuple[str, ...]:
        """Which nodes run programs, and why others do not."""
        with self._changed:
            return tuple(self._notes)

    def run(self, job: Job, limits: Limits) -> Verdict:
        """Run a job where there is room; raises as the local sandbox does."""
        needs = (job.tests.language, job.tests.packages)
        for _ in range(LOSSES):
            while True:
                with self._turn(needs) as runner:
                    if runner is None:
                        return self._local.run(job, limits)
                    found = self._run_on(runner, job, limits)
                if not isinstance(found, Refused):
                    break
                runner.lacks.add(needs)
                self._note(f"{runner.node.address} is not used for {_text(needs)}: {found.reason}")
            if found is not None:
                return found if found.status != "infra" else self._second_opinion(runner, found, job, limits)
        return Verdict("infra", message=f"{LOSSES} nodes of the cluster were lost while they ran it")

    def try_language(self, name: str) -> None:
        """Try the language here, then on every node; nodes where it does not run are not used for it."""
        self._local.try_language(name)
        for runner in list(self._runners):
            found = self._ask(runner, runner.actor.try_language.remote(name), OPEN_SECONDS)
            if isinstance(found, Refused):
                runner.lacks.add((name, ()))
                self._note(f"{runner.node.address} is not used for {_text((name, ()))}: {found.reason}")

    def close(self) -> None:
        """End the actors, the connection if it was made here, and the local sandbox."""
        import ray

        if ray.is_initialized():
            for runner in self._runners:
                if not runner.lost:
                    self._ask(runner, runner.actor.close.remote(), 10)
                _end(runner)
            self._cluster.close()
        self._runners = []
        self._local.close()

    def _open(self) -> list[_Runner]:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        versions = (version("harness"), platform.python_version())
        own = self._cluster.own_node()
        opening = []
        for node in self._cluster.nodes():
            # This machine's programs run in this process's sandbox
            if node.node_id == own or node.cpus < 1:
                continue
            most = min(MOST_AT_ONCE, int(node.cpus))
            place = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
            # No CPU of Ray's: programs run beside the model, as on one machine
            actor = (
                ray.remote(ProgramRunner)
                .options(num_cpus=0, max_concurrency=most + 2, scheduling_strategy=place, max_restarts=0)
                .remote()
            )
            runner = _Runner(node, actor, most)
            opening.append((runner, actor.open.remote(self.level, *versions)))
        usable = []
        for runner, answer in opening:
            found = self._ask(runner, answer, OPEN_SECONDS)
            if isinstance(found, Refused):
                self._note(f"the node {runner.node.address} is not used for programs: {found.reason}")
                _end(runner)
            elif found is not None:
                usable.append(runner)
        return usable

    @contextmanager
    def _turn(self, needs: Needs) -> Iterator[_Runner | None]:
        """Wait for room: on the least busy node, or here (None)."""
        with self._changed:
            while True:
                able = [one for one in self._runners if one.can(needs)]
                free = [one for one in able if one.running < one.most]
                best = min(free, key=lambda one: one.running / one.most, default=None)
                here_is_freer = best is None or self._here / self._own <= best.running / best.most
                if here_is_freer and (self._here < self._own or not able):
                    self._here += 1
                    best = None
                    break
                if best is not None:
                    best.running += 1
                    break
                self._changed.wait()
        try:
            yield best
        finally:
            with self._changed:
                if best is None:
                    self._here -= 1
                else:
                    best.running -= 1
                self._changed.notify_all()

    def _run_on(self, runner: _Runner, job: Job, limits: Limits) -> Verdict | Refused | None:
        """Run a job on a node; None if the node was lost."""
        # Each case of a job may be a program of its own, with a second try
        programs = 2 * max(1, len(job.tests.cases))
        most = SPARE_SECONDS + programs * (limits.build_seconds + limits.wall_seconds * limits.most_walls * 2)
        found: Verdict | Refused | None = self._ask(runner, runner.actor.run.remote(job, limits), most)
        return found

    def _second_opinion(self, runner: _Runner, found: Verdict, job: Job, limits: Limits) -> Verdict:
        """What could not be run on a node is run here; if it can be, the fault was the node's."""
        verdict = self._local.run(job, limits)
        if verdict.status != "infra":
            runner.faults += 1
            if runner.faults >= FAULTS:
                self._lose(runner, f"programs could not be run there ({found.message})")
        return verdict

    def _ask(self, runner: _Runner, answer: Any, seconds: float) -> Any:
        """Wait for an actor's answer; None, and the node is not used any more, where none comes."""
        import ray

        try:
            return ray.get(answer, timeout=seconds)
        except ray.exceptions.GetTimeoutError:
            self._lose(runner, f"no answer within {seconds:.0f} s")
        except ray.exceptions.RayError as error:
            self._lose(runner, in_words(error, runner.node.address))
        return None

    def _lose(self, runner: _Runner, reason: str) -> None:
        with self._changed:
            known, runner.lost = runner.lost, True
            self._changed.notify_all()
        if not known:
            self._note(f"the node {runner.node.address} runs no programs any more: {reason}")

    def _note(self, line: str) -> None:
        with self._changed:
            if line not in self._notes:
                self._notes.append(line)


def _text(needs: Needs) -> str:
    language, packages = needs
    return f"{language} programs{f' with {chr(44).join(packages)}' if packages else ''}"


def _end(runner: _Runner) -> None:
    import ray

    try:
        ray.kill(runner.actor, no_restart=True)
    except (ray.exceptions.RayError, ValueError, RuntimeError):
        return  # it is gone, or the connection is
