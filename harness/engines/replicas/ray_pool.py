"""A pool of replicas that are actors of a Ray cluster: placed where there is room, and started again a few times.

Ray places and watches the actors; jobs are requeued by the driver (`dispatch`), never by Ray. Guarantees: a node whose
model or harness is not the driver's gives no answer; a replica that finds no node is waited for without holding up the
others; every actor ends with the pool; Ray's exceptions become `Lost` with the reason in words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.hf.token_jobs import Job
from harness.engines.replicas.contract import Arrived, Event, Failed, Joined, Lost, Restarting, Working
from harness.engines.replicas.ray_actor import Fault, Message, Place, ReplicaActor, versions_here
from harness.engines.replicas.worker import Sign
from harness.errors import ConfigError
from harness.ray_cluster import Cluster, Node, connect, in_words

# How long one poll waits in the actor, and how long its answer may be late before the actor counts as gone
POLL_SECONDS = 10.0
LATE_SECONDS = 300.0
# Placed, but not loaded: a large model may come from a slow disk
LOAD_SECONDS = 1800.0
# Without a node for so long, a replica is worth a line
WAITING_SECONDS = 20.0
# Methods of an actor that may run at once: a poll, and hands of jobs
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class RayWishes:
    """What a user wants of the cluster.

    `gpus` and `cpus` for each replica, where None divides the CPUs of the cluster among them; `restarts` of each
    replica; `start_seconds`: how long the first one may wait for a node.
    """

    address: str
    replicas: int
    gpus: float = 0.0
    cpus: float | None = None
    restarts: int = 3
    start_seconds: float = 600.0


@dataclass(slots=True)
class _Replica:
    """An actor as the driver sees it. `place` is None until Ray has found a node."""

    name: str
    slot: int
    number: int
    actor: Any
    placing: Any
    asked: float
    poll: Any = None
    polled: float = 0.0
    place: Place | None = None
    placed: float = 0.0
    joined: bool = False
    noted: bool = False


@dataclass(slots=True)
class RayPool:
    """A `contract.Pool` of actors. `expected`: digests of the model as the driver knows it; `say` gets lines."""

    spec: ModelSpec
    options: Mapping[str, Any]
    wishes: RayWishes
    expected: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str, bool], None] = lambda line, lasting: None
    clock: Callable[[], float] = time.monotonic
    _cluster: Cluster | None = None
    _cpus: float = 1.0
    _replicas: dict[str, _Replica] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)
    _restarts: list[int] = field(default_factory=list)
    _refused: dict[str, str] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    # Whether a replica has loaded the model: then a fault of its files is one of a node's copy
    _proven: bool = False

    def start(self) -> None:
        """Connect, and create all actors; Ray finds nodes for them in its own time. Raises ConfigError, EngineError."""
        self._cluster = connect(self.wishes.address)
        self._digests = dict(self.expected)
        self._restarts = [self.wishes.restarts] * self.wishes.replicas
        nodes = self._cluster.nodes()
        self._cpus = self.wishes.cpus or cpus_each(self.wishes, nodes, whole=not self._cluster.started)
        # A Ray of this machine gets no other node, so waiting is in vain
        if self._cluster.started and (nodes[0].gpus < self.wishes.gpus or nodes[0].cpus < self._cpus):
            raise ConfigError(
                f"a replica takes {self._room()}, and Ray finds {_offer(nodes)} on this machine; ask for less "
                "(--gpus-per-replica, engine.cpus_per_replica), or give the address of a cluster"
            )
        for slot in range(self.wishes.replicas):
            self._create(slot, 0)

    def starting(self) -> int:
        """Replicas that may still join: with a node, or waiting for one for no longer than they may."""
        now = self.clock()
        patient = [
            one
            for one in self._replicas.values()
            if not one.joined and (one.place is not None or now - one.asked < self.wishes.start_seconds)
        ]
        return len(patient)

    def send(self, replica: str, jobs: Sequence[Job]) -> None:
        """Send jobs to an actor."""
        import ray

        one = self._replicas.get(replica)
        if one is None:
            return
        try:
            one.actor.send.remote(list(jobs))
        except ray.exceptions.RayError as error:
            self._lose(one, in_words(error, _named(one)))

    def events(self, seconds: float) -> Sequence[Event]:
        """What the actors sent, what became of them, and what was waited for too long."""
        import ray

        if not self._events:
            by_ref = {}
            for one in self._replicas.values():
                by_ref[one.placing if one.place is None else one.poll] = one
            if by_ref:
                refs = list(by_ref)
                ready, _ = ray.wait(refs, num_returns=1, timeout=seconds)
                if ready and len(refs) > 1:
                    ready, _ = ray.wait(refs, num_returns=len(refs), timeout=0)
                for ref in ready:
                    self._take(by_ref[ref], ref)
            else:
                time.sleep(min(seconds, 0.1))
            self._look_at_deadlines()
        found, self._events = self._events, []
        return found

    def end(self, replica: str) -> None:
        """Kill an actor, and create another in its place."""
        if (one := self._replicas.pop(replica, None)) is not None:
            _kill(one.actor)
            self._again(one)

    def close(self) -> None:
        """Kill all actors, and end the connection."""
        import ray

        if self._cluster is None:
            return
        if ray.is_initialized():
            for one in self._replicas.values():
                _kill(one.actor)
        self._replicas.clear()
        self._events.clear()
        self._cluster.close()
        self._cluster = None

    def process_ids(self) -> dict[str, int]:
        """The processes of the replicas that have a node, by replica."""
        return {name: one.place.process for name, one in self._replicas.items() if one.place is not None}

    # --- the life of an actor ---------------------------------------------------------------------

    def _create(self, slot: int, number: int) -> _Replica:
        import ray

        wishes = self.wishes
        options: dict[str, Any] = {
            "num_cpus": self._cpus,
            "num_gpus": wishes.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
            "max_concurrency": AT_ONCE,
        }
        if self._refused:
            options["label_selector"] = {"ray.io/node-id": f"!in({','.join(self._refused)})"}
        actor = ray.remote(ReplicaActor).options(**options).remote(self.spec, dict(self.options))
        name = f"{slot + 1}.{number}" if number else str(slot + 1)
        one = _Replica(name, slot, number, actor, actor.where.remote(), self.clock())
        self._replicas[name] = one
        return one

    def _again(self, ended: _Replica) -> None:
        """Create an actor in place of one that ended, if it may be and a node is left for it."""
        if self._restarts[ended.slot] < 1:
            return
        self._restarts[ended.slot] -= 1
        again = self._create(ended.slot, ended.number + 1)
        self._events.append(Restarting(again.name, "a node of the cluster"))

    def _lose(self, one: _Replica, reason: str) -> None:
        if self._replicas.pop(one.name, None) is None:
            return
        _kill(one.actor)
        self._events.append(Lost(one.name, reason))
        self._again(one)

    def _take(self, one: _Replica, ref: Any) -> None:
        """Take what a call to an actor returned."""
        import ray

        if one.name not in self._replicas:
            return
        try:
            result = ray.get(ref, timeout=LATE_SECONDS)
        except ray.exceptions.RayError as error:
            self._lose(one, in_words(error, _named(one)))
            return
        if isinstance(result, Place):
            self._place(one, result)
            return
        for message in result:
            self._message(one, message)
            if one.name not in self._replicas:
                return
        self._poll(one)

    def _poll(self, one: _Replica) -> None:
        one.polled = self.clock()
        one.poll = one.actor.poll.remote(POLL_SECONDS)

    def _place(self, one: _Replica, place: Place) -> None:
        """A node was found: refuse it, or let it load."""
        one.place, one.placed = place, self.clock()
        here, there = dict(versions_here()), dict(place.versions)
        if there["harness"] != here["harness"]:
            self._refuse(one, f"it has harness {there['harness']}, this program {here['harness']}")
            return
        different = [f"{name} {there[name]} (here {here[name]})" for name in here if there[name] != here[name]]
        if different:
            line = f"the node {_named(one)} has other versions: {', '.join(different)}; near ties may fall another way"
            self._say_once(line, lasting=True)
        one.actor.load.remote(self._sharers(place))
        self._poll(one)

    def _sharers(self, place: Place) -> int:
        """How many replicas may come to share a node's memory, or its GPU's: so many as Ray can place there."""
        assert self._cluster is not None
        if self.wishes.gpus:
            room = 1 / self.wishes.gpus
        else:
            cpus = [node.cpus for node in self._cluster.nodes() if node.node_id == place.node_id]
            room = max(cpus, default=0.0) / self._cpus
        # A ten-thousandth: what Ray counts in, and a tenth is no exact number
        return max(1, min(self.wishes.replicas, int(room + 1e-4)))

    def _refuse(self, one: _Replica, why: str) -> None:
        """Take no replica of this node any more."""
        assert one.place is not None and self._cluster is not None
        self._refused[one.place.node_id] = why
        self._replicas.pop(one.name, None)
        _kill(one.actor)
        self._events.append(Lost(one.name, f"the node {_named(one)} is not used: {why}"))
        if any(node.node_id not in self._refused for node in self._cluster.nodes()):
            self._again(one)

    def _message(self, one: _Replica, message: Message) -> None:
        if isinstance(message, EngineFacts):
            self._join(one, message)
        elif isinstance(message, Sign):
            self._events.append(Working(one.name, message.rows, message.tokens))
        elif isinstance(message, Fault):
            self._fault(one, message)
        else:
            self._events.append(Arrived(one.name, message))

    def _join(self, one: _Replica, facts: EngineFacts) -> None:
        for what, digest in facts.digests.items():
            if self._digests.setdefault(what, digest) != digest:
                known = self._digests[what]
                self._refuse(one, f"its {what} is not that of the others ({digest[:12]}, not {known[:12]})")
                return
        one.joined = self._proven = True
        self._events.append(Joined(one.name, f"{_named(one)} ({facts.device})", facts))

    def _fault(self, one: _Replica, fault: Fault) -> None:
        of_model = fault.of_model and not self._proven
        if not one.joined and not fault.internal and not of_model:
            # What a node lacks (the model's folder, a GPU, memory) it lacks for the next replica too
            self._refuse(one, fault.reason)
            return
        self._replicas.pop(one.name, None)
        _kill(one.actor)
        self._events.append(Failed(one.name, fault.reason, of_model))
        if not of_model:
            self._again(one)

    def _look_at_deadlines(self) -> None:
        now = self.clock()
        unplaced = [one for one in self._replicas.values() if one.place is None]
        for one in unplaced:
            if now - one.asked > WAITING_SECONDS and not one.noted:
                one.noted = True
                self._say_once(self._waiting(len(unplaced)), lasting=False)
        if unplaced and len(unplaced) == len(self._replicas):
            # No other replica is at work: what came to nothing is given up
            for one in [one for one in unplaced if now - one.asked > self.wishes.start_seconds]:
                self._replicas.pop(one.name)
                _kill(one.actor)
                self._events.append(Lost(one.name, self._no_room()))
        for one in [one for one in self._replicas.values() if one.place is not None]:
            if not one.joined and now - one.placed > LOAD_SECONDS:
                self._lose(one, f"it did not load the model within {LOAD_SECONDS:.0f} s")
            elif one.joined and now - one.polled > POLL_SECONDS + LATE_SECONDS:
                self._lose(one, f"its process has not answered for {now - one.polled:.0f} s")

    def _waiting(self, count: int) -> str:
        who = "a replica waits" if count == 1 else f"{count} replicas wait"
        assert self._cluster is not None
        return f"{who} for a node with {self._room()} free (the cluster has {_offer(self._cluster.nodes())})"

    def _no_room(self) -> str:
        assert self._cluster is not None
        reasons = "; ".join(dict.fromkeys(self._refused.values()))
        refused = f", of which {len(self._refused)} not used: {reasons}" if self._refused else ""
        return (
            f"no node with {self._room()} free within {self.wishes.start_seconds:.0f} s (the cluster has "
            f"{_offer(self._cluster.nodes())}{refused})"
        )

    def _room(self) -> str:
        """What one replica takes, in words."""
        gpus, cpus = self.wishes.gpus, self._cpus
        named = f"{cpus:g} CPU{'' if cpus == 1 else 's'}"
        return f"{gpus:g} GPU{'' if gpus == 1 else 's'} and {named}" if gpus else named

    def _say_once(self, line: str, *, lasting: bool) -> None:
        if line not in self._said:
            self._said.add(line)
            self.say(line, lasting)


def cpus_each(wishes: RayWishes, nodes: Sequence[Node], *, whole: bool) -> float:
    """The most CPUs that each replica can have; one beside a GPU, which computes.

    `whole`: on a shared cluster no replica takes less than a CPU, and those that find none wait for one.
    """
    if wishes.gpus:
        return 1.0
    for each in range(int(max((node.cpus for node in nodes), default=1)), 0, -1):
        if sum(node.cpus // each for node in nodes) >= wishes.replicas:
            return float(each)
    if whole:
        return 1.0
    return int(100 * sum(node.cpus for node in nodes) / wishes.replicas) / 100


def _named(one: _Replica) -> str:
    return f"{one.place.address} ({one.place.host})" if one.place is not None else ""


def _offer(nodes: Sequence[Node]) -> str:
    count = f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}"
    return (
        f"{count} with {sum(node.cpus for node in nodes):g} CPUs and {sum(node.gpus for node in nodes):g} GPUs in all"
    )


def _kill(actor: Any) -> None:
    import ray

    try:
        ray.kill(actor, no_restart=True)
    except (ray.exceptions.RayError, ValueError, RuntimeError):
        return  # it is gone, or the connection is
