"""`harness plan`: which tasks and how many samples show the most for a budget, and what that costs."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from harness.cli.completion import claim_names, model_names, suite_names, task_names
from harness.cli.loudness import Loudness, Quiet, loudness
from harness.cli.run_options import with_run_options
from harness.config.options import RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.claims.page import Claim
    from harness.config.run_file import RunChoices
    from harness.config.schema import RunConfig
    from harness.config.yaml_page import YamlPage
    from harness.planning.claims import ClaimTests
    from harness.planning.document import PlannedRun
    from harness.planning.sizes import ModelSize
    from harness.planning.suites import Wish

Text = str | None
# Samples that settle something: of a suite's tasks, and of a claim's test, which may be clear after a few
LEAST, LEAST_OF_CLAIM = 30, 10


class GoalName(StrEnum):
    """What is made as small as it can be: the tasks' largest difference, their mean, or that of the suite's mean."""

    largest = "largest"
    mean = "mean"
    suite = "suite"


def what_names(incomplete: str) -> list[str]:
    """Claims, suites and tasks that begin so."""
    return [*claim_names(incomplete), *suite_names(incomplete), *task_names(incomplete)]


@dataclass(frozen=True, slots=True)
class Subjects:
    """What is planned: claims with their pages, or a suite, or tasks, as `harness run` takes them."""

    what: str
    claims: tuple[tuple[Claim, YamlPage], ...] = ()
    suite: str | None = None
    tasks: tuple[str, ...] | None = None


@with_run_options(
    after="models",
    names=("engine", "endpoint", "concurrency", "mirror", "device", "seed", "sandbox"),
    help={"seed": "of the order in which samples are drawn, and of sampled answers [default: 0]"},
)
def plan(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CLAIM|SUITE|TASKS", autocompletion=what_names, help="names or files; tasks with commas"
        ),
    ],
    budget: Annotated[str, typer.Option(metavar="BUDGET", help="20$, 2h, 2h30m, 90m or '1.5M tokens', for all models")],
    models: Annotated[
        Text,
        typer.Option(
            metavar="A,B", autocompletion=model_names, help="models, as --model takes them [default: demo-larger]"
        ),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="any config key, for all models")
    ] = None,
    goal: Annotated[
        GoalName, typer.Option(help="of a suite: which difference is made small (of the tasks, or of their mean)")
    ] = GoalName.largest,
    min_n: Annotated[
        int | None,
        typer.Option(
            min=2, metavar="N", help=f"fewest samples of a task [default: {LEAST}; of a claim {LEAST_OF_CLAIM}]"
        ),
    ] = None,
    try_n: Annotated[
        int | None,
        typer.Option("--try", min=1, metavar="N", help="first run N samples of each task: lengths and speed"),
    ] = None,
    runs: Annotated[
        Path, typer.Option(metavar="FOLDER", help="earlier runs, which tell lengths, speed and scores")
    ] = Path("runs"),
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write the plan: harness run --plan FILE runs it")
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    quiet: Quiet = False,
    **options: Unpack[RunOptions],
) -> None:
    """Plan a run before it costs anything: samples of each task, the smallest difference seen, tokens, time, dollars.

    Nothing is requested, unless --try is given. Lengths and speed are those of earlier runs here; what is not known is
    shown as unknown.
    """
    from harness.planning.budget import read_limit
    from harness.planning.costs import refuse_unpriced
    from harness.planning.suites import Wish

    said = loudness(quiet, False)
    limit = read_limit(budget)
    subjects = read_subjects(what)
    base = read_base(subjects, options, settings or [])
    configs, choices = configs_of(subjects, base, model_list(models))
    least = min_n or (LEAST_OF_CLAIM if subjects.claims else LEAST)
    wish = Wish(what, limit, goal.value, least, options.get("seed") or 0)
    from harness.cli.progress import Progress

    with Progress(said) as progress:
        sizes = measure(configs, progress.waiting)
    refuse_unpriced(limit, sizes)
    named = {size.name: configs[size.given] for size in sizes}
    # What cannot be planned is refused before --try sends requests
    tests = claim_tests(subjects, named, [size.given for size in sizes])
    if try_n is not None:
        try_out(configs, try_n, runs, said)
    found = make(wish, tests, sizes, runs, try_n)
    if file is not None:
        write_plan(file, found, choices, configs, sizes, subjects)
    show(found, as_json=json_out, out=file, tried=try_n is not None)


def read_subjects(what: str) -> Subjects:
    """Find out what is meant: a claim or a page of claims, a suite, or tasks. Raises UnknownName, ConfigError."""
    from harness.claims.page import KIND, find_claims
    from harness.config import pages
    from harness.config.yaml_page import read
    from harness.errors import ConfigError, UnknownName

    names = tuple(name.strip() for name in what.split(",") if name.strip())
    if not names:
        raise ConfigError("name a claim, a suite or tasks")
    if len(names) > 1 or any(sign in what for sign in "*?["):
        return Subjects(what, tasks=names)
    name = names[0]
    if pages.is_file_name(name.partition(":")[0]):
        file = Path(name.partition(":")[0]).expanduser()
        keys = read(file).data if file.is_file() else {}
        if "claims" in keys:
            return Subjects(what, claims=tuple(find_claims(name)))
        return Subjects(what, suite=name) if "tasks" in keys and "data" not in keys else Subjects(what, tasks=names)
    suites, tasks = pages.index("configs/suites"), pages.index("tasks")
    if name in suites:
        return Subjects(what, suite=name)
    if name in tasks:
        return Subjects(what, tasks=names)
    try:
        return Subjects(what, claims=tuple(find_claims(name)))
    except UnknownName:
        known = [*pages.index(KIND), *suites, *tasks]
        raise UnknownName(
            "claim, suite or task", name, known, listing="harness claim list; harness tasks list"
        ) from None


def model_list(models: str | None) -> list[str]:
    """The models of `--models`. Raises ConfigError for an empty or a repeated name."""
    from harness.config.building import DEFAULT_MODEL
    from harness.errors import ConfigError

    names = [name.strip() for name in (models if models is not None else DEFAULT_MODEL).split(",")]
    if not all(names):
        raise ConfigError(f"--models {models}: expected names with commas, as in --models demo-larger,demo-smaller")
    if len(set(names)) < len(names):
        raise ConfigError(f"--models {models}: a model is named twice")
    return names


def read_base(subjects: Subjects, options: RunOptions, settings: list[str]) -> RunChoices:
    """What all models share, from the command line. Raises ConfigError."""
    from harness.cli.run import read_choices
    from harness.errors import ConfigError

    choices = read_choices(
        None, subjects.suite, list(subjects.tasks) if subjects.tasks else None, options, settings, [], []
    )
    for key in choices.settings:
        if (
            key in ("limit", "limit_seed", "shard", "out")
            or key.startswith("model.path")
            or key.endswith("data.sample")
        ):
            raise ConfigError(f"--set {key}: a plan chooses the samples, and takes its models from --models")
    return choices


def configs_of(subjects: Subjects, base: RunChoices, models: Sequence[str]) -> tuple[dict[str, RunConfig], RunChoices]:
    """Return the config of each model by the name that was given, and what they share with the protocol of claims."""
    from harness.config.run_file import config_of
    from harness.errors import ConfigError

    if subjects.claims:
        base = _of_claims(subjects, base, models)
    configs = {model: config_of(replace(base, model=model)) for model in models}
    names = [config.model.name for config in configs.values()]
    if len(set(names)) < len(names):
        raise ConfigError(f"--models: the models need different names (found {', '.join(names)})")
    return configs, base


def _of_claims(subjects: Subjects, base: RunChoices, models: Sequence[str]) -> RunChoices:
    """The tasks and the protocol of all claims that can be planned, under what the command line sets."""
    from harness.claims.check import run_settings
    from harness.errors import UserError
    from harness.planning.claims import unplannable

    tasks: dict[str, None] = {}
    settings: dict[str, Any] = {}
    for claim, page in subjects.claims:
        if unplannable(claim):
            continue
        own = _claim_tasks(claim, page, models)
        tasks |= dict.fromkeys(own)
        for key, value in run_settings(claim, own).items():
            settings.setdefault(key, value)
        if claim.protocol.prompt is not None:
            settings.setdefault("model.style", claim.protocol.prompt)
    if not tasks:
        claim, page = subjects.claims[0]
        more = f" (and {len(subjects.claims) - 1} more claims)" if len(subjects.claims) > 1 else ""
        raise UserError(f"{claim.place}: no samples settle it: {unplannable(claim)}{more}")
    return replace(base, tasks=tuple(tasks), settings=settings | dict(base.settings))


def _claim_tasks(claim: Claim, page: YamlPage, models: Sequence[str]) -> list[str]:
    """The claim's tasks; the stand-in's own where one of the models is the stand-in that it names."""
    from harness.claims.check import run_tasks

    usual = run_tasks(claim, page, "")
    return next((own for model in models if (own := run_tasks(claim, page, model)) != usual), usual)


def measure(configs: Mapping[str, RunConfig], doing: Callable[[str], None]) -> list[ModelSize]:
    """Bind the tasks for each model, and count. Raises what a run would raise before it loads a model."""
    from harness.planning.sizes import model_size

    return [model_size(given, config, doing) for given, config in configs.items()]


def try_out(configs: Mapping[str, RunConfig], n: int, runs: Path, said: Loudness) -> None:
    """Run a random few samples of each task with each model, into folders that later plans find too."""
    from harness.cli.progress import Progress
    from harness.run import evaluate

    for config in configs.values():
        tried = config.model_copy(
            update={
                "limit": n,
                "limit_seed": config.seed,
                "out": str(runs / f"try-{config.suite.name}-{config.model.name}-{n}"),
            }
        )
        with Progress(said) as progress:
            evaluate(tried, sys.argv, progress)


def claim_tests(subjects: Subjects, configs: Mapping[str, RunConfig], given: Sequence[str]) -> ClaimTests | None:
    """The tests of the claims with the models, `configs` by model's name; None without claims. Raises UserError."""
    from harness.planning.claims import tests_of

    if not subjects.claims:
        return None
    tasks = {
        claim.id: [Path(task).stem for task in _claim_tasks(claim, page, given)] for claim, page in subjects.claims
    }
    return tests_of([claim for claim, _ in subjects.claims], configs, tasks)


