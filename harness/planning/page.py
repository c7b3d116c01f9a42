"""A plan file: a run file with a section `plan` of what was planned for, assumed and expected.

`harness run --plan FILE` runs it after checking that nothing of this has changed; `harness run --config FILE` takes it
as a plain run file of its first model. Guarantees: every figure that the plan's costs rest on is in the section.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from harness.config.checking import check_values
from harness.config.run_file import PLAN, RunChoices
from harness.config.schema import SuitePage
from harness.config.section import Section
from harness.config.yaml_page import KeyPath, read, shown
from harness.cost.prices import Price
from harness.errors import ConfigError, Faults
from harness.planning.budget import Unit
from harness.planning.document import PlannedRun
from harness.planning.sizes import ModelSize


class PlannedPrice(Section):
    """US dollars for a million tokens, as the plan used them."""

    name: str
    input: float = Field(strict=False)
    output: float = Field(strict=False)


class PlannedModel(Section):
    """A model: as it was named, its name in tables, a digest of its files, its price, seconds beside the answers."""

    given: str
    name: str
    digest: str = ""
    price: PlannedPrice | None = None
    start: float = Field(0.0, strict=False)


class PlannedTask(Section):
    """A task's data: its rows, and a digest of data, page and prompts for each model's name."""

    task: str
    rows: int
    data: dict[str, str]


class PlannedWork(Section):
    """What a model does on a task. Tokens, seconds and dollars are sums; None where they were not known."""

    model: str
    task: str
    samples: int
    tokens_in: float | None = Field(None, strict=False)
    tokens_out: float = Field(strict=False)
    bound: bool = Field(False, description="tokens out are the most allowed, no expectation")
    seconds: float | None = Field(None, strict=False)
    dollars: float | None = Field(None, strict=False)
    assumed: str = ""


class PlanSection(Section):
    """The section `plan`. `unit` and `amount` are the budget's; `claims` are settled by the runs."""

    what: str
    budget: str
    unit: Unit
    amount: float = Field(strict=False)
    claims: list[str] = Field([])
    stand_ins: list[str] = Field([], description="of `claims` those that do not mention the models of this plan")
    shows: list[str] = Field([], description="what the plan was expected to show; for readers")
    models: list[PlannedModel] = Field(min_length=1)
    tasks: list[PlannedTask] = Field(min_length=1)
    work: list[PlannedWork] = Field(min_length=1)

    def tasks_of(self, model: str) -> list[str]:
        """The tasks of a model, by its name in tables."""
        return [line.task for line in self.work if line.model == model]


def read_plan(path: Path) -> PlanSection:
    """Read the section of a plan file. Raises ConfigError with file and line."""
    if path.is_dir():
        raise ConfigError(f"--plan {path}: is a folder, not a plan file")
    page = read(path)
    section = page.data.get(PLAN)
    if section is None:
        raise ConfigError(
            f"{shown(path)}: has no section `plan`, so it is a run file: harness run --config {path} (plan files are "
            "written by `harness plan ... --out FILE`)"
        )
    if not isinstance(section, dict):
        raise ConfigError(f"{page.where((PLAN,))}plan: expected the section that `harness plan --out` writes")

    def where(key: KeyPath) -> str:
        return page.where((PLAN, *key)).removesuffix(": ")

    return check_values(PlanSection, section, where)


def section_of(
    plan: PlannedRun, sizes: Sequence[ModelSize], claims: Sequence[str], stand_ins: Sequence[str], shows: Sequence[str]
) -> PlanSection:
    """Return the section of a plan."""
    kept = [choice.task for choice in plan.kept]
    used = [size for size in sizes if size.name in plan.models]
    return PlanSection(
        what=plan.what,
        budget=plan.limit.text,
        unit=plan.limit.unit,
        amount=plan.limit.amount,
        claims=list(claims),
        stand_ins=list(stand_ins),
        shows=list(shows),
        models=[
            PlannedModel(
                given=size.given,
                name=size.name,
                digest=size.digest,
                price=_price(size.price) if size.paid else None,
                start=round(plan.starts.get(size.name, 0.0), 3),
            )
            for size in used
        ],
        tasks=[
            PlannedTask(
                task=task,
                rows=used[0].tasks[task].rows,
                data={size.name: size.tasks[task].data for size in used},
            )
            for task in kept
        ],
        work=[
            PlannedWork(
                model=line.cost.model,
                task=line.cost.task,
                samples=line.samples,
                tokens_in=_rounded(line.tokens_in, 1),
                tokens_out=round(line.tokens_out, 1),
                bound=line.cost.bound,
                seconds=_rounded(line.seconds, 3),
                dollars=_rounded(line.dollars, 6),
                assumed="; ".join(filter(None, (line.cost.tokens_from, line.cost.seconds_from))),
            )
            for line in plan.lines
        ],
    )


