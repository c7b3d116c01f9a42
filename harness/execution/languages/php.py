"""PHP: the tests in one process, the candidate in another, values between the two.

Guaranteed: the candidate never meets the tests or the secret; what its functions return arrives as plain
values, never as an object; `exit`, a shutdown function, an error handler or a marker on a descriptor is no
pass. Not guaranteed: arguments taken by reference are not copied back; classes of the candidate cannot be
used by the tests; extensions that php loads by its configuration are not there (`php -n`).
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from harness.datatypes import Tests
from harness.errors import DataError
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, toolchain

_FUNCTION = re.compile(r"^[ \t]*function\s+&?\s*(\w+)\s*\(", re.M)


ENDINGS = (".php",)


class Php:
    """The `Language` of `tests.language: php`."""

    name = "php"

    def missing(self) -> str | None:
        """Whether there is php's command line."""
        return None if toolchain.find("php") else toolchain.lacking("php", "php-cli")

    def trial(self) -> Job:
        """Doubles the numbers of an array."""
        tests = "if (twice([1, 2]) !== [2, 4]) { throw new Exception('Test failed!'); }\n"
        body = "    return array_map(fn($value) => 2 * $value, $values);\n}\n"
        return Job(body, Tests("php", "<?php\nfunction twice($values) {\n", tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        tests, php = job.tests, toolchain.need("php")
        readable = toolchain.outside_system(str(Path(php).resolve().parent.parent))
        source = whole(job)
        if tests.cases:
            return tuple(
                Program(
                    command=(php, "-n", "./program.php"),
                    files=(("program.php", source.encode()),),
                    stdin=case.stdin.encode(),
                    readable=readable,
                    expected=case.stdout,
                    check="by_value",
                )
                for case in tests.cases
            )
        if not tests.tests.strip():
            raise DataError("the sample has neither tests nor stdin cases: nothing would be proved by running it")
        nonce = secrets.token_hex(16)
        theirs = set(_FUNCTION.findall(tests.tests))
        order = {
            "nonce": nonce,
            "worker": toolchain.frame("php_worker.php"),
            "candidate": source,
            "names": sorted((set(_FUNCTION.findall(source)) & assembly.mentions(tests.tests)) - theirs),
            "tests": tests.tests,
        }
        program = Program(
            command=(php, "-n", "-d", "memory_limit=-1", "-d", "display_errors=stderr", "./frame.php"),
            files=(("frame.php", toolchain.frame("php.php").encode()),),
            request=_serialized(order),
            readable=readable,
            nonce=nonce,
            process_list=False,
            tests=tests.tests,
            check="by_value",
        )
        return (program,)


def build() -> Php:
    """Return the language."""
    return Php()


def whole(job: Job) -> str:
    """Return the candidate's program: after its prelude, or alone where it defines the function by itself."""
    tests = job.tests
    if tests.cases or tests.entry_point in _FUNCTION.findall(job.candidate):
        opened = "" if "<?php" in job.candidate else "<?php\n"
        return opened + job.candidate.lstrip() + "\n" if not tests.cases else opened + job.candidate + "\n"
    before = tests.prelude + ("" if tests.prelude.endswith("\n") or not tests.prelude else "\n")
    opened = "" if "<?php" in before + job.candidate else "<?php\n"
    return opened + before + job.candidate + "\n"


def _serialized(value: object) -> bytes:
    """PHP's own format, of texts, lists and maps."""
    if isinstance(value, str):
        text = value.encode()
        return b's:%d:"%s";' % (len(text), text)
    if isinstance(value, int):
        return b"i:%d;" % value
    assert isinstance(value, dict | list)
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    inside = b"".join(_serialized(key) + _serialized(item) for key, item in pairs)
    return b"a:%d:{%s}" % (len(value), inside)
