"""Claims in the report: the marks of a gauge are where the numbers say, and hostile sentences are text."""

from __future__ import annotations

import re
import subprocess
import sys
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
    # Tags of words do not part a sentence; of commands the backticks become tags
    bare = re.sub(r"</?(code|span)[^>]*>", "", page(*verdicts))
    html = re.sub(r"<[^>]+>", " ", bare).replace("&#34;", '"').replace("&#39;", "'").replace("&gt;", ">")
    for one in verdicts:
        for line in text(one, 10_000):
            words = re.sub(r"^\s*(- |\w[\w ]*: )?", "", line).strip().replace("&", "&amp;").replace("<", "&lt;")
            words = words.replace("`", "")
            if words and not line.startswith(one.claim):
                assert words.partition(" (the evidence")[0].partition(" (no data")[0].partition(" (numbers")[0] in html


def test_a_verdict_on_a_stand_in_is_apart_and_not_shown_where_the_subject_was_judged():
    own = replace(verdict(), model="other", word="supported", scope="stand_in")
    shown = page(replace(verdict(), stand_in=own))
    tables = re.findall(r"<table.*?</table>", shown, re.DOTALL)
    assert "REFUTED" in tables[0] and "SUPPORTED" not in tables[0]
    assert "decide nothing about one" in tables[1] and "SUPPORTED" in tables[1]
    assert "1 claim: 1 refuted. Apart from these, 1 of stand-in runs" in shown
    judged = replace(score(0.5, 0.4, 0.6, Required(">=", 0.8)), run_id="a" * 16)
    assert "SUPPORTED" not in page(replace(verdict(judged), stand_in=own)).partition("<main")[2]


def test_equal_reasons_are_said_once_and_numbers_of_one_scale_share_its_axis():
    faults = ("another benchmark",)
    ones = [replace(score(n, n - 0.1, n + 0.1, Required(">=", 0.8)), faults=faults, test=None) for n in (0.3, 0.5, 0.7)]
    html = page(verdict(*ones)).partition("<main")[2]
    assert html.count("why not: another benchmark") == 1
    assert html.count('class="gauge"') == 3 and html.count('class="ticks"') == 1


def test_commands_are_code_word_by_word():
    html = page(replace(verdict(), try_it=("Try `harness claim check --max-cost 2` now",)))
    assert "<code><span>harness</span> <span>claim</span> <span>check</span> <span>--max-cost</span>" in html


def test_a_report_without_a_claim_does_not_load_the_checks():
    code = "import sys, harness.html_report.writing as one; sys.exit('harness.claims.check' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
