"""What a run would request and cost, before it runs: nothing is loaded but the tokenizer, and nothing is sent.

Token counts are exact where the engine counts tokens; an engine of servers may estimate them. Time and memory are
rough: memory is weights and a batch's KV cache, time is floating-point work over this processor's measured rate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from harness.analysis.variant_ids import parsed
from harness.catalog import Task
from harness.catalog.shot_pool import question_of
from harness.config.schema import RunConfig
from harness.cost.prices import Price, dearest, token_cost
from harness.datatypes import Completion, GenerateRequest, Request
from harness.engines.base import Accountable, EngineFacts, PromptSize
from harness.engines.contexts import measured
from harness.errors import ConfigError
from harness.plan import Plan, planned
from harness.store.run_folder import MANIFEST, read_scores

# A step of a tiny model is bound by Python and kernel launches, not by arithmetic
SECONDS_A_STEP = 0.004


@dataclass(frozen=True, slots=True)
class ChangedQuestion:
    """A question without examples as it is, and one of its variants (`--perturb`), with their sample ids.

    `gold`, `changed_gold`: the right completions, "" where the page has none.
    """

    sample: str
    variant: str
    question: str
    changed: str
    gold: str
    changed_gold: str


@dataclass(frozen=True, slots=True)
class TaskPreview:
    """A task's requests on `samples` of its `total` samples, in tokens.

    Sums, the longest prompt, how many prompts would be cut to fit the window. `estimated`: the tokens are estimates by
    the length of the text. `dollars_at_most`: with every answer as long as allowed; `dollars_typical`: with answers of
    the mean length of the `answered` ones in the run folder. Both are of all requests, and None where they are not
    known. `drawn_with`: the seed of a random part; None where the samples are the first ones, or all. `not_changed`:
    how many samples have no changed questions (`--perturb`), by the reason; of the task with the unchanged ones.
    `changed`: the first changed question beside its original; of the task with the changed ones.
    """

    task: str
    style: str
    samples: int
    total: int
    requests: int
    tokens_in: int
    longest: int
    tokens_out_at_most: int
    cut_prompts: int
    first: Request
    first_rendered: str
    estimated: bool = False
    answered: int = 0
    dollars_at_most: float | None = None
    dollars_typical: float | None = None
    drawn_with: int | None = None
    not_changed: Mapping[str, int] = field(default_factory=dict)
    changed: ChangedQuestion | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """All tasks, the engine without weights, rough seconds at most, rough bytes (None where unknown).

    `counts_tokens`: False where the engine knows no tokens, and the tasks' token counts are 0. `paid`: the engine sends
    requests to a server; dollars are by `price` (None: no price is known), the sums of the tasks'.
    """

    facts: EngineFacts
    tasks: tuple[TaskPreview, ...]
    seconds_at_most: float | None
    memory_bytes: int | None
    counts_tokens: bool = True
    paid: bool = False
    price: str | None = None
    dollars_at_most: float | None = None
    dollars_typical: float | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def preview(config: RunConfig, doing: Callable[[str], None] = lambda text: None) -> Preview:
    """Bind everything and count. Raises what a run would raise before it loads a model.

    `doing` is called with what is done next, as a line.
    """
    with planned(config, dry=True, doing=doing) as plan:
        paid = isinstance(plan.engine, Accountable)
        price = dearest(plan.budget.prices, datetime.now(UTC).date()) if paid else None
        lengths = _known_lengths(plan) if price else {}
        able = plan.capabilities
        sizes = {task.name: [measured(plan.engine, able, one) for one in task.requests] for task in plan.tasks}
        # A shard may have no sample of a task
        some = [task for task in plan.tasks if task.requests]
        if not some and plan.part is not None:
            raise ConfigError(f"shard {plan.part.shard} has no sample of this run, so there is nothing to show")
        tasks = [
            replace(
                _task(task, sizes[task.name], price, lengths.get(task.name, [])), changed=_changed(task, plan.tasks)
            )
            for task in some
        ]
        facts = plan.engine.facts()
        batch = min(sum(task.requests for task in tasks), able.concurrency)
        counted = all(size.prompt_tokens is not None for own in sizes.values() for size in own)
        return Preview(
            facts,
            tuple(tasks),
            _seconds(facts, tasks, batch),
            _memory(facts, tasks, batch),
            able.token_ids or counted,
            paid,
            f"{price.name} since {price.since}" if price and price.since else price.name if price else None,
            _sum([task.dollars_at_most for task in tasks]),
            _sum([task.dollars_typical for task in tasks]),
            plan.left_out,
        )


def _task(task: Task, sizes: Sequence[PromptSize], price: Price | None, lengths: Sequence[int]) -> TaskPreview:
    """Sums of a task's sizes; `lengths` are the output tokens of the answers that are there already."""
    tokens_in = sum(size.prompt_tokens or 0 for size in sizes)
    most = sum(size.max_new_tokens for size in sizes)
    known = price is not None and all(size.prompt_tokens is not None for size in sizes)
    at_most = token_cost(price, tokens_in, 0, most) if price and known else None
    typical = None
    if price and known and lengths:
        typical = token_cost(price, tokens_in, 0, round(sum(lengths) / len(lengths) * len(sizes)))
    return TaskPreview(
        task=task.name,
        style=task.style,
        samples=len(task.samples),
        total=task.total,
        requests=len(task.requests),
        tokens_in=tokens_in,
        longest=max((size.prompt_tokens or 0 for size in sizes), default=0),
        tokens_out_at_most=most,
        cut_prompts=sum(size.dropped_tokens > 0 for size in sizes),
        first=task.requests[0],
        first_rendered=sizes[0].rendered,
        estimated=any(size.estimated for size in sizes),
        answered=len(lengths),
        dollars_at_most=at_most,
        dollars_typical=typical,
        drawn_with=task.page.data.sample.seed if task.page.data.sample else None,
        not_changed=task.not_changed(),
    )


def _changed(task: Task, tasks: Sequence[Task]) -> ChangedQuestion | None:
    """The first variant of a task whose original is in the run too; a shard may have one without the other."""
    spec = task.page.data.perturbed
    original = next((each for each in tasks if spec is not None and each.name == spec.of), None)
    if original is None:
        return None
    own = original.sample_of()
    for variant in task.samples:
        name = parsed(variant.id)
        if name is None or name.original not in own:
            continue
        sample = own[name.original]
        return ChangedQuestion(
            sample.id,
            variant.id,
            question_of(original.page, original.style, sample),
            question_of(task.page, task.style, variant),
            sample.gold or "",
            variant.gold or "",
        )
    return None


def _known_lengths(plan: Plan) -> dict[str, list[int]]:
    """Output tokens of the answers in the run folder of the same command, by task."""
    path = plan.folder()
    found: dict[str, list[int]] = {}
    if not (path / MANIFEST).is_file():
        return found
    for record in read_scores(path, partial=True)[1]:
        if isinstance(record.reply, Completion) and record.reply.output_tokens is not None:
            found.setdefault(record.request.task, []).append(record.reply.output_tokens)
    return found


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


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
    tokens_in = sum(task.tokens_in for task in tasks)
    return seconds_at_most(facts, tokens_in, sum(task.tokens_out_at_most for task in tasks), batch)


def seconds_at_most(facts: EngineFacts, tokens_in: int, tokens_out: int, batch: int) -> float | None:
    """Return roughly how long so many tokens take, `batch` sequences at once; None where it is not known.

    2 floating-point operations per parameter and token; only for the CPU, whose rate is measured here.
    """
    if facts.parameters is None or facts.device != "cpu":
        return None
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
