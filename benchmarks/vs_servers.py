"""Time of this harness, vLLM and llama.cpp's server on the same prompts, weights and core.

python benchmarks/vs_servers.py --rounds 3 --cores 0
python benchmarks/vs_servers.py --device cuda --dtype bfloat16 --peers vllm --model smollm,qwen --cores 0,1,2,3
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from statistics import median
from typing import Any

import models
import report
import servers
from measure import Run, Setting, run_ours
from parity import compare
from peer_env import BenchError
from workloads import Author, Workload

HERE = Path(__file__).resolve().parent
# (workload, documents) of the table
WORKLOADS = (("gen_0shot", 16), ("gen_0shot", 48), ("gen_8shot", 16), ("mc_long", 16))
PEERS = ("vllm", "llama")
COLUMNS = (
    *("Model", "Workload", "Documents", "Who", "Engine s", "Whole s"),
    *("Engine / ours", "Whole / ours", "Peak MB", "Answers"),
)


def main() -> int:
    """Measure what the options request; return the exit code."""
    options = _options()
    try:
        results = _measure(options)
    except BenchError as error:
        print(f"vs_servers: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    text = markdown(results)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    known = [f"{name}:{documents}" for name, documents in WORKLOADS]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--only", default=",".join(known), help=f"workloads, each with its documents [{','.join(known)}]")
    add("--peers", default=",".join(PEERS), help="the others, with commas [vllm,llama]")
    add("--rounds", type=int, default=3, help="runs of each, in turn [3]")
    add("--tokens", type=int, default=96, help="tokens of each generated answer; there is no stop string [96]")
    add("--model", default="smollm", help="shapes of random models, with commas: smollm, qwen [smollm]")
    add("--device", default="cpu", help="of all; on a CPU its own seconds are compared, elsewhere the clock's [cpu]")
    add("--dtype", default="float32", choices=("float32", "bfloat16"), help="of all [float32]")
    add("--cores", default="0", help="cores that all are pinned to, with commas; one thread each [0]")
    add("--slots", default="1,16", help="slots of llama.cpp's server; the best of a trial is used [1,16]")
    add("--probe-documents", type=int, default=8, help="documents of that trial [8]")
    add("--cache", type=Path, default=HERE / ".cache", help="folder of environments, models and runs")
    add("--json", type=Path, help="write all numbers here, after each workload")
    add("--out", type=Path, help="write the report here, too")
    options = parser.parse_args()
    try:
        pairs = [one.rpartition(":") for one in options.only.split(",")]
        options.workloads = [(name, int(documents)) for name, _, documents in pairs]
        options.cores = tuple(int(core) for core in options.cores.split(","))
        options.slots = [int(count) for count in options.slots.split(",")]
    except ValueError:
        parser.error("--only is NAME:DOCUMENTS with commas, --slots and --cores are whole numbers with commas")
    options.peers = [name for name in options.peers.split(",") if name]
    if unknown := [name for name in options.peers if name not in PEERS]:
        parser.error(f"--peers: unknown {', '.join(unknown)}; known: {', '.join(PEERS)}")
    if unknown := [name for name, _ in options.workloads if name not in dict(WORKLOADS)]:
        parser.error(f"--only: unknown {', '.join(unknown)}; known: {', '.join(dict(WORKLOADS))}")
    options.models = options.model.split(",")
    if unknown := [name for name in options.models if name not in models.SHAPES]:
        parser.error(f"--model: unknown {', '.join(unknown)}; known: {', '.join(models.SHAPES)}")
    if hasattr(os, "sched_getaffinity") and not set(options.cores) <= os.sched_getaffinity(0):
        parser.error(f"--cores: this process may use {sorted(os.sched_getaffinity(0))}")
    return options


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    cache = options.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    setting = Setting(cache, Path(sys.executable), options.cores, "local", options.device, options.dtype)
    results: dict[str, Any] = {"setting": report.facts(setting), "versions": {}, "workloads": []}
    for shape in options.models:
        model = models.prepare(shape, cache)
        peers = [servers.PEERS[name](setting, model) for name in options.peers]
        results["versions"] |= {peer.title: peer.version for peer in peers}
        for name, documents in options.workloads:
            author = Author(models.tokenizer_of(model), models.SHAPES[shape].vocabulary, (), documents)
            workload = servers.capped(author.write(name), options.tokens)
            print(f"{shape} {name}: {documents} documents", file=sys.stderr)
            results["workloads"].append(_workload(options, setting, model, workload, peers))
            if options.json:
                options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


def _compared(device: str) -> tuple[str, str]:
    """The two times of a run that are compared: of the engine, of the whole process. A CPU that waits costs nothing."""
    return ("engine_cpu", "cpu") if device == "cpu" else ("engine_wall", "wall")


def _workload(
    options: argparse.Namespace, setting: Setting, model: Path, workload: Workload, peers: list[servers.Peer]
) -> dict[str, Any]:
    folder = setting.cache / "servers" / f"{model.name}-{workload.name}-{len(workload.tasks[0].rows)}"
    engine, whole = _compared(setting.device)
    able = [peer for peer in peers if peer.answers(workload)]
    # A first start compiles Python files: not measured
    run_ours(setting, model, workload.head(1), folder / "warm_up")
    tried = {peer.title: peer.tune(workload.head(options.probe_documents), folder, options.slots) for peer in able}
    rounds: list[dict[str, Run]] = []
    for number in range(options.rounds):
        found = {"ours": run_ours(setting, model, workload, folder / "ours")}
        found |= {peer.title: peer.run(workload, folder) for peer in able}
        rounds.append(found)
        shown = ", ".join(
            f"{who} {getattr(run, engine):.1f} of {getattr(run, whole):.1f}" for who, run in found.items()
        )
        print(f"  round {number + 1}, seconds of the engine and of the whole: {shown}", file=sys.stderr)
    first = rounds[0]
    return {
        "model": model.name,
        "name": workload.name,
        "documents": len(workload.tasks[0].rows),
        "tuned": tried,
        "rounds": [{who: run.cost() for who, run in found.items()} for found in rounds],
        "same_prompts": {peer.title: first["ours"].prompts == first[peer.title].prompts for peer in able},
        "parity": {
            peer.title: compare(workload, first["ours"], first[peer.title], model, setting.dtype) for peer in able
        },
    }


def markdown(results: dict[str, Any]) -> str:
    """One table: seconds, how many times those of this harness, and whether the answers agree."""
    setting = results["setting"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines = [
        f"{setting['processor']}, {setting['cores']} core(s) for all; {setting['device']}, {setting['dtype']}; torch "
        f"{setting['torch']}, transformers {setting['transformers']}; {versions}. Seconds "
        f"{'of the processor' if setting['device'] == 'cpu' else 'by the clock'}, medians (least to largest).",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|---|--:|---|--:|--:|--:|--:|--:|---|",
    ]
    times = _compared(setting["device"])
    for found in results["workloads"]:
        for who in found["rounds"][0]:
            lines.append(f"| {found['model']} | {found['name']} | {found['documents']} | {_row(found, who, times)} |")
    return "\n".join(lines)


def _row(found: dict[str, Any], who: str, times: tuple[str, str]) -> str:
    rounds = found["rounds"]
    costs = [median(one[who][what] for one in rounds) for what in times]
    cells = [who + _tuned(found["tuned"].get(who)), *(f"{cost:.1f}" for cost in costs)]
    if who == "ours":
        ratios = ["", ""]
    else:
        ratios = [report.ratio(report.spread([one[who][what] / one["ours"][what] for one in rounds])) for what in times]
    peak = median(one[who]["peak_mb"] for one in rounds)
    agreement = "" if who == "ours" else "; ".join(report.agreement(task) for task in found["parity"][who].values())
    if who != "ours" and not found["same_prompts"][who]:
        agreement = f"OTHER TOKEN IDS; {agreement}"
    return " | ".join([*cells, *ratios, f"{peak:.0f}", agreement])


def _tuned(tried: dict[str, float] | None) -> str:
    return f" ({min(tried, key=lambda name: tried[name])} slots)" if tried else ""


if __name__ == "__main__":
    sys.exit(main())
