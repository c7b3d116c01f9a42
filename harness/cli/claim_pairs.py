"""`harness claim check CLAIM --run --subject MODEL --comparator MODEL`: the models, their progress, and the summary."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from harness.cli.interrupts import leave_to_the_run
from harness.cli.loudness import Loudness
from harness.cli.progress import LINE_SECONDS, Progress
from harness.cli.settings import read_settings
from harness.config.options import RunOptions
from harness.engines import REPLAY_ENGINE
from harness.errors import HarnessError
from harness.report.visible import visible_line

if TYPE_CHECKING:
    from harness.claims.page import Claim
    from harness.claims.paired_running import Side
    from harness.claims.verdict import Verdict
    from harness.config.schema import RunConfig
    from harness.config.yaml_page import YamlPage
    from harness.datatypes import Record

COMPLETIONS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class Models:
    """The models as typed: of --model, which belongs to the one-model case, of --subject and of --comparator."""

    model: str | None
    subject: tuple[str, ...]
    comparators: tuple[str, ...]


class SideProgress(Progress):
    """A Watcher of one of several runs: plain lines that begin with the model, because several bars cannot share one
    terminal.
    """

    def __init__(self, model: str, loudness: Loudness = Loudness.normal) -> None:
        """Keep whose run it is."""
        super().__init__(loudness, live=False)
        self._model = model

    def started(self, total: int, known: int) -> None:
        """Count from here."""
        self._waits = ""
        self._total, self._done = total, known
        self._spoke = time.monotonic()
        if known:
            self._say(f"resuming: {known} already answered")

    def recorded(self, record: Record) -> None:
        """Show a line now and then."""
        self._count(record)
        now = time.monotonic()
        if now - self._spoke >= LINE_SECONDS:
            self._spoke = now
            failed = f", {self._failed} failed" if self._failed else ""
            self._say(f"{self._done} answers{failed}, of at most {self._total}")

    def _say(self, line: str) -> None:
        super()._say(f"{self._model}: {line}")


def run_pairs_until_settled(
    name: str,
    models: Models,
    options: RunOptions,
    settings: list[str],
    *,
    limit: int | None,
    stand_in: bool,
    allow_protocol: bool,
    said: Loudness = Loudness.normal,
    planned: Mapping[str, Any],
) -> tuple[Verdict, list[str], int]:
    """Run the models for one claim until it is settled; return the verdict, lines about the runs, unscored samples.

    `planned`: what the run file of a plan sets.
    """
    from harness.claims.check import check_by_running_pairs
    from harness.claims.early_stopping import SampleOrder
    from harness.claims.paired_claim import paired_error_rates
    from harness.claims.test_choice import samples_of

    sides = sides_of(name, models, options, settings, stand_in=stand_in, said=said, planned=planned)
    order = SampleOrder(sides[0].config.seed, limit)
    leave_to_the_run()
    try:
        verdict, test, results = check_by_running_pairs(name, sides, order, sys.argv, allow_protocol=allow_protocol)
    except (HarnessError, KeyboardInterrupt) as error:
        notes = getattr(error, "__notes__", [])
        for note in notes:
            print(visible_line(f"harness: {note}"), file=sys.stderr)
        # What is printed behind the error itself are its own further lines
        notes.clear()
        if isinstance(error, HarnessError):
            raise
        print("harness: interrupted; run the same command again to resume", file=sys.stderr)
        raise typer.Exit(130) from None
    total = len(test.order)
    lines = [
        f"{side.config.model.name}: ran {(ran := samples_of(result.scored))} of {total} samples, "
        f"{f'stopped at the limit of {limit}' if test.at_limit else f'{total - ran} saved'}; run folder {result.folder}"
        for side, result in zip(sides, results, strict=True)
    ]
    if test.unscored:
        lines.append(f"{test.unscored} pairs have an unscored side: missing, not counted for either model")
    missing = sum(estimate.unscored for result in results for estimate in result.estimates)
    return verdict, [*lines, f"{paired_error_rates(test.claim)}."], missing


def sides_of(
    name: str,
    models: Models,
    options: RunOptions,
    settings: list[str],
    *,
    stand_in: bool,
    said: Loudness = Loudness.normal,
    planned: Mapping[str, Any] | None = None,
) -> list[Side]:
    """The runs for a claim: its tasks and protocol, the subject's model first.

    Raises UserError for a claim that cannot stop early, and for models that are not the claim's without --stand-in.
    """
    from harness.claims.check import is_subject, one_claim, party_of
    from harness.claims.paired_claim import refuse_unless_pairable
    from harness.claims.paired_running import Side
    from harness.config.building import config_keys
    from harness.errors import UserError

    claim, page = one_claim(name)
    refuse_unless_pairable(claim)
    if models.model is not None:
        raise UserError(
            f"{claim.place}: --model is for a claim of one model: name the models with --subject and --comparator"
        )
    if len(models.subject) != 1 or not models.comparators:
        raise UserError(f"{claim.place}: --run takes one --subject MODEL and at least one --comparator MODEL")
    typed = [*models.subject, *models.comparators]
    tasks = _tasks(claim, page, typed)
    keys = dict(planned or {}) | config_keys(options, read_settings(settings))
    configs = [_config(claim, tasks, model, options, keys) for model in typed]
    names = [config.model.name for config in configs]
    if len(set(names)) < len(names):
        raise UserError(f"{claim.place}: the models need different names (found {', '.join(names)})")
    sides = [Side(configs[0], claim.subject if is_subject(claim, configs[0]) else None, SideProgress(names[0], said))]
    sides += [Side(config, party_of(claim, config), SideProgress(config.model.name, said)) for config in configs[1:]]
    known = [party.model for party in claim.comparators]
    foreign = [side.config.model.name for side in sides if side.party is None]
    if foreign and not stand_in:
        raise UserError(
            f"{claim.place}: {', '.join(foreign)}: not {claim.subject.model}, or none of {', '.join(known)}, "
            f"which {claim.id} "
            "compares, so nothing is decided about these; pass --stand-in to judge the models separately"
        )
    parties = [side.party.model for side in sides[1:] if side.party is not None]
    missing = [model for model in known if model not in parties]
    if not foreign and (missing or len(set(parties)) < len(parties)):
        wanted = f"--comparator for {', '.join(missing)}" if missing else "one model for each comparator"
        raise UserError(f"{claim.place}: give {wanted} too: the claim compares with {', '.join(known)}")
    return [side if foreign else _prompted(claim, side) for side in sides]


def _tasks(claim: Claim, page: YamlPage, models: Sequence[str]) -> list[str]:
    """The claim's tasks; the stand-in's own where one of the models is the stand-in that it names."""
    from harness.claims.check import run_tasks
    from harness.config.pages import label

    own = claim.subject.stand_in
    chosen = next(
        (model for model in models if own is not None and label(model).casefold() == label(own.model).casefold()), ""
    )
    return run_tasks(claim, page, chosen)


def _config(claim: Claim, tasks: Sequence[str], model: str, options: RunOptions, keys: dict[str, Any]) -> RunConfig:
    """One model's run: its folder has its name where --out names one for all of them."""
    from harness.claims.check import run_settings
    from harness.claims.early_stopping import SUITE_PREFIX
    from harness.config.building import run_config
    from harness.errors import UserError

    if options.get("completions"):
        raise UserError(
            f"{claim.place}: --completions is of one model: give each model's file as --subject FILE and "
            "--comparator FILE"
        )
    named: str | None = model
    if model.endswith(COMPLETIONS):
        keys, named = {**keys, "engine.name": REPLAY_ENGINE, "engine.completions": model}, None
    config = run_config(named, None, tasks, run_settings(claim, tasks) | keys, "the command line")
    if config.out:
        config = config.model_copy(update={"out": str(Path(config.out) / config.model.name)})
    suite = config.suite.model_copy(update={"name": f"{SUITE_PREFIX}{claim.id}"})
    return config.model_copy(update={"suite": suite})


def _prompted(claim: Claim, side: Side) -> Side:
    """The same run with prompts of the claim's style, where the model's page leaves it open."""
    from dataclasses import replace

    model = side.config.model
    if claim.protocol.prompt is None or model.style != "auto":
        return side
    model = model.model_copy(update={"style": claim.protocol.prompt})
    return replace(side, config=side.config.model_copy(update={"model": model}))
