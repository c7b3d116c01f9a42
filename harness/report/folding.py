"""Warnings of many tasks as few lines: one line for all tasks that have the same kind of warning.

Warnings are of one kind when they differ in their numbers, or in what they quote at their end, only. The line of a kind
has the lowest and the highest of each number, and the example of the first task.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.results import Estimate

# Tasks named in one line; of more, the first ones and how many more
NAMED = 4
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")
EXAMPLE = re.compile(r" \((?:the first|e\.g\.|for example)\b.*\)$", re.DOTALL)


def warning_lines(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """Return all warnings as `task: warning`, each once, though several metrics of a task may have it."""
    return tuple(dict.fromkeys(f"{e.task}: {warning}" for e in estimates for warning in e.warnings))


def folded_warnings(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """The same warnings, one line for each kind that more than NAMED tasks have."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for estimate in estimates:
        for warning in estimate.warnings:
            own = kinds.setdefault(_kind(warning), {}).setdefault(estimate.task, [])
            if warning not in own:
                own.append(warning)
    lines = []
    for estimate in estimates:
        for warning in estimate.warnings:
            tasks = kinds[_kind(warning)]
            if len(tasks) > NAMED:
                lines.append(f"{few([*tasks])}: {_span([text for own in tasks.values() for text in own])}")
            else:
                lines.append(f"{estimate.task}: {warning}")
    return tuple(dict.fromkeys(lines))


def few(tasks: Sequence[str]) -> str:
    """Names of tasks, of many the first ones."""
    if len(tasks) <= NAMED:
        return ", ".join(tasks)
    return f"{', '.join(tasks[: NAMED - 1])} and {len(tasks) - NAMED + 1} more"


def _kind(warning: str) -> str:
    return NUMBER.sub("#", EXAMPLE.sub("", warning))


def _span(warnings: Sequence[str]) -> str:
    """Warnings of one kind as one: the range of each number that differs, the example of the first."""
    first = EXAMPLE.sub("", warnings[0])
    if len({*warnings}) == 1:
        return warnings[0]
    columns = list(zip(*(NUMBER.findall(EXAMPLE.sub("", warning)) for warning in warnings), strict=True))
    ranges = iter([min(c, key=float) if len({*c}) == 1 else f"{_least(c)} to {_most(c)}" for c in columns])
    return NUMBER.sub(lambda _: next(ranges), first) + warnings[0][len(first) :]


def _least(numbers: Sequence[str]) -> str:
    return min(numbers, key=float)


def _most(numbers: Sequence[str]) -> str:
    return max(numbers, key=float)
