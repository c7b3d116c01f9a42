"""Runs vLLM's CPU build on token ids, in its own environment, and writes what it answered and how long it took.

    python vllm_runner.py SPEC.json OUT.json

Eager: compiled is no faster here, and every start would compile again. Prefix caching is on, as it is by default.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil


def main() -> None:
    """Load, answer, write."""
    spec, out = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
    from vllm import LLM, SamplingParams

    model = LLM(
        model=spec["model"],
        skip_tokenizer_init=True,
        dtype=spec["dtype"],
        max_model_len=spec["window"],
        enforce_eager=spec["device"] == "cpu",
        enable_prefix_caching=True,
        seed=0,
    )
    scored = spec["kind"] == "choice"
    settings = [
        SamplingParams(
            temperature=0.0,
            max_tokens=1 if scored else spec["max_tokens"],
            prompt_logprobs=1 if scored else None,
            detokenize=False,
            stop_token_ids=[] if scored else spec.get("end", []),
        )
        for _ in spec["rows"]
    ]
    prompts = [{"prompt_token_ids": row["ids"]} for row in spec["rows"]]
    wall, cpu = time.perf_counter(), processor_seconds()
    outputs = model.generate(prompts, settings, use_tqdm=False)
    engine = {"wall": time.perf_counter() - wall, "cpu": processor_seconds() - cpu}
    if scored:
        answers = [score(row, output.prompt_logprobs) for row, output in zip(spec["rows"], outputs, strict=True)]
    else:
        answers = [list(output.outputs[0].token_ids) for output in outputs]
    # Its processes kill each other at the end, and the time of killed ones is lost: so it is counted here
    whole = {"cpu": processor_seconds(), "peak_mb": peak_mb()}
    out.write_text(json.dumps({"engine": engine, "whole": whole, "answers": answers}), encoding="utf-8")


def processor_seconds() -> float:
    """Of this process and all that it started."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        spent = process.cpu_times()
        total += spent.user + spent.system
    return total


def peak_mb() -> float:
    """The most memory of each process, added up."""
    own = psutil.Process()
    pages = [Path(f"/proc/{process.pid}/status").read_text() for process in (own, *own.children(recursive=True))]
    return sum(int(line.split()[1]) / 1024 for page in pages for line in page.splitlines() if line.startswith("VmHWM"))


def score(row: dict[str, Any], entries: Sequence[Any]) -> tuple[float, bool]:
    """The sum of the last `scored` tokens' log-probabilities, and whether each was the likeliest."""
    last = range(len(row["ids"]) - row["scored"], len(row["ids"]))
    found = [entries[place][row["ids"][place]] for place in last]
    return sum(one.logprob for one in found), all(one.rank == 1 for one in found)


if __name__ == "__main__":
    main()
