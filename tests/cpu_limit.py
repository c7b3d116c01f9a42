"""Work in a process that the kernel kills when it has used up its processor time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BOUNDED = """
import resource, sys
sys.path[:0] = sys.argv[2:4]
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[1]), int(sys.argv[1])))
getattr(__import__(sys.argv[4]), sys.argv[5])(*sys.argv[6:])
"""


def ends_by_itself(seconds: int, file: str, function: str, *arguments: str) -> None:
    """Call a function of a test file in a process of its own; fail if it needs more processor time, or raises."""
    path = Path(file)
    places = (str(path.parent), str(Path(__file__).parent))
    command = [sys.executable, "-c", BOUNDED, str(seconds), *places, path.stem, function, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr if done.returncode > 0 else f"killed by signal {-done.returncode}"
        pytest.fail(f"{function}({', '.join(arguments)}): {why}\n{done.stdout}", pytrace=False)
