"""Renders chat templates in a child process, since a template is a program and comes with the model.

Guarantees: a rendering ends within `CPU_SECONDS` of processor time, needs at most `MEMORY_BYTES` more than the process
had, and is at most `MOST_ADDED` characters longer than its turns, or raises `OutOfBounds`; the text is what
transformers' own renderer gives. One child serves all templates of a process; it is forked, which costs milliseconds
where a fresh interpreter would import transformers again, and it ends with its parent. Where processes cannot be
forked (Windows) templates are rendered in this process and only the length of their text is bounded.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

# The longest honest rendering seen takes a tenth of a second, compilation included.
CPU_SECONDS = 5.0
# For a child that waits and computes nothing: a machine under heavy load is no reason to refuse a model.
WALL_SECONDS = 120.0
MEMORY_BYTES = 512 * 2**20
# A system text, tool descriptions and turn marks of real templates are below 20,000 characters.
MOST_ADDED = 2**20
MOST_SOURCE = 2**20
# What an expression of a template may raise beside the template library's own errors
STUMBLES = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    SyntaxError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Rendering:
    """What to render. `turns` are role and content; `generation`: open an assistant turn; `unfinished`: leave the
    last turn open; `variables` are read by name (`bos_token`, `enable_thinking`).
    """

    template: str
    turns: Sequence[Mapping[str, Any]]
    variables: Mapping[str, Any]
    generation: bool = False
    unfinished: bool = False


class Refused(Exception):
    """The template raised an error for these turns; the message is its own."""


class OutOfBounds(Exception):
    """The template needs more time, memory or text than any honest one."""


def render(rendering: Rendering) -> str:
    """Render one conversation. Raises Refused or OutOfBounds."""
    text: str = _ask("text", rendering)
    return text


def variables_of(template: str) -> frozenset[str]:
    """Names that the template looks up in what it is given. Raises Refused (bad syntax) or OutOfBounds."""
    names: frozenset[str] = _ask("variables", Rendering(template, (), {}))
    return names


def _ask(what: str, rendering: Rendering) -> Any:
    if len(rendering.template) > MOST_SOURCE:
        raise OutOfBounds(f"has {len(rendering.template)} characters")
    if not hasattr(os, "fork"):
        return _settled(_answer(what, rendering))
    return _renderer(os.getpid()).ask(what, rendering)


def _settled(answer: tuple[str, Any]) -> Any:
    kind, value = answer
    if kind == "refused":
        raise Refused(value)
    if kind == "bounds":
        raise OutOfBounds(value)
    return value


@cache
def _renderer(process: int) -> _Renderer:
    """The renderer of the process with this id: one that was forked since has to start its own."""
    return _Renderer()


class _Renderer:
    """A child that is started when it is needed, and again after it had to be ended."""

    def __init__(self) -> None:
        self._child: tuple[int, Connection] | None = None
        self._turn = threading.Lock()

    def ask(self, what: str, rendering: Rendering) -> Any:
        """Have one thing done; once more in a fresh child if the first died or hung for no fault of the template."""
        import transformers.utils.chat_template_utils  # noqa: F401 - loaded before the fork, so that the child has it

        with self._turn:
            for _ in range(2):
                answer = self._try(what, rendering)
                if answer is not None:
                    return _settled(answer)
        raise OutOfBounds(f"ends or blocks the process that renders it (twice, within {WALL_SECONDS:.0f} s)")

    def _try(self, what: str, rendering: Rendering) -> tuple[str, Any] | None:
        pid, line = self._child = self._child or _fork()
        try:
            line.send((what, rendering))
            if line.poll(WALL_SECONDS):
                answer: tuple[str, Any] = line.recv()
                return answer
        except (EOFError, OSError):
            pass
        except BaseException:
            # Interrupted in the middle of an answer: the next one must not read its rest
            self._end(pid, line)
            raise
        status = self._end(pid, line)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
            return "bounds", f"needs more than {CPU_SECONDS:.0f} s of processor time"
        return None

    def _end(self, pid: int, line: Connection) -> int:
        self._child = None
        line.close()
        with suppress(ProcessLookupError):
            # Keeps the status of one that ended by itself
            os.kill(pid, signal.SIGKILL)
        try:
            return os.waitpid(pid, 0)[1]
        except ChildProcessError:
            return 0


def _fork() -> tuple[int, Connection]:
    ours, theirs = Pipe()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _close_all_but(theirs.fileno())
        _serve(theirs)
    finally:
        # Nothing of the parent may run in here: no exit handlers, no flushing of its buffers
        os._exit(0)


def _close_all_but(kept: int) -> None:
    """Close what the parent has open: its locks and pipes must not live on in here."""
    for number in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    most = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, kept)
    os.closerange(kept + 1, most if 0 < most < 2**20 else 2**20)


def _serve(line: Connection) -> None:
    """The child's own life: answer until the parent is gone."""
    _bound_memory()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with suppress(EOFError, OSError):
        while True:
            what, rendering = line.recv()
            # Kills this process, in whatever library it is
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            answer = _answer(what, rendering)
            signal.setitimer(signal.ITIMER_PROF, 0)
            line.send(answer)


def _bound_memory() -> None:
    import resource

    try:
        has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (has + MEMORY_BYTES,) * 2)
    except (OSError, ValueError):
        return  # no such limit here (macOS): time and length stay bounded


def _answer(what: str, rendering: Rendering) -> tuple[str, Any]:
    import jinja2

    try:
        return ("done", _variables(rendering.template) if what == "variables" else _text(rendering))
    except OutOfBounds as error:
        return "bounds", str(error)
    except MemoryError:
        return "bounds", f"needs more than {MEMORY_BYTES >> 20} MB of memory"
    except RecursionError:
        return "bounds", "is nested too deeply"
    except (*STUMBLES, jinja2.TemplateError) as error:
        return "refused", " ".join(str(error).split())[:300] or type(error).__name__


def _text(rendering: Rendering) -> str:
    from transformers.utils.chat_template_utils import render_jinja_template

    texts, _ = render_jinja_template(
        conversations=[[dict(turn) for turn in rendering.turns]],
        chat_template=rendering.template,
        add_generation_prompt=rendering.generation,
        continue_final_message=rendering.unfinished,
        **rendering.variables,
    )
    text: str = texts[0]
    if len(text) > MOST_ADDED + 2 * sum(len(str(turn["content"])) for turn in rendering.turns):
        raise OutOfBounds(f"writes {len(text)} characters")
    return text


def _variables(template: str) -> frozenset[str]:
    import jinja2.meta
    from transformers.utils import chat_template_utils

    environment = chat_template_utils._compile_jinja_template(template).environment
    return frozenset(jinja2.meta.find_undeclared_variables(environment.parse(template)))
