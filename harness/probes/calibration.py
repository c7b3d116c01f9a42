"""How often the tests find a set that was copied into the training text, measured on small models made for it.

The figures are of `python -m training.twins` (docs/probes.md): one line for each model, in
configs/probes/contamination.jsonl. They are those of these models and this set, not of a model under test: a larger
model remembers more from fewer copies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.config.places import shipped
from harness.report.probes import effect_text
from harness.results import BY_HEART, ORDER, PROBE_LEVEL, ProbeFinding, ProbeTest
from harness.stats.proportions import clopper_pearson

FILE = "contamination.jsonl"
# The key of each test's statistic
EFFECTS: Mapping[ProbeTest, str] = {ORDER: "order_gain", BY_HEART: "by_heart_effect"}


@dataclass(frozen=True, slots=True)
class Power:
    """Of `models` that saw the set `copies` times a test found it in `found`; `low` and `high`: exact 95 % interval.

    `effect`: the mean of the test's statistic over these models.
    """

    copies: int
    found: int
    models: int
    low: float
    high: float
    effect: float


def twins() -> list[dict[str, Any]]:
    """Every model of the calibration: copies, seed and the p-values of each test; empty where it was not made."""
    file = shipped("configs") / "probes" / FILE
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def power(models: Sequence[Mapping[str, Any]], test: ProbeTest) -> list[Power]:
    """For each number of copies how many models have an adjusted p of the test at or below PROBE_LEVEL."""
    p, effect = f"{test.replace(' ', '_')}_adjusted", EFFECTS[test]
    found = []
    for copies in sorted({one["copies"] for one in models}):
        of = [one for one in models if one["copies"] == copies and one.get(p) is not None]
        if of:
            count = sum(one[p] <= PROBE_LEVEL for one in of)
            mean = sum(one[effect] for one in of) / len(of)
            found.append(Power(copies, count, len(of), *clopper_pearson(count, len(of)), mean))
    return found


def calibration_lines(findings: Sequence[ProbeFinding]) -> list[str]:
    """One line for each test that was made: what it found in models that saw a set so many times, and how large it was.

    And one for each test that found nothing: which of these numbers of copies it would have missed. A large share of
    models that were found says nothing of a set, or a model, that shows smaller effects.
    """
    models = twins()
    made = [one for one in findings if not one.refused]
    lines = []
    for test in sorted({one.test for one in made}, reverse=True):
        seen = power(models, test)
        if not seen:
            continue
        parts = [f"{one.copies}: {one.found} of {one.models}, {effect_text(test, one.effect)}" for one in seen]
        lines.append(
            f"{test}, on {models[0]['parameters'] / 1e6:.2g} M-parameter models made for it, by copies, found and mean "
            f"effect: {'; '.join(parts)}."
        )
        for own in made:
            if own.test != test or own.significant or own.control_failed or own.least is None:
                continue
            missed = [str(one.copies) for one in seen if one.copies and one.effect < own.least]
            said = (
                f"too small to be found here with 80 % power: the effects there of {', '.join(missed)} copies"
                if missed
                else "the effect of any number of copies there would be found here with 80 % power"
            )
            lines.append(f"{own.task}, {test}: {said}.")
    return lines
