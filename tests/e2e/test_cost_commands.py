"""A user asks what a run cost, and checks a press claim about prices."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cost.prices import price_pages

PAGE = """\
name: mine
about: A price of my own.
prices:
  - since: 2026-01-01
    input: 1
    output: 4
    seen: 2026-01-02
    source: a receipt
"""


@pytest.fixture
def run(cli: Callable) -> Path:
    seen = cli("run", "--model", "demo-smaller", "--tasks", "demo_math", "--limit", "12", "--out", "run")
    assert seen.code == 0, seen.err
    return Path("run")


def test_a_run_is_priced_by_the_token_and_by_the_hour(cli: Callable, run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(PAGE, encoding="utf-8")
    words = ("--price", "./mine.yaml", "--price", "gpt-4o-2024-05-13", "--dollars-per-hour", "3.6")
    result = json.loads(cli("cost", run, *words, "--json").out)
    records = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    replies = [record["reply"] for record in records]
    read = sum(reply["prompt_tokens"] for reply in replies)
    written = sum(reply["output_tokens"] for reply in replies)
    solved = sum(record["scores"][0]["value"] == 1 for record in records)
    mine, gpt, hour = result["rows"]
    assert mine["price"] == "mine 2026-01-01"
    assert mine["dollars"] == pytest.approx((read * 1 + written * 4) / 1e6)
    assert gpt["dollars"] == pytest.approx((read * 5 + written * 15) / 1e6)
    assert hour["dollars"] == pytest.approx(sum(reply["seconds"] for reply in replies) / 1000)
    assert mine["solved"] == solved > 0
    assert mine["dollars_per_solved"] == pytest.approx(mine["dollars"] / solved)
    assert mine["dollars_per_solved_low"] < mine["dollars_per_solved"] < mine["dollars_per_solved_high"]
    shown = cli("cost", *words, run)
    assert shown.code == 0, shown.err
    assert "Cost of demo-smaller on demo_math" in shown.out and "$3.6/h" in shown.out
    assert "No price for cached tokens is known of mine, gpt-4o-2024-05-13" in shown.out


def test_without_a_price_tokens_and_pace_are_shown(cli: Callable, run: Path) -> None:
    seen = cli("cost", run)
    assert seen.code == 0, seen.err
    assert "Give --price NAME" in seen.out and "Tokens/s" in seen.out


def test_answers_made_elsewhere_have_no_price(cli: Callable, sums: Path, sums_answers: Path) -> None:
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "made")
    assert seen.code == 0, seen.err
    seen = cli("cost", "made", "--price", "gpt-5.4", "--dollars-per-hour", "2")
    assert seen.code == 0, seen.err
    assert "tokens were not counted for every answer, so its cost is unknown" in seen.out
    assert json.loads(cli("cost", "made", "--price", "gpt-5.4", "--json").out)["rows"][0]["dollars"] is None


def test_sixty_per_cent_cheaper_gets_a_table_of_cells(cli: Callable) -> None:
    words = ("cost", "compare", "deepseek-v4-pro", "gpt-4o-2024-08-06", "claude-3-5-sonnet", "--cheaper-by")
    seen = cli(*words, "60%", "--on", "2026-04-30")
    assert seen.code == 0, seen.err
    rows = {line.split()[3 if "deepseek" in line else 2]: line for line in seen.out.splitlines() if " all " in line}
    assert rows["gpt-4o-2024-08-06"].split()[-4:] == ["58.2", "50.3", "40.3", "no"]
    assert rows["claude-3-5-sonnet"].rstrip().endswith("at 1:1, 3:1")
    assert "60.0 % cheaper in 2 of 6 cells. Inconclusive: it depends" in seen.out.replace("60 %", "60.0 %")
    later = json.loads(cli(*words, "0.6", "--on", "2026-06-30", "--json").out)
    assert later["verdict"] == "supported" and all(cell["passes"] for cell in later["cells"])
    alone = json.loads(cli(*words, "99%", "--json").out)
    assert alone["verdict"] == "refuted" and {cell["subject"]["since"] for cell in alone["cells"]} == {
        "2026-04-24",
        "2026-05-24",
    }


def test_peak_and_off_peak_are_cells_of_their_own(cli: Callable) -> None:
    words = ("cost", "compare", "deepseek-v4-pro-0813", "gpt-4o-2024-08-06", "--blends", "3:1", "--json")
    result = json.loads(cli(*words).out)
    assert {cell["subject"]["hours"]: round(100 * cell["saving"], 1) for cell in result["cells"]} == {
        "off_peak": 77.4,
        "peak": 54.7,
    }
    assert result["verdict"] is None


def test_every_shipped_price_has_a_source_and_is_listed(cli: Callable) -> None:
    pages = price_pages(["*"])
    assert len(pages) >= 12
    assert all(row.source and row.seen for page in pages for row in page.prices)
    seen = cli("cost", "list")
    assert seen.code == 0, seen.err
    assert all(page.name in seen.out for page in pages)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("input: 1", "inputt: 1"), "mine.yaml:5: unknown key 'inputt' in 'prices.0'; did you mean 'input'?"),
        (("seen: 2026-01-02\n", "\n"), "mine.yaml:4: the key 'prices.0.seen' is missing"),
        (("input: 1", "input: 0"), "mine.yaml:5: prices.0.input: input should be greater than 0"),
        (("since: 2026-01-01", "since: January"), "mine.yaml:4: prices.0.since: input should be a valid date"),
        (("output: 4", "output: 4\n    cached: 2"), "`cached` costs more than `input`"),
        (("output: 4", "output: 4\n    hours: peak"), "`peak_hours` goes with prices by hours"),
        (("output: 4", "output: 4\n    until: 2025-01-01"), "`until` is not after `since`"),
        (("name: mine", "name: yours"), "mine.yaml:1: name is 'yours', but the file is mine.yaml"),
    ],
)
def test_a_wrong_price_page_is_reported_with_file_and_line(
    cli: Callable, tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "mine.yaml").write_text(PAGE.replace(*change), encoding="utf-8")
    seen = cli("cost", "compare", "./mine.yaml", "gpt-5.4")
    assert seen.code == 2
    assert message in seen.err and len(seen.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cost", "./nowhere"), "no such run folder"),
        (("cost", "compare", "deepseek-v4-prp", "gpt-5.4"), "did you mean 'deepseek-v4-pro'"),
        (("cost", "compare", "nothing-*", "gpt-5.4"), "no price page is called 'nothing-*'"),
        (("cost", "compare", "deepseek-v4-pro", "gpt-5.4", "--cheaper-by", "60"), "a share such as 60% or 0.6"),
        (("cost", "compare", "deepseek-v4-pro", "gpt-5.4", "--blends", "3"), "as in 1:1,3:1,10:1"),
        (("cost", "compare", "deepseek-v4-pro", "gpt-5.4", "--on", "May"), "not a day"),
        (("cost", "compare", "deepseek-v4-pro", "gpt-5.4", "--on", "2020-01-01"), "was on offer at the same time"),
    ],
)
def test_what_is_wrong_is_reported_in_one_line(cli: Callable, words: tuple[str, ...], message: str) -> None:
    seen = cli(*words)
    assert seen.code == 2
    assert message in seen.err and len(seen.err.strip().splitlines()) == 1


def test_a_name_that_was_left_unfinished_is_completed(cli):
    seen = cli("cost", "compare", "gpt-4o", "deepseek-v3")
    assert seen.code == 2
    assert "did you mean 'gpt-4o-2024-05-13' or 'gpt-4o-2024-08-06'?" in seen.err
