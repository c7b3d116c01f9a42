"""What one sample of each task takes of a model: counted on the task's own data, with no weights and no request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harness.analysis.metric import parse
from harness.catalog import Task
from harness.config.schema import RunConfig
from harness.cost.prices import Price, dearest
from harness.datatypes import GenerateRequest
from harness.engines.base import Accountable
from harness.engines.contexts import measured
from harness.errors import ConfigError
from harness.plan import Plan, planned
from harness.store.identity import Section, TaskIdentity


@dataclass(frozen=True, slots=True)
class TaskSize:
    """A task for one model. Tokens are means of one sample, with all its repeats.

    `total`: the samples that may run, of `rows` in the data; fewer where the page draws a part, with the seed `drawn`.
    `tokens_in`: None where the engine knows no tokens; `estimated`: by the length of the text; `most_out`: with every
    answer as long as allowed; `generates`: False where only likelihoods are requested. `data`: a digest of the data,
    the page and the prompts. `binary`: the first scorer gives only 0 and 1, once a sample; `per_sample`: False where
    the score is no mean over samples (a perplexity).
    """

    task: str
    page: str
    total: int
    rows: int
    drawn: int | None
    repeats: int
    tokens_in: float | None
    most_out: float
    estimated: bool
    generates: bool
    binary: bool
    per_sample: bool
    data: str
    protocol: TaskIdentity


@dataclass(frozen=True, slots=True)
class ModelSize:
    """A model on the tasks of a plan. `price`: None where none is known; `paid`: requests go to a server.

    `digest` identifies the model's files; "" where nothing is known of them.
    """

    given: str
    name: str
    path: str
    engine: str
    paid: bool
    price: Price | None
    digest: str
    tasks: Mapping[str, TaskSize]


def model_size(given: str, config: RunConfig, doing: Callable[[str], None] = lambda text: None) -> ModelSize:
    """Bind the tasks of a config and count, as `--dry-run` does. Raises what a run would raise before it loads a model.

    `given` is the model as the user named it.
    """
    with planned(config, dry=True, shared_budget=True, doing=doing) as plan:
        doing(f"counting the tokens of {plan.config.model.name}")
        paid = isinstance(plan.engine, Accountable)
        prices = plan.budget.prices
        return ModelSize(
            given,
            plan.config.model.name,
            plan.config.model.path,
            plan.facts.engine,
            paid,
            dearest(prices, datetime.now(UTC).date()) if prices else None,
            _digest(plan.identity()["model"]) if plan.facts.digests or plan.facts.revision else "",
            {task.name: _task_size(task, plan) for task in plan.tasks},
        )


def _task_size(task: Task, plan: Plan) -> TaskSize:
    if not task.samples:
        raise ConfigError(f"the task {task.name!r} has no samples")
    sizes = [measured(plan.engine, plan.capabilities, request) for request in task.requests]
    n = len(task.samples)
    known = all(size.prompt_tokens is not None for size in sizes)
    generates = isinstance(task.requests[0], GenerateRequest)
    return TaskSize(
        task=task.name,
        page=task.page.name,
        total=n,
        rows=task.total,
        drawn=task.page.data.sample.seed if task.page.data.sample else None,
        repeats=task.page.repeats,
        tokens_in=sum(size.prompt_tokens or 0 for size in sizes) / n if known else None,
        most_out=sum(size.max_new_tokens for size in sizes) / n if generates else 0.0,
        estimated=any(size.estimated for size in sizes),
        generates=generates,
        binary=task.scorers[0].binary and task.page.repeats == 1,
        per_sample=not hasattr(parse(task.page.metric[0]), "of_corpus"),
        data=_digest(task.fingerprint),
        protocol=TaskIdentity.parse(Section(json.loads(json.dumps(dict(task.fingerprint), default=str)))),
    )


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]
