"""The pool of Ray actors, over a Ray that is made up: what is refused, waited for, started again, and said."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cli.optional_address import with_address
from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.hf.model_files import ModelFiles
from harness.engines.hf.token_jobs import Refused
from harness.engines.local.engine import LocalOptions
from harness.engines.replicas import ray_engine
from harness.engines.replicas.contract import Arrived, Failed, Joined, Lost, Restarting
from harness.engines.replicas.engine import ReplicatedEngine
from harness.engines.replicas.ray_actor import Fault, Place, versions_here
from harness.engines.replicas.ray_engine import RayEngine, placed
from harness.engines.replicas.ray_pool import RayPool, RayWishes, cpus_each
from harness.errors import ConfigError
from harness.ray_cluster import Node, in_words


class ActorDiedError(Exception):
    """As Ray's."""


class MadeUpRay:
    """Actors that answer what a test puts there: (actor number, method) -> the answer, or an exception."""

    def __init__(self, nodes: list[Node]) -> None:
        self.exceptions = SimpleNamespace(RayError=ActorDiedError, GetTimeoutError=TimeoutError)
        self.answers: dict[tuple[int, str], Any] = {}
        self.given: dict[tuple[int, str], tuple[Any, ...]] = {}
        self.options: list[dict[str, Any]] = []
        self.killed: list[int] = []
        self.there = nodes

    def is_initialized(self) -> bool:
        return True

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {
                "NodeID": one.node_id,
                "NodeManagerAddress": one.address,
                "Alive": True,
                "Resources": {"CPU": one.cpus, "GPU": one.gpus},
            }
            for one in self.there
        ]

    def remote(self, kind: type) -> Any:
        return SimpleNamespace(options=self._with_options)

    def _with_options(self, **options: Any) -> Any:
        self.options.append(options)
        return SimpleNamespace(remote=lambda *given: Actor(len(self.options) - 1, self))

    def wait(self, refs: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        ready = [ref for ref in refs if ref in self.answers]
        return ready[:num_returns], []

    def get(self, ref: Any, timeout: float) -> Any:
        answer = self.answers.pop(ref)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self, actor: Actor, no_restart: bool) -> None:
        self.killed.append(actor.number)


class Actor:
    """Any method of it returns a reference: the actor's number and the method's name."""

    def __init__(self, number: int, ray: MadeUpRay) -> None:
        self.number, self.ray = number, ray

    def __getattr__(self, method: str) -> Any:
        return SimpleNamespace(remote=lambda *given: self._called(method, given))

    def _called(self, method: str, given: tuple[Any, ...]) -> tuple[int, str]:
        self.ray.given[self.number, method] = given
        return self.number, method


NODES = [Node("n1", "10.0.0.1", 4, 0), Node("n2", "10.0.0.2", 4, 0)]


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> MadeUpRay:
    made_up = MadeUpRay(NODES)
    monkeypatch.setitem(sys.modules, "ray", made_up)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: made_up)
    return made_up


def pool(replicas: int = 1, **more: Any) -> tuple[RayPool, list[float], list[str]]:
    now, said = [0.0], []
    made = RayPool(
        ModelSpec("model"),
        {},
        RayWishes("10.0.0.1:6379", replicas, **more),
        say=lambda line, lasting: said.append(line),
        clock=lambda: now[0],
    )
    made.start()
    return made, now, said


def place(node: int, **versions: str) -> Place:
    there = {**dict(versions_here()), **versions}
    return Place(f"n{node}", f"10.0.0.{node}", f"host{node}", 100 + node, tuple(there.items()))


def facts(weights: str = "aaaa") -> EngineFacts:
    return EngineFacts("local", "m", "chat", digests={"weights": weights}, device="cpu")


def joined(made: RayPool, ray: MadeUpRay, number: int, node: int, weights: str = "aaaa") -> list[Any]:
    ray.answers[number, "where"] = place(node)
    found = list(made.events(0))
    ray.answers[number, "poll"] = [facts(weights)]
    return [*found, *made.events(0)]


def test_a_node_with_other_weights_is_refused_by_name_and_not_used_again(ray: MadeUpRay) -> None:
    made, _, _ = pool(2)
    assert [type(event) for event in joined(made, ray, 0, 1)] == [Joined]
    lost, again = joined(made, ray, 1, 2, "bbbb")
    assert isinstance(lost, Lost)
    assert "10.0.0.2 (host2)" in lost.reason and "weights" in lost.reason
    assert isinstance(again, Restarting)
    assert ray.options[2]["label_selector"] == {"ray.io/node-id": "!in(n2)"}
    assert "label_selector" not in ray.options[1]


