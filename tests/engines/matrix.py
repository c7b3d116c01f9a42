"""Hold an engine against every causal language model class of transformers, and write what came of it.

    python tests/engines/matrix.py --engine local --out docs/architectures.md [--only llama,qwen2] [--jobs 2]

Each class runs in a process of its own, so that a crash or a hang of one stops no other. Ends with 1 if a class
that could be compared gave other answers than transformers itself.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import torch  # noqa: E402
import transformers  # noqa: E402
from engines.architectures import Verdict, examine  # noqa: E402
from engines.variants import VARIANTS  # noqa: E402

from harness import plugins  # noqa: E402
from harness.engines.base import Engine, ModelSpec  # noqa: E402
from harness.engines.hf.tiny_model import causal_model_types  # noqa: E402


def engine_maker(name: str, options: dict[str, Any]) -> Any:
    """A function that builds the named engine for a folder."""
    module = plugins.load("engine", name)

    def make(folder: Path) -> Engine:
        built: Engine = module.build(ModelSpec(str(folder), device="cpu", dtype="float32"), options)
        return built

    return make


def _child(sender: Connection, model_type: str, engine: str, options: dict[str, Any]) -> None:
    # What a class prints while it runs is of no use to the table
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        sender.send(examine(model_type, Path(folder), engine_maker(engine, options)))


def run_all(names: Sequence[str], engine: str, options: dict[str, Any], jobs: int, limit: float) -> list[Verdict]:
    """Examine every class, `jobs` at a time, each for at most `limit` seconds."""
    # Forked, not spawned: the libraries are imported once for all
    context = multiprocessing.get_context("fork")
    waiting, running, done = list(names), {}, {}
    while waiting or running:
        while waiting and len(running) < jobs:
            name = waiting.pop(0)
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(sender, name, engine, options), daemon=True)
            process.start()
            sender.close()
            running[name] = (process, receiver, time.monotonic())
        for name, (process, receiver, started) in list(running.items()):
            seconds = time.monotonic() - started
            if not receiver.poll(0.05) and process.is_alive() and seconds < limit:
                continue
            done[name] = _outcome(name, process, receiver, seconds, limit)
            del running[name]
            print(f"{len(done)}/{len(names)} {line(done[name])}", flush=True)
    return [done[name] for name in names]


def _outcome(name: str, process: Any, receiver: Connection, seconds: float, limit: float) -> Verdict:
    try:
        if receiver.poll(0.1):
            verdict: Verdict = receiver.recv()
            process.join(10)
            return verdict
    except EOFError:
        pass
    died = process.exitcode is not None or seconds < limit
    process.kill()
    process.join()
    what = f"the process died ({process.exitcode})" if died else f"no answer within {limit:.0f} s"
    return Verdict(name, equal=False, differences=(what,), seconds=seconds)


def line(verdict: Verdict) -> str:
    """One verdict for the terminal."""
    what = verdict.reason or ("equal" if verdict.equal else f"DIFFERS: {'; '.join(verdict.differences)}")
    ties = f" ({len(verdict.near_ties)} near ties or roundings)" if verdict.near_ties else ""
    return f"{verdict.model_type} {verdict.level} {what}{ties} [{verdict.distinct} tokens, {verdict.seconds:.1f} s]"


def table(verdicts: Sequence[Verdict], engine: str) -> str:
    """The verdicts as a page of Markdown."""
    equal = [one for one in verdicts if one.equal]
    wrong = [one for one in verdicts if one.equal is False]
    variants = sum(one.model_type in VARIANTS for one in verdicts)
    levels = Counter(one.level for one in equal if one.level)
    lines = [
        "# Architectures",
        "",
        f"Written by `make test-models` (engine {engine}) with transformers {transformers.__version__}.",
        "For each causal language model class of transformers a tiny model with random weights answers one mixed",
        "stream of requests in float32 on a CPU. Greedy texts, token counts and log-likelihoods (within 1e-4) are",
        "compared with `model.generate` on one prompt at a time and with plain forward passes.",
        "",
        f"- model types: {len(verdicts)}" + (f" ({variants} of them variants)" if variants else ""),
        f"- equal: {len(equal)}"
        + (f" (with a near tie or rounding: {sum(bool(one.near_ties) for one in equal)})" if equal else ""),
        f"- different: {len(wrong)}",
        f"- not comparable: {len(verdicts) - len(equal) - len(wrong)}",
    ]
    if levels:
        lines.append("- levels: " + ", ".join(f"{level} {count}" for level, count in levels.most_common()))
    lines += ["", "| Model type | Class | Level | Result |", "|---|---|---|---|"]
    for one in verdicts:
        if one.reason:
            result = f"not comparable: {one.reason}"
        elif one.equal:
            result = f"equal ({'; '.join(one.near_ties)})" if one.near_ties else "equal"
        else:
            result = f"**differs**: {'; '.join(one.differences)}"
        lines.append(f"| {one.model_type} | {one.class_name} | {one.level} | {result.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Read the command line, run, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", default="local")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="model types, separated by commas")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for each class")
    parser.add_argument("--option", action="append", default=[], help="an engine option, name=value")
    requested = parser.parse_args()
    names = [one for one in requested.only.split(",") if one] or sorted((*causal_model_types(), *VARIANTS))
    options = dict(one.split("=", 1) for one in requested.option)
    verdicts = run_all(names, requested.engine, options, max(1, requested.jobs), requested.limit)
    page = table(verdicts, requested.engine)
    if requested.out:
        requested.out.parent.mkdir(parents=True, exist_ok=True)
        requested.out.write_text(page, encoding="utf-8")
    print("\n".join(row for row in page.splitlines() if row.startswith("- ")))
    return int(any(one.equal is False for one in verdicts))


if __name__ == "__main__":
    sys.exit(main())
