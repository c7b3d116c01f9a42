"""A run before it starts: pages, engine without weights, data, prompts, scorers and toolchains, bound and checked.

Errors of the user are found here, the cheapest checks first: the engine's options and the pages, then the model's
tokenizer and config, then the data. No weights are loaded and nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import plugins
from harness.catalog import Binder, Task
from harness.config import pages, shard
from harness.config.perturbing import set_for
from harness.config.schema import ModelPage, RunConfig
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.cost.budget import Budget, budget_of
from harness.data.rows import Loader
from harness.engines.base import (
    Accountable,
    Capabilities,
    Engine,
    EngineFacts,
    HoldsAnswers,
    ModelSpec,
    OnCluster,
    capabilities_of,
    refuse_unsupported,
    reproducibility_notes,
)
from harness.engines.contexts import parts_of
from harness.engines.registry import check_options, engine_name, open_engine
from harness.errors import ConfigError, DataError, MissingPackage, UnknownName, error_prefix
from harness.execution.base import Limits
from harness.held_answers import answered_only, with_repeats
from harness.page_scorers import page_scorers
from harness.perturb.bound import refuse_unsuitable
from harness.scoring.base import TaskScorer
from harness.scoring.golds import plain_fault
from harness.scoring.services import Services
from harness.sharding import Part, is_greedy, of_task
from harness.store.run_folder import identity_digests
from harness.toolchains import lacking_language, lacking_packages

# Samples whose gold answer is scored before a run
SAMPLES_TRIED = 3
EngineOpener = Callable[[str | None, ModelSpec, Mapping[str, Any]], Engine]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run before it starts: the engine without weights, and the bound tasks.

    `left_out`: tasks of the suite that `skip_missing` left out, with what each lacks; the config is without them.
    `part`: the shard that the tasks have the samples of, None where they have all.
    """

    config: RunConfig
    engine: Engine
    facts: EngineFacts
    tasks: tuple[Task, ...]
    services: Services
    capabilities: Capabilities
    budget: Budget
    left_out: Mapping[str, str] = field(default_factory=dict)
    part: Part | None = None

    def identity(self) -> dict[str, Any]:
        """What must agree before records may share a journal. The limit may differ: a run can be extended."""
        digests = identity_digests(self.facts.digests, self.facts.revision)
        execution = execution_identity(self.config, self.tasks)
        # Pace, not content: a run may go on with other values of these
        paced_by = self.capabilities.throughput_options
        return {
            # Without capitals, as in runs of versions whose names had none
            "model": {"name": self.config.model.name.lower(), "revision": self.facts.revision, **digests},
            "engine": {
                "name": self.facts.engine,
                "style": self.facts.style,
                "device": self.facts.device,
                "dtype": self.facts.dtype,
                "generation": {key: value for key, value in self.facts.generation.items() if key not in paced_by},
            },
            "tasks": {task.name: dict(task.fingerprint) for task in self.tasks},
            "execution": execution,
            "seed": self.config.seed,
        }

    def loaded(self) -> EngineFacts:
        """Load the engine and return its facts, complete now (with the digest of the weights of a hub model)."""
        self.engine.load()
        return self.engine.facts()

    def engine_facts(self) -> dict[str, Any]:
        """The engine's facts for the manifest, with what may keep its answers from being made again."""
        facts = self.engine.facts()
        requests = [request for task in self.tasks for request in task.requests]
        more = (*self.services.notes(), *reproducibility_notes(self.capabilities, requests))
        return asdict(replace(facts, notes=(*facts.notes, *more)))

    def folder(self) -> Path:
        """The run folder: `--out`, or a name that depends only on the identity, so that the same command resumes it.

        That of a shard has the name of the whole run, and its own number behind it.
        """
        suffix = self.part.shard.suffix if self.part else ""
        if self.config.out:
            out = Path(self.config.out).expanduser()
            # `.` has no name of its own
            named = out if out.name.strip(".") else out.resolve()
            return named.with_name(named.name + suffix) if suffix else out
        drawn = {task.name: task.page.data.sample.model_dump() for task in self.tasks if task.page.data.sample}
        text = json.dumps(
            [self.identity(), self.config.limit, *([drawn] if drawn else [])], sort_keys=True, default=str
        )
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = f"{self.config.suite.name}-{self.config.model.name}-{digest[:8]}{suffix}"
        return _as_it_is_there(Path("runs") / name)


def _as_it_is_there(folder: Path) -> Path:
    """The folder of this name but for capitals, which some file systems do not tell apart; `folder` where none is.

    Its digest is of the name without capitals, so it holds the same run.
    """
    if not folder.parent.is_dir() or folder.exists():
        return folder
    name = folder.name.casefold()
    return next((other for other in folder.parent.iterdir() if other.name.casefold() == name), folder)


