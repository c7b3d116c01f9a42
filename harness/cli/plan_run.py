"""`harness run --plan FILE`: the models of a plan one after the other, then what was planned against what it took."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from harness.cli.loudness import Loudness

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.config.run_file import RunChoices
    from harness.config.schema import RunConfig
    from harness.planning.outcome import ModelOutcome
    from harness.planning.page import PlanSection
    from harness.planning.sizes import ModelSize
    from harness.run import Result


@dataclass(frozen=True, slots=True)
class PlanWords:
    """The command line besides the options of a run."""

    file: Path
    config_file: Path | None
    save_config: Path | None
    dry_run: bool
    as_json: bool
    report: bool
    said: Loudness


def run_plan(words: PlanWords, line: RunChoices) -> None:
    """Check that the plan still holds, run its models, and print planned against real.

    Raises ConfigError for what a plan fixes, and where data, models or prices have changed since.
    """
    from harness.planning.page import read_plan, refuse_changed

    section = read_plan(words.file)
    _refuse_others(words, line)
    configs, notes = planned_configs(words.file, section, line)
    for note in notes:
        print(f"harness: {note}", file=sys.stderr)
    if words.dry_run:
        from harness.cli.preview import show_preview

        for place, config in enumerate(configs.values()):
            print("\n" * bool(place), end="")
            show_preview(config, as_json=words.as_json, said=words.said)
        return
    sizes = planned_sizes(section, configs, words.said)
    refuse_changed(section, sizes, str(words.file))
    _run_all(words, section, configs, sizes)


def _refuse_others(words: PlanWords, line: RunChoices) -> None:
    from harness.errors import ConfigError

    fixed: dict[str, object] = {
        "--model": line.model,
        "--suite": line.suite,
        "--tasks": line.tasks,
        "--sweep": line.sweep or None,
    }
    fixed |= {"--config": words.config_file, "--save-config": words.save_config, "--fail-under": line.gates or None}
    fixed |= {f"--{key.replace('_', '-')}": line.settings.get(key) for key in ("limit", "limit_seed", "shard")}
    fixed |= {"--report": words.report or None}
    given = [option for option, value in fixed.items() if value is not None]
    if given:
        raise ConfigError(
            f"{', '.join(given)}: a plan says what is run; leave it out, or run the file of one model with "
            f"--config {words.file}"
        )


def planned_configs(file: Path, section: PlanSection, line: RunChoices) -> tuple[dict[str, RunConfig], list[str]]:
    """Return the config of each model by its name in tables, each on its own tasks; and notes."""
    from harness.config.run_file import config_of, foreign_code, merged, read_run_file

    chosen = read_run_file(file)
    every = {task.task for task in section.tasks}
    configs: dict[str, RunConfig] = {}
    notes: list[str] = []
    for model in section.models:
        own = replace(chosen, model=model.given)
        choices, said = merged(own, line)
        config = config_of(choices)
        tasks = section.tasks_of(model.name)
        if set(tasks) != every:
            kept = tuple(entry.task for entry in config.suite.tasks if entry.label in tasks)
            settings = {
                key: value
                for key, value in choices.settings.items()
                if not key.startswith("tasks.") or key.split(".")[1] in tasks
            }
            config = config_of(replace(choices, suite=None, tasks=kept, settings=settings))
        if config.out:
            config = config.model_copy(update={"out": str(Path(config.out) / model.name)})
        if section.unit == "dollars":
            # The ledger of all models keeps it
            budget = config.budget.model_copy(update={"max_cost": config.budget.max_cost or section.amount})
            config = config.model_copy(update={"budget": budget})
        notes += [note for note in (*said, *foreign_code(own, line, config)) if note not in notes]
        configs[model.name] = config
    return configs, notes


def planned_sizes(section: PlanSection, configs: Mapping[str, RunConfig], said: Loudness) -> dict[str, ModelSize]:
    """Bind the tasks for each model of a plan, by its name in tables."""
    from harness.cli.progress import Progress
    from harness.planning.sizes import model_size

    given = {model.name: model.given for model in section.models}
    with Progress(said) as progress:
        return {name: model_size(given[name], config, progress.waiting) for name, config in configs.items()}


def _run_all(
    words: PlanWords, section: PlanSection, configs: Mapping[str, RunConfig], sizes: Mapping[str, ModelSize]
) -> None:
    """Run each model with its own progress; all share the ledger of a budget in dollars."""
    import json

    from harness.cli import output
    from harness.cli.progress import Progress
    from harness.cli.screen import console
    from harness.cost.budget import Spending
    from harness.planning.outcome import outcome, outcome_document, outcome_table
    from harness.report.terminal import print_table
    from harness.run import evaluate
    from harness.store.run_folder import read_scores

    spending = Spending()
    results: dict[str, Result] = {}
    found: list[ModelOutcome] = []
    try:
        for name, config in configs.items():
            with Progress(words.said) as progress:
                results[name] = evaluate(config, sys.argv, progress, spending=spending)
            result = results[name]
            if not words.as_json:
                print("\n" * bool(found), end="")
                output.show(result, as_json=False, folded=words.said is not Loudness.verbose)
                if words.said is not Loudness.quiet:
                    print(f"\nThe run is finished: {result.folder}")
            else:
                _publish(result)
            manifest, records = read_scores(result.folder)
            found.append(outcome(section, name, result.folder, manifest, records, sizes[name].price))
    except KeyboardInterrupt:
        print("harness: interrupted; run the same command again to resume", file=sys.stderr)
        raise typer.Exit(130) from None
    if words.as_json:
        document: dict[str, Any] = {
            "runs": {name: str(result.folder) for name, result in results.items()},
            "planned_and_real": outcome_document(found),
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print()
        print_table(outcome_table(section, found), console())
        for hint in next_steps(section, list(results.values())) if words.said is not Loudness.quiet else ():
            print(hint)
    for result in results.values():
        output.exit_for(result)


def _publish(result: Result) -> None:
    from harness.publish import publish

    publish(result)


def next_steps(section: PlanSection, results: Sequence[Result]) -> list[str]:
    """How to judge or compare the finished runs; stand-ins are judged only where that is asked for."""
    folders = " ".join(str(result.folder) for result in results)
    if section.claims:
        return [
            "",
            *(
                f"The verdict: harness claim check {claim} {folders}{' --stand-in' * (claim in section.stand_ins)}"
                for claim in section.claims
            ),
        ]
    return ["", f"The difference: harness compare {folders}"] if len(results) > 1 else []
