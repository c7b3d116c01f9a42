"""Difficulty pages: how hard each item of a benchmark is for models, by public results. Files in `configs/difficulty/`.

A claim about exactly a benchmark's items uses them as a control variate (`stats.control_variate`), so that it takes
fewer samples. Guarantees: a page is used only for samples whose ids, and texts where it has their digest, are those
that its figures were computed on; each page names its sources. Does not know whether a figure is right: a wrong one
costs samples, never error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from harness.catalog import Task
from harness.claims.page import Claim
from harness.claims.runs import task_name
from harness.config import pages
from harness.config.checking import check
from harness.config.section import Name, Section
from harness.config.yaml_page import YamlPage, read, shown
from harness.errors import ConfigError, UserError
from harness.prompts.build import render
from harness.stats.control_variate import STEEPEST

KIND = "configs/difficulty"
# Of `test: {difficulty: none}`
NONE = "none"
DIGITS = 16
# The rounding of a threshold
TINY = 1e-9
# A page without them: a slope of an ordinary set, and answers that follow the figures as they are
SLOPE, DISCRIMINATION = 0.8, 1.0
Share = Annotated[float, Field(ge=0, le=1)]
_SHARES = TypeAdapter(Annotated[dict[str, Share], Field(min_length=2)])


class DifficultyData(Section):
    """The data set whose samples the figures are of, as task pages name it."""

    path: str
    revision: str | None = None
    split: str = "test"


class DifficultySource(Section):
    """Where the results of models were read. `licence`: of the source."""

    url: str
    licence: str
    note: str = ""


class DifficultyPage(Section):
    """The share of models that solved each item; an item without one gets the mean of the others.

    The shares are `solved`, or a JSON `file` beside the page with such a mapping. `tasks`: the tasks with these items,
    and for each the digest of the ids and texts (`text`: a template of the row) of all its samples, with a figure or
    without, or nothing where only ids are compared.
    `item`: what an entry of `solved` is for, a template of the row; without it
    the sample's id. `automatic`: the lowest and highest threshold for which simulations showed that it saves samples
    (`benchmarks/difficulty_ranges.py`), so that claims use it without naming it; without it none does.
    `slope`: of a new model's answers on the figures, by which bets begin; `discrimination`: of the logit of a right
    answer on the logit of the figure, by which stops are predicted.
    """

    name: Name
    about: str
    tasks: dict[str, str | None] = Field(min_length=1)
    data: DifficultyData
    text: str | None = None
    item: str | None = None
    automatic: list[Share] | None = Field(None, min_length=2, max_length=2)
    slope: float = Field(SLOPE, ge=0, le=STEEPEST, strict=False)
    discrimination: float = Field(DISCRIMINATION, ge=0, strict=False)
    models: list[str] = Field([])
    method: str
    sources: list[DifficultySource] = Field(min_length=1)
    solved: dict[str, Share] | None = Field(None, min_length=2)
    file: str | None = None

    @model_validator(mode="after")
    def _holds(self) -> DifficultyPage:
        if (self.solved is None) == (self.file is None):
            raise ValueError("give `solved`, a share of each item, or the name of a JSON `file` with them")
        if self.text is None and (digested := [task for task, digest in self.tasks.items() if digest]):
            raise ValueError(f"`tasks` has a digest of {digested[0]}, and there is no `text` to compute it of")
        if self.automatic is not None and self.automatic[0] > self.automatic[1]:
            raise ValueError(f"`automatic` is [lowest threshold, highest threshold], not {self.automatic}")
        return self

    def used_for(self, threshold: float) -> bool:
        """Whether a claim with this threshold uses it without naming it."""
        return self.automatic is not None and self.automatic[0] - TINY <= threshold <= self.automatic[1] + TINY


@dataclass(frozen=True, slots=True)
class Difficulty:
    """A page with its figures: the share of models that solved each entry, an item or a class of items."""

    page: DifficultyPage
    solved: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """The figures of one task's samples: of which page, the digest of these very figures, and the expected slope.

    `with_own`: samples that have a figure of their own, where the others have the mean; None: all.
    """

    page: str
    models: int
    slope: float
    values: Mapping[str, float]
    with_own: int | None = None

    @property
    def digest(self) -> str:
        """Of sample ids and figures."""
        return _digest({sample: repr(value) for sample, value in self.values.items()})

    def as_record(self) -> dict[str, Any]:
        """The figures as `claim.json` keeps them."""
        some = {} if self.with_own is None else {"with_own": self.with_own}
        return {
            "page": self.page,
            "models": self.models,
            "slope": self.slope,
            **some,
            "digest": self.digest,
            "values": dict(self.values),
        }


@dataclass(frozen=True, slots=True)
class Chosen:
    """The figures of each task of a claim; none with the reason (`why_not`), empty where no page has any."""

    figures: Mapping[str, TaskFigures]
    why_not: str = ""


def figures_in(record: Mapping[str, Any]) -> dict[str, TaskFigures]:
    """The figures of each task, as `claim.json` has them.

    Raises KeyError, TypeError, AttributeError or ValueError for a broken record, such as one of another digest.
    """
    found = {}
    for task, kept in record.items():
        values = {str(sample): float(value) for sample, value in kept["values"].items()}
        own = int(kept["with_own"]) if "with_own" in kept else None
        figures = TaskFigures(str(kept["page"]), int(kept["models"]), float(kept["slope"]), values, own)
        if figures.digest != kept["digest"]:
            raise ValueError(f"the difficulties of {task} are not those of its digest {kept['digest']}")
        found[str(task)] = figures
    return found


def difficulty_page(name: str, beside: Path | None = None) -> tuple[DifficultyPage, YamlPage]:
    """Load a page by name or file, whose name counts from the folder `beside`. Raises UnknownName, ConfigError."""
    own = beside is not None and pages.is_file_name(name) and not Path(name).expanduser().is_absolute()
    page = read(pages.find(KIND, "difficulty page", str(beside / name) if own and beside is not None else name))
    found = check(DifficultyPage, page)
    if found.name != page.path.stem:
        raise ConfigError(f"{page.where(('name',))}name is {found.name!r}, but the file is {page.path.name}")
    return found, page


def difficulty_named(name: str) -> Difficulty:
    """A page with its figures, by name or file. Raises UnknownName, ConfigError."""
    return _filled(*difficulty_page(name))


def difficulty_for(claim: Claim, task: str) -> Difficulty | None:
    """The figures that a claim uses on a task, as far as pages tell; None for none.

    Raises UnknownName or ConfigError for a page that the claim names and that is not there, is faulty, or lacks the
    task.
    """
    wanted, task = claim.test.difficulty, task_name(task)
    if claim.test.about != "benchmark" or wanted == NONE:
        return None
    if wanted is None:
        known = (difficulty_page(name) for name in pages.index(KIND))
        found = (one for one in known if task in one[0].tasks and one[0].used_for(claim.bar))
        return next((_filled(*one) for one in found), None)
    with claim.named_in_errors():
        page, source = difficulty_page(wanted, claim.folder)
    if task not in page.tasks:
        raise ConfigError(
            f"{source.where(('tasks',))}{page.name} has figures for {', '.join(page.tasks)}, and none for the task "
            f"{task!r} of {claim.place}: add it here, or remove `difficulty: {wanted}` there"
        )
    return _filled(page, source)


def _filled(page: DifficultyPage, source: YamlPage) -> Difficulty:
    """The page with the figures of its file. Raises ConfigError for a file that cannot be read or has other things."""
    if page.file is None:
        return Difficulty(page, page.solved or {})
    path = source.path.parent / page.file
    try:
        return Difficulty(page, _SHARES.validate_json(path.read_bytes()))
    except OSError as error:
        raise ConfigError(f"{source.where(('file',))}{shown(path)}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        entry = f"{first['loc'][0]!r}: " if first["loc"] else ""
        raise ConfigError(
            f"{shown(path)}: {entry}{first['msg']}; a file of difficulties is a JSON object that has for each sample "
            "id the share of models that solved it, from 0 to 1"
        ) from None


def choose_figures(claim: Claim, tasks: Sequence[Task]) -> Chosen:
    """The figures of all tasks, where each of them has some; decided before the first answer.

    Raises UserError where the claim names the page and its figures are of other samples, and as `difficulty_for` does.
    """
    found: dict[str, TaskFigures] = {}
    if not {task.name for task in tasks} <= {task_name(one) for one in claim.test.tasks}:
        # A stand-in's own tasks, of which the claim says nothing
        return Chosen({})
    for task in tasks:
        difficulty = difficulty_for(claim, task.name)
        if difficulty is None:
            return Chosen({})
        try:
            found[task.name] = matched(difficulty, task)
        except UserError as error:
            if claim.test.difficulty is not None:
                raise UserError(f"{claim.place}: {error}") from None
            return Chosen({}, f"items' difficulty is not used: {error}")
    return Chosen(found)


def matched(difficulty: Difficulty, task: Task) -> TaskFigures:
    """The figures of a task's samples. Raises UserError where the page's are of other samples."""
    page, solved = difficulty.page, difficulty.solved
    entries = {one.id: render(page.item, one.inputs) if page.item else one.id for one in task.samples}
    unknown = set(solved) - set(entries.values())
    if unknown and page.item is None:
        raise UserError(
            f"the difficulty page {page.name} is of other samples than {task.name} has here: of its {len(solved)} ids "
            f"{len(unknown)} are not among them, such as {min(unknown)!r}; it is of {_data(page)}"
        )
    known = [solved[entry] for entry in entries.values() if entry in solved]
    if len(set(known)) < 2:
        raise UserError(f"the difficulty page {page.name} tells no sample of {task.name} from another")
    wanted = page.tasks.get(task.name)
    if wanted and (got := digest_of(difficulty, task)) != wanted:
        raise UserError(
            f"the difficulty page {page.name} is of other texts or ids than {task.name} has here: the digest of its "
            f"{len(task.samples)} samples is {got}, not {wanted}; it is of {_data(page)}. If the figures are of these "
            f'very samples, write `{task.name}: "{got}"` under `tasks`'
        )
    mean = round(fmean(known), 4)
    values = {sample: solved.get(entry, mean) for sample, entry in entries.items()}
    return TaskFigures(
        page.name, len(page.models), page.slope, values, len(known) if len(known) < len(values) else None
    )


def digest_of(difficulty: Difficulty, task: Task) -> str:
    """The digest of ids and texts of all samples, as `tasks` of a page has it; empty without one.

    Of all, so that it tells of the data set alone: a page may have figures of some samples, and of others later.
    """
    page = difficulty.page
    if page.text is None:
        return ""
    return _digest({one.id: render(page.text, one.inputs) for one in task.samples})


def _data(page: DifficultyPage) -> str:
    revision = f" at {page.data.revision[:12]}" if page.data.revision else ""
    return f"{page.data.path}{revision}, split {page.data.split}"


def _digest(texts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(texts.items())).encode()).hexdigest()[:DIGITS]
