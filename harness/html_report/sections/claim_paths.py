"""The path of a sequential test as charts: e-values over samples with their bounds and the stop, and the score.

A test by counts has no e-values: its chart is of the score between the two edges at which it stops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.claims.path_text import bound_text, e_value_text, path_sentence, saved_text
from harness.claims.verdict import EvidencePath
from harness.html_report.charts.gauge import Label
from harness.html_report.charts.path import Area, Level, Line, decades, evidence_scale
from harness.html_report.charts.scale import Scale, around

# From ln to log10
TEN = math.log(10)


@dataclass(frozen=True, slots=True)
class PathView:
    """One part of a claim. Places are in per cent: of the width, and of the height from the top.

    `bounds`: of refuting, then of supporting, or one for both; `required`: the ends of what the score must be.
    `refuting` and `supporting` are lines of e-values, or of the edges of the score (`by_counts`).
    """

    part: str
    sentence: str
    refuting: Line
    supporting: Line
    levels: tuple[Level, ...]
    bounds: tuple[Level, ...]
    values: Line
    value_name: str
    value_levels: tuple[Level, ...]
    required: tuple[Level, ...]
    samples: tuple[Label, ...]
    stop: Label
    saved: str
    by_counts: bool


def path_views(paths: Sequence[EvidencePath]) -> tuple[PathView, ...]:
    """Lay out the paths of one claim on the same scales; a part without a sample has none."""
    shown = [path for path in paths if path.used]
    if not shown:
        return ()
    logs = [log for path in shown for logs in (path.log_refuted, path.log_supported) for log in logs]
    bounds = [bound for path in shown for bound in (path.bound_refuted, path.bound_supported)]
    evidence, values = evidence_scale(logs, bounds), _value_scale(shown)
    return tuple(_view(path, evidence, values) for path in shown)


def _view(path: EvidencePath, evidence: Scale, values: Scale) -> PathView:
    area, numbers = Area(path.total, evidence), Area(path.total, values)
    line = numbers.line(path.used, path.value)
    refuting, supporting = _edges(path, numbers) if path.by_counts else _evidence(path, area)
    return PathView(
        part=path.part,
        sentence=path_sentence(path),
        refuting=refuting,
        supporting=supporting,
        levels=() if path.by_counts else tuple(Level(area.height(at), f"{10**at:g}") for at in decades(evidence)),
        bounds=() if path.by_counts else _bounds(path, area),
        values=line,
        value_name="difference so far" if path.difference else "score so far",
        value_levels=_value_levels(numbers, signed=path.difference),
        required=tuple(
            _end(numbers.height(end), bound_text(end, signed=path.difference), line)
            for end in (path.required.low, path.required.high)
            if end is not None
        ),
        samples=_samples(path),
        stop=area.beside(path.stop, f"stop: {path.stop} of {path.total} samples"),
        saved=saved_text(path).removeprefix("; "),
        by_counts=path.by_counts,
    )


def _evidence(path: EvidencePath, area: Area) -> tuple[Line, Line]:
    """The lines of the e-values that refute and that support; an e-value is 1 before the first sample."""
    used = [0.0, *map(float, path.used)]
    return (
        area.line(used, [0.0, *(one / TEN for one in path.log_refuted)]),
        area.line(used, [0.0, *(one / TEN for one in path.log_supported)]),
    )


def _edges(path: EvidencePath, numbers: Area) -> tuple[Line, Line]:
    """The lines of the scores at which the claim is refuted and at which it is supported."""
    low, high = numbers.line(path.used, path.low_edge), numbers.line(path.used, path.high_edge)
    return (low, high) if path.low_word == "refuted" else (high, low)


def _end(place: float, text: str, line: Line) -> Level:
    """The end of a required range, its text on the side of it where the line is not."""
    return Level(place, text, below=place < 30 or (line.y < place < 80))


def _bounds(path: EvidencePath, area: Area) -> tuple[Level, ...]:
    refuted, supported = path.bound_refuted, path.bound_supported
    if refuted == supported:
        return (Level(area.height(refuted / TEN), f"{e_value_text(refuted)} is enough"),)
    return (
        Level(area.height(refuted / TEN), f"{e_value_text(refuted)} refutes", below=refuted < supported),
        Level(area.height(supported / TEN), f"{e_value_text(supported)} supports", below=supported < refuted),
    )


def _value_scale(paths: Sequence[EvidencePath]) -> Scale:
    ends = [end for path in paths for end in (path.required.low, path.required.high) if end is not None]
    wide = around([*(value for path in paths for value in path.value), *ends], margin=0.1)
    least = -1.0 if paths[0].difference else 0.0
    return Scale(max(wide.low, least), min(wide.high, 1.0))


def _value_levels(numbers: Area, *, signed: bool) -> tuple[Level, ...]:
    return tuple(Level(round(100 - tick.place, 3), tick.text) for tick in numbers.scale.ticks(3, signed=signed))


def _samples(path: EvidencePath) -> tuple[Label, ...]:
    ticks = Scale(0.0, float(path.total)).ticks(min(5, path.total + 1))
    return tuple(
        Label(tick.place, tick.text, "start" if tick.place < 4 else "end" if tick.place > 96 else "middle")
        for tick in ticks
    )
