"""The least arithmetic a workload needs, and how fast this machine multiplies.

Counted are multiply-adds of weights alone: each distinct prefix of tokens goes through the layers once, and the head
is read once for each logit that decides something. Attention, which grows with the context, is left out, so no engine
can reach the floor.

    python floor.py DEVICE DTYPE      # prints GFLOP/s of a large product
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from measure import Run
from workloads import Task, Workload

# How long products are tried
SECONDS = 3.0


def flops(workload: Workload, run: Run, model: Path) -> float:
    """Floating-point operations of the weights, at least, for what `run` answered."""
    from models import tokenizer_of

    tokenizer = tokenizer_of(model)
    body, head = _weights(json.loads((model / "config.json").read_text(encoding="utf-8")))
    total = 0.0
    for task in workload.tasks:
        fed, read = (_choices if task.kind == "choice" else _texts)(task, run, tokenizer)
        total += 2 * body * fed + 2 * head * read
    return total


def _weights(config: dict[str, int]) -> tuple[int, int]:
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    heads = config["num_attention_heads"]
    width = config.get("head_dim") or hidden // heads
    attention = 2 * hidden * heads * width + 2 * hidden * config["num_key_value_heads"] * width
    return layers * (attention + 3 * hidden * config["intermediate_size"]), hidden * config["vocab_size"]


def _texts(task: Task, run: Run, tokenizer: object) -> tuple[int, int]:
    prompts = [tokenizer(row["prompt"])["input_ids"] for row in task.rows]  # type: ignore[operator]
    written = [count for row in run.output_tokens[task.name] for count in row]
    # The last token of an answer is never fed, the first comes from the prompt's own last token
    fed = distinct_prefixes(prompts) + sum(count - 1 for count in written if count)
    return fed, sum(written)


def _choices(task: Task, run: Run, tokenizer: object) -> tuple[int, int]:
    rows, positions = [], set()
    for row, counts in zip(task.rows, run.output_tokens[task.name], strict=True):
        for choice, count in zip(row["choices"], counts, strict=True):
            ids = tokenizer(row["prompt"] + choice)["input_ids"]  # type: ignore[operator]
            rows.append(ids[:-1])
            positions |= {tuple(ids[:end]) for end in range(len(ids) - int(count), len(ids))}
    return distinct_prefixes(rows), len(positions)


def distinct_prefixes(rows: Sequence[Sequence[int]]) -> int:
    """Number of tokens that must be computed if what rows begin with in common is computed once."""
    total, before = 0, []
    for row in sorted(list(row) for row in rows):
        shared = next((i for i, (a, b) in enumerate(zip(before, row, strict=False)) if a != b), len(before))
        total += len(row) - min(shared, len(row))
        before = row
    return total


def main() -> None:
    """Multiply two large matrices for a while; print the best rate.

    On a CPU by the seconds that the threads really had: what others took of the cores is no limit of the machine.
    """
    import torch

    device, dtype = sys.argv[1], getattr(torch, sys.argv[2])
    on_cpu = device == "cpu"
    most, inner, columns = (1024, 2048, 2048) if on_cpu else (8192, 8192, 8192)
    right = torch.randn(inner, columns, device=device, dtype=dtype)
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    clock, share = (time.process_time, torch.get_num_threads()) if on_cpu else (time.perf_counter, 1)
    best, rows, until = 0.0, 8, time.perf_counter() + SECONDS
    with torch.inference_mode():
        while time.perf_counter() < until:
            left = torch.randn(rows, inner, device=device, dtype=dtype)
            wait()
            started, begun = clock(), time.perf_counter()
            for _ in range(8):
                left @ right
            wait()
            best = max(best, 8 * 2 * rows * inner * columns * share / (clock() - started))
            # Where a processor has no instructions for the type, a large product takes minutes
            if rows < most and time.perf_counter() - begun < SECONDS / 16:
                rows *= 2
    print(best / 1e9)


if __name__ == "__main__":
    main()
