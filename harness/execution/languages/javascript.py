"""JavaScript by node: the tests run in one isolate, the candidate in another (a worker thread); they exchange values.

The candidate's functions are called by value: arguments and results are structured clones, and changes of arguments
are copied back. `console.assert` fails the tests; the tests may `require` any module and get an unmodified one, since
the candidate has its own.

Guaranteed: the candidate has no access to the tests, their built-in objects or the secret; patched prototypes, modules,
getters, `toJSON` and objects that claim to be equal affect only values; `process.exit`, an exit code or a marker on any
descriptor never passes. Not guaranteed: both isolates are in one process, so a native addon, or code that breaks V8,
could reach the tests. What cannot be cloned (functions, promises) arrives as an object that equals nothing; tests that
create objects of the candidate's classes cannot run.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from pathlib import Path

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain

DEFINITION = (
    r"^[ \t]*(?:export\s+)?(?:(?:async\s+)?function\s*\*?\s*NAME\b[^{]*\{"
    r"|(?:const|let|var)\s+NAME\s*=[^{;]*\{|NAME\s*=[^={;]*\{)"
)
_DEFINED = r"\b(?:function\s*\*?|const|let|var|class)\s+([A-Za-z_$][\w$]*)|^([A-Za-z_$][\w$]*)\s*="
_HELPER = r"^(?:function\s*\*?\s*NAME\b|(?:const|let|var)\s+NAME\s*=)"
# V8's threads: compiler, garbage collector, the pool for files; and the worker
THREADS = 24
# A small heap is collected early; the sandbox limits the rest
_FLAGS = ("--max-old-space-size=512", "--stack-size=4000")


SHAPE = forms.braces(DEFINITION, backticks=True)
ENDINGS = (".js", ".cjs")


class JavaScript:
    """The `Language` of `tests.language: javascript`."""

    name = "javascript"

    def missing(self) -> str | None:
        """Whether there is node."""
        return None if toolchain.find("node", "nodejs") else toolchain.install_hint("node", "nodejs")

    def trial(self) -> Job:
        """Doubles the numbers of an array."""
        tests = "require('node:assert').deepEqual(twice([1, 2]), [2, 4]);\n"
        body = "  return values.map((value) => 2 * value);\n}\n"
        return Job(body, Tests("javascript", "const twice = (values) => {\n", tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        tests, node = job.tests, toolchain.require("node", "nodejs")
        readable = toolchain.outside_system(str(Path(node).parent), str(Path(node).resolve().parent.parent))
        program = Program(
            command=(),
            readable=readable,
            # Node reads OpenSSL's settings at its start, and exits if it may not read them
            environment=(("OPENSSL_CONF", "/dev/null"),),
            reserves=True,
            threads=THREADS,
            check="by_value",
        )
        if tests.cases:
            files = (("program.js", assembly.whole_program(job).encode()),)
            return assembly.per_case(replace(program, command=(node, "./program.js"), files=files), tests)
        parts = assembly.split(forms.normalized(job, SHAPE), DEFINITION, backticks=True)
        parts = assembly.with_helpers(parts, _HELPER, r"\Z", backticks=True)
        source, nonce = assembly.joined(parts), secrets.token_hex(16)
        request = {
            "nonce": nonce,
            "worker": toolchain.frame("javascript_worker.js"),
            "candidate": source,
            "names": _names(source, parts.tests),
            "tests": parts.tests,
        }
        framed = replace(
            program,
            command=(node, "./frame.js"),
            files=(("frame.js", toolchain.frame("javascript.js").encode()),),
            request=json.dumps(request).encode(),
            nonce=nonce,
            process_list=False,
            tests=tests.tests,
        )
        return (framed,)


def build() -> JavaScript:
    """Return the language."""
    return JavaScript()


def _names(source: str, tests: str) -> list[str]:
    """Names that the candidate's program defines, the tests mention and do not define themselves."""
    masked = assembly.blanked(source, backticks=True)
    own = assembly.blanked(tests, backticks=True)
    defined = {name for pair in re.findall(_DEFINED, masked, re.M) for name in pair if name}
    theirs = {name for pair in re.findall(_DEFINED, own, re.M) for name in pair if name}
    reserved = {"require", "module", "exports", "console", "assert", "process"}
    return sorted((defined & set(re.findall(r"[A-Za-z_$][\w$]*", own))) - theirs - reserved)
