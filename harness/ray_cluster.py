"""A connection to Ray, and Ray's errors in words. Ray is imported only when a user asks for it.

Guarantees: nothing of Ray is printed; what was started here is ended here, and a Ray that was there before is left as
it was; each failure to connect is one line.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.errors import ConfigError, EngineError, MissingPackage

# `--ray` without an address: the cluster of RAY_ADDRESS, else a Ray of this machine that ends with the run
LOCAL = "local"
# Jobs and outcomes are small; Ray would set aside a third of the memory for large objects
OBJECT_STORE_BYTES = 128 << 20
# Ray gives its processes half a minute, which a busy machine may take to start them
TRIES = 3
# A head that is being started may take a while to listen
REACH_SECONDS = 20.0
HERE = ("auto", LOCAL)
OLD_AND_NEW = "install the same versions everywhere"


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster, and what it offers in all (CPUs, GPUs)."""

    node_id: str
    address: str
    cpus: float
    gpus: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """A connection. `owned`: this program made it, and ends it; `started`: it started the Ray too, of one node."""

    owned: bool
    started: bool = False

    def nodes(self) -> list[Node]:
        """The nodes that are alive now."""
        import ray

        return [
            Node(
                one["NodeID"],
                one["NodeManagerAddress"],
                one["Resources"].get("CPU", 0.0),
                one["Resources"].get("GPU", 0.0),
            )
            for one in ray.nodes()
            if one["Alive"]
        ]

    def own_node(self) -> str:
        """The node that this program is connected through."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def close(self) -> None:
        """End the connection, and the Ray that was started for it; safe to call twice."""
        import ray

        if self.owned and ray.is_initialized():
            with _own_signals():
                ray.shutdown()


def connect(address: str) -> Cluster:
    """Connect to the cluster at an address (`HOST:PORT`, `auto`), or start a Ray of this machine (`local`).

    A connection that the process has already is used. Raises MissingPackage, ConfigError or EngineError with one line.
    """
    require_ray()
    # Before the import, which reads them; what the user set stays
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if ray.is_initialized():
        return Cluster(owned=False)
    given = address if address != LOCAL else os.environ.get("RAY_ADDRESS") or LOCAL
    if given not in HERE:
        _reach(given)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if given == LOCAL:
        options |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # Ray knows the limits of containers, but not those of `taskset`
        options |= {"num_cpus": cores} if cores < (os.cpu_count() or 1) else {}
    for tries_left in range(TRIES - 1, -1, -1):
        try:
            with _own_signals():
                ray.init(address=given, **options)
            break
        except Exception as error:
            # A node that does not come up in time is an `Exception` and no more
            late = type(error) is Exception
            if late and tries_left and given == LOCAL:
                continue
            if late or isinstance(error, RuntimeError | OSError | ValueError | ray.exceptions.RayError):
                raise _refused(given, error) from None
            raise
    _silence()
    return Cluster(owned=True, started=given == LOCAL)


def require_ray() -> None:
    """Raise MissingPackage where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        install = "pip install 'harness[ray]'"
        raise MissingPackage(f"--ray needs the package ray, which is not installed: {install}", f"ray: {install}")


def in_words(error: BaseException, place: str = "") -> str:
    """Why an actor is gone, from one of Ray's exceptions: one short line without Ray's own advice."""
    kind, text = type(error).__name__, str(error)
    lowered = text.lower()
    if missing := re.search(r"No module named '([\w.]+)'", text):
        package = missing[1].partition(".")[0]
        return f"the package {package} is not installed for the Python of Ray on {place or 'its node'}"
    if (
        kind == "OutOfMemoryError"
        or "low on memory" in lowered
        or re.search(r"\boom\b", lowered.partition("some common")[0])
    ):
        return "Ray ended its process because the memory of the node ran out"
    if re.search(r"node (?:.{0,200}?)(?:has died|was terminated|is dead|was removed|died)", text, re.DOTALL):
        return "its node is gone"
    if kind == "ActorUnavailableError":
        return "its node or process does not answer"
    if "worker process has died" in lowered or "worker exit type" in lowered or kind == "WorkerCrashedError":
        return "its process was killed or crashed"
    if "exited" in lowered and "ray.kill" in lowered:
        return "its process was ended through Ray"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"\s+", " ", lines[-1])[:300] if lines else kind


def _reach(address: str) -> None:
    """Try the head's port: where nothing listens, Ray waits for a minute and then ends the process."""
    plain = address.partition("://")[2] or address
    host, _, port = plain.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(
            f"--ray {address}: is no address; give HOST:PORT of the head, as `ray start --head` prints it"
        )
    ends = time.monotonic() + REACH_SECONDS
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
            return
        except (OSError, OverflowError) as error:
            if time.monotonic() > ends or not isinstance(error, ConnectionRefusedError):
                raise EngineError(
                    f"--ray {address}: nothing answers there ({error}); is the head running (`ray status`)?"
                ) from None
            time.sleep(1)


def _refused(address: str, error: BaseException) -> EngineError:
    text = re.sub(r"\s+", " ", str(error)).strip()
    if "ersion mismatch" in text:
        seen = re.findall(r"(Ray|Python): ([\w.]+)", text)
        pairs = ", ".join(f"{name} {version}" for name, version in seen)
        return EngineError(
            f"--ray {address}: the cluster has other versions than this program ({pairs}); {OLD_AND_NEW}"
        )
    if address == "auto":
        return EngineError(
            "--ray auto: no Ray runs on this machine; start it (`ray start`), or leave the address out for one that "
            "lasts as long as the run"
        )
    what = "Ray could not be started here" if address == LOCAL else f"--ray {address}: no connection"
    return EngineError(f"{what} ({type(error).__name__}: {text[:300]})")


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep Ray from putting its own handlers in place of the program's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(name) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            if handler is not None:
                signal.signal(name, handler)


def _silence() -> None:
    """Ray prints to stdout that a worker died, which is for results; the run says so itself."""
    from ray._private import worker

    if hasattr(worker, "_worker_logs_enabled"):
        worker._worker_logs_enabled = False
