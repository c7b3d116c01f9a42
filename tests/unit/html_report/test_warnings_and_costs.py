"""A folded warning gives no run the number of another one, and on the frontier of costs better is up."""

from __future__ import annotations

from dataclasses import replace

import pytest

import harness
from harness.analysis.cautions import of_programs
from harness.datatypes import Failure, Score
from harness.html_report.document import Material, ReportRun
from harness.html_report.reading import read_runs
from harness.html_report.sections import costs, warnings
from harness.results import Estimate


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ReportRun:
    """A run of the smaller demo model, to be given other scores and warnings."""
    folder = tmp_path_factory.mktemp("run") / "one"
    harness.evaluate(model="demo-smaller", tasks=["demo_math"], limit=4, out=str(folder))
    return read_runs([folder])[0]


def folded(run: ReportRun, *lines: str) -> warnings.WarningKind:
    runs = tuple(replace(run, label=f"run {place}", warnings=(line,)) for place, line in enumerate(lines))
    section = warnings.build(Material(runs))
    assert section is not None
    (kind,) = section.data
    return kind


def test_a_number_that_differs_between_runs_is_a_range_and_each_run_keeps_its_own(run):
    cut = "{} % of the answers were cut off at max_tokens, so the score is likely too low"
    kind = folded(run, cut.format("56.3"), cut.format("21.8"), cut.format("84.0"))
    assert kind.text == cut.format("21.8 to 84.0")
    assert kind.lines == tuple(f"run {place}: {cut.format(n)}" for place, n in enumerate(("56.3", "21.8", "84.0")))


def test_a_number_that_all_share_is_no_range(run):
    kind = folded(run, *(f"the first {n} of 1319 samples were run" for n in (90, 1000)))
    assert kind.text == "the first 90 to 1000 of 1319 samples were run"


def test_the_example_of_one_run_is_not_said_of_another(run):
    kind = folded(
        run, *(f"{n} % do not compile: read some (the first: {what})" for n, what in ((60, "a"), (70, "b 2")))
    )
    assert kind.text == "60 to 70 % do not compile: read some"
    assert kind.lines[1].endswith("(the first: b 2)")


def test_digits_of_a_name_are_no_number(run):
    runs = tuple(replace(run, label=name, warnings=(f"pass@{name} has no value",)) for name in "18")
    section = warnings.build(Material(runs))
    assert section is not None
    assert [kind.count for kind in section.data] == [1, 1]


def test_an_example_is_cut_between_words():
    failure = Failure("execute", "compile_error", "cannot " * 40, ours=False)
    (line,) = of_programs([Score("s", 0.0, failure=failure)])
    assert line.endswith("cannot …)")


def costed(run: ReportRun, label: str, value: float, tokens: float, method: str) -> ReportRun:
    score = Estimate("text", "s", "perplexity", value, value - 1, value + 1, method, 50, 0, 1, mean_tokens=tokens)
    return replace(run, label=label, estimates=(score,), overall=None)


@pytest.mark.parametrize(("method", "best"), [("ratio", "low"), ("t", "high")])
def test_better_is_up_and_the_frontier_is_of_the_better_scores(run, method, best):
    runs = (costed(run, "low", 5.0, 10.0, method), costed(run, "high", 30.0, 10.0, method))
    section = costs.build(Material(runs))
    assert section is not None
    (group,) = section.data
    on = {point.label: point.on_frontier for point in group.points}
    assert on == {"low": best == "low", "high": best == "high"}
    low, high = group.chart.points
    assert (low.y < high.y) == (best == "low")
    assert low.top <= low.y <= low.bottom
    ticks = sorted(group.chart.ticks, key=lambda tick: tick.place)
    assert (float(ticks[0].text) < float(ticks[-1].text)) == (best == "low")
    assert ("of perplexity lower values are better" in section.lead) == (best == "low")
    assert ("lower is better" in group.axis) == (best == "low")
