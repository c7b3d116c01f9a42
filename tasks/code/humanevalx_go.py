"""HumanEval-X in Go: what the reference evaluation puts around a completion, from the row's parts."""

from __future__ import annotations

import re
from typing import Any

PACKAGES = ("math", "strings", "fmt", "strconv", "time", "bytes", "regexp", "sort", "math/rand", "crypto/md5")
ENTRY = re.compile(r"func (\w+)")


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry`, the function that is asked for, and `prelude`: the prompt behind the imports of the tests."""
    imports = "".join(f'    "{name}"\n' for name in PACKAGES)
    prelude = f"{row['test_setup']}\nimport (\n{imports})\n{row['prompt'].replace(row['import'], '')}"
    return {**row, "entry": ENTRY.findall(row["declaration"])[-1], "prelude": prelude}