def test_a_node_with_another_harness_is_refused_and_one_with_another_torch_is_noted(ray: MadeUpRay) -> None:
    made, _, said = pool(2)
    ray.answers[0, "where"] = place(1, harness="0.0.1")
    ray.answers[1, "where"] = place(2, torch="1.0")
    lost, *_ = made.events(0)
    assert isinstance(lost, Lost)
    assert "harness 0.0.1" in lost.reason
    assert ["torch 1.0" in line and "10.0.0.2" in line for line in said] == [True]


def test_what_a_node_lacks_is_said_and_the_run_goes_on_elsewhere(ray: MadeUpRay) -> None:
    made, _, _ = pool(1)
    ray.answers[0, "where"] = place(1)
    made.events(0)
    ray.answers[0, "poll"] = [Fault("/models/m: no such folder")]
    lost, again = made.events(0)
    assert lost == Lost("1", "the node 10.0.0.1 (host1) is not used: /models/m: no such folder")
    assert again.replica == "1.1"
    assert [type(event) for event in joined(made, ray, 1, 2)] == [Joined]


def test_a_model_that_is_damaged_ends_the_start_and_one_node_s_copy_of_it_does_not(ray: MadeUpRay) -> None:
    made, _, _ = pool(2)
    ray.answers[0, "where"] = place(1)
    made.events(0)
    ray.answers[0, "poll"] = [Fault("m: its weights are damaged", of_model=True)]
    assert made.events(0) == [Failed("1", "m: its weights are damaged", of_model=True)]
    assert len(ray.options) == 2, "none is started in its place"

    made, _, _ = pool(2)
    joined(made, ray, 2, 1)
    ray.answers[3, "where"] = place(2)
    made.events(0)
    ray.answers[3, "poll"] = [Fault("m: its weights are damaged", of_model=True)]
    assert [type(event) for event in made.events(0)] == [Lost, Restarting]


@pytest.mark.parametrize(
    ("wishes", "sharers"),
    [
        ({"replicas": 4}, 2),
        ({"replicas": 2}, 1),
        ({"replicas": 2, "cpus": 1.0}, 2),
        ({"replicas": 4, "gpus": 0.5}, 2),
        ({"replicas": 12, "gpus": 0.1}, 10),
        ({"replicas": 2, "gpus": 0.1}, 2),
        ({"replicas": 4, "gpus": 1.0}, 1),
    ],
)
def test_a_replica_knows_how_many_may_share_its_memory(ray: MadeUpRay, wishes: dict[str, Any], sharers: int) -> None:
    made, _, _ = pool(**wishes)
    joined(made, ray, 0, 1)
    assert ray.given[0, "load"] == (sharers,)


def test_a_lost_actor_is_started_again_so_often_and_no_more(ray: MadeUpRay) -> None:
    made, _, _ = pool(1, restarts=2)
    names = []
    for number in range(3):
        found = joined(made, ray, number, 1)
        names += [event.replica for event in found if isinstance(event, Joined)]
        ray.answers[number, "poll"] = ActorDiedError("The actor is dead because its worker process has died.")
        lost, *_ = made.events(0)
        assert lost == Lost(names[-1], "its process was killed or crashed")
    assert names == ["1", "1.1", "1.2"]
    assert made.starting() == 0 and len(ray.options) == 3


def test_outcomes_and_faults_arrive_and_nothing_of_an_ended_replica_does(ray: MadeUpRay) -> None:
    made, _, _ = pool(1, restarts=0)
    joined(made, ray, 0, 1)
    outcome = Refused("k", "kind", "message")
    ray.answers[0, "poll"] = [outcome, Fault("RuntimeError: bad"), outcome]
    assert made.events(0) == [Arrived("1", outcome), Failed("1", "RuntimeError: bad")]
    ray.answers[0, "poll"] = [outcome]
    assert made.events(0) == []
    assert ray.killed == [0]


def test_a_replica_without_a_node_is_named_once_and_given_up_only_where_none_is_at_work(ray: MadeUpRay) -> None:
    made, now, said = pool(2, cpus=8.0, start_seconds=100.0)
    now[0] = 50.0
    assert made.events(0) == [] and made.events(0) == []
    assert said == [
        "2 replicas wait for a node with 8 CPUs free (the cluster has 2 nodes with 8 CPUs and 0 GPUs in all)"
    ]
    assert made.starting() == 2
    now[0] = 101.0
    assert made.starting() == 0
    assert [type(event) for event in made.events(0)] == [Lost, Lost]

    made, now, _ = pool(2, start_seconds=100.0)
    joined(made, ray, 2, 1)
    now[0] = 101.0
    assert made.events(0) == []
    assert [type(event) for event in joined(made, ray, 3, 2)] == [Joined]


