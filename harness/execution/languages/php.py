"""PHP: the tests run in one process, the candidate in another; they exchange values.

Guaranteed: the candidate has no access to the tests or the secret; results of its functions arrive as plain values,
never as objects; `exit`, a shutdown function, an error handler or a marker on a descriptor never passes. Not
guaranteed: arguments taken by reference are not copied back; the tests cannot use the candidate's classes; extensions
that php loads by its configuration are not available (`php -n`).
"""

from __future__ import annotations

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import forms, scripted, toolchain

FUNCTION = r"^[ \t]*function\s+&?\s*(\w+)\s*\("
SHAPE = forms.script("php", FUNCTION)
ENDINGS = (".php",)


class Php:
    """The `Language` of `tests.language: php`."""

    name = "php"

    def missing(self) -> str | None:
        """Whether there is php's command line."""
        return None if toolchain.find("php") else toolchain.install_hint("php", "php-cli")

    def trial(self) -> Job:
        """Doubles the numbers of an array."""
        tests = "if (twice([1, 2]) !== [2, 4]) { throw new Exception('Test failed!'); }\n"
        body = "    return array_map(fn($value) => 2 * $value, $values);\n}\n"
        return Job(body, Tests("php", "<?php\nfunction twice($values) {\n", tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        return scripted.programs(job, _interpreter())


def build() -> Php:
    """Return the language."""
    return Php()


def _interpreter() -> scripted.Interpreter:
    return scripted.Interpreter(
        command=(toolchain.require("php"), "-n", "-d", "memory_limit=-1", "-d", "display_errors=stderr"),
        ending=".php",
        frame="php.php",
        worker="php_worker.php",
        function=FUNCTION,
        check="by_value",
        opening="<?php\n",
        packed=_serialized,
    )


def _serialized(value: object) -> bytes:
    """PHP's serialization format, for strings, integers, lists and maps."""
    if isinstance(value, str):
        text = value.encode()
        return b's:%d:"%s";' % (len(text), text)
    if isinstance(value, int):
        return b"i:%d;" % value
    assert isinstance(value, dict | list)
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    inside = b"".join(_serialized(key) + _serialized(item) for key, item in pairs)
    return b"a:%d:{%s}" % (len(value), inside)
