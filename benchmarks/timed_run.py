"""`harness run` with the processor seconds inside its engine measured; the command's own words follow.

    python timed_run.py OUT.json run --model FOLDER --tasks PAGE.yaml ...

Counted are all threads of the process while the engine answers, so scoring beside it is counted as the engine's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main() -> None:
    """Run, then write the seconds."""
    out = Path(sys.argv.pop(1))
    from harness.cli.main import main as command
    from harness.engines.hf.checkpoint_engine import CheckpointEngine

    spent = {"wall": 0.0, "cpu": 0.0}
    stream = CheckpointEngine.stream

    def timed(self: CheckpointEngine, requests: Any) -> Iterator[Any]:
        # What loading costs is not the engine's answering
        self.load()
        replies = iter(stream(self, requests))
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            reply = next(replies, None)
            spent["wall"] += time.perf_counter() - wall
            spent["cpu"] += time.process_time() - cpu
            if reply is None:
                return
            yield reply

    CheckpointEngine.stream = timed  # type: ignore[method-assign]
    try:
        command()
    finally:
        out.write_text(json.dumps(spent), encoding="utf-8")


if __name__ == "__main__":
    main()
