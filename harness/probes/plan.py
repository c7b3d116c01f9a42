"""A probe before it runs: the engine without weights, the rows, what is refused and why, the requests, the cost.

Nothing is loaded but the tokenizer, and nothing is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.config.schema import RunConfig
from harness.cost.budget import Budget, budget_of
from harness.cost.prices import dearest, token_cost
from harness.datatypes import GenerateRequest, LikelihoodRequest, Request, Style
from harness.engines.base import Accountable, Capabilities, Engine, EngineFacts, HoldsAnswers, capabilities_of
from harness.engines.contexts import measured
from harness.engines.registry import engine_name
from harness.errors import ConfigError
from harness.plan import EngineOpener, model_spec, suite_pages
from harness.preview import seconds_at_most
from harness.probes import by_heart, order
from harness.probes.exchangeable import order_fault
from harness.probes.rows import ProbeTask, read_tasks
from harness.results import BY_HEART, ORDER, ProbeCost, ProbeTest
from harness.store.run_folder import identity_digests

NO_LIKELIHOODS = "the engine gives no log-likelihoods of given text"


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One task: its rows, why a test is refused, and the requests of the tests that are not."""

    task: ProbeTask
    refused: Mapping[ProbeTest, str]
    order: tuple[LikelihoodRequest, ...]
    points: tuple[by_heart.Point, ...]


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """All of a probe; `requests` has each request once."""

    config: RunConfig
    engine: Engine
    facts: EngineFacts
    capabilities: Capabilities
    budget: Budget
    tasks: tuple[PlannedTask, ...]
    requests: tuple[Request, ...]

    def identity(self) -> dict[str, Any]:
        """What must agree before answers may share a folder."""
        digests = identity_digests(self.facts.digests, self.facts.revision)
        paced_by = self.capabilities.throughput_options
        return {
            "probe": "contamination",
            "model": {"name": self.config.model.name.lower(), "revision": self.facts.revision, **digests},
            "engine": {
                "name": self.facts.engine,
                "device": self.facts.device,
                "dtype": self.facts.dtype,
                "generation": {key: value for key, value in self.facts.generation.items() if key not in paced_by},
            },
            "tasks": {planned.task.name: planned.task.fingerprint["data"] for planned in self.tasks},
            "limit": self.config.limit,
            "seed": self.config.seed,
        }

    def folder(self) -> Path:
        """`--out`, or a name that depends on the identity alone, so that the same command goes on."""
        if self.config.out:
            return Path(self.config.out).expanduser()
        text = json.dumps(self.identity(), sort_keys=True, default=str)
        name = f"contamination-{self.config.model.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        return Path("runs") / name

    def cost(self) -> ProbeCost:
        """Count the tokens of all requests. Raises EngineError where one cannot be measured."""
        sizes = [measured(self.engine, self.capabilities, request) for request in self.requests]
        out = sum(size.max_new_tokens for size in sizes)
        counts = [size.prompt_tokens for size in sizes]
        known = sum(count or 0 for count in counts) if None not in counts else None
        unshared, of_orders = self._unshared()
        price = dearest(self.budget.prices, datetime.now(UTC).date())
        batch = max(1, min(len(self.requests), self.capabilities.concurrency))
        return ProbeCost(
            len(self.requests),
            known,
            known + unshared if known is not None and unshared is not None else None,
            of_orders,
            out,
            seconds_at_most(self.facts, known, out, batch) if known is not None else None,
            token_cost(price, known, 0, out) if price and known is not None else None,
        )

    def _unshared(self) -> tuple[int | None, int | None]:
        """Tokens of contexts that sharing saves, and those of 100 shuffles of the sets."""
        from harness.datatypes import TextPrompt

        saved = whole = 0
        for planned in self.tasks:
            for request in planned.order:
                alone = GenerateRequest("", request.task, request.sample_id, 0, request.prompt, by_heart.SAMPLING)
                tokens = self.engine.measure(alone).prompt_tokens
                if tokens is None:
                    return None, None
                saved += (len(request.continuations) - 1) * tokens
            if planned.order:
                for row in planned.task.rows:
                    text = TextPrompt(row.text + order.BETWEEN)
                    tokens = self.engine.measure(
                        GenerateRequest("", planned.task.name, row.id, 0, text, by_heart.SAMPLING)
                    ).prompt_tokens
                    whole += tokens or 0
        return saved, 100 * whole


@contextmanager
def planned_probe(
    config: RunConfig,
    *,
    opener: EngineOpener,
    dry: bool = False,
    doing: Callable[[str], None] = lambda text: None,
) -> Iterator[ProbePlan]:
    """Plan a probe; release the engine afterwards. Raises HarnessError that says why in one line.

    `dry`: nothing will be requested, so that a server's key may be missing.
    """
    # A name that is wrong is found before a model is opened
    pages = [page for page, _ in suite_pages(config)]
    if any(page.data.perturbed is not None for page in pages):
        raise ConfigError("a probe tests the questions as they were published: leave out `perturb` (--perturb)")
    name = engine_name(config.engine.name, config.engine.options())
    doing(f"opening the {name} engine for {config.model.name}")
    engine = opener(name, model_spec(config.model), config.engine.options())
    try:
        if isinstance(engine, HoldsAnswers):
            raise ConfigError(f"the engine {name!r} has answers that were made before, and a probe makes its own")
        if isinstance(engine, Accountable) and not dry:
            engine.ready()
        able, facts = capabilities_of(engine, name), engine.facts()
        budget = budget_of(config, accountable=isinstance(engine, Accountable))
        style: Style = "text" if able.loglikelihoods else facts.style
        tasks = []
        for task in read_tasks(config, style):
            doing(f"checking the order of {task.name}")
            tasks.append(_planned(task, able, style, config.seed))
        every = [request for planned in tasks for request in _requests(planned)]
        requests = tuple({request.key: request for request in every}.values())
        if requests:
            engine.check(requests)
        yield ProbePlan(config, engine, engine.facts(), able, budget, tuple(tasks), requests)
    finally:
        engine.close()


def _requests(planned: PlannedTask) -> Sequence[Request]:
    return [*planned.order, *(point.request for point in planned.points)]


def _planned(task: ProbeTask, able: Capabilities, style: Style, seed: int) -> PlannedTask:
    refused: dict[ProbeTest, str] = {}
    if not able.loglikelihoods:
        refused[ORDER] = NO_LIKELIHOODS
    elif len(task.rows) < order.LEAST_ROWS:
        refused[ORDER] = f"{len(task.rows)} rows; it needs {order.LEAST_ROWS}"
    elif fault := order_fault(task, seed):
        refused[ORDER] = fault
    points = by_heart.points(task, seed, style)
    rows = len({point.row for point in points})
    if rows < by_heart.LEAST_ROWS:
        refused[BY_HEART] = (
            f"{rows} of {len(task.rows)} rows have a person's name that can be exchanged; it needs "
            f"{by_heart.LEAST_ROWS}"
        )
        points = []
    requests = order.order_requests(task, seed) if ORDER not in refused else []
    return PlannedTask(task, refused, tuple(requests), tuple(points))
