"""Runs that were read -> rankings: of each suite's mean, and of each task, a table for each protocol.

Guarantees that only runs under one protocol are in one table, unless the caller allows others, which are then named.
Reads nothing: no model, no data set, no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.analysis.estimates import BY_SIZE, SHARED
from harness.analysis.protocol import protocol_differences
from harness.analysis.ranking import Entrant, Ranking, Weights, rank
from harness.analysis.values import NoSampleValues, SampleValues, values_of
from harness.comparison import by_task, difference_text
from harness.datatypes import Record
from harness.engines.base import ONCE_IN_IDENTITY
from harness.results import Estimate
from harness.store.manifest import Manifest

# Fields named of a table under another protocol
NAMED = 4


class Ranked(Protocol):
    """A run to rank: unique label, records (perhaps without texts), first score of each task, score of the suite."""

    @property
    def label(self) -> str: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def records(self) -> Sequence[Record]: ...
    @property
    def primary(self) -> Sequence[Estimate]: ...
    @property
    def overall(self) -> Estimate | None: ...


@dataclass(slots=True)
class _Group:
    """Places of runs under one protocol, and in what it differs from the first group."""

    members: list[int]
    differs: list[str] = field(default_factory=list)


def leaderboards(
    runs: Sequence[Ranked], tasks: Sequence[str] = (), *, allow_protocol: bool = False
) -> tuple[Ranking, ...]:
    """Rank the runs: suites' means first, then each task (of `tasks`, where given; then no means), two runs or more.

    A run that has no other one under its protocol is in a table of its own, so that none is missing.
    """
    values = [_values(run) for run in runs]
    found: list[Ranking] = []
    if not tasks:
        for suite in dict.fromkeys(run.manifest.suite_name for run in runs if run.overall is not None):
            found += _of_suite(suite, runs, values, allow_protocol)
    all_tasks = tasks or list(dict.fromkeys(estimate.task for run in runs for estimate in run.primary))
    for task in all_tasks:
        found += _of_task(task, runs, values, allow_protocol)
    return tuple(found)


def tasks_of_suite(run: Ranked) -> str:
    """Which tasks of its suite the run's mean is over, in words: all, or `2 of 3 tasks` where some were left out."""
    total = len(run.manifest.identity.tasks) + len(run.manifest.left_out)
    return "all tasks" if len(run.primary) >= total else f"{len(run.primary)} of {total} tasks"


def _of_task(
    task: str, runs: Sequence[Ranked], values: Sequence[dict[str, SampleValues]], allow_protocol: bool
) -> list[Ranking]:
    scores = {place: estimate for place, run in enumerate(runs) for estimate in run.primary if estimate.task == task}
    groups = _groups(runs, list(scores), [task], allow_protocol)
    return [
        replace(
            rank(
                task,
                [
                    Entrant(
                        place,
                        runs[place].label,
                        scores[place],
                        {task: values[place][task]} if task in values[place] else {},
                    )
                    for place in group.members
                ],
            ),
            differs=tuple(group.differs),
        )
        for group in groups
    ]


def _of_suite(
    suite: str, runs: Sequence[Ranked], values: Sequence[dict[str, SampleValues]], allow_protocol: bool
) -> list[Ranking]:
    """Means are ranked among runs with the same tasks, a value in each, and the same weights."""
    overall = {
        place: run.overall
        for place, run in enumerate(runs)
        if run.manifest.suite_name == suite and run.overall is not None and run.overall.value is not None
    }
    alike: dict[tuple[str, ...], list[int]] = {}
    for place, estimate in overall.items():
        key = (*sorted(one.task for one in runs[place].primary), estimate.metric, estimate.method)
        alike.setdefault(key, []).append(place)
    found = []
    for places in alike.values():
        first = runs[places[0]]
        tasks = [estimate.task for estimate in first.primary]
        weights = _weights(first)
        for group in _groups(runs, places, tasks, allow_protocol):
            entrants = [
                Entrant(
                    place,
                    runs[place].label,
                    overall[place],
                    {task: values[place][task] for task in tasks} if set(tasks) <= set(values[place]) else {},
                )
                for place in group.members
            ]
            part, differs = tasks_of_suite(first), tuple(group.differs)
            found.append(replace(rank(suite, entrants, weights), part=part, differs=differs))
    return found


def _weights(run: Ranked) -> Weights:
    """How `estimate_suite` weighed the tasks."""
    assert run.overall is not None
    by_size = run.overall.metric.endswith(BY_SIZE)
    sizes = {estimate.task: estimate.n if by_size else 1 for estimate in run.primary}
    shared = run.overall.method in (SHARED.format("macro"), SHARED.format(BY_SIZE))
    return Weights({task: size / sum(sizes.values()) for task, size in sizes.items()}, shared)


def _groups(runs: Sequence[Ranked], places: Sequence[int], tasks: Sequence[str], allow_protocol: bool) -> list[_Group]:
    """Runs that may be compared, each with all others of its group; with `allow_protocol` all are in one."""
    groups: list[_Group] = []
    for place in places:
        fitting = next((g for g in groups if all(not _differs(runs[place], runs[m], tasks) for m in g.members)), None)
        if fitting is not None:
            fitting.members.append(place)
        elif not groups:
            groups.append(_Group([place]))
        else:
            fields = list(_differs(runs[groups[0].members[0]], runs[place], tasks))
            if allow_protocol:
                groups[0].members.append(place)
                groups[0].differs += [f"{runs[place].label}: {text}" for text in _few(fields)]
            else:
                groups.append(_Group([place], _few(fields)))
    return groups


def _differs(a: Ranked, b: Ranked, tasks: Sequence[str]) -> tuple[str, ...]:
    """Settings of the protocol that differ, in words; none: the two may be compared."""
    identities = (a.manifest.identity.written, b.manifest.identity.written)
    return tuple(map(difference_text, protocol_differences(*identities, tasks, ONCE_IN_IDENTITY).refused))


def _few(fields: Sequence[str]) -> list[str]:
    more = [f"and {len(fields) - NAMED} more fields"] if len(fields) > NAMED else []
    return [*fields[:NAMED], *more]


def _values(run: Ranked) -> dict[str, SampleValues]:
    """Each task's values; a task whose metric has none is left out."""
    found: dict[str, SampleValues] = {}
    own = by_task(run.records)
    for estimate in run.primary:
        try:
            values = values_of(own.get(estimate.task, ()), estimate.task, run.manifest.metric(estimate.task))
        except NoSampleValues:
            continue
        if values.samples:
            found[estimate.task] = values
    return found
