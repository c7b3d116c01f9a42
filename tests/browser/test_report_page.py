"""The page of the report in a browser: widths, light and dark, keyboard, paper, and what axe-core says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

import pypdf
import pytest
from files import SUMS_PAGE, write_jsonl

import harness
from harness.claims.runs import Given
from harness.html_report.writing import write_report

HOSTILE = '</script><script>alert(1)<img src=x onerror=alert(1)> \x1b[31m\u202e "&'


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of ten runs of models with long and hostile names."""
    folder = tmp_path_factory.mktemp("crowded")
    write_jsonl(folder / "sums.jsonl", [{"id": f"s{i}", "a": i, "b": i, "total": 2 * i} for i in range(12)])
    (folder / "sums.yaml").write_text(SUMS_PAGE, encoding="utf-8")
    runs = []
    for number in range(10):
        name = "an-organisation/" + "a-model-with-a-very-long-name-" * 4 + str(number) if number else HOSTILE
        rows = [
            {"task": "sums", "sample_id": f"s{i}", "completion": str(2 * i + (i < number)) + HOSTILE} for i in range(12)
        ]
        file = write_jsonl(folder / f"{number}.jsonl", rows)
        runs.append(folder / f"run-{number}")
        options = {"engine": "scripted", "completions": str(file), "out": str(runs[-1])}
        harness.evaluate(model=name, tasks=folder / "sums.yaml", **options)
    return write_report(folder / "report.html", Given(tuple(runs)))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_is_wider_than_the_page(demo_report, crowded, open_report, width, dark):
    for report in (demo_report, crowded):
        page = open_report(report, width=width, dark=dark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1000])
def test_axe_finds_no_serious_fault(demo_report, crowded, open_report, access_faults, width, dark):
    for report in (demo_report, crowded):
        assert not access_faults(open_report(report, width=width, dark=dark))


def test_axe_sees_faults_here(open_report, access_faults, tmp_path):
    """So that the tests above cannot pass because axe looks at nothing."""
    file = tmp_path / "bad.html"
    file.write_text("<html lang=en><title>x</title><main><h1>x</h1><img><p style='color:#ccc'>pale</main>", "utf-8")
    assert {line.partition(":")[0] for line in access_faults(open_report(file))} == {"color-contrast", "image-alt"}


def test_dark_is_dark_and_paper_is_light(demo_report, open_report):
    page = open_report(demo_report, dark=True)
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(20, 23, 26)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(background) == "rgb(255, 255, 255)"


def test_the_skip_link_and_the_navigation_lead_to_the_content(demo_report, open_report):
    page = open_report(demo_report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    links = page.locator("nav a")
    sections = page.evaluate("[...document.querySelectorAll('main > section')].map(s => '#' + s.id)")
    assert [link.get_attribute("href") for link in links.all()] == sections


def test_a_table_that_is_too_wide_scrolls_by_keyboard(open_report, crowded):
    page = open_report(crowded, width=360)
    places = page.locator(".table-place")
    wide = [place for place in places.all() if place.evaluate("e => e.scrollWidth > e.clientWidth")]
    for place in wide:
        place.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("e => e.scrollLeft > 0", arg=place.element_handle())


def test_headings_are_in_order(demo_report, open_report):
    levels = open_report(demo_report).evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels


@pytest.mark.parametrize("dark", [False, True])
def test_on_paper_every_section_is_there(demo_report, open_report, tmp_path, dark):
    page = open_report(demo_report, dark=dark)
    titles = page.locator("main > section > h2").all_inner_texts()
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    text = "\n".join(sheet.extract_text() for sheet in pypdf.PdfReader(tmp_path / "report.pdf").pages)
    # Fonts have ligatures of "ff" and "fi", which PDF keeps
    text = " ".join(normalize("NFKC", text).split())
    assert titles and not [title for title in titles if title not in text]
    assert "Skip to the content" not in text


def test_on_paper_what_is_folded_is_open(demo_report, open_report):
    page = open_report(demo_report)
    folded = "<details><summary>s</summary><p id=in>in</p></details>"
    page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", folded)
    assert not page.locator("#in").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#in").is_visible()


def test_motion_is_reduced_where_a_reader_wants_it(demo_report, open_report):
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert open_report(demo_report, reduced_motion="reduce").evaluate(behaviour) == "auto"
    assert open_report(demo_report, reduced_motion="no-preference").evaluate(behaviour) == "smooth"


def test_a_script_that_is_not_ours_does_not_run(demo_report, browser, tmp_path):
    """The policy of the page, should escaping ever fail: neither a handler, a script nor a request of a text."""
    text = demo_report.read_text(encoding="utf-8")
    evil = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\"><p onclick=alert(1)>"
    file = tmp_path / "evil.html"
    file.write_text(text.replace("<main", evil + "<main", 1), encoding="utf-8")
    page = browser.new_page()
    loaded: list[str] = []
    page.on("requestfinished", lambda request: loaded.append(request.url))
    page.goto(file.as_uri())
    assert page.title() == "demo-smaller, demo-larger on demo_math"
    assert loaded == [file.as_uri()]
    page.close()


def test_equal_runs_give_equal_files(demo_runs, tmp_path):
    made = datetime(2026, 1, 2, tzinfo=UTC)
    files = [write_report(tmp_path / name, Given(demo_runs), made=made).read_bytes() for name in ("a", "b")]
    assert files[0] == files[1]
