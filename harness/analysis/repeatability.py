"""How much changes when the same samples are requested again: shares with intervals, in numbers and in words.

Guarantees: intervals are exact (Clopper-Pearson) for the shares among all greedy samples of the run, since the samples
were chosen at random. A sample without a second answer enters no share. A check made before its run was scored again
enters no comparison.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.datatypes import Record
from harness.results import Comparison
from harness.stats.proportions import clopper_pearson
from harness.store.repeats import REPEAT_CHECK, RepeatCheck, RepeatedSample, read


@dataclass(frozen=True, slots=True)
class Changed:
    """So many of n changed."""

    changed: int
    n: int

    @property
    def share(self) -> float | None:
        """The share that changed, None of none."""
        return self.changed / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The exact 95 % interval of the share, None of none."""
        return clopper_pearson(self.changed, self.n) if self.n else None


def changed_texts(samples: Iterable[RepeatedSample]) -> Changed:
    """Of the samples that were answered again, those with another text."""
    answered = [sample.text_changed for sample in samples if sample.text_changed is not None]
    return Changed(sum(answered), len(answered))


def changed_scores(samples: Iterable[RepeatedSample]) -> Changed:
    """Of the samples that were scored again, those with another score."""
    pairs = [(sample.first, sample.second) for sample in samples if sample.second is not None]
    return Changed(sum(first != second for first, second in pairs), len(pairs))


def summary(check: RepeatCheck) -> dict[str, Any]:
    """Return the shares as a document, of all samples and by task; shares and bounds are from 0 to 1."""
    tasks = {sample.task: _of_task(check, sample.task) for sample in check.samples}
    return {
        "requested": len(check.samples),
        "eligible": check.eligible,
        "unanswered": len(check.samples) - changed_texts(check.samples).n,
        "all": _shares(check.samples),
        "tasks": {task: _shares(samples) for task, samples in sorted(tasks.items())},
    }


def is_current(check: RepeatCheck, records: Iterable[Record]) -> bool:
    """Whether the records still have the scores that the check compared; not after they were scored again."""
    firsts = {sample.key: sample.first for sample in check.samples}
    return all(
        record.scores[0].value == firsts[record.request.key]
        for record in records
        if record.request.key in firsts and record.scores
    )


def repeat_notes(check: RepeatCheck, records: Iterable[Record]) -> tuple[str, ...]:
    """Return what the table of the run says: all samples first, then each task in which something changed."""
    if not is_current(check, records):
        return (f"Repeat check: made before the run was scored again; delete {REPEAT_CHECK} and make it again.",)
    if not check.samples:
        return ("Repeat check: the run has no scored greedy answer to request again.",)
    held = ": the engine reads them from a file, which says nothing about the model" if check.from_file else ""
    missing = len(check.samples) - changed_texts(check.samples).n
    lost = f"; {missing} without a second answer" if missing else ""
    lines = [
        f"Repeat check: {len(check.samples)} of {check.eligible} greedy answers were requested again{held}: "
        f"{_counted(check.samples)}{lost}."
    ]
    tasks = dict.fromkeys(sample.task for sample in check.samples)
    for task in tasks if len(tasks) > 1 else ():
        samples = _of_task(check, task)
        if changed_texts(samples).changed or changed_scores(samples).changed:
            lines.append(f"Repeat check of {task}: {_counted(samples)}.")
    return tuple(lines)


def differences_within_repeats(
    comparison: Comparison, a: tuple[Path, str, Sequence[Record]], b: tuple[Path, str, Sequence[Record]]
) -> list[str]:
    """Return a warning for each run whose scores change more, requested again, than the two runs differ.

    `a` and `b`: folder, run id and records of each. How much they change is the mean change of a score, whatever its
    sign: of scores 0 and 1 the share that changed. The task's own samples count, all samples where it has none. Raises
    RunFolderError.
    """
    lines = []
    for label, (folder, run_id, records) in ((comparison.a, a), (comparison.b, b)):
        check = read(folder, run_id)
        if check is None or not comparison.difference:
            continue
        own = _of_task(check, comparison.task)
        samples = own if changed_scores(own).n else check.samples
        if abs(comparison.difference) > _mean_change(samples) + 1e-12 or not is_current(check, records):
            continue
        lines.append(
            f"{comparison.task}: the difference of {comparison.difference:+.3f} is within what changes when the same "
            f"samples are requested again: {_words(changed_scores(samples), 'scores')} in {label}"
        )
    return lines


def _mean_change(samples: Sequence[RepeatedSample]) -> float:
    changes = [abs(sample.second - sample.first) for sample in samples if sample.second is not None]
    return math.fsum(changes) / len(changes) if changes else 0.0


def _of_task(check: RepeatCheck, task: str) -> tuple[RepeatedSample, ...]:
    return tuple(sample for sample in check.samples if sample.task == task)


def _shares(samples: Sequence[RepeatedSample]) -> dict[str, Any]:
    return {"texts": _as_values(changed_texts(samples)), "scores": _as_values(changed_scores(samples))}


def _as_values(found: Changed) -> dict[str, Any]:
    low, high = found.interval or (None, None)
    return {"changed": found.changed, "n": found.n, "share": found.share, "low": low, "high": high}


def _counted(samples: Sequence[RepeatedSample]) -> str:
    return ", ".join((_words(changed_texts(samples), "texts"), _words(changed_scores(samples), "scores")))


def _words(found: Changed, what: str) -> str:
    """`2 of 50 scores changed (95 % interval 0.5 to 13.7 %)`."""
    if found.interval is None:
        return f"no {what} to compare"
    low, high = (100 * bound for bound in found.interval)
    return f"{found.changed} of {found.n} {what} changed (95 % interval {low:.1f} to {high:.1f} %)"
