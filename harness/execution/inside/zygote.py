"""A process that has isolated itself once and starts one program after another, each in a fresh world.

It is a newly started interpreter with a clean environment and closed descriptors, so nothing of the host is in it,
and it never reads what proves a pass (`order.py`): a candidate forked from it finds nothing. It ends when its host
does, and everything with it.
"""

from __future__ import annotations

# `signal` itself would import `enum`, `functools` and `collections`.
import _signal as signal  # type: ignore[import-not-found]
import gc
import marshal
import os

from harness.execution.inside import by_value, commands, wire
from harness.execution.inside.order import ANSWER, INPUT
from harness.execution.inside.supervise import HostGone, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.order import Hello, Order
    from harness.execution.inside.place import Place

# What programs import most, loaded once for all of them: each import costs a program milliseconds otherwise.
PRELOADED = (
    "bisect", "collections", "copy", "functools", "heapq", "itertools", "json", "math", "operator", "re", "string",
    "sys", "time", "typing",
)  # fmt: skip


def serve(place: Place) -> None:
    """Read a Hello, isolate, say so; then answer orders until the host is gone. Never returns."""
    hello: Hello = marshal.loads(wire.receive(INPUT))
    # Seen from inside of other namespaces the host has no number
    if os.getppid() not in (hello["host"], 0):
        os._exit(0)
    os.environ.clear()
    os.environ.update(hello["environment"])
    for name in PRELOADED:
        __import__(name)
    by_value.prepare()
    try:
        place.enter(hello)
    except OSError as error:
        wire.send(ANSWER, marshal.dumps(error.strerror or str(error)))
        os._exit(0)
    gc.collect()
    gc.freeze()
    wire.send(ANSWER, marshal.dumps(""))
    try:
        while _one(place):
            pass
    except (EOFError, HostGone, BrokenPipeError):
        pass
    finally:
        os._exit(0)


def _one(place: Place) -> bool:
    """Run one program; whether another one may follow."""
    order: Order = marshal.loads(wire.receive(INPUT))
    watch = Watch(order, place)
    try:
        first = place.fork()
    except OSError as error:
        wire.send(ANSWER, marshal.dumps(("infra", 0, 0.0, b"", b"", b"", f"no process could be started: {error}")))
        return False
    if first == 0:
        # Where only one user may be mapped, the program may signal the process that judges it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for reader in watch.readers:
            os.close(reader)
        os.close(ANSWER)
        place.begin()
        if order["source"] is None:
            commands.run(order, place, watch.ends)
        else:
            by_value.run(order, place, watch.ends)
        os._exit(0)
    answer = watch.see_through(first)
    wire.send(ANSWER, marshal.dumps(answer.plain()))
    return answer.taken
