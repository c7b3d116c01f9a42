"""Whole processes, pinned and timed: one run of either side, the peer's best batch size, and pairs in turn."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from peer_env import BenchError
from workloads import Workload, lm_eval_page, our_page

RUNNER = Path(__file__).with_name("lm_eval_runner.py")
TIMED = Path(__file__).with_name("timed_run.py")


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for every run of both sides."""

    cache: Path
    peer: Path
    cores: tuple[int, ...]
    engine: str
    device: str
    dtype: str
    seed: int = 0

    def environment(self) -> dict[str, str]:
        """One thread a core, nothing from the network, data caches inside ours; Python may keep what it compiles.

        Some containers forbid Python to write bytecode. A package installed without it is then compiled at every
        start, which costs seconds for torch and transformers, and only the side that was installed so pays.
        """
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(len(self.cores)))
        offline = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
        quiet = {"TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore"}
        outer = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**outer, **threads, **offline, **quiet, "HF_HOME": str(self.cache / "hf")}


@dataclass(frozen=True, slots=True)
class Run:
    """One process: its cost, the time inside its engine, and what it answered, by task and document."""

    wall: float
    cpu: float
    peak_mb: float
    engine_wall: float
    engine_cpu: float | None
    answers: Mapping[str, list[Any]]
    prompts: Mapping[str, list[str]]
    output_tokens: Mapping[str, list[list[int]]]
    level: str = ""

    def cost(self) -> dict[str, Any]:
        """The numbers, without answers."""
        names = ("wall", "cpu", "peak_mb", "engine_wall", "engine_cpu", "level")
        return {name: getattr(self, name) for name in names}


def run_ours(setting: Setting, model: Path, workload: Workload, folder: Path) -> Run:
    """Run our harness on a workload. Raises BenchError with the last line of its output."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = [str(our_page(task, folder)) for task in workload.tasks]
    out = folder / "run"
    spent = folder / "engine.json"
    command = [sys.executable, str(TIMED), str(spent), "run", "--model", str(model), "--tasks", ",".join(pages)]
    command += ["--engine", setting.engine, "--device", setting.device, "--dtype", setting.dtype, "--style", "text"]
    command += ["--seed", str(setting.seed), "--set", f"engine.threads={len(setting.cores)}", "--out", str(out)]
    wall, cpu, peak = run_process(command, setting, folder / "log.txt")
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    records = [json.loads(line) for line in (out / "records.jsonl").open(encoding="utf-8")]
    level = str(manifest["engine"]["generation"].get("level", ""))
    # The engine's own seconds are of answering; the records divide the wall's among the answers
    engine = json.loads(spent.read_text(encoding="utf-8"))
    return replace(_of_records(records, workload, wall, cpu, peak, level), engine_cpu=engine["cpu"])


def _of_records(records: Sequence[Any], workload: Workload, wall: float, cpu: float, peak: float, level: str) -> Run:
    answers: dict[str, list[Any]] = {task.name: [[] for _ in task.rows] for task in workload.tasks}
    prompts: dict[str, list[str]] = {task.name: [""] * len(task.rows) for task in workload.tasks}
    tokens: dict[str, list[list[int]]] = {task.name: [[] for _ in task.rows] for task in workload.tasks}
    seconds = 0.0
    for record in sorted(records, key=lambda record: record["request"]["repeat"]):
        reply, task = record["reply"], record["request"]["task"]
        if reply["kind"] == "refusal":
            raise BenchError(f"{task}: our engine refused a prompt: {reply['failure']['message']}")
        index = int(record["request"]["sample_id"])
        seconds += reply["seconds"] or 0.0
        prompts[task][index] = reply["prompt_hash"]
        if reply["kind"] == "completion":
            answers[task][index].append(reply["text"])
            tokens[task][index].append(reply["output_tokens"])
        else:
            answers[task][index] = [[one["logprob"], one["greedy"]] for one in reply["continuations"]]
            tokens[task][index] = [one["tokens"] for one in reply["continuations"]]
    return Run(wall, cpu, peak, seconds, None, answers, prompts, tokens, level)


def run_peer(
    setting: Setting, model: Path, workload: Workload, folder: Path, batch_size: int, *, prompts: bool = False
) -> Run:
    """Run lm-eval on a workload; with `prompts`, also have it report the token ids that it used."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    for task in workload.tasks:
        lm_eval_page(task, pages)
    spec, out = folder / "spec.json", folder / "out.json"
    settings = {
        "model": str(model),
        "tasks": [task.name for task in workload.tasks],
        "pages": str(pages),
        "device": setting.device,
        "dtype": setting.dtype,
        "batch_size": batch_size,
        "prompts": prompts,
        "seed": setting.seed,
    }
    spec.write_text(json.dumps(settings), encoding="utf-8")
    wall, cpu, peak = run_process([setting.peer, RUNNER, spec, out], setting, folder / "log.txt")
    found = json.loads(out.read_text(encoding="utf-8"))
    spent = found["requests"]
    return Run(wall, cpu, peak, spent["wall"], spent["cpu"], found["answers"], found["prompts"], {})


def best_batch_size(
    setting: Setting, model: Path, workload: Workload, folder: Path, sizes: Sequence[int]
) -> tuple[int, dict[int, float], Run]:
    """Try the peer's batch sizes once each on a few documents; return the best, all their CPU seconds, one run."""
    runs = {
        size: run_peer(setting, model, workload, folder, size, prompts=index == 0) for index, size in enumerate(sizes)
    }
    # On a GPU the CPU only waits: there the clock decides
    wall = setting.device != "cpu"
    costs = {size: (run.engine_wall if wall else run.engine_cpu) or 0.0 for size, run in runs.items()}
    return min(costs, key=lambda size: costs[size]), costs, runs[sizes[0]]


def run_process(
    command: Sequence[str | Path], setting: Setting, log: Path, variables: Mapping[str, str] | None = None
) -> tuple[float, float, float]:
    """Run to the end; return wall seconds, CPU seconds with children, and the largest process in MB.

    `variables` are added to the environment. Raises BenchError with the last line of its output.
    """

    def pin() -> None:
        os.sched_setaffinity(0, setting.cores)

    with log.open("w", encoding="utf-8") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**setting.environment(), **(variables or {})},
            preexec_fn=pin if hasattr(os, "sched_setaffinity") else None,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        raise BenchError(f"exit code {process.returncode}, see {log}: {last[-1] if last else 'no output'}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
