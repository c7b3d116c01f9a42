"""Scores, differences and ranks in a browser: grid lines are drawn, and three runs fit a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import REPO, read_jsonl, write_jsonl

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


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of nine runs with long names; some are better than others."""
    folder = tmp_path_factory.mktemp("nine")
    rows = read_jsonl(REPO / "tasks" / "demo" / "demo_math.jsonl")
    runs = []
    for number in range(9):
        name = f"organisation/very-long-model-name-that-goes-on-and-on-2026-instruct-{number}"
        answers = [
            {
                "task": "demo_math",
                "sample_id": row["id"],
                "completion": row["answer"] if place % 9 > number else "#### 1",
            }
            for place, row in enumerate(rows)
        ]
        file = write_jsonl(folder / f"{number}.jsonl", answers)
        out = folder / str(number)
        harness.evaluate(name, tasks="demo_math", engine="scripted", completions=str(file), out=str(out))
        runs.append(out)
    return write_report(folder / "r.html", Given(tuple(runs)), with_records=False)


@pytest.mark.parametrize("width", [360, 1000])
def test_nine_runs_with_long_names_fit_and_are_accessible(nine, open_report, access_faults, width):
    page = open_report(nine, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # The heat map scrolls in its place; the others fit
    wide = page.locator("#scores .table-place, #pairs .table-place").evaluate_all(
        "places => places.filter(place => place.scrollWidth > place.clientWidth + 1).length"
    )
    assert not wide
    assert not access_faults(page)


def test_p_of_a_pair_is_read_without_a_mouse(nine, open_report):
    page = open_report(nine)
    cells = page.locator("#ranks .heat tbody td small")
    assert cells.count() == 9 * 8
    assert cells.first.is_visible()
    assert "p " in cells.first.inner_text()


def test_labels_of_axes_do_not_touch(nine, open_report):
    page = open_report(nine, width=1000)
    touching = page.locator("#pairs svg.axis, #scores svg.axis").evaluate_all(
        """axes => axes.filter(axis => {
            const boxes = [...axis.querySelectorAll("text")].map(text => text.getBoundingClientRect());
            return boxes.some((box, place) => place && box.left < boxes[place - 1].right + 2);
        }).length"""
    )
    assert not touching
