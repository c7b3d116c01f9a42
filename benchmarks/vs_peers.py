"""Speed and parity against lm-evaluation-harness: same model, prompts, precision and stop rules, side by side.

    python benchmarks/vs_peers.py [--only gen_8shot,mc_long] [--documents 100] [--cores 0]

Each side runs as a whole process, in turn (A B A B); the peer at the batch size that is best for it. See README.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers
from measure import Measured, Setup, arithmetic_rate, run_ours, run_peer
from models import REPO, make_model
from transformers import AutoConfig, AutoTokenizer
from workloads import Workload, demo, make, write

NAMES = ("gen_8shot", "gen_0shot", "gen_own_shots", "mc_long", "mc_letter", "pass_at_10", "mixed", "demo")
LM_EVAL = "lm_eval[hf]==0.4.13"


def main() -> None:
    """Measure what is asked for and print a table."""
    asked = _arguments()
    cache = Path(asked.cache).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    setup = Setup(
        model=Path(),
        pages=Path(),
        tasks=(),
        device=asked.device,
        dtype=asked.dtype,
        cores=tuple(int(core) for core in asked.cores.split(",")) if asked.cores else None,
        engine=asked.engine,
        peer_python=_peer(cache),
    )
    rate = arithmetic_rate(setup)
    print(f"float32 products on these cores: {rate / 1e9:.0f} GFLOP/s", flush=True)
    rows = []
    for name in asked.only.split(","):
        row = _workload(name, setup, cache, asked)
        if name == "gen_8shot" and asked.device == "cpu":
            row["share_of_floor"] = row["floor_operations"] / rate / row["our_answering"]
        rows.append(row)
        print(json.dumps(row), flush=True)
    text = _table(rows)
    print(text)
    if asked.out:
        Path(asked.out).write_text(text + "\n", encoding="utf-8")
    if asked.json:
        Path(asked.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed and parity against lm-evaluation-harness.")
    parser.add_argument("--only", default=",".join(NAMES), help="workloads, with commas")
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each side")
    parser.add_argument("--model", default="smollm", choices=("smollm", "qwen"), help="shape of the random model")
    parser.add_argument("--peer-batch-sizes", default="1,8,16", help="tried first; the best is used")
    parser.add_argument("--probe-documents", type=int, default=16, help="documents of that trial")
    parser.add_argument("--engine", default="local")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--cores", default="", help="pin both sides to these, with commas")
    parser.add_argument("--cache", default=str(REPO / "benchmarks" / ".cache"), help="environments and models")
    parser.add_argument("--out", help="write the table as Markdown")
    parser.add_argument("--json", help="write every figure")
    asked = parser.parse_args()
    if unknown := {*asked.only.split(",")} - {*NAMES}:
        parser.error(f"unknown workload {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    return asked


def _peer(cache: Path) -> Path:
    """The Python of the peer's own environment, made at the first call."""
    folder = cache / "venv-lm_eval"
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        print("setting up lm-evaluation-harness in an environment of its own ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # torch first: asked for by another package it may come as a build for GPUs
        subprocess.run([*install, "torch==2.13.0"], check=True)
        subprocess.run([*install, LM_EVAL, f"transformers=={transformers.__version__}"], check=True)
        (folder / ".installed").touch()
    return python


def _workload(name: str, setup: Setup, cache: Path, asked: argparse.Namespace) -> dict[str, Any]:
    model = make_model("demo" if name == "demo" else asked.model, cache / "models")
    tokenizer = AutoTokenizer.from_pretrained(model)
    made = (
        demo(REPO / "tasks" / "demo", tokenizer, asked.documents)
        if name == "demo"
        else make(name, tokenizer, asked.documents)
    )
    pages = cache / "pages" / f"{asked.model}-{name}"
    write(made, pages)
    setup = replace(setup, model=model, pages=pages, tasks=tuple(one.name for one in made))
    scratch = cache / "scratch"
    scratch.mkdir(exist_ok=True)
    sizes = [int(size) for size in asked.peer_batch_sizes.split(",")]
    best = sizes[0]
    if len(sizes) > 1:
        tried = {size: run_peer(setup, size, scratch, asked.probe_documents).answering for size in sizes}
        best = min(tried, key=lambda size: tried[size])
        print(f"{name}: peer's seconds by batch size: {_rounded(tried)}", flush=True)
    pairs = [(run_peer(setup, best, scratch), run_ours(setup, scratch)) for _ in range(asked.pairs)]
    return {
        "workload": name,
        "documents": sum(len(one.rows) for one in made),
        "peer_batch": best,
        **_ratios(pairs),
        **_parity(pairs[-1][0], pairs[-1][1], sampled=any(one.repeats > 1 for one in made)),
        "floor_operations": _floor(made[0], pairs[-1][1], tokenizer, model) if name == "gen_8shot" else None,
    }


def _ratios(pairs: Sequence[tuple[Measured, Measured]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in ("wall", "cpu", "answering"):
        values = sorted(getattr(peer, part) / getattr(ours, part) for peer, ours in pairs)
        found[part] = [round(one, 2) for one in (values[0], statistics.median(values), values[-1])]
        found[f"peer_{part}"] = round(statistics.median(getattr(peer, part) for peer, _ in pairs), 1)
        found[f"our_{part}"] = round(statistics.median(getattr(ours, part) for _, ours in pairs), 1)
    found["peer_mib"] = round(max(peer.peak_mib for peer, _ in pairs))
    found["our_mib"] = round(max(ours.peak_mib for _, ours in pairs))
    return found


def _parity(peer: Measured, ours: Measured, *, sampled: bool) -> dict[str, Any]:
    """How far the answers agree; sampled texts cannot."""
    if {*peer.texts} != {*ours.texts} or {*peer.logprobs} != {*ours.logprobs}:
        raise SystemExit("vs_peers: the two sides did not answer the same rows")
    found: dict[str, Any] = {}
    if peer.texts and not sampled:
        same = sum(peer.texts[row] == ours.texts[row] for row in peer.texts)
        found["equal_texts"] = f"{same}/{len(peer.texts)}"
    if peer.texts:
        found["characters"] = [sum(len(text) for one in side.texts.values() for text in one) for side in (peer, ours)]
    if peer.logprobs:
        pairs = [(a, b) for row, one in peer.logprobs.items() for a, b in zip(one, ours.logprobs[row], strict=True)]
        found["logprob_off"] = max(abs(a - b) for a, b in pairs)
    return found


def _floor(workload: Workload, ours: Measured, tokenizer: Any, model: Path) -> float:
    """Multiply-adds that nobody can do without: each prompt token that differs once, the shared start once.

    The head counts for each new token only; attention does not count.
    """
    config = AutoConfig.from_pretrained(model)
    head = config.vocab_size * config.hidden_size
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    attention = config.hidden_size * width * (2 * config.num_attention_heads + 2 * config.num_key_value_heads)
    body = config.num_hidden_layers * (attention + 3 * config.hidden_size * config.intermediate_size)
    prompts = [tokenizer(row["prompt"])["input_ids"] for row in workload.rows]
    shared = next(at for at, column in enumerate(zip(*prompts, strict=False)) if len({*column}) > 1)
    read = shared + sum(len(prompt) - shared for prompt in prompts)
    # A stop string is cut off the text; its token was computed
    new = sum(len(tokenizer(text)["input_ids"]) + 1 for one in ours.texts.values() for text in one)
    return 2.0 * (body * (read + new) + head * new)


def _rounded(values: dict[int, float]) -> str:
    return ", ".join(f"{key}: {value:.1f}" for key, value in values.items())


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [
        "| workload | documents | peer's batch | answering | whole process, wall | CPU | peak MiB, peer / ours | agreement |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        agreement = [f"texts {row['equal_texts']}"] if "equal_texts" in row else []
        agreement += [f"log-probability off by {row['logprob_off']:.1e}"] if "logprob_off" in row else []
        ratios = [f"{row[part][1]}x ({row[part][0]} to {row[part][2]})" for part in ("answering", "wall", "cpu")]
        memory = f"{row['peer_mib']} / {row['our_mib']}"
        cells = [
            row["workload"],
            row["documents"],
            row["peer_batch"],
            *ratios,
            memory,
            "; ".join(agreement) or "sampled",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    floors = [
        f"{row['workload']}: {row['share_of_floor']:.0%} of the arithmetic floor"
        for row in rows
        if row.get("share_of_floor")
    ]
    return "\n".join([*lines, *([""] if floors else []), *floors])


if __name__ == "__main__":
    sys.exit(main())
