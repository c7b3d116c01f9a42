"""Scores, differences and ranks in a browser: grid lines are drawn, and three runs fit a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.claims.runs import Given
from harness.html_report.writing import write_report


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of three demo runs, with a margin."""
    folder = tmp_path_factory.mktemp("ranked")
    runs = []
    for name, model in (("a", "demo-smaller"), ("b", "demo-larger"), ("c", "demo-larger")):
        harness.evaluate(model=model, suite="demo", limit=20, out=str(folder / name))
        runs.append(folder / name)
    return write_report(folder / "r.html", Given(tuple(runs)), margin=0.1, with_records=False)


@pytest.mark.parametrize("width", [360, 1000, 1600])
def test_three_runs_fit_the_width(ranked, open_report, width):
    page = open_report(ranked, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    marks = page.locator("#pairs .forest tbody use[href^='#mark']")
    assert marks.count() == 4
    inside = """marks => marks.every(mark => {
        const dot = mark.getBoundingClientRect(), cell = mark.closest("td").getBoundingClientRect();
        return dot.left >= cell.left - 5 && dot.right <= cell.right + 5
            && dot.top >= cell.top && dot.bottom <= cell.bottom;
    })"""
    assert marks.evaluate_all(inside)


def test_the_line_at_0_and_the_margins_are_seen(ranked, open_report):
    page = open_report(ranked)
    # A copy by <use> is styled by its original, and only by rules that see no element around it
    for name in ("zero", "margin"):
        strokes = page.locator(f"#pairs line.{name}").evaluate_all(
            "lines => lines.map(line => [...document.styleSheets[0].cssRules].some("
            "rule => rule.selectorText?.split(',').some(one => one.trim() === 'line.' + line.classList[0])))"
        )
        assert strokes
        assert all(strokes)


def test_rows_are_read_by_their_headings(ranked, open_report):
    page = open_report(ranked)
    row = page.get_by_role("row", name="demo-larger (b)").first
    assert row.get_by_role("rowheader").inner_text() == "demo-larger (b)"
