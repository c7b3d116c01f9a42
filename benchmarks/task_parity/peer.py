"""The process that has lm-evaluation-harness: questions to it and its answers (`lm_eval_side.py` is the other end)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

OTHER_END = Path(__file__).with_name("lm_eval_side.py")


class PeerFault(Exception):
    """What kept lm-eval from answering, in its own words."""


class Peer:
    """One process of lm-eval's environment, used with `with`."""

    def __init__(self, python: Path, settings: Mapping[str, Any]) -> None:
        """`settings`: mirror, aliases, num_fewshot, packages (to import transformers from, where it has none)."""
        self._folder = tempfile.TemporaryDirectory(prefix="parity-")
        given = Path(self._folder.name) / "settings.json"
        given.write_text(json.dumps(settings), encoding="utf-8")
        self._said = (Path(self._folder.name) / "stderr").open("w+", encoding="utf-8", errors="replace")
        self._command = [str(python), str(OTHER_END), str(given)]
        self._process = self._started()

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
            cwd=self._folder.name,
            env={**os.environ, "HF_DATASETS_CACHE": self._folder.name},
        )

    def __enter__(self) -> Peer:
        """Return the peer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._said.close()
        self._folder.cleanup()

    def ask(self, do: str, **question: Any) -> Any:
        """Return the answer. Raises PeerFault."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **question}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            self._said.seek(0)
            said = self._said.read()[-2000:]
            # For the next page
            self._process = self._started()
            raise PeerFault(f"its process ended: {said}")
        answer = json.loads(line)
        if "fault" in answer:
            raise PeerFault(answer["fault"])
        return answer["answer"]
