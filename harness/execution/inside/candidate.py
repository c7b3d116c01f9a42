"""The candidate's process of a by-value run: it loads the candidate's source, then answers calls with values.

Nothing in this process is trusted once the candidate's code has run. The code may replace any of it, which harms only
its own result.
"""

from __future__ import annotations

import json
import os
import sys

from harness.execution.inside import child_process, values, wire
from harness.execution.inside.reporting import Trap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from harness.execution.inside.isolation import Isolation
    from harness.execution.inside.messages import ProgramSpec
    from harness.execution.inside.supervisor import Writers

CANDIDATE_FILE = "<candidate>"
REQUESTS, REPLIES = 3, 4
# Frames of the harness below the candidate's, so that its recursion limit is the default one
OWN_FRAMES = 12
THREAD_STACK_BYTES = 8 << 20

_dumps = json.JSONEncoder(separators=(",", ":")).encode
_loads = json.JSONDecoder().decode


def encode(message: list[Any]) -> bytes:
    """Encode a message of the protocol."""
    return _dumps(message).encode("ascii")


def decode(frame: bytes) -> list[Any]:
    """Decode a message: a list that starts with a string. Raises ValueError."""
    try:
        message = _loads(frame.decode("ascii"))
    except RecursionError:
        raise ValueError("a message that is too deep") from None
    if type(message) is not list or not message or type(message[0]) is not str:
        raise ValueError("not a message of the protocol")
    return message


def prepare() -> None:
    """Load what `run` needs."""
    import _sitebuiltins
    import _thread
    import builtins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D")
    # Threads take the stack limit as their stack size, so memory would allow only a few of them
    _thread.stack_size(THREAD_STACK_BYTES)
    # A candidate must not find the harness's modules by name; their users keep references to them
    for name in [name for name in sys.modules if name == "harness" or name.startswith("harness.")]:
        del sys.modules[name]


def run(spec: ProgramSpec, isolation: Isolation, writers: Writers, pipes: tuple[int, int]) -> None:
    """Set up the sandbox, restrict this process, then run the candidate in it. Never returns."""
    source = spec["source"] or ""
    try:
        work = isolation.set_up(spec["work_bytes"])
        writers.send_event("run")
        os.environ.update(spec["environment"])
        os.environ.update(isolation.environment(), HOME=work, TMPDIR=work)
        empty = os.open("/dev/null", os.O_RDONLY)
        child_process.prepare([empty, writers.out, writers.err, *pipes], work)
        isolation.restrict()
        child_process.set_limits(spec, isolation)
    except (OSError, ValueError) as error:
        writers.send_event(f"fault {error}")
        os._exit(127)
    sys.argv[:] = [CANDIDATE_FILE]
    sys.path[:] = [folder for folder in (*sys.path, isolation.packages_folder) if folder]
    module = type(sys)("solution")
    sys.modules["solution"] = sys.modules["__main__"] = module
    sys.setrecursionlimit(sys.getrecursionlimit() + OWN_FRAMES)
    serve(source, module.__dict__)
    os._exit(0)


def serve(source: str, space: dict[str, Any], requests: int = REQUESTS, replies: int = REPLIES) -> None:
    """Load the candidate, then answer requests. Functions are bound first, because the candidate may replace them."""
    send, receive, flush, current_pid, own_pid = wire.send, wire.receive, sys.stdout.flush, os.getpid, os.getpid()
    space["__builtins__"] = sys.modules["builtins"]
    objects: list[object] = []
    stage, trap = "compile", Trap()
    with trap:
        code = compile(source, CANDIDATE_FILE, "exec", dont_inherit=True)
        stage = "load"
        exec(code, space)
    reply: list[Any] = ["loaded"] if trap.caught is None else _raised(stage, trap.caught)
    while True:
        # A fork of the candidate gets here too; only the original process may reply
        if current_pid() != own_pid:
            os._exit(1)
        send(replies, encode(reply))
        if reply[0] == "raised" and stage != "call":
            flush()
            return
        stage = "call"
        request = decode(receive(requests))
        if request[0] == "bye":
            flush()
            return
        reply = _names(request[1], space) if request[0] == "names" else _call(request, space, objects)


def _names(names: list[str], space: dict[str, Any]) -> list[Any]:
    known: dict[str, Any] = {}
    for name in names:
        if name not in space:
            continue
        value = space[name]
        if callable(value):
            known[name] = "function"
        else:
            try:
                known[name] = [values.encode(value, _refuse)]
            except (values.Unsendable, TypeError, ValueError):
                continue
    return ["names", known]


def _refuse(value: object) -> list[Any]:
    raise values.Unsendable("not plain data")


def _call(request: list[Any], space: dict[str, Any], objects: list[object]) -> list[Any]:
    """Answer `["call", name, arguments]` with the returned value, and with the arguments if the call changed them."""
    _, name, sent = request

    def keep(value: object) -> list[Any]:
        objects.append(value)
        return [len(objects) - 1, type(value).__name__]

    returned = after = None
    trap = Trap()
    with trap:
        arguments, named = values.decode(sent, lambda number, _: objects[number])
        returned = values.encode(space[name](*arguments, **named), keep)
        after = values.encode([arguments, named], keep)
    if trap.caught is not None:
        return _raised("call", trap.caught)
    return ["returned", returned, None if after == sent else after]


def _raised(stage: str, error: BaseException) -> list[Any]:
    message = ""
    with Trap():
        message = str(error)[:2000]
    classes = [cls.__name__ for cls in type(error).__mro__ if cls is not object]
    return ["raised", stage, classes, message.encode("ascii", "backslashreplace").decode()]
