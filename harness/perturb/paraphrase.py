"""`--perturb paraphrase`: questions in other words, which the user brings in a file (`--perturb-file`).

Guarantees: the right answer stays what it was, or the line is refused; a line that changes nothing that a model sees is
refused too. Whether a wording still means the same is up to its author.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, get_args

from harness.config.task_page import TaskPage
from harness.datatypes import Choice, Reference, Sample, Style, Tests
from harness.errors import ConfigError, DataError, suggestion
from harness.perturb.base import LeftOut, Original, Perturbation, PerturbOptions, Variant
from harness.perturb.wordings import Wording, read_wordings
from harness.prompts.build import question_text

VERSION = 1
# Columns with the question, as data sets call them
QUESTIONS = ("question", "problem", "Problem", "text", "prompt", "input", "query", "goal", "premise", "question_stem")


@dataclass(frozen=True, slots=True)
class Paraphrased:
    """Takes other wordings of a sample from a file."""

    path: Path
    wordings: tuple[Wording, ...]
    digest: str
    about: str = "in other words"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The file's hash."""
        return {"by": "paraphrase", "version": VERSION, "file": self.digest}

    def refusal(self, page: TaskPage) -> str:
        """Return why a task has no wordings: every line is of another task."""
        if self._of(page):
            return ""
        tasks = ", ".join(sorted({each.task or "" for each in self.wordings}))
        return f"no line of {self.path} is of this task; they are of {tasks}"

    def variants(self, original: Original, draws: int, random: Random) -> Sequence[Variant] | LeftOut:
        """Return the first `draws` wordings of the sample, in the order of the file. Raises DataError with the line."""
        own = [each for each in self._of(original.page) if each.id == original.sample.id]
        if not own:
            return LeftOut("the file has no other wording of it")
        # All are checked, so that a larger number of draws brings no new fault
        return [Variant(self._columns(original, each), "paraphrase") for each in own][:draws]

    def check_ids(self, page: TaskPage, ids: Collection[str]) -> None:
        """Raise DataError for a line of a sample that the task, whose sample ids are `ids`, does not have."""
        for each in self._of(page):
            if each.id not in ids:
                close = suggestion(each.id, list(ids))
                raise DataError(f"{self.path}:{each.line}: {_task(page)} has no sample {each.id!r}{close}")

    def _of(self, page: TaskPage) -> list[Wording]:
        return [each for each in self.wordings if each.task in (None, _task(page))]

    def _columns(self, original: Original, wording: Wording) -> dict[str, Any]:
        """The columns in other words. Raises DataError with the line."""
        place = f"{self.path}:{wording.line}"
        columns = original.columns
        fields = wording.fields or {_question_column(place, original): wording.text or ""}
        for name, text in fields.items():
            if name not in columns:
                raise DataError(f"{place}: the rows have no column {name!r}; they have {', '.join(columns)}")
            if not isinstance(columns[name], str):
                raise DataError(f"{place}: the column {name!r} is no text, so it cannot be put in other words")
            if " ".join(text.split()) == " ".join(columns[name].split()):
                raise DataError(f"{place}: {name!r} is the same text as in sample {wording.id!r} itself")
        changed = {**columns, **fields}
        try:
            bound = original.bind(changed)
            before, after = (list(_shown(original.page, each)) for each in (original.sample, bound))
        except (ConfigError, DataError) as error:
            raise DataError(
                f"{place}: the page cannot use this wording of sample {wording.id!r} ({', '.join(fields)}): {error}"
            ) from None
        if _right(bound.reference) != _right(original.sample.reference):
            raise DataError(f"{place}: it changes the right answer of sample {wording.id!r}")
        if before and before == after:
            raise DataError(f"{place}: the prompt stays as it is: it does not show {', '.join(fields)}")
        return changed


def _task(page: TaskPage) -> str:
    spec = page.data.perturbed
    return spec.of if spec is not None and spec.of else page.name


def _question_column(place: str, original: Original) -> str:
    """The column that `text` replaces. Raises DataError where it is not clear."""
    spec = original.page.perturb
    if spec is not None and isinstance(spec.question, str):
        return spec.question
    found = [name for name in QUESTIONS if isinstance(original.columns.get(name), str)]
    if len(found) != 1:
        raise DataError(
            f"{place}: which column has the question is not clear ({', '.join(found) or 'none of the usual names'}); "
            f"write `fields` in place of `text`, with some of {', '.join(original.columns)}"
        )
    return found[0]


def _right(reference: Reference) -> Any:
    """What must stay in other words: which option is right, what tests are run, the answer."""
    if isinstance(reference, Choice):
        return len(reference.options), reference.right
    if isinstance(reference, Tests):
        return reference.tests, reference.cases, reference.entry_point
    return reference


def _shown(page: TaskPage, sample: Sample) -> Iterator[str]:
    """The question in the page's prompts; none where each prompt is of one option."""
    choice = page.reference.choice
    if choice is None or choice.options_in != "prompt":
        for style in get_args(Style):
            if getattr(page.prompt, style) is not None:
                yield question_text(page.prompt, style, sample.inputs)


def build(options: PerturbOptions) -> Perturbation:
    """Read the file. Raises ConfigError without one, DataError with the line of a fault."""
    if options.file is None:
        raise ConfigError(
            "--perturb paraphrase needs --perturb-file FILE: JSON lines with `id` and `text`, questions in other words"
        )
    wordings = read_wordings(options.file)
    return Paraphrased(options.file, wordings, hashlib.sha256(options.file.read_bytes()).hexdigest())
