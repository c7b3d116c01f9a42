"""The candidate's side of a trial by value: load its source, then answer calls with values until it is told to stop.

Nothing here is trusted once the candidate's code has run: it may replace any of it, and then only harms itself.
"""

from __future__ import annotations

import json
import os
import sys

from harness.execution.inside import program, values, wire
from harness.execution.inside.reporting import Trap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from harness.execution.inside.order import Order
    from harness.execution.inside.place import Place
    from harness.execution.inside.supervise import Ends

CANDIDATE_FILE = "<candidate>"
ASKS, REPLIES = 3, 4
# Frames of ours below the candidate's: its recursion limit is to be the usual one.
OWN_FRAMES = 12
THREAD_STACK_BYTES = 8 << 20

_dumps = json.JSONEncoder(separators=(",", ":")).encode
_loads = json.JSONDecoder().decode


def written(message: list[Any]) -> bytes:
    """Write a message of the protocol."""
    return _dumps(message).encode("ascii")


def read(frame: bytes) -> list[Any]:
    """Read a message: a list that starts with a word. Raises ValueError."""
    try:
        message = _loads(frame.decode("ascii"))
    except RecursionError:
        raise ValueError("a message that is too deep") from None
    if type(message) is not list or not message or type(message[0]) is not str:
        raise ValueError("no message")
    return message


def prepare() -> None:
    """Load what `become` needs."""
    import _sitebuiltins
    import _thread
    import builtins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D")
    # Threads take the stack limit as their size, and there would be no room for many.
    _thread.stack_size(THREAD_STACK_BYTES)
    # A candidate finds no module of ours by its name; who uses one holds it
    for name in [name for name in sys.modules if name == "harness" or name.startswith("harness.")]:
        del sys.modules[name]


def become(order: Order, place: Place, ends: Ends, pipes: tuple[int, int]) -> None:
    """Furnish the world, then turn this process into the candidate's. Never returns."""
    source = order["source"] or ""
    try:
        work = place.furnish(order["work_bytes"])
        ends.tell("run")
        os.environ.update(order["environment"])
        os.environ.update(place.environment(), HOME=work, TMPDIR=work)
        nothing = os.open("/dev/null", os.O_RDONLY)
        program.settle([nothing, ends.out, ends.err, *pipes], work)
        place.restrict()
        program.limit(order, place)
    except (OSError, ValueError) as error:
        ends.tell(f"broken {error}")
        os._exit(127)
    sys.argv[:] = [CANDIDATE_FILE]
    sys.path[:] = [folder for folder in (*sys.path, place.library) if folder]
    module = type(sys)("solution")
    sys.modules["solution"] = sys.modules["__main__"] = module
    sys.setrecursionlimit(sys.getrecursionlimit() + OWN_FRAMES)
    serve(source, module.__dict__)
    os._exit(0)


def serve(source: str, space: dict[str, Any], asks: int = ASKS, replies: int = REPLIES) -> None:
    """Load, then answer what is asked. What it needs later it takes now: the candidate may replace it."""
    send, receive, flush, process, own = wire.send, wire.receive, sys.stdout.flush, os.getpid, os.getpid()
    space["__builtins__"] = sys.modules["builtins"]
    objects: list[object] = []
    place, trap = "compile", Trap()
    with trap:
        code = compile(source, CANDIDATE_FILE, "exec", dont_inherit=True)
        place = "load"
        exec(code, space)
    reply: list[Any] = ["loaded"] if trap.caught is None else _raised(place, trap.caught)
    while True:
        # A fork of the candidate comes here as well; only the original may speak.
        if process() != own:
            os._exit(1)
        send(replies, written(reply))
        if reply[0] == "raised" and place != "call":
            flush()
            return
        place = "call"
        question = read(receive(asks))
        if question[0] == "bye":
            flush()
            return
        reply = _names(question[1], space) if question[0] == "names" else _call(question, space, objects)


def _names(names: list[str], space: dict[str, Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for name in names:
        if name not in space:
            continue
        thing = space[name]
        if callable(thing):
            found[name] = "function"
        else:
            try:
                found[name] = [values.text(thing, _no_object)]
            except (values.Unsendable, TypeError, ValueError):
                continue
    return ["names", found]


def _no_object(value: object) -> list[Any]:
    raise values.Unsendable("no data")


def _call(question: list[Any], space: dict[str, Any], objects: list[object]) -> list[Any]:
    """Answer `["call", name, arguments]` with what it returned, and with the arguments if it changed them."""
    _, name, sent = question

    def keep(thing: object) -> list[Any]:
        objects.append(thing)
        return [len(objects) - 1, type(thing).__name__]

    answer = after = None
    trap = Trap()
    with trap:
        arguments, named = values.value(sent, lambda number, _: objects[number])
        answer = values.text(space[name](*arguments, **named), keep)
        after = values.text([arguments, named], keep)
    if trap.caught is not None:
        return _raised("call", trap.caught)
    return ["returned", answer, None if after == sent else after]


def _raised(place: str, error: BaseException) -> list[Any]:
    message = ""
    with Trap():
        message = str(error)[:2000]
    classes = [cls.__name__ for cls in type(error).__mro__ if cls is not object]
    return ["raised", place, classes, message.encode("ascii", "backslashreplace").decode()]
