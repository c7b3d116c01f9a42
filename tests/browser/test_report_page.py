"""The report in a browser: it opens from a file, asks for nothing, and fits a telephone."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.claims.runs import Given
from harness.html_report.writing import write_report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the two demo models."""
    folder = tmp_path_factory.mktemp("report")
    runs = [folder / "demo-smaller", folder / "demo-larger"]
    for run in runs:
        harness.evaluate(model=run.name, suite="demo", limit=20, out=str(run))
    return write_report(folder / "r.html", Given(tuple(runs)))


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_it_fits_the_width(report, open_report, width):
    page = open_report(report, width=width)
    assert page.locator("h1").inner_text() == "demo-smaller, demo-larger on demo"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
