"""Both sides as whole processes: what they cost, what they answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Setup:
    """What both sides share."""

    model: Path
    pages: Path
    tasks: tuple[str, ...]
    device: str
    dtype: str
    cores: tuple[int, ...] | None
    engine: str
    peer_python: Path


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of the whole process and of answering alone, peak memory of the process, answers by task and row."""

    wall: float
    cpu: float
    answering: float
    peak_mib: float
    texts: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    logprobs: dict[tuple[str, int], list[float]] = field(default_factory=dict)


def run_peer(setup: Setup, batch_size: int, scratch: Path, limit: int | None = None) -> Measured:
    """lm-evaluation-harness at a batch size."""
    out = scratch / "lm_eval.json"
    out.unlink(missing_ok=True)
    command = [str(setup.peer_python), str(HERE / "lm_eval_runner.py"), "--model", str(setup.model)]
    command += ["--pages", str(setup.pages / "lm_eval"), "--tasks", ",".join(setup.tasks), "--out", str(out)]
    command += ["--device", setup.device, "--dtype", setup.dtype, "--batch-size", str(batch_size)]
    command += ["--threads", str(_threads(setup)), *(["--limit", str(limit)] if limit else [])]
    wall, cpu, peak = _process(command, setup, scratch / "lm_eval.log")
    told = json.loads(out.read_text(encoding="utf-8"))
    texts: dict[tuple[str, int], list[str]] = {}
    logprobs: dict[tuple[str, int], list[float]] = {}
    for task, answers in told["answers"].items():
        for answer in answers:
            if "texts" in answer:
                texts[task, answer["id"]] = answer["texts"]
            else:
                logprobs[task, answer["id"]] = answer["logprobs"]
    return Measured(wall, cpu, told["wall"], peak, texts, logprobs)


def run_ours(setup: Setup, scratch: Path, limit: int | None = None) -> Measured:
    """Our command line, into a fresh run folder."""
    out = scratch / "run"
    shutil.rmtree(out, ignore_errors=True)
    pages = ",".join(str(setup.pages / f"{task}.yaml") for task in setup.tasks)
    command = [sys.executable, "-m", "harness", "run", "--model", str(setup.model), "--tasks", pages, "--style", "text"]
    command += ["--engine", setup.engine, "--device", setup.device, "--dtype", setup.dtype, "--out", str(out)]
    command += ["--set", f"engine.threads={_threads(setup)}", *(["--limit", str(limit)] if limit else [])]
    wall, cpu, peak = _process(command, setup, scratch / "ours.log")
    texts: dict[tuple[str, int], list[str]] = {}
    logprobs: dict[tuple[str, int], list[float]] = {}
    answering = 0.0
    names = {task.lower(): task for task in setup.tasks}
    for line in (out / "records.jsonl").read_text(encoding="utf-8").splitlines():
        record: dict[str, Any] = json.loads(line)
        request, reply = record["request"], record["reply"]
        row = (names[request["task"]], int(request["sample_id"]))
        answering += reply.get("seconds") or 0.0
        if reply["kind"] == "completion":
            texts.setdefault(row, []).append(reply["text"])
        elif reply["kind"] == "likelihood":
            logprobs[row] = [one["logprob"] for one in reply["continuations"]]
        else:
            raise SystemExit(f"vs_peers: our engine refused a request: {reply}")
    return Measured(wall, cpu, answering, peak, texts, logprobs)


def arithmetic_rate(setup: Setup) -> float:
    """Floating-point operations a second of a large float32 product, on the cores of the measurement."""
    code = (
        f"import torch, time; torch.set_num_threads({_threads(setup)}); a = torch.randn(1024, 1024); b = a.clone()\n"
        "best = 1e9\n"
        "for _ in range(20):\n"
        "    t = time.perf_counter(); a @ b; best = min(best, time.perf_counter() - t)\n"
        "print(2 * 1024**3 / best)"
    )
    done = subprocess.run([*_pinned(setup), sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _threads(setup: Setup) -> int:
    return len(setup.cores) if setup.cores else os.cpu_count() or 1


def _pinned(setup: Setup) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, setup.cores))] if setup.cores else []


def _process(command: list[str], setup: Setup, log: Path) -> tuple[float, float, float]:
    """Run a command to its end; wall seconds, CPU seconds of it and what it waited for, peak MiB of one process."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment |= {"OMP_NUM_THREADS": str(_threads(setup)), "PYTHONPATH": str(HERE.parent)}
    started = time.perf_counter()
    with log.open("w", encoding="utf-8") as told:
        process = subprocess.Popen([*_pinned(setup), *command], stdout=told, stderr=told, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    # Exit code 1 of ours says that a row is unscored, not that it is unanswered
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise SystemExit(f"vs_peers: {Path(command[0]).name} failed, see {log}: {' '.join(tail)}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
