"""`harness claim check CLAIM --plan FILE`: the models of a plan, its settings, and its samples as the budget."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.loudness import Loudness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.claims.page import Claim
    from harness.config.options import RunOptions
    from harness.config.yaml_page import YamlPage
    from harness.planning.page import PlanSection


@dataclass(frozen=True, slots=True)
class PlannedClaim:
    """What a plan says of one claim: the models as they were named, what the run file sets, and the most samples."""

    models: tuple[str, ...]
    settings: Mapping[str, Any]
    limit: int


def refuse_beside_a_plan(**given: object) -> None:
    """Raise ConfigError for options that the plan fixes."""
    from harness.errors import ConfigError

    if said := [f"--{word}" if word != "runs" else "run folders" for word, value in given.items() if value]:
        raise ConfigError(f"{', '.join(said)}: --plan names the models and the samples; leave it out")


def planned_claim(name: str, file: Path, options: RunOptions, settings: list[str], said: Loudness) -> PlannedClaim:
    """Read a plan of this claim, and check that it still holds.

    Raises ConfigError for a plan of something else, and where data, pages, prompts, models or prices have changed.
    """
    from harness.claims.check import one_claim
    from harness.cli.plan_run import planned_configs, planned_sizes
    from harness.cli.run import read_choices
    from harness.config.run_file import read_run_file
    from harness.errors import ConfigError
    from harness.planning.page import read_plan, refuse_changed

    section = read_plan(file)
    claim, page = one_claim(name)
    if not any(_is_claim(one, claim, page) for one in section.claims):
        of = ", ".join(section.claims) or "no claim"
        raise ConfigError(
            f"--plan {file}: is a plan for {of}, not for {claim.id}: make one with `harness plan {name} --out FILE`"
        )
    configs, _ = planned_configs(file, section, read_choices(None, None, None, options, settings, [], []))
    refuse_changed(section, planned_sizes(section, configs, said), str(file))
    models = tuple(model.given for model in section.models)
    return PlannedClaim(models, kept(read_run_file(file).settings), _samples(section, claim, page, file))


def kept(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A plan's settings but its run folder and the parts of its tasks: a claim has its own."""
    return {key: value for key, value in settings.items() if key != "out" and not key.endswith(".data.sample")}


def _samples(section: PlanSection, claim: Claim, page: YamlPage, file: Path) -> int:
    """The samples of the claim's tasks, each counted once whatever the number of models."""
    from harness.claims.check import run_tasks
    from harness.errors import ConfigError

    planned: dict[str, int] = {}
    for line in section.work:
        planned[line.task] = min(line.samples, planned.get(line.task, line.samples))
    own = [{Path(task).stem for task in run_tasks(claim, page, model.given)} for model in section.models]
    tasks = max(own, key=lambda names: len(names & set(planned)))
    if missing := sorted(tasks - set(planned)):
        raise ConfigError(
            f"--plan {file}: has no samples of {', '.join(missing)}, which {claim.id} needs: give `harness plan` "
            "a larger --budget"
        )
    return sum(planned[task] for task in tasks)


def _is_claim(planned: str, claim: Claim, page: YamlPage) -> bool:
    """Whether an entry of the plan, an id or FILE:id, is this claim."""
    file, _, own = planned.rpartition(":")
    return own == claim.id and (not file or Path(file).expanduser().resolve() == page.path.resolve())
