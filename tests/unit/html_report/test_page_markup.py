"""The page of the report as text: it loads nothing, runs nothing of a stranger, and its tables can scroll."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

from harness.html_report.document import Material
from harness.html_report.gather import sections
from harness.html_report.page import render, scrolling

MADE = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
# What a browser would fetch, or run
FETCHES = {"src", "srcset", "background", "poster", "data", "action", "formaction", "ping"}


class Seen(HTMLParser):
    """Every attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def page(title: str = "A title") -> str:
    material = Material((), made=MADE)
    return render(material, sections(material), title=title)


def test_nothing_is_loaded_and_no_handler_is_inline():
    seen = Seen()
    seen.feed(page())
    assert seen.attributes
    for tag, name, value in seen.attributes:
        assert name not in FETCHES and not name.startswith("on"), (tag, name)
        if name in ("href", "xlink:href"):
            assert value.startswith("#"), (tag, value)
    style = page().partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_the_policy_allows_the_script_of_the_page_and_no_other():
    text = page()
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert f"script-src &#39;sha256-{digest}&#39;;" in policy or f"script-src 'sha256-{digest}';" in policy
    assert "unsafe-eval" not in policy and policy.count("unsafe-inline") == 1


def test_a_hostile_title_is_text():
    text = page(title="</title><script>alert(1)</script>\x1b[31m")
    assert "<script>alert" not in text and "\x1b" not in text
    assert text.count("<script>") == 1


def test_equal_arguments_give_equal_text_and_the_date_is_the_given_one():
    assert page() == page()
    assert "2026-01-02 03:04 UTC" in page()


def test_a_table_gets_a_place_that_is_named_by_its_caption():
    placed = scrolling("<p>x</p><table class='a'><caption>Scores</caption><tr></table><table><tr></table>", "scores")
    assert placed.count('class="table-place" role="group" tabindex="0"') == 2
    assert 'aria-labelledby="scores-table-1"><table class=\'a\'><caption id="scores-table-1">Scores' in placed
    assert 'aria-label="Table 2"><table><tr></table></div>' in placed


def test_a_caption_with_an_id_and_a_table_that_fits_are_left_alone():
    placed = scrolling('<table><caption id="own">Scores</caption></table><table class="fits x"></table>', "s")
    assert 'aria-labelledby="own"><table><caption id="own">' in placed
    assert placed.endswith('</div><table class="fits x"></table>')


def test_a_title_of_a_section_is_its_link():
    text = page()
    assert '<a href="#provenance">Provenance</a>' in text and 'aria-labelledby="provenance-title"' in text
