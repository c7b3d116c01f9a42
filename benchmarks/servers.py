"""The servers that `vs_servers.py` measures: where they come from, how they run, what they answered."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import models
from measure import Run, Setting, run_process
from peer_env import VLLM as VLLM_VERSION
from peer_env import BenchError, vllm_python
from workloads import Task, Workload

HERE = Path(__file__).resolve().parent
TEST_SERVERS = HERE.parent / "tests" / "servers"
# Prompt and answer of the longest workload
WINDOW = 2048
START_SECONDS = 300


def capped(workload: Workload, tokens: int) -> Workload:
    """The workload with so many tokens to each answer, whatever it says: lengths are then equal for all sides."""
    return replace(workload, tasks=tuple(replace(task, max_tokens=tokens, stop=()) for task in workload.tasks))


class Peer(ABC):
    """One of the others, on one model."""

    title: str
    version: str

    def __init__(self, setting: Setting, model: Path) -> None:
        """Keep what all runs share; the tokenizer turns prompts into ids for all sides."""
        self.setting, self.model = setting, model
        self.tokenizer = models.tokenizer_of(model)

    def answers(self, workload: Workload) -> bool:
        """Whether it can do the workload at all."""
        return True

    def tune(self, workload: Workload, folder: Path, slots: Sequence[int]) -> dict[str, float]:
        """Choose its settings on a few documents; return what was tried, in engine processor seconds."""
        return {}

    @abstractmethod
    def run(self, workload: Workload, folder: Path) -> Run:
        """Answer, in a process of its own. Raises BenchError."""

    def rows(self, task: Task) -> list[dict[str, Any]]:
        """What is sent: token ids, one row per prompt or per option; `scored`: how many of the last ones are scored."""
        encode = lambda text: self.tokenizer(text)["input_ids"]  # noqa: E731
        if task.kind == "generate":
            return [{"ids": encode(row["prompt"])} for row in task.rows]
        rows = []
        for row in task.rows:
            context = len(encode(row["prompt"]))
            for choice in row["choices"]:
                ids = encode(row["prompt"] + choice)
                rows.append({"ids": ids, "scored": len(ids) - context})
        return rows

    def digests(self, task: Task, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Of each document's token ids, as the harness's records have them."""
        from harness.engines.hf.digests import ids_digest

        size = len(rows) // len(task.rows)
        return [ids_digest(row["ids"] for row in rows[at : at + size]) for at in range(0, len(rows), size)]

    def text(self, ids: Sequence[int]) -> str:
        """An answer's text, without special tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))


class VLLM(Peer):
    """vLLM's CPU build, offline; OpenMP and allocator preloaded, as its documentation recommends; a cache of 4 GiB."""

    title = "vLLM"

    def __init__(self, setting: Setting, model: Path) -> None:
        """Install it, unless it is there."""
        super().__init__(setting, model)
        self.python, self.version = vllm_python(setting.cache, setting.device), VLLM_VERSION

    def run(self, workload: Workload, folder: Path) -> Run:
        """One process that loads, answers and ends."""
        (task,) = workload.tasks
        own = folder / "vllm"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir(parents=True)
        rows = self.rows(task)
        spec = {
            "model": str(self.model),
            "dtype": self.setting.dtype,
            "device": self.setting.device,
            "window": WINDOW,
            "kind": task.kind,
            "max_tokens": task.max_tokens,
            "end": [self.tokenizer.eos_token_id],
            "rows": rows,
        }
        (own / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        command = [self.python, HERE / "vllm_runner.py", own / "spec.json", own / "out.json"]
        wall, cpu, peak = run_process(command, self.setting, own / "log.txt", self._variables())
        found = json.loads((own / "out.json").read_text(encoding="utf-8"))
        answers = found["answers"]
        if task.kind == "choice":
            size = len(rows) // len(task.rows)
            grouped: list[Any] = [answers[at : at + size] for at in range(0, len(rows), size)]
        else:
            grouped = [[self.text(ids)] for ids in answers]
        spent, whole, prompts = found["engine"], found["whole"], {task.name: self.digests(task, rows)}
        cpu, peak = max(cpu, whole["cpu"]), max(peak, whole["peak_mb"])
        return Run(wall, cpu, peak, spent["wall"], spent["cpu"], {task.name: grouped}, prompts, {})

    def _variables(self) -> dict[str, str]:
        quiet = {"VLLM_LOGGING_LEVEL": "WARNING", "VLLM_NO_USAGE_STATS": "1"}
        # Its own limit is five minutes, and on a busy machine a batch of long prompts takes longer
        quiet["VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS"] = "3600"
        if self.setting.device != "cpu":
            return quiet
        core = str(self.setting.cores[0])
        packages = self.python.parent.parent / "lib"
        preloaded = [*packages.rglob("libiomp5.so"), *_tcmalloc(packages)]
        return {
            **quiet,
            "VLLM_CPU_KVCACHE_SPACE": "4",
            "VLLM_CPU_OMP_THREADS_BIND": core,
            "LD_PRELOAD": ":".join(str(path) for path in preloaded[:2]),
        }


def _tcmalloc(packages: Path) -> list[Path]:
    places = [packages, Path("/usr/lib")]
    return [path for place in places for path in sorted(place.rglob("libtcmalloc*.so*"))][:1]


class Llama(Peer):
    """llama.cpp's server: weights and cache in float32, flash attention off (with it, other texts).

    It gives no log-probabilities of a prompt's tokens, so it does no multiple choice.
    """

    title = "llama.cpp"

    def __init__(self, setting: Setting, model: Path) -> None:
        """Write the model in its format, unless it is there. Raises BenchError where the test tools are missing."""
        super().__init__(setting, model)
        if (setting.device, setting.dtype) != ("cpu", "float32"):
            raise BenchError("llama.cpp's server is measured on a CPU in float32 only; leave it out with --peers vllm")
        try:
            self.version = version("xllamacpp")
        except PackageNotFoundError:
            raise BenchError(
                "llama.cpp's server needs the test tools: pip install -e .[dev], or --peers vllm"
            ) from None
        self.file = setting.cache / "models" / f"{model.name}.gguf"
        self.slots = 1
        recipe = (model / "recipe.json").stat().st_mtime
        if not self.file.is_file() or self.file.stat().st_mtime < recipe:
            command = [sys.executable, TEST_SERVERS / "gguf_model.py", model, self.file]
            run_process(command, setting, setting.cache / "gguf.txt")

    def answers(self, workload: Workload) -> bool:
        """Only where texts are generated."""
        return all(task.kind == "generate" for task in workload.tasks)

    def tune(self, workload: Workload, folder: Path, slots: Sequence[int]) -> dict[str, float]:
        """Find the number of slots: one reuses a prefix for all prompts, many share a batch."""
        tried = {}
        for count in slots if len(slots) > 1 else ():
            self.slots = count
            tried[str(count)] = self.run(workload, folder).engine_cpu or 0.0
        self.slots = int(min(tried, key=lambda name: tried[name])) if tried else slots[0]
        return tried or {str(self.slots): 0.0}

    def run(self, workload: Workload, folder: Path) -> Run:
        """One server that starts, answers all prompts at once and ends; its client is not counted."""
        (task,) = workload.tasks
        own = folder / "llama"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir(parents=True)
        rows = self.rows(task)
        started = time.perf_counter()
        with self._server(own / "log.txt") as (process, url):
            before, wall = _processor_seconds(process.pid), time.perf_counter()
            with ThreadPoolExecutor(len(rows)) as pool:
                replies = list(pool.map(lambda row: _complete(url, row["ids"], task.max_tokens), rows))
            engine_wall = time.perf_counter() - wall
            whole = _processor_seconds(process.pid)
            peak = _peak_mb(process.pid)
        answers = {task.name: [[self.text(reply["tokens"])] for reply in replies]}
        prompts = {task.name: self.digests(task, rows)}
        total = time.perf_counter() - started
        return Run(total, whole, peak, engine_wall, whole - before, answers, prompts, {}, f"{self.slots} slots")

    @contextlib.contextmanager
    def _server(self, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        command = [sys.executable, TEST_SERVERS / "llama_server.py", self.file]
        command += ["--slots", str(self.slots), "--window", str(WINDOW)]
        core = self.setting.cores
        with log.open("wb") as errors, contextlib.ExitStack() as stack:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.setting.environment(),
                preexec_fn=lambda: os.sched_setaffinity(0, core),
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            until = time.monotonic() + START_SECONDS
            while time.monotonic() < until and process.poll() is None:
                if not select.select([process.stdout], [], [], 1.0)[0]:
                    continue
                line = process.stdout.readline()
                if line.startswith(b"ready "):
                    yield process, line.split()[1].decode().removesuffix("/v1")
                    return
            raise BenchError(f"llama.cpp's server did not start, see {log}")


def _complete(url: str, ids: Sequence[int], tokens: int) -> Any:
    body = {"prompt": ids, "n_predict": tokens, "temperature": 0.0, "return_tokens": True, "cache_prompt": True}
    request = urllib.request.Request(
        f"{url}/completion", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=3600) as reply:
        return json.load(reply)


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


PEERS: Mapping[str, Callable[[Setting, Path], Peer]] = {"vllm": VLLM, "llama": Llama}
