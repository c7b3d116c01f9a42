"""The tables of docs/probes.md, from the lines that `training.twins` wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from harness.results import PROBE_LEVEL
from harness.stats.proportions import clopper_pearson, clopper_pearson_upper

BEGIN, END = "<!-- begin: python -m training.twins FILE --write docs/probes.md -->", "<!-- end -->"
LEVELS = (0.05, PROBE_LEVEL)


def tables(file: Path) -> str:
    """Return both tables in Markdown: what each test finds by copies, and p-values where nothing was copied."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return "\n".join([*_power(lines), "", *_null(lines)])


def written(text: str, made: str) -> str:
    """A document with the tables between its marks replaced."""
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{made}\n\n{END}", text, flags=re.DOTALL
    )


def _power(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = [
        "| copies | models | order: found | 95 % interval | median p | mean effect, nats | by heart: found | "
        "95 % interval | median p |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for copies in sorted({one["copies"] for one in lines}):
        of = [one for one in lines if one["copies"] == copies]
        cells = [str(copies), str(len(of))]
        for test in ("order", "by_heart"):
            found = sum(one[f"{test}_adjusted"] <= PROBE_LEVEL for one in of)
            low, high = clopper_pearson(found, len(of))
            cells += [f"{found} of {len(of)}", f"{low:.2f} to {high:.2f}", f"{median(one[test] for one in of):.2g}"]
            if test == "order":
                cells.append(f"{sum(one['order_gain'] for one in of) / len(of):+.2f}")
        shown.append(f"| {' | '.join(cells)} |")
    return shown


def _null(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """False alarms: of tests, and of whole commands."""
    from scipy.stats import kstest

    none = [one for one in lines if one["copies"] == 0]
    kinds = {
        "order, one set a model": [one["order"] for one in none],
        "order, all sets": [p for one in none for p in (one["order"], *one["more"])],
        "order, controls": [one["order_control"] for one in none],
        "by heart": [one["by_heart"] for one in none],
        "by heart, controls": [one["by_heart_control"] for one in none],
        "a command: any test, adjusted": [min(one["order_adjusted"], one["by_heart_adjusted"]) for one in none],
        "a command: order, adjusted": [one["order_adjusted"] for one in none],
    }
    shown = [
        "| nothing to find | p-values | p <= .05 (bound) | p <= .01 (bound) | uniform: KS p |",
        "|---|---|---|---|---|",
    ]
    for kind, values in kinds.items():
        cells = [kind, str(len(values))]
        for level in LEVELS:
            count = sum(p <= level for p in values)
            cells.append(f"{count} ({clopper_pearson_upper(count, len(values)):.3f})")
        # A sign-flip p is coarse, an adjusted one larger than uniform: there is nothing to compare
        coarse = kind.startswith(("by heart", "a command"))
        cells.append("-" if coarse else f"{kstest(values, 'uniform').pvalue:.2f}")
        shown.append(f"| {' | '.join(cells)} |")
    return shown