def section_text(section: PlanSection) -> str:
    """The section as YAML, an entry a line."""
    lines = ["# What was planned; `harness run --plan FILE` checks that it still holds", f"{PLAN}:"]
    for key, value in section.model_dump(mode="json", exclude_defaults=True).items():
        if isinstance(value, list) and value:
            lines += [f"  {key}:", *(f"    - {json.dumps(entry, ensure_ascii=False)}" for entry in value)]
        else:
            lines.append(f"  {key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def choices_of(plan: PlannedRun, base: RunChoices, suite: SuitePage, sizes: Sequence[ModelSize]) -> RunChoices:
    """Return what the plan's run file chooses: the first model, the tasks that run, and how many samples of each.

    Raises ConfigError where a suite that names uses of a page would have to run in part.
    """
    kept = {choice.task: choice for choice in plan.kept}
    settings: dict[str, Any] = dict(base.settings)
    names: tuple[str, ...] | None = base.tasks
    whole = len(kept) == len(suite.tasks)
    if not whole:
        entries = [entry for entry in suite.tasks if entry.label in kept]
        if named := next((entry for entry in entries if entry.name and entry.name != entry.page), None):
            raise ConfigError(
                f"--out: the suite {suite.name!r} would run in part, and its {named.name!r} is a use of "
                f"{named.page!r} that no list of tasks can name: give a larger budget, or a smaller --min-n"
            )
        names = tuple(entry.task for entry in entries)
        settings = {f"tasks.{entry.label}.{key}": value for entry in entries for key, value in entry.set.items()} | {
            key: value for key, value in settings.items() if not key.startswith("tasks.") or key.split(".")[1] in kept
        }
    for task, choice in kept.items():
        if choice.samples < choice.total:
            drawn = sizes[0].tasks[task].drawn
            seed = plan.seed if drawn is None else drawn
            settings[f"tasks.{task}.data.sample"] = {"count": choice.samples, "seed": seed}
    first = next(size.given for size in sizes if size.name == plan.models[0])
    return replace(
        base,
        model=first,
        suite=base.suite if whole else None,
        tasks=names if base.suite is None or not whole else None,
        settings=settings,
    )


def refuse_changed(section: PlanSection, sizes: Mapping[str, ModelSize], place: str) -> None:
    """Raise ConfigError with a line for everything that is no longer as planned: data, models, prices."""
    faults = Faults()

    def changed(what: str) -> None:
        with faults.caught():
            raise ConfigError(
                f"{place}: {what}; plan again with `harness plan`, or run it as it is with --config {place}"
            )

    for task in section.tasks:
        for model in section.models:
            own = sizes[model.name].tasks.get(task.task)
            if own is None or model.name not in task.data:
                continue
            if own.rows != task.rows:
                changed(f"{task.task} had {task.rows} samples when it was planned, and has {own.rows} now")
                break
            if own.data != task.data[model.name]:
                changed(f"the data, page or prompts of {task.task} are no longer those that were planned")
                break
    rows = {task.task: task.rows for task in section.tasks}
    for work in section.work:
        own = sizes[work.model].tasks.get(work.task)
        if own is not None and own.rows == rows.get(work.task) and own.total != work.samples:
            changed(
                f"{work.model} would run {own.total} samples of {work.task}, and `{PLAN}.work` has {work.samples}: "
                "one of the two was edited"
            )
    for model in section.models:
        size = sizes[model.name]
        if model.digest and size.digest and model.digest != size.digest:
            changed(f"the files of {model.name} are no longer those that were planned")
        now = _price(size.price) if size.paid else None
        if model.price != now:
            changed(
                f"the price of {model.name} was {_price_text(model.price)} when it was planned, and is "
                f"{_price_text(now)} now"
            )
    faults.refuse()


def _price(price: Price | None) -> PlannedPrice | None:
    return None if price is None else PlannedPrice(name=price.name, input=price.input, output=price.output)


def _price_text(price: PlannedPrice | None) -> str:
    return "not known" if price is None else f"${price.input:g} in, ${price.output:g} out (a million tokens)"


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