def make(
    wish: Wish, tests: ClaimTests | None, sizes: Sequence[ModelSize], runs: Path, tried: int | None = None
) -> PlannedRun:
    """Make the plan of the tests of claims, else of tasks, from counted tokens and earlier runs. Raises ConfigError."""
    from harness.planning.claims import plan_claims
    from harness.planning.costs import refuse_unknown, sample_costs, starts
    from harness.planning.earlier import earlier_runs
    from harness.planning.suites import plan_suite

    earlier = earlier_runs(runs, sizes)
    costs = sample_costs(sizes, earlier)
    refuse_unknown(wish.limit, costs, earlier, tried=tried)
    begin = starts(sizes, earlier)
    if tests is None:
        return plan_suite(wish, sizes, earlier, costs, begin)
    return plan_claims(wish, tests, sizes, earlier, costs, begin)


def write_plan(
    path: Path,
    plan: PlannedRun,
    choices: RunChoices,
    configs: Mapping[str, RunConfig],
    sizes: Sequence[ModelSize],
    subjects: Subjects,
) -> None:
    """Write the plan file. Raises ConfigError where another file is there."""
    from harness.cli.run import run_file_of, write_new
    from harness.planning.page import choices_of, section_of, section_text
    from harness.planning.text import shows

    suite = next(iter(configs.values())).suite
    chosen = choices_of(plan, choices, suite, sizes)
    claims = list(dict.fromkeys(one.claim for one in plan.decisions))
    place = f"{subjects.what.partition(':')[0]}:" if subjects.what.partition(":")[0].endswith((".yaml", ".yml")) else ""
    foreign = [f"{place}{one.claim}" for one in plan.stand_ins]
    section = section_of(plan, sizes, [f"{place}{claim}" for claim in claims], foreign, shows(plan))
    write_new(path, f"{run_file_of(chosen)}\n{section_text(section)}", "--out")


def show(plan: PlannedRun, *, as_json: bool, out: Path | None, tried: bool) -> None:
    """Print the plan, and how to run it. `tried`: with --try."""
    import json

    from harness.cli.screen import console
    from harness.planning.text import document, tables
    from harness.report.terminal import print_table

    if as_json:
        print(json.dumps(document(plan), indent=2, ensure_ascii=False))
        return
    for place, table in enumerate(tables(plan, tried=tried)):
        if place:
            print()
        print_table(table, console())
    print(
        f"\nRun it: harness run --plan {out}" if out else "\nKeep it with --out FILE; harness run --plan FILE runs it."
    )
    if out and len({one.claim for one in plan.decisions}) == 1:
        foreign = " --stand-in" if plan.stand_ins else ""
        print(f"Or only until it is settled: harness claim check {plan.what} --plan {out}{foreign}")