@contextmanager
def planned(
    config: RunConfig,
    *,
    dry: bool = False,
    shared_budget: bool = False,
    doing: Callable[[str], None] = lambda text: None,
    opener: EngineOpener = open_engine,
) -> Iterator[Plan]:
    """Plan a run; release the engine and the sandbox afterwards. Raises HarnessError that says why in one line.

    `dry`: nothing will be requested, so that a server's key may be missing. `shared_budget`: other runs draw on it too,
    so that an engine which spends nothing may have one. `doing` is called with what is done next, as a line. `opener`
    builds the engine from its name, the model and the engine's options.
    """
    wanted = None if config.shard is None else shard.resolved(config.shard, os.environ)
    services = Services(config.execution.sandbox, limits(config), config.execution.workers)
    engine: Engine | None = None
    try:
        _refuse_unknown_plugins(config)
        if opener is open_engine:
            # A model in memory has its own
            check_options(config.engine.name, model_spec(config.model), config.engine.options())
        # Before the engine, which may need a hub
        left_out, built = _built(config, services)
        config = without_tasks(config, left_out)
        refuse_unsuitable([(page, source.path.parent) for (page, source), _ in built])
        model = config.model
        name = engine_name(config.engine.name, config.engine.options())
        # The default by its name, so that a stored config runs the same engine when the default is another
        config = config.model_copy(update={"engine": config.engine.model_copy(update={"name": name})})
        doing(f"opening the {name} engine for {model.name}")
        engine = opener(name, model_spec(model), config.engine.options())
        if config.execution.ray_scoring:
            if not isinstance(engine, OnCluster):
                raise ConfigError("--ray-scoring runs programs on the cluster of --ray, which is not set: add --ray")
            services.cluster = engine.cluster()
        if isinstance(engine, Accountable) and not dry:
            engine.ready()
        able, facts = capabilities_of(engine, name), engine.facts()
        budget = budget_of(config, accountable=isinstance(engine, Accountable), shared=shared_budget)
        mirror = Path(config.data.mirror).expanduser() if config.data.mirror else None
        binder = Binder(
            Loader(mirror),
            facts.style,
            config.limit,
            config.seed,
            insists=model.style != "auto",
            trust_page_code=config.data.trust_page_code,
            limit_seed=config.limit_seed,
            either_style=able.either_style,
        )
        bound = []
        for number, (spec, own) in enumerate(built, start=1):
            several = f"{len(built)} tasks: {number}/{len(built)} " if len(built) > 1 else "the task "
            doing(f"binding {several}{spec[0].name}")
            bound.append(binder.bind(*spec, own))
        tasks = tuple(bound)
        if config.skip_missing and (lacking := lacking_packages(tasks)):
            left_out |= lacking
            config = without_tasks(config, left_out)
            built = [one for one, task in zip(built, tasks, strict=True) if task.name not in lacking]
            tasks = tuple(task for task in tasks if task.name not in lacking)
        for task, ((_, source), _) in zip(tasks, built, strict=True):
            _refuse_unscorable(task, source)
        if isinstance(engine, HoldsAnswers):
            fitted = with_repeats(config, tasks, engine)
            if fitted is not config:
                config = fitted
                again = zip(suite_pages(config), built, strict=True)
                tasks = tuple(binder.bind(*spec, own) for spec, (_, own) in again)
            tasks = answered_only(tasks, engine) if engine.only_answered else tasks
        part, tasks = _sharded(wanted, tasks)
        config = config.model_copy(update={"shard": str(wanted) if wanted else None})
        requests = [request for task in tasks for request in task.requests]
        refuse_unsupported(name, able, requests)
        doing(f"checking prompts and toolchains: {len(requests)} prompts")
        engine.check([part for request in requests for part in parts_of(able, request)])
        # The check may have added notes on these requests
        yield Plan(config, engine, engine.facts(), tasks, services, able, budget, left_out, part)
    finally:
        if engine is not None:
            engine.close()
        services.close()


def _refuse_unknown_plugins(config: RunConfig) -> None:
    """Refuse names of no perturbation and no sandbox before anything is read."""
    if config.perturb.by is not None:
        with error_prefix("--perturb: "):
            plugins.load("perturbation", config.perturb.by)
    if config.execution.sandbox != "auto":
        with error_prefix("execution.sandbox: "):
            plugins.load("sandbox", config.execution.sandbox)


def _sharded(own: shard.Shard | None, tasks: Sequence[Task]) -> tuple[Part | None, tuple[Task, ...]]:
    """Leave the tasks only the samples of a shard, if there is one."""
    if own is None:
        return None, tuple(tasks)
    kept, parts = [], {}
    for task in tasks:
        samples, requests, parts[task.name] = of_task(own, task.name, task.samples, task.requests)
        kept.append(replace(task, samples=samples, requests=requests))
    greedy = tuple(request.key for task in tasks for request in task.requests if is_greedy(request))
    return Part(own, parts, greedy), tuple(kept)


