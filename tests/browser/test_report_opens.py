"""The report opens from a file as it was made: in every run of the tests, where a browser is installed."""

from __future__ import annotations


def test_it_opens_from_a_file_and_fits_a_telephone(demo_report, open_report):
    """The fixture also fails it for a request and for an error in the console."""
    page = open_report(demo_report, width=360)
    assert page.locator("h1").inner_text() == "demo-smaller, demo-larger on demo_math"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    sections = page.locator("main > section")
    assert sections.count() >= 1
    for section in sections.all():
        assert section.locator("h2").is_visible()
