"""Claims in the report: the marks of a gauge are where the numbers say, and hostile sentences are text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from harness.claims.check import check_claims
from harness.claims.path_text import reading, required_text
from harness.claims.text import text
from harness.claims.verdict import Evidence, Required, Verdict
from harness.html_report.charts.gauge import gauge
from harness.html_report.document import Material
from harness.html_report.page import render
from harness.html_report.sections import claims
from harness.stats.hypothesis import HypothesisTest


def verdict(*evidence: Evidence, quote: str = "good") -> Verdict:
    return Verdict("mine", "subject", "one", quote, "It is good.", "refuted", "it is not", evidence, ())


def page(*verdicts: Verdict) -> str:
    material = Material((), verdicts)
    section = claims.build(material)
    assert section is not None
    return render(material, [section], title="t")


def score(value: float, low: float, high: float, required: Required) -> Evidence:
    test = HypothesisTest(0.01, 1.0)
    return Evidence("t: one", "here", value, low, high, 40, "exact", test=test, required=required)


def test_the_bar_the_bands_and_the_interval_are_where_the_numbers_are():
    html = page(verdict(score(0.5, 0.4, 0.6, Required(">=", 0.8))))
    svg = html[html.index('<svg class="gauge" ') :]
    svg = svg[: svg.index("</svg>")]
    point = float(re.search(r'class="point" cx="([\d.]+)%"', svg)[1])
    low, high = map(float, re.search(r'class="range" x1="([\d.]+)%" x2="([\d.]+)%"', svg).groups())
    bar = float(re.search(r'class="end" x1="([\d.]+)%"', svg)[1])
    # A linear scale: from the score to its bounds it is a third of the way to the bar
    assert (high - point) / (bar - point) == pytest.approx(1 / 3, abs=0.001)
    assert (point - low) / (bar - point) == pytest.approx(1 / 3, abs=0.001)
    bands = re.findall(r'<rect class="(good|bad)" x="([\d.]+)%" width="([\d.]+)%"', svg)
    assert [(name, float(x)) for name, x, _ in bands] == [("bad", 0.0), ("good", bar)]
    assert sum(float(width) for *_, width in bands) == pytest.approx(100)


def test_a_margin_has_two_ends_and_what_is_between_counts_for_the_claim():
    drawn = gauge([-0.2, -0.3, -0.1], (-1.0, 1.0), (-0.05, 0.05), ("-0.05", "+0.05"), signed=True)
    assert [band.good for band in drawn.bands] == [False, True, False]
    assert drawn.ends[0].place < drawn.ends[1].place
    assert drawn.scale.place(0.0) == pytest.approx((drawn.ends[0].place + drawn.ends[1].place) / 2, abs=0.01)


@pytest.mark.parametrize(
    ("low", "high", "required", "words"),
    [
        (0.4, 0.6, Required(">=", 0.8), "outside"),
        (0.85, 0.9, Required(">=", 0.8), "The whole interval is in"),
        (0.7, 0.9, Required(">=", 0.8), "that do not"),
        (0.1, 0.2, Required("<=", None, 0.3), "The whole interval is in"),
        (0.1, 0.9, Required("=", 0.4, 0.5), "that do not"),
    ],
)
def test_how_the_interval_lies_to_the_bar_is_said_in_words(low, high, required, words):
    assert words in reading(score((low + high) / 2, low, high, required))


def test_what_is_required_is_said_with_its_sign_for_differences():
    assert required_text(Required(">=", 0.85), difference=False) == "at least 0.85"
    assert required_text(Required("within", -0.05, 0.05), difference=True) == "a difference from -0.05 to +0.05"
    assert required_text(Required(">", 0.0), difference=True) == "a difference above 0"


def test_a_number_that_decides_nothing_has_no_band_and_says_so():
    aside = replace(score(0.5, 0.4, 0.6, Required(">=", 0.8)), faults=("another benchmark",), test=None)
    html = page(verdict(aside))
    assert 'class="gauges quiet"' in html and '<rect class="good"' not in html
    assert "Numbers that decide nothing: 1" in html and "why not: another benchmark" in html


def test_a_hostile_sentence_is_text():
    html = page(verdict(quote="<script>alert(1)</script>\u202e\x1b[31m"))
    assert "<script>alert" not in html and "\u202e" not in html and "\x1b" not in html


def test_every_sentence_that_claim_check_prints_of_the_press_page_is_in_the_report():
    verdicts = check_claims("deepseek-v4-press")
    html = re.sub(r"<[^>]+>", " ", page(*verdicts)).replace("&#34;", '"').replace("&#39;", "'").replace("&gt;", ">")
    for one in verdicts:
        for line in text(one, 10_000):
            words = re.sub(r"^\s*(- |\w[\w ]*: )?", "", line).strip().replace("&", "&amp;").replace("<", "&lt;")
            if words and not line.startswith(one.claim):
                assert words.partition(" (the evidence")[0].partition(" (no data")[0].partition(" (numbers")[0] in html
