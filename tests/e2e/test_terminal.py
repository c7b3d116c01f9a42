"""Commands on a terminal of 60, 80, 120 and 200 columns: they end well, every row fits, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from files import read_jsonl, write_jsonl
from terminal import WIDTHS, Seen, typed


def assert_fits(seen: Seen, width: int) -> None:
    """No line is wrapped by the terminal itself."""
    too_long = [line for line in seen.lines if len(line) > width]
    assert not too_long, too_long
    assert "internal error" not in seen.text


@pytest.mark.parametrize("width", WIDTHS)
def test_every_claim_is_listed(tmp_path, width: int):
    seen = typed(("claim", "list"), width, tmp_path)
    assert seen.code == 0, seen.text
    assert_fits(seen, width)
    for claim in ("dsv4-fraction-active", "r1-distill-1.5b-math500", "llama-4-maverick-arena"):
        assert claim in seen.text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("brief", [(), ("--brief",)])
def test_a_page_of_claims_is_checked(tmp_path, brief: tuple[str, ...], width: int):
    seen = typed(("claim", "check", "deepseek-v4-press", *brief), width, tmp_path)
    assert seen.code == 0, seen.text
    assert_fits(seen, width)
    assert "dsv4-fraction-active" in seen.text and "NOT TESTABLE HERE" in seen.text


@pytest.mark.parametrize("width", WIDTHS)
def test_samples_are_shown_side_by_side(tmp_path, cli: Callable, sums, sums_answers, width: int):
    words = ("run", "--engine", "scripted", "--tasks", sums, "--completions", sums_answers)
    assert cli(*words, "--out", "a").code == 0
    rows = [{**row, "completion": " it is 1000"} for row in read_jsonl(sums_answers)]
    worse = write_jsonl(sums_answers.with_name("worse.jsonl"), rows)
    assert cli(*words[:-1], worse, "--out", "b").code == 0
    seen = typed(("compare", "a", "b", "--samples"), width, tmp_path)
    assert seen.code == 0, seen.text
    assert_fits(seen, width)
    assert "Could see" in " ".join(seen.text.split()) and "0  1000" in seen.text
