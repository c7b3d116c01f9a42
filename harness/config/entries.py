"""Entries of a suite that stand for several uses of one page: `over` some values of a key.

Guarantees: names are made from the values alone, so that the same suite always has the same tasks. Reads no page.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from harness.config.schema import SuiteTask
from harness.errors import ConfigError


def spelled_out(entry: SuiteTask, where: str) -> list[SuiteTask]:
    """Return one entry for each combination of the values in `over`, named LABEL_VALUE; an entry without it as it is.

    Raises ConfigError, led by `where`, for an empty list or a key that `set` sets too.
    """
    for dotted, values in entry.over.items():
        if not values:
            raise ConfigError(f"{where}over: {dotted} has no values")
        if dotted in entry.set:
            raise ConfigError(f"{where}over: {dotted} is in `set` too; keep one")
    if not entry.over:
        return [entry]
    return [
        SuiteTask(
            task=entry.task,
            name="_".join([entry.label, *map(in_a_name, values)]),
            set=entry.set | dict(zip(entry.over, values, strict=True)),
            protocol=entry.protocol,
        )
        for values in product(*entry.over.values())
    ]


def in_a_name(value: Any) -> str:
    """Write a value as part of a task's name: small letters, digits, dashes."""
    text = str(value).lower()
    return "".join(c if (c.isascii() and c.isalnum()) or c in "_-" else "-" for c in text)
