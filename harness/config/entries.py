"""Entries of a suite that use one page several times: `over` some values of a key.

Guarantees: names depend only on the values, so that the same suite always has the same tasks. Reads no page.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from harness.config.schema import SuiteTask
from harness.errors import ConfigError


def expanded(entry: SuiteTask) -> list[SuiteTask]:
    """Return one entry for each combination of the values in `over`, named LABEL_VALUE; an entry without it as it is.

    Raises ConfigError for an empty list or a key that `set` sets too.
    """
    for dotted, values in entry.over.items():
        if not values:
            raise ConfigError(f"over: {dotted} has no values")
        if dotted in entry.set:
            raise ConfigError(f"over: {dotted} is in `set` too; keep one")
    if not entry.over:
        return [entry]
    return [
        SuiteTask(
            task=entry.task,
            name="_".join([entry.label, *map(name_part, values)]),
            set=entry.set | dict(zip(entry.over, values, strict=True)),
            protocol=entry.protocol,
        )
        for values in product(*entry.over.values())
    ]


def name_part(value: Any) -> str:
    """Return a value as part of a task's name: lower-case letters, digits, dashes."""
    text = str(value).lower()
    return "".join(c if (c.isascii() and c.isalnum()) or c in "_-" else "-" for c in text)
