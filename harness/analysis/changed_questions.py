"""What a run's manifest and records say about its changed questions (`--perturb`): the paired sets, and their facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.cautions import NotChanged
from harness.analysis.drops import PairedSets, paired_sets
from harness.analysis.number_sizes import NumberSizes
from harness.analysis.related_tasks import suite_of
from harness.analysis.values import NoSampleValues
from harness.config.perturbing import KEY, original_of
from harness.datatypes import Record
from harness.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ChangedTask:
    """A task and that of its changed questions, by name; `about`: what was changed; `left_out`: samples by reason.

    `numbers`, `answers`: their sizes before and after; None where there are none.
    """

    task: str
    changed: str
    about: str
    kept: int
    left_out: Mapping[str, int]
    numbers: NumberSizes | None
    answers: NumberSizes | None


@dataclass(frozen=True, slots=True)
class ChangedQuestions:
    """The changed tasks of a run, their paired sets, and lines about those that have none."""

    tasks: tuple[ChangedTask, ...]
    sets: tuple[PairedSets, ...]
    warnings: tuple[str, ...]


def changed_tasks(manifest: Manifest) -> tuple[ChangedTask, ...]:
    """Return the pairs of tasks of a run. Raises ConfigError where the manifest holds no suite that is known."""
    known = set(manifest.identity.tasks)
    found = []
    for entry in suite_of(manifest).tasks:
        original = original_of(entry)
        if original is None or original not in known or entry.label not in known:
            continue
        facts: Mapping[str, Any] = manifest.tasks[entry.label].get("perturbed") or {}
        found.append(
            ChangedTask(
                original,
                entry.label,
                str(facts.get("about", "")),
                int(facts.get("kept", 0)),
                {str(reason): int(count) for reason, count in (facts.get("left_out") or {}).items()},
                _sizes(facts.get("numbers")),
                _sizes(facts.get("answers")),
            )
        )
    return tuple(found)


def changed_questions(run: str, manifest: Manifest, records: Sequence[Record]) -> ChangedQuestions:
    """Pair the records of a run, labelled `run`. Raises ConfigError as `changed_tasks` does."""
    tasks, sets, warnings = changed_tasks(manifest), [], []
    for pair in tasks:
        try:
            own = paired_sets(run, records, pair.task, pair.changed, manifest.metric(pair.task))
        except NoSampleValues as error:
            warnings.append(f"{pair.changed}: no paired drop: {error}")
            continue
        if own is None:
            warnings.append(f"{pair.changed}: no paired drop: no sample is scored both as it is and changed")
        else:
            sets.append(own)
            if own.unscored:
                warnings.append(
                    f"{pair.changed}: {own.unscored} samples are in no paired drop: they are not scored both ways"
                )
    return ChangedQuestions(tasks, tuple(sets), tuple(warnings))


def not_changed(manifest: Manifest, task: str) -> NotChanged | None:
    """Return how many samples of a run's task are not run because they have no changed questions.

    None for a task of changed questions, or without. Raises ConfigError as `changed_tasks` does.
    """
    facts = manifest.tasks[task].get("perturbed")
    if not facts:
        return None
    spec = next((entry.set.get(KEY) for entry in suite_of(manifest).tasks if entry.label == task), None)
    if not isinstance(spec, Mapping) or spec.get("of"):
        return None
    gone = sum(int(count) for count in (facts.get("left_out") or {}).values())
    return NotChanged(str(spec["by"]), gone, gone + int(facts.get("kept", 0)))


def _sizes(facts: Any) -> NumberSizes | None:
    if not isinstance(facts, Mapping):
        return None
    return NumberSizes(
        int(facts["n"]), float(facts["digits_before"]), float(facts["digits_after"]), float(facts["distance"])
    )
