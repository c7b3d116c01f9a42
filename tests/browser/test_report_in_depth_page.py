"""Protocols, languages, pass@k, costs and provenance in a browser: nothing is cut off or covered."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.claims.runs import Given
from harness.html_report.writing import write_report

# What sticks out of the page at the right, but for what scrolls by itself
BEYOND = """() => [...document.querySelectorAll("#warnings, #protocols, #languages, #pass_at_k, #costs, #provenance")]
  .flatMap(section => [...section.querySelectorAll("*")])
  .filter(one => !one.parentElement.closest(".table-place"))
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 80))"""
LABELS = """() => [...document.querySelectorAll("svg.scatter text.label")].map(one => {
  const box = one.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom] })"""
OPEN = "() => document.querySelectorAll('details').forEach(one => { one.open = true })"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four runs of the demo models: with repeats, and under two protocols."""
    folder = tmp_path_factory.mktemp("depth")
    runs = []
    for model in ("demo-smaller", "demo-larger"):
        tries = {"tasks.demo_math.repeats": 3, "tasks.demo_math.sampling.temperature": 0.9}
        runs += [folder / f"{model}-tries", folder / f"{model}-sweep"]
        harness.evaluate(model=model, tasks=["demo_math"], limit=10, settings=tries, out=str(runs[-2]))
        harness.evaluate(
            model=model, tasks=["demo_math"], limit=10, sweep={"template": ["page", "polite"]}, out=str(runs[-1])
        )
    return write_report(folder / "r.html", Given(tuple(runs), allow_protocol=True))


@pytest.mark.parametrize("width", [360, 1000, 1600])
def test_nothing_sticks_out_though_all_details_are_open(page_file, open_report, width):
    page = open_report(page_file, width=width)
    page.evaluate(OPEN)
    for section in ("protocols", "pass_at_k", "costs", "provenance"):
        assert page.locator(f"#{section}").count() == 1
    assert page.evaluate(BEYOND) == []


@pytest.mark.parametrize("width", [360, 1600])
def test_no_label_covers_another(page_file, open_report, width):
    boxes = open_report(page_file, width=width, dark=True).evaluate(LABELS)
    assert len(boxes) >= 2
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= width
        for other in boxes[place + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] + 1 or other[3] <= top + 1


def test_every_chart_has_words(page_file, open_report):
    page = open_report(page_file)
    charts = page.locator("#protocols svg[role=img], #pass_at_k svg[role=img], #costs svg[role=img]")
    assert charts.count() >= 4
    assert all(charts.nth(i).get_attribute("aria-label").strip() for i in range(charts.count()))
