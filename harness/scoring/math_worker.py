"""The child of the math judge: one JSON request a line on stdin, one JSON verdict a line on stdout.

It bounds its own memory, and the processor time of each request beyond the parent's deadline, so that it
ends even where the parent is gone. Nothing that it imports can write into the protocol: stdout is moved away
first.
"""

from __future__ import annotations

import json
import os
import sys

# sympy with its caches stays under 300 MB; a number that needs more is an attack.
_MEMORY_BYTES = 2 << 30
# The parent kills at its deadline; this is for a child without a parent.
_SPARE_SECONDS = 5


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from harness.scoring.maths import algebra

    algebra.guard()
    _bound_memory()

    answers.write('{"ready": true}\n')
    answers.flush()
    for line in sys.stdin:
        request = json.loads(line)
        _bound_processor_time(float(request["seconds"]))
        pairs = request["pairs"]
        read, equal = (algebra.found, algebra.found_equal) if request["whole"] else (algebra.read, algebra.equal)
        if request["readable"]:
            verdict = all(bool(read(gold)) for gold, _ in pairs)
        else:
            verdict = any(equal(read(gold), read(answer)) for gold, answer in pairs)
        answers.write(json.dumps({"verdict": verdict}) + "\n")
        answers.flush()


def _bound_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    # an address-space limit can be refused (macOS): the deadline still holds
    try:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    except (ValueError, OSError):
        return


def _bound_processor_time(seconds: float) -> None:
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime + seconds) + _SPARE_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))