def test_an_actor_that_never_answers_a_poll_is_lost(ray: MadeUpRay) -> None:
    made, now, _ = pool(1, restarts=0)
    joined(made, ray, 0, 1)
    now[0] = 1000.0
    (lost,) = made.events(0)
    assert isinstance(lost, Lost) and "has not answered for 1000 s" in lost.reason


@pytest.mark.parametrize(
    ("cpus", "replicas", "each"),
    [([4, 4], 2, 4), ([3, 3], 3, 1), ([8], 3, 2), ([4, 4], 1, 4), ([1], 2, 1)],
)
def test_the_cpus_of_a_cluster_are_divided_so_that_every_replica_finds_a_node(cpus, replicas, each) -> None:
    nodes = [Node(str(number), "", count, 0) for number, count in enumerate(cpus)]
    assert cpus_each(RayWishes("a", replicas), nodes, whole=True) == each


def test_on_one_machine_more_replicas_than_cores_share_them() -> None:
    assert cpus_each(RayWishes("local", 3), [Node("a", "", 2, 0)], whole=False) == 0.66
    assert cpus_each(RayWishes("local", 3, gpus=1.0), [Node("a", "", 2, 8)], whole=False) == 1.0


@pytest.mark.parametrize(
    ("device", "gpus", "expected"),
    [("cpu", None, ("cpu", 0.0)), ("cuda", None, ("cuda", 1.0)), ("auto", 0.5, ("cuda", 0.5)), ("auto", 0, ("cpu", 0))],
)
def test_the_device_follows_from_the_gpus_of_a_replica(device, gpus, expected) -> None:
    assert placed(device, gpus) == expected


@pytest.mark.parametrize(("device", "gpus"), [("cuda:0,1", None), ("mps", None), ("cpu", 1), ("cuda", 0), ("auto", 2)])
def test_devices_that_do_not_go_with_ray_are_refused(device, gpus) -> None:
    with pytest.raises(ConfigError):
        placed(device, gpus)


def test_the_driver_opens_the_model_as_the_nodes_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its precision and its adapter are in the identity of the run, which is known before a node loads anything."""
    seen: dict[str, Any] = {}

    def opened(path: str, revision: str | None, trust_remote_code: bool, **more: Any) -> None:
        seen.update(more)
        raise ConfigError("enough")

    monkeypatch.setattr(ray_engine, "open_checkpoint", opened)
    with pytest.raises(ConfigError, match="enough"):
        RayEngine(ModelSpec("org/base", adapter="org/style", quantize="int8"), LocalOptions(ray="local"))
    assert seen == {"adapter": "org/style", "quantize": "int8"}


@pytest.mark.parametrize(
    ("repo", "revision", "node_path"), [(None, None, str(Path("style").resolve())), ("org/style", "c1", "style")]
)
def test_nodes_get_the_adapter_that_was_given_alone_and_not_its_base(
    monkeypatch: pytest.MonkeyPatch, repo: str | None, revision: str | None, node_path: str
) -> None:
    adapter = ModelFiles("style", Path("style"), frozenset(), repo, revision)
    base = ModelFiles("org/base", Path("base"), frozenset(), "org/base", "b1", adapter=adapter)
    monkeypatch.setattr(ray_engine, "open_checkpoint", lambda *given, **more: SimpleNamespace(files=base))
    monkeypatch.setattr(ReplicatedEngine, "__init__", lambda self, *given: None)
    engine = RayEngine(ModelSpec("style", device="cpu", dtype="float32"), LocalOptions(ray="local"))
    assert (engine._of_nodes.path, engine._of_nodes.revision) == (node_path, revision)


@pytest.mark.parametrize(
    ("words", "complete"),
    [
        (["run", "--ray"], ["run", "--ray", "local"]),
        (["run", "--ray", "--limit", "3"], ["run", "--ray", "local", "--limit", "3"]),
        (["run", "--ray", "n1:6379"], ["run", "--ray", "n1:6379"]),
        (["run", "--ray=n1:6379", "--limit", "3"], ["run", "--ray=n1:6379", "--limit", "3"]),
    ],
)
def test_ray_may_be_written_without_an_address(words, complete) -> None:
    assert with_address(words) == complete


# Texts of Ray 2.60
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "The actor died unexpectedly before finishing this task.\n\tip: 10.0.0.1\nThe actor is dead because its "
            "worker process has died. Worker exit type: SYSTEM_ERROR Some common causes include: (1) the process was "
            "killed by the OOM killer",
            "its process was killed or crashed",
        ),
        ("The actor is dead because its node has died. Node Id: 12ab", "its node is gone"),
        ("Task was killed due to the node running low on memory.", "memory of the node ran out"),
        (
            "The actor died because of an error\nModuleNotFoundError: No module named 'harness'",
            "package harness is not",
        ),
    ],
)
def test_errors_of_ray_are_said_in_words(text, words) -> None:
    assert words in in_words(ActorDiedError(text))
