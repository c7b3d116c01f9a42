"""Speed and parity of this harness against lm-evaluation-harness, on this machine. README.md explains how to read it.

python benchmarks/vs_peers.py --documents 8 --only gen_8shot,mc_long --pairs 1
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import floor
import models
import parity
import report
from measure import Setting, best_batch_size, run_ours, run_peer
from peer_env import BenchError, check_peer, peer_python
from stops import find_stop
from workloads import Author, Workload, demo_workload

HERE = Path(__file__).resolve().parent
DEMO_MODEL = HERE.parent / "harness" / "demo" / "models" / "demo-larger"
WORKLOADS = ("gen_8shot", "gen_0shot", "gen_own_shots", "mc_long", "mc_letter", "pass_at_10", "mixed", "demo")


def main() -> int:
    """Measure what the options request; return the exit code."""
    options = _options()
    try:
        results = _measure(options)
    except BenchError as error:
        print(f"vs_peers: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    text = report.markdown(results)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--model", default="smollm", help="shapes of random models, with commas: smollm, qwen [smollm]")
    add("--only", default=",".join(WORKLOADS), help="workloads, with commas [all]: " + ", ".join(WORKLOADS))
    add("--documents", type=_positive, help="at most so many documents of each task [100; pass_at_10: 20; demo: 160]")
    add("--pairs", type=_positive, default=3, help="runs of each side, in turn [3]")
    add("--peer-batch-sizes", default="1,8,16", help="tried once each; lm-eval then runs at its best [1,8,16]")
    add("--probe-documents", type=_positive, default=8, help="documents of these trials [8]")
    add("--engine", default="local", choices=("local", "reference"), help="our engine [local]")
    add("--device", default="cpu", help="of both sides [cpu]")
    add("--dtype", default="float32", choices=("float32", "bfloat16", "float16"), help="of both sides [float32]")
    add("--cores", default="0", help="cores that both sides are pinned to, with commas; one thread each [0]")
    add("--cache", type=Path, default=HERE / ".cache", help="folder of the peer's environment, models and runs")
    add("--peer-python", type=Path, help="an interpreter that has lm-eval; nothing is installed then")
    add("--peer-torch", help="torch for the peer's environment, as pip names it [our own version]")
    add("--json", type=Path, help="write all numbers here, after each workload")
    add("--out", type=Path, help="write the report here, too")
    options = parser.parse_args()
    options.model = _names(parser, options.model, tuple(models.SHAPES), "--model")
    options.only = _names(parser, options.only, WORKLOADS, "--only")
    try:
        options.cores = tuple(int(core) for core in options.cores.split(","))
        options.sizes = [_positive(size) for size in options.peer_batch_sizes.split(",")]
    except (ValueError, argparse.ArgumentTypeError):
        parser.error("--cores and --peer-batch-sizes are whole numbers with commas")
    if hasattr(os, "sched_getaffinity") and not set(options.cores) <= os.sched_getaffinity(0):
        parser.error(f"--cores: this process may use {sorted(os.sched_getaffinity(0))}")
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _names(parser: argparse.ArgumentParser, text: str, known: tuple[str, ...], flag: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        parser.error(f"{flag}: unknown {', '.join(unknown) or 'nothing'}; known: {', '.join(known)}")
    return names


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    cache = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    peer = check_peer(options.peer_python) if options.peer_python else peer_python(cache, options.peer_torch)
    setting = Setting(cache, peer, options.cores, options.engine, options.device, options.dtype)
    # First, since it says in one line that a device is not there
    gflops = _gflops(setting)
    results: dict[str, Any] = {"setting": report.facts(setting), "gflops_per_second": gflops, "workloads": []}
    for model, name, write in _chosen(options, setting):
        workload = write()
        print(f"{model.name} {name}: {sum(len(task.rows) for task in workload.tasks)} documents", file=sys.stderr)
        results["workloads"].append(_workload(options, setting, model, workload, gflops))
        if options.json:
            options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


def _chosen(options: argparse.Namespace, setting: Setting) -> list[tuple[Path, str, Callable[[], Workload]]]:
    chosen: list[tuple[Path, str, Callable[[], Workload]]] = []
    ours = [name for name in options.only if name != "demo"]
    for shape in options.model if ours else ():
        folder = models.prepare(shape, setting.cache)
        author = Author(models.tokenizer_of(folder), models.SHAPES[shape].vocabulary, (), options.documents)
        author.stop = (find_stop(setting, folder, author),)
        chosen += [(folder, name, lambda author=author, name=name: author.write(name)) for name in ours]
    if "demo" in options.only:
        chosen.append((DEMO_MODEL, "demo", lambda: _demo(options.documents)))
    return chosen


def _demo(documents: int | None) -> Workload:
    """The prompts that `harness run` would give the demo model, as text."""
    from harness.config.building import run_config
    from harness.plan import planned

    with planned(run_config(str(DEMO_MODEL), "demo", None, {"limit": documents}, "vs_peers")) as plan:
        found = [
            (
                task.name,
                [plan.engine.measure(request).rendered for request in task.requests],
                max(request.sampling.max_tokens for request in task.requests),  # type: ignore[union-attr]
            )
            for task in plan.tasks
        ]
    return demo_workload(found)


def _workload(
    options: argparse.Namespace, setting: Setting, model: Path, workload: Workload, gflops: float
) -> dict[str, Any]:
    """Find the peer's best batch size, run the pairs, compare the first pair's answers."""
    folder = setting.cache / "work" / model.name / workload.name
    few = workload.head(options.probe_documents)
    size, tried, probe = best_batch_size(setting, model, few, folder / "probe", options.sizes)
    # The peer has run by now, and Python keeps what it compiled: a first start of ours is not measured either
    run_ours(setting, model, workload.head(1), folder / "warm_up")
    pairs = []
    for index in range(options.pairs):
        ours = run_ours(setting, model, workload, folder / "ours")
        theirs = run_peer(setting, model, workload, folder / "lm_eval", size)
        pairs.append((ours, theirs))
        print(f"  pair {index + 1}: ours {ours.wall:.1f} s, lm-eval {theirs.wall:.1f} s", file=sys.stderr)
    ours, theirs = pairs[0]
    work = floor.flops(workload, ours, model) / 1e9
    seconds = median(pair[0].engine_wall for pair in pairs)
    return {
        "model": model.name,
        "name": workload.name,
        "about": workload.about,
        "documents": {task.name: len(task.rows) for task in workload.tasks},
        "stop": list(workload.tasks[0].stop),
        "answer_tokens": report.mean_tokens(workload, ours),
        "peer_batch_sizes": tried,
        "peer_batch_size": size,
        "pairs": [{"ours": a.cost(), "lm_eval": b.cost()} for a, b in pairs],
        "ratios": {
            what: report.spread([getattr(b, what) / getattr(a, what) for a, b in pairs])
            for what in ("wall", "cpu", "engine_wall")
        },
        "floor": {"gflop": work, "seconds": work / gflops, "share": work / gflops / seconds},
        "same_prompts": parity.same_prompts(ours, probe),
        "parity": parity.compare(workload, ours, theirs, model, setting.dtype),
    }


def _gflops(setting: Setting) -> float:
    """The machine's rate at a large product, on the cores that both sides get."""
    command = [sys.executable, HERE / "floor.py", setting.device, setting.dtype]
    pin = {"preexec_fn": lambda: os.sched_setaffinity(0, setting.cores)} if hasattr(os, "sched_setaffinity") else {}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=setting.environment(), **pin)
    if done.returncode:
        raise BenchError(f"{setting.device}, {setting.dtype}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return float(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
