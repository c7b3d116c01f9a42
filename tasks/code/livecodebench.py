"""LiveCodeBench: a row's tests as stdin cases, or as calls of a method of `Solution`.

The rules are those of LiveCodeBench's `testing_util.py`: a program may use what `IMPORTS` names without importing it;
`Solution` is made once for all calls; an argument is a line of JSON; a tuple counts as the list of its items.
"""

from __future__ import annotations

import base64
import binascii
import json
import pickletools
import zlib
from typing import Any

# The largest test of a release, unpacked, has some 100 MB
MOST_BYTES = 1 << 29
# Opcodes of a pickled text, and those around it
TEXT = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
AROUND = ("PROTO", "FRAME", "MEMOIZE", "BINPUT", "STOP")
MODULES = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools",
    "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
IMPORTS = (
    "".join(f"from {module} import *\n" for module in MODULES)
    + "".join(f"import {module}\n" for module in MODULES if module not in ("builtins", "typing"))
    + "sys.setrecursionlimit(50000)\n"
)
CALLED = """

livecodebench_made = Solution() if "Solution" in globals() else None


def livecodebench_call(*arguments):
    function = globals()[{name!r}] if livecodebench_made is None else getattr(livecodebench_made, {name!r})
    return function(*arguments)
"""
CALLS = """
import json

for given, wanted in json.loads({calls!r}):
    answer = livecodebench_call(*given)
    answer = list(answer) if isinstance(answer, tuple) else answer
    assert answer == wanted, f"{{str(answer)[:80]}} where {{str(wanted)[:80]}} was expected"
"""


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `cases`, or `tests` and the `suffix` that they call. Raises ValueError."""
    tests = json.loads(row["public_test_cases"]) + hidden(row["private_test_cases"])
    # The largest rows have some 100 MB of them
    row = {key: value for key, value in row.items() if key != "private_test_cases"}
    kinds = {test["testtype"] for test in tests}
    name = json.loads(row["metadata"] or "{}").get("func_name")
    if kinds == {"stdin"} and name is None:
        cases = [{"stdin": test["input"], "stdout": test["output"]} for test in tests]
        return {**row, "imports": IMPORTS, "suffix": "", "tests": "", "cases": cases}
    if kinds != {"functional"} or name is None:
        raise ValueError(f"tests of the kinds {sorted(kinds)}, and the function {name!r}")
    calls = [[[json.loads(line) for line in test["input"].split("\n")], json.loads(test["output"])] for test in tests]
    written = CALLS.format(calls=json.dumps(calls))
    return {**row, "imports": IMPORTS, "suffix": CALLED.format(name=name), "tests": written, "cases": []}


def hidden(written: str) -> list[dict[str, str]]:
    """Read the private tests: JSON, or JSON that was pickled, compressed and written in base64. Raises ValueError."""
    try:
        return list(json.loads(written))
    except ValueError:
        pass
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(base64.b64decode(written, validate=True), MOST_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"private_test_cases are neither JSON nor compressed: {error}") from None
    if unpacker.unconsumed_tail:
        raise ValueError(f"private_test_cases expand to more than {MOST_BYTES >> 20} MiB")
    return list(json.loads(pickled_text(packed)))


def pickled_text(packed: bytes) -> str:
    """Read a pickle of one text from its opcodes, without unpickling. Raises ValueError for any other pickle."""
    texts = []
    for opcode, argument, _ in pickletools.genops(packed):
        if opcode.name in TEXT:
            texts.append(argument)
        elif opcode.name not in AROUND:
            raise ValueError(f"private_test_cases are a pickle with the opcode {opcode.name}, which no text needs")
    if len(texts) != 1:
        raise ValueError(f"private_test_cases are a pickle of {len(texts)} texts; it must be one")
    return str(texts[0])
