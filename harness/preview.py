"""What a run would request and cost, before it runs: nothing is loaded but the tokenizer.

Token counts are exact where the engine counts tokens. Time and memory are rough: memory is weights and a batch's KV
cache, time is floating-point work over this processor's measured rate.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from harness.config.schema import RunConfig
from harness.datatypes import GenerateRequest, Request
from harness.engines.base import EngineFacts
from harness.plan import planned

# A step of a tiny model is bound by Python and kernel launches, not by arithmetic
SECONDS_A_STEP = 0.004


@dataclass(frozen=True, slots=True)
class TaskPreview:
    """A task's requests in tokens: sums, the longest prompt, how many prompts would be cut to fit the window."""

    task: str
    style: str
    samples: int
    requests: int
    tokens_in: int
    longest: int
    tokens_out_at_most: int
    cut_prompts: int
    first: Request
    first_rendered: str


@dataclass(frozen=True, slots=True)
class Preview:
    """All tasks, the engine without weights, rough seconds at most, rough bytes (None where unknown).

    `counts_tokens`: False where the engine knows no tokens, and the tasks' token counts are 0.
    """

    facts: EngineFacts
    tasks: tuple[TaskPreview, ...]
    seconds_at_most: float | None
    memory_bytes: int | None
    counts_tokens: bool = True


def preview(config: RunConfig) -> Preview:
    """Bind everything and count. Raises what a run would raise before it loads a model."""
    with planned(config) as plan:
        tasks = []
        for task in plan.tasks:
            sizes = [plan.engine.measure(request) for request in task.requests]
            tasks.append(
                TaskPreview(
                    task=task.name,
                    style=task.style,
                    samples=len(task.samples),
                    requests=len(task.requests),
                    tokens_in=sum(size.prompt_tokens or 0 for size in sizes),
                    longest=max((size.prompt_tokens or 0 for size in sizes), default=0),
                    tokens_out_at_most=sum(size.max_new_tokens for size in sizes),
                    cut_prompts=sum(size.dropped_tokens > 0 for size in sizes),
                    first=task.requests[0],
                    first_rendered=sizes[0].rendered,
                )
            )
        facts, able = plan.engine.facts(), plan.capabilities
        batch = min(sum(task.requests for task in tasks), able.concurrency)
        seconds, memory = _seconds(facts, tasks, batch), _memory(facts, tasks, batch)
        return Preview(facts, tuple(tasks), seconds, memory, able.token_ids)


def _memory(facts: EngineFacts, tasks: list[TaskPreview], batch: int) -> int | None:
    if facts.weights_bytes is None:
        return None
    longest = max(
        (task.longest + task.first.sampling.max_tokens if isinstance(task.first, GenerateRequest) else task.longest)
        for task in tasks
    )
    if facts.context_window:
        longest = min(longest, facts.context_window)
    return facts.weights_bytes + batch * longest * (facts.kv_bytes_per_token or 0)


def _seconds(facts: EngineFacts, tasks: list[TaskPreview], batch: int) -> float | None:
    """2 floating-point operations per parameter and token; only for the CPU, whose rate is measured here."""
    if facts.parameters is None or facts.device != "cpu":
        return None
    tokens_in = sum(task.tokens_in for task in tasks)
    tokens_out = sum(task.tokens_out_at_most for task in tasks)
    work = 2.0 * facts.parameters * (tokens_in + tokens_out) / _operations_a_second()
    return work + tokens_out / batch * SECONDS_A_STEP


def _operations_a_second() -> float:
    import numpy as np

    side = 768
    matrix = np.ones((side, side), dtype=np.float32)
    matrix @ matrix
    start = time.perf_counter()
    for _ in range(5):
        matrix @ matrix
    return 5 * 2.0 * side**3 / (time.perf_counter() - start)
