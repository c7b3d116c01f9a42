"""Claims in a browser: the gauges and the path of the evidence fit a telephone, and have texts for those who listen."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.claims.check import check_claims
from harness.html_report.document import Material
from harness.html_report.page import render
from harness.html_report.sections import claims


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verdicts on the press article, without a run."""
    material = Material((), tuple(check_claims("deepseek-v4-press")))
    section = claims.build(material)
    assert section is not None
    file = tmp_path_factory.mktemp("claims") / "r.html"
    file.write_text(render(material, [section], title="Claims"), encoding="utf-8")
    return file


@pytest.mark.parametrize("width", [360, 1600])
def test_claims_fit_the_width_and_every_gauge_has_a_text(report, open_report, width):
    page = open_report(report, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    gauges = page.locator("svg.gauge")
    assert gauges.count() > 5
    assert all(gauges.evaluate_all("ones => ones.map(one => one.getAttribute('aria-label').length > 20)"))


def test_the_summary_leads_to_each_claim(report, open_report):
    page = open_report(report)
    page.get_by_role("link", name="dsv4-mla").click()
    assert page.locator(":target h3").inner_text() == "Multi-head Latent Attention (MLA) dsv4-mla"
