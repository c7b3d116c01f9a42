"""Shared by PHP, Ruby, Perl and Lua: no build, one interpreter, a frame in a file and everything else in the request.

How a program is combined: a candidate that defines the entry point runs alone, any other after its prelude; the tests
are a separate text. Each language's file states what is guaranteed.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.execution.base import Check, Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How programs of a language start. `function` is a pattern of a function's definition, its name in group 1.

    `before` is a command that starts the interpreter, if it cannot start the frame by itself; `opening` is what every
    program must begin with.
    """

    command: tuple[str, ...]
    ending: str
    frame: str
    worker: str
    function: str
    check: Check
    before: tuple[str, ...] = ()
    opening: str = ""
    packed: Callable[[dict[str, object]], bytes] = lambda request: json.dumps(request).encode()


def programs(job: Job, interpreter: Interpreter) -> tuple[Program, ...]:
    """One program for the tests, or one per stdin case. Raises DataError without either."""
    tests = job.tests
    job = forms.closed(job, forms.script(tests.language, interpreter.function))
    readable = toolchain.outside_system(str(Path(interpreter.command[0]).resolve().parent.parent))
    alone = not tests.cases and tests.entry_point in defined(job.candidate, interpreter)
    source = job.candidate + "\n" if alone else assembly.whole_program(job)
    if interpreter.opening.strip() not in source:
        source = interpreter.opening + source
    if tests.cases:
        name = f"program{interpreter.ending}"
        program = Program((*interpreter.command, f"./{name}"), files=((name, source.encode()),), readable=readable)
        return assembly.per_case(program, tests)
    assembly.require_tests(tests.tests)
    theirs = defined(tests.tests, interpreter)
    nonce = secrets.token_hex(16)
    request: dict[str, object] = {
        "nonce": nonce,
        "worker": toolchain.frame(interpreter.worker) if interpreter.worker else "",
        "candidate": source,
        "names": sorted((defined(source, interpreter) & assembly.identifiers(tests.tests)) - theirs),
        "tests": job.tests.tests,
    }
    name = f"frame{interpreter.ending}"
    program = Program(
        command=(*interpreter.before, *interpreter.command, f"./{name}"),
        files=((name, toolchain.frame(interpreter.frame).encode()),),
        request=interpreter.packed(request),
        readable=readable,
        nonce=nonce,
        tests=tests.tests,
        check=interpreter.check,
        process_list=False,
    )
    return (program,)


def defined(source: str, interpreter: Interpreter) -> set[str]:
    """Return the names of the functions that a program defines."""
    return set(re.findall(interpreter.function, source, re.M))
