"""Shared by JavaScript and TypeScript: programs for node, whose tests run in one isolate and the candidate in another.

The frame (`frames/javascript.js`) reads the candidate from its request, or from the file that a build made of it.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from pathlib import Path

from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain
from harness.execution.languages.assembly import Parts
from harness.execution.languages.forms import Shape

DEFINITION = (
    r"^[ \t]*(?:export\s+)?(?:(?:async\s+)?function\s*\*?\s*NAME\b[^{]*\{"
    r"|(?:const|let|var)\s+NAME\s*=[^{;]*\{|NAME\s*=[^={;]*\{)"
)
_DEFINED = r"\b(?:function\s*\*?|const|let|var|class)\s+([A-Za-z_$][\w$]*)|^([A-Za-z_$][\w$]*)\s*="
_HELPER = r"^(?:function\s*\*?\s*NAME\b|(?:const|let|var)\s+NAME\s*=)"
# V8's threads: compiler, garbage collector, the pool for files; and the worker
THREADS = 24


def missing() -> str | None:
    """Return None, or what is missing where node is not installed."""
    return None if toolchain.find("node", "nodejs") else toolchain.install_hint("node", "nodejs")


def interpreter() -> str:
    """Return the path of node. Raises SandboxError where it is not installed."""
    return toolchain.require("node", "nodejs")


def program(*readable: str) -> Program:
    """Return a program of node without a command; `readable` are folders that it reads besides node's own."""
    node = Path(interpreter())
    return Program(
        command=(),
        readable=toolchain.outside_system(str(node.parent), str(node.resolve().parent.parent), *readable),
        # Node reads OpenSSL's settings at its start, and exits if it may not read them
        environment=(("OPENSSL_CONF", "/dev/null"),),
        reserves=True,
        threads=THREADS,
        check="by_value",
    )


def parted(job: Job, shape: Shape) -> Parts:
    """Split a job, its candidate closed and with its prelude's helpers. Raises DataError for tests without code."""
    parts = assembly.split(forms.normalized(job, shape), DEFINITION, backticks=True)
    return assembly.with_helpers(parts, _HELPER, r"\Z", backticks=True)


def framed(base: Program, parts: Parts, source: str, tests: str, built: str = "") -> Program:
    """Return the program that runs the tests on `source`, or on the file `built` that was made of it.

    `tests` is for messages. A build removes the files that it was made of, so that the frame is then no file.
    """
    nonce = secrets.token_hex(16)
    request = {
        "nonce": nonce,
        "worker": toolchain.frame("javascript_worker.js"),
        "candidate": "" if built else source,
        "built": built,
        "names": _names(source, parts.tests),
        "tests": parts.tests,
    }
    frame = toolchain.frame("javascript.js")
    node = interpreter()
    started = (
        replace(base, command=(node, "-e", frame))
        if built
        else replace(base, command=(node, "./frame.js"), files=(("frame.js", frame.encode()),))
    )
    return replace(started, request=json.dumps(request).encode(), nonce=nonce, process_list=False, tests=tests)


def _names(source: str, tests: str) -> list[str]:
    """Names that the candidate's program defines, the tests mention and do not define themselves."""
    masked = assembly.blanked(source, backticks=True)
    own = assembly.blanked(tests, backticks=True)
    defined = {name for pair in re.findall(_DEFINED, masked, re.M) for name in pair if name}
    theirs = {name for pair in re.findall(_DEFINED, own, re.M) for name in pair if name}
    reserved = {"require", "module", "exports", "console", "assert", "process"}
    return sorted((defined & set(re.findall(r"[A-Za-z_$][\w$]*", own))) - theirs - reserved)
