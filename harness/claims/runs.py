"""The run folders that a user gives, and of which model of the claim each of them is.

By the model in the manifest, or as the user declares. Guarantees: a run is never attributed to a model without one of
these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.claims.page import Claim, Party
from harness.claims.protocol import is_named
from harness.config.pages import is_file_name
from harness.config.yaml_page import YamlPage
from harness.datatypes import Record
from harness.errors import UserError
from harness.store.manifest import Manifest
from harness.store.run_folder import read_scores, refuse_shard


@dataclass(frozen=True, slots=True)
class Given:
    """Run folders, by what the user declares them to be. `stand_in`: judge runs of other models separately.

    `allow_protocol`: accept runs whose protocol is not the claim's, with a note.
    """

    runs: tuple[Path, ...] = ()
    subject: tuple[Path, ...] = ()
    comparators: tuple[Path, ...] = ()
    stand_in: bool = False
    allow_protocol: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was read. `given_as`: what the user declares it to be; None leaves it to the manifest."""

    folder: Path
    manifest: Manifest
    records: tuple[Record, ...]
    given_as: str | None = None
    stand_in: bool = False
    allow_protocol: bool = False

    @property
    def model(self) -> str:
        """The model's name in the manifest."""
        return self.manifest.model_name

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of the run."""
        return tuple(self.manifest.identity.tasks)

    def is_of(self, party: Party) -> bool:
        """Whether the run is of this model, by name or by path in the manifest."""
        return is_named(self.model, party) or is_named(self.manifest.model_path, party)


def read_given(given: Given) -> list[Run]:
    """Read all folders. Raises RunFolderError."""
    found = []
    for given_as, folders in ((None, given.runs), ("subject", given.subject), ("comparator", given.comparators)):
        for folder in folders:
            manifest, records = read_scores(folder)
            refuse_shard(folder, manifest)
            found.append(Run(folder, manifest, tuple(records), given_as, given.stand_in, given.allow_protocol))
    return found


def of_subject(runs: Sequence[Run], claim: Claim) -> list[Run]:
    """Runs of the claim's subject."""
    return [run for run in runs if run.given_as == "subject" or (run.given_as is None and run.is_of(claim.subject))]


def of_comparators(runs: Sequence[Run], claim: Claim) -> list[tuple[Run, Party]]:
    """Runs of a comparator, with which one it is. Raises UserError where that is ambiguous."""
    found = []
    for run in runs:
        named = [party for party in claim.comparators if run.is_of(party)]
        if run.given_as == "comparator" and claim.comparators and not named:
            if len(claim.comparators) > 1:
                known = ", ".join(party.model for party in claim.comparators)
                raise UserError(
                    f"{claim.place}: {run.folder} is of {run.model}, which is none of {known}: run it with one of "
                    "these as --model"
                )
            named = [claim.comparators[0]]
        if named and run.given_as != "subject":
            found.append((run, named[0]))
    return found


def standing_in(runs: Sequence[Run], claim: Claim) -> list[Run]:
    """Runs of other models, which the user gives as stand-ins."""
    named = [run for run, _ in of_comparators(runs, claim)] + of_subject(runs, claim)
    return [run for run in runs if run.stand_in and not any(run is other for other in named)]


def task_name(task: str) -> str:
    """The name that runs have for a claim's task: that of the page where the claim names its file."""
    return Path(task).stem if is_file_name(task) else task


def task_file(task: str, page: YamlPage) -> str:
    """A task's name, or its page's file where that lies beside the claim's."""
    beside = page.path.parent / f"{task}.yaml"
    return str(beside) if beside.is_file() and beside != page.path else task


def unused(runs: Sequence[Run], claims: Sequence[Claim]) -> list[Run]:
    """Runs that none of the claims can use."""
    used: list[Run] = []
    for claim in claims:
        used += of_subject(runs, claim) + [run for run, _ in of_comparators(runs, claim)] + standing_in(runs, claim)
    return [run for run in runs if not any(run is other for other in used)]
