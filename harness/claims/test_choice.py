"""Which sequential test a claim's samples get: by what their values may be, and by whether they are clustered.

It is decided from the task pages before the first answer, and recorded in `claim.json`: a choice by the answers seen so
far would depend on them. Right or wrong answers to independent samples: `sequential_test` (one model) or the walk of
wins and losses (several); anything else: bets (`stats.bets`). One model on exactly these items, whose difficulty is
known: `difficulty_test`. Samples of one group are drawn together; groups matter for a skill only, because a random
order is enough for exactly these items.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.analysis.values import NoSampleValues, values_of
from harness.catalog import Task
from harness.claims.difficulty import TaskFigures, figures_in
from harness.claims.ordered_test import SampleKey, random_order
from harness.claims.page import Claim
from harness.datatypes import Record
from harness.errors import UserError


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is known of the samples before the first answer.

    `graded`: tasks whose values may be other than 0 and 1; `groups`: the group of each clustered sample; `largest`:
    samples in the largest group of each clustered task; `repeats`: completions of each sample, where more than one;
    `difficulty`: the figures of each task's items, where the test uses them.
    """

    graded: frozenset[str] = frozenset()
    groups: Mapping[SampleKey, str] = field(default_factory=dict)
    largest: Mapping[str, int] = field(default_factory=dict)
    repeats: Mapping[str, int] = field(default_factory=dict)
    difficulty: Mapping[str, TaskFigures] = field(default_factory=dict)

    @property
    def simple(self) -> bool:
        """Whether all values are 0 or 1 and all samples independent."""
        return not self.graded and not self.groups

    def largest_of(self, task: str) -> int:
        """Samples in the task's largest cluster; 1 where its samples are independent."""
        return self.largest.get(task, 1)

    def units(self, order: Sequence[SampleKey]) -> list[list[SampleKey]]:
        """The order as clusters; an independent sample is one of its own."""
        found: list[list[SampleKey]] = []
        for key in order:
            group = self.groups.get(key)
            if found and group is not None and found[-1][0][0] == key[0] and self.groups.get(found[-1][0]) == group:
                found[-1].append(key)
            else:
                found.append([key])
        return found

    def as_record(self, order: Sequence[SampleKey]) -> dict[str, Any]:
        """The kinds as they are kept in `claim.json`; `groups` has an entry for each sample of the order."""
        kept = {
            "graded": sorted(self.graded),
            "groups": [self.groups.get(key) for key in order] if self.groups else [],
            "largest": dict(self.largest),
            "repeats": dict(self.repeats),
        }
        figured = {task: one.as_record() for task, one in self.difficulty.items()}
        return kept | ({"difficulty": figured} if figured else {})


def kinds_of(claim: Claim, tasks: Sequence[Task]) -> Kinds:
    """What the task pages say of the samples."""
    graded: set[str] = set()
    repeats: dict[str, int] = {}
    groups: dict[SampleKey, str] = {}
    largest: dict[str, int] = {}
    for task in tasks:
        if task.page.repeats > 1:
            repeats[task.name] = task.page.repeats
        if task.page.repeats > 1 or not task.scorers[0].binary:
            graded.add(task.name)
        if claim.test.about != "skill":
            continue
        sizes = Counter(sample.group for sample in task.samples if sample.group is not None)
        if sizes and max(sizes.values()) > 1:
            largest[task.name] = max(sizes.values())
            groups |= {(task.name, one.id): one.group for one in task.samples if one.group is not None}
    return Kinds(frozenset(graded), groups, largest, repeats)


def kinds_in(record: Mapping[str, Any], order: Sequence[SampleKey]) -> Kinds:
    """The kinds in `claim.json`; one from before there were any has simple samples. Raises KeyError, TypeError,
    ValueError or AttributeError for a broken record.
    """
    kept = record.get("kinds")
    if kept is None:
        return Kinds()
    groups = kept["groups"] or [None] * len(order)
    named = {key: str(group) for key, group in zip(order, groups, strict=True) if group is not None}
    largest, repeats = ({str(task): int(n) for task, n in kept[name].items()} for name in ("largest", "repeats"))
    difficulty = figures_in(kept.get("difficulty", {}))
    return Kinds(frozenset(map(str, kept["graded"])), named, largest, repeats, difficulty)


def drawn_order(pairs: Sequence[SampleKey], kinds: Kinds, seed: int, most: int | None = None) -> list[SampleKey]:
    """All samples as whole clusters in random order; without clusters as `random_order`.

    The same whatever the limit, which would else set the looks of the test. Raises UserError where `most` samples do
    not reach for the first cluster.
    """
    if not kinds.groups:
        return random_order(pairs, seed)
    clusters: dict[tuple[str, str, str], list[SampleKey]] = {}
    for task, sample in sorted(pairs):
        group = kinds.groups.get((task, sample))
        name = (task, "sample", sample) if group is None else (task, "group", group)
        clusters.setdefault(name, []).append((task, sample))
    names = sorted(clusters)
    random.Random(seed).shuffle(names)
    order: list[SampleKey] = []
    for name in names:
        order += clusters[name]
    if names and most is not None and len(clusters[names[0]]) > most:
        raise UserError(f"--limit {most} is less than the first group of samples; groups are drawn whole")
    return order


def samples_of(records: Iterable[Record]) -> int:
    """How many samples the records are of: each is counted once, whatever its repeats."""
    return len({(one.request.task, one.request.sample_id) for one in records})


def values_so_far(metrics: Mapping[str, str], kinds: Kinds, records: Iterable[Record]) -> dict[SampleKey, float | None]:
    """Return the value of each sample that has all its answers, None where it is unscored.

    Raises UserError for a task without a value from 0 to 1 per sample, and for values other than 0 and 1 where the task
    page says that there are none.
    """
    everything = list(records)
    answered = Counter((one.request.task, one.request.sample_id) for one in everything)
    values: dict[SampleKey, float | None] = {}
    for task, metric in metrics.items():
        wanted = kinds.repeats.get(task, 1)
        whole = [
            one for one in everything if one.request.task == task and answered[task, one.request.sample_id] >= wanted
        ]
        try:
            own = values_of(whole, task, metric)
        except NoSampleValues as error:
            raise UserError(f"{task}: early stopping needs a score from 0 to 1 for each sample: {error}") from None
        if task not in kinds.graded and not own.zero_or_one:
            raise UserError(
                f"{task}: early stopping needs samples that are right or wrong, as its page says they are; {metric} "
                "gives other values, too"
            )
        values |= {(task, sample.sample_id): sample.value for sample in own.samples}
        values |= {(task, name): None for name in own.unscored}
    return values
