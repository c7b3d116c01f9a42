"""What a perturbation is: a plug-in that makes other questions of a sample, or says why it cannot.

A file with `build(options) -> Perturbation`; its name is what `--perturb` takes. It gets one sample at a time, with the
columns that templates use (after the page's Python file), and returns changed columns; the harness binds them with the
page's own templates, so that prompts and gold answers are made as those of the unchanged sample. Guarantees expected
of it: the same sample, seed and number of draws give the same variants, whatever other samples there are; a variant
differs from its original and from the other variants; where the right answer is not certain, it makes none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol, runtime_checkable

from harness.config.task_page import TaskPage
from harness.datatypes import Reference, Sample


@dataclass(frozen=True, slots=True)
class PerturbOptions:
    """What the user sets. `file`: where a perturbation takes its questions from, if it takes them from a file."""

    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """A sample to be changed, and its page; `bind` makes the sample of other columns by the page's templates.

    `bind` raises DataError where a template cannot be filled, or an answer is blank.
    """

    page: TaskPage
    sample: Sample
    bind: Callable[[Mapping[str, Any]], Sample]

    @property
    def columns(self) -> Mapping[str, Any]:
        """The row's columns, as templates use them."""
        return self.sample.inputs


@dataclass(frozen=True, slots=True)
class Variant:
    """A changed question: all `columns` of its row.

    `label` says how it was made, in letters, digits and dashes, and is a part of the sample's id. `reference` and
    `gold` replace what the page's templates make of the columns, where these cannot make it. `cluster`: variants of
    other samples that were made from the same material (a template) are not independent of this one. `sizes`: pairs of
    the number in the original and the number in its place here, as far as there is one, for the report of sizes.
    """

    columns: Mapping[str, Any]
    label: str
    reference: Reference | None = None
    gold: str | None = None
    cluster: str | None = None
    sizes: Sequence[NumberPair] = field(default=())


@dataclass(frozen=True, slots=True)
class NumberPair:
    """A number of the original, and what it is in the variant; texts as they are written."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a sample has no variants, in a few words that other samples share: they are counted by it."""

    reason: str


class Perturbation(Protocol):
    """One way of changing questions.

    `identity`: what must be equal for two runs to have the same variants (a version of the rules, the hash of a file).
    `about`: one line for tables, such as "numbers redrawn".
    """

    @property
    def identity(self) -> Mapping[str, Any]:
        """JSON values, in the order that they are to be shown."""

    @property
    def about(self) -> str:
        """What was changed, in two or three words."""

    def refusal(self, page: TaskPage) -> str:
        """Return why a task can have no variants of this kind at all ("it has no options"); "" where it can."""

    def variants(self, original: Original, draws: int, random: Random) -> Sequence[Variant] | LeftOut:
        """Return one to `draws` variants that differ, or why there is none."""


@runtime_checkable
class NamesSamples(Protocol):
    """A perturbation from a file whose lines name samples."""

    def check_ids(self, page: TaskPage, ids: Collection[str]) -> None:
        """Raise DataError with the line that names a sample which is none of the task's, `ids`."""


Build = Callable[[PerturbOptions], Perturbation]