def _built(
    config: RunConfig, services: Services
) -> tuple[dict[str, str], list[tuple[tuple[TaskPage, YamlPage], tuple[TaskScorer, ...]]]]:
    """Build the scorers of every page; with `skip_missing` leave out those that lack something, with what they lack."""
    left_out: dict[str, str] = {}
    built = []
    for page, source in suite_pages(config):
        try:
            own = page_scorers(page, source, services.tools(), config.data.trust_page_code)
        except MissingPackage as error:
            # With other faults beside it the page is wrong, whatever is installed
            if not config.skip_missing or len(error.lines) > 1:
                raise
            left_out[page.name] = error.lacks
            continue
        tests = page.reference.tests if config.skip_missing else None
        if tests is not None and (lacking := lacking_language(tests.language)):
            left_out[page.name] = lacking
        else:
            built.append(((page, source), own))
    return left_out, built


def without_tasks(config: RunConfig, left_out: Mapping[str, str]) -> RunConfig:
    """Return the config without some tasks of its suite. Raises ConfigError where none remains."""
    if not left_out:
        return config
    kept = [entry for entry in config.suite.tasks if entry.label not in left_out]
    if not kept:
        raise ConfigError(f"--skip-missing leaves no task of the suite {config.suite.name!r}: {missing_text(left_out)}")
    known = {name for entry in kept for name in (entry.label, entry.page)}
    settings = {name: own for name, own in config.tasks.items() if name in known}
    suite = config.suite.model_copy(update={"tasks": kept})
    return config.model_copy(update={"suite": suite, "tasks": settings})


def missing_text(left_out: Mapping[str, str]) -> str:
    """Return the tasks that were left out by what they lack, in one line."""
    by_reason: dict[str, list[str]] = {}
    for task, reason in left_out.items():
        by_reason.setdefault(reason, []).append(task)
    return "; ".join(f"{', '.join(tasks)} ({reason})" for reason, tasks in by_reason.items())


def _refuse_unscorable(task: Task, source: YamlPage) -> None:
    """Refuse what `tasks validate` refuses: a gold answer that scores 0, a wrong option that wins.

    Programs are not run here: that needs a sandbox and compilers.
    """
    if task.page.reference.tests is not None:
        return
    samples = task.sample_of()
    for request in [request for request in task.requests if request.repeat == 0][:SAMPLES_TRIED]:
        if (fault := plain_fault(task.scorers, samples[request.sample_id], request)) is not None:
            with source.at("score"):
                raise DataError(fault)


def model_spec(model: ModelPage) -> ModelSpec:
    """Return the model as engines get it."""
    return ModelSpec(
        path=model.path,
        name=model.name,
        revision=model.revision,
        style=model.style,
        dtype=model.dtype,
        device=model.device,
        trust_remote_code=model.trust_remote_code,
        adapter=model.adapter,
        quantize=model.quantize,
    )


def suite_pages(config: RunConfig) -> list[tuple[TaskPage, YamlPage]]:
    """Load the suite's pages with the overrides of the suite and of the command."""
    loaded = []
    read = {task: pages.read_task(task) for task in dict.fromkeys(entry.task for entry in config.suite.tasks)}
    names = [entry.label for entry in config.suite.tasks]
    for entry in config.suite.tasks:
        name = entry.label
        if names.count(name) > 1:
            raise ConfigError(f"the task {name!r} is listed twice in the suite {config.suite.name!r}; keep one")
        of_suite = (f"suite {config.suite.name}: {name}: set ", entry.set)
        of_command = [
            (config.origin(f"tasks.{task}.{key}"), {key: value})
            for task, settings in set_for(config, entry)
            for key, value in settings.items()
        ]
        page, source = pages.checked_task(read[entry.task], of_suite, *of_command)
        loaded.append((page.model_copy(update={"name": name}), source))
    known = {*names, *(entry.page for entry in config.suite.tasks)}
    for name in config.tasks:
        if name not in known:
            said = config.origin(f"tasks.{name}.{next(iter(config.tasks[name]), '')}").rpartition("tasks.")[0]
            with error_prefix(f"{said}tasks: "):
                raise UnknownName(f"task of the suite {config.suite.name!r}", name, known)
    return loaded


def execution_identity(config: RunConfig, tasks: Sequence[Task]) -> dict[str, Any] | None:
    """Return the limits that can change a score; None where no task runs programs."""
    runs_programs = any(task.page.reference.tests is not None for task in tasks)
    if not runs_programs:
        return None
    # Pace, not content: how many run at once, and on which machines
    pace = {"workers", "ray_scoring"}
    return config.execution.model_dump(exclude=pace if config.execution.packages else pace | {"packages"})


def limits(config: RunConfig) -> Limits:
    """Return the limits on programs that a config sets."""
    execution = config.execution
    return Limits(
        wall_seconds=execution.wall_seconds,
        memory_bytes=execution.memory_mb << 20,
        output_bytes=execution.output_kb << 10,
        work_bytes=execution.work_mb << 20,
        processes=execution.processes,
        build_seconds=execution.build_seconds,
        build_memory_bytes=execution.build_memory_mb << 20,
        packages=tuple(execution.packages),
    )
