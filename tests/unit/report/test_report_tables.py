"""What a reader sees of a run: on a terminal of any width, in a pipe, in Markdown."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from harness.report.markdown import markdown
from harness.report.tables import Column, Row, Table, score_table
from harness.report.terminal import print_table
from harness.report.wrapping import shortened, wrapped
from harness.results import Estimate

GSM8K = Estimate(
    task="gsm8k",
    scorer="strict",
    metric="mean",
    value=0.61234,
    low=0.5857,
    high=0.63832,
    method="wilson",
    n=1319,
    unscored=2,
    repeats=1,
    truncated=0.031,
    unextracted=0.0,
    mean_tokens=161.4,
    tokens_per_second=93.46,
    warnings=("2 of 1321 samples are unscored",),
)
FLEXIBLE = replace(GSM8K, scorer="flexible", value=0.7)
CHOICES = Estimate("copa[bold]", "choice", "mean", None, None, None, "none", 0, 3, 1)
OVERALL = replace(GSM8K, task="suite", scorer="", metric="mean", method="macro", warnings=())


def table() -> Table:
    failures = {"copa[bold]": {"engine timeout": 3}, "gsm8k": {"extract no_answer": 9, "score x": 1}}
    return score_table([GSM8K, FLEXIBLE, CHOICES], OVERALL, title="demo on suite", failures=failures)


def shown(width: int, *, terminal: bool = True) -> str:
    page = io.StringIO()
    print_table(table(), Console(file=page, width=width, force_terminal=terminal, color_system=None))
    return page.getvalue()


def test_a_row_says_all_there_is_to_know_and_a_dash_what_is_unknown() -> None:
    first, _, choices, overall = table().rows
    assert first.cells == (
        *("gsm8k", "strict/mean", "0.612", "[0.586, 0.638]", "1319"),
        *("3.1", "0.0", "2", "161", "93.5"),
    )
    assert choices.cells == ("copa[bold]", "choice/mean", "-", "-", "0", "-", "-", "3", "-", "-")
    assert overall.cells[:3] == ("suite", "mean", "0.612")
    assert [row.primary for row in table().rows] == [True, False, True, True]
    assert [row.overall for row in table().rows] == [False, False, False, True]


@pytest.mark.parametrize(
    ("share", "written"),
    [(0.0, "0.0"), (0.0001, "<0.1"), (0.5, "50.0"), (0.9999, ">99.9"), (1.0, "100.0"), (None, "-")],
)
def test_some_is_never_written_as_none_nor_most_as_all(share: float | None, written: str) -> None:
    assert score_table([replace(GSM8K, truncated=share)]).rows[0].cells[5] == written


def test_warnings_stand_once_with_their_task() -> None:
    assert table().warnings == ("gsm8k: 2 of 1321 samples are unscored",)


def test_notes_tell_the_intervals_method_and_the_failures_in_the_rows_order() -> None:
    method, *failures = table().notes
    assert method.startswith("Intervals: wilson (gsm8k), macro (suite).")
    assert failures == ["gsm8k failures: extract no_answer x9, score x x1", "copa[bold] failures: engine timeout x3"]
    assert score_table([GSM8K]).notes[0].startswith("Intervals: wilson. ")


def test_a_wide_terminal_shows_one_table_and_a_task_only_once() -> None:
    lines = shown(120).splitlines()
    (row,) = [line for line in lines if "strict/mean" in line]
    assert " ".join(row.split()) == "gsm8k strict/mean 0.612 [0.586, 0.638] 1319 3.1 0.0 2 161 93.5"
    (second,) = [line for line in lines if "flexible/mean" in line]
    assert "gsm8k" not in second
    assert any(line.split()[:2] == ["copa[bold]", "choice/mean"] for line in lines)  # a name is no markup


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_shows_every_figure_whole_in_several_tables(width: int) -> None:
    lines = shown(width).splitlines()
    assert max(map(len, lines)) <= width
    parts = [line.split() for line in lines if "strict/mean" in line]
    assert all(part[:2] == ["gsm8k", "strict/mean"] for part in parts)
    assert " ".join(cell for part in parts for cell in part[2:]) == "0.612 [0.586, 0.638] 1319 3.1 0.0 2 161 93.5"


def test_a_long_name_stays_whole_and_the_table_is_cut_in_more_parts() -> None:
    page = io.StringIO()
    long = replace(GSM8K, task="mbpp-sanitized-instruct", scorer="flexible-extract", tokens_per_second=12345.0)
    print_table(score_table([long]), Console(file=page, width=80, force_terminal=True, color_system=None))
    lines = page.getvalue().splitlines()
    rows = [line.split() for line in lines if line.startswith("mbpp-sanitized-instruct")]
    assert all(row[1] == "flexible-extract/mean" for row in rows)
    assert " ".join(cell for row in rows for cell in row[2:]) == "0.612 [0.586, 0.638] 1319 3.1 0.0 2 161 12345"


@pytest.mark.parametrize("width", [60, 80])
def test_columns_of_servers_fit_a_narrow_terminal_too(width: int) -> None:
    served = replace(GSM8K, completed=0.65, unread=0.02, window=0.011, filtered=0.0004)
    page = io.StringIO()
    print_table(score_table([served]), Console(file=page, width=width, force_terminal=True, color_system=None))
    lines = page.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    cells = " ".join(cell for line in lines if "strict/mean" in line for cell in line.split()[2:])
    assert cells == "0.612 [0.586, 0.638] 1319 3.1 0.0 2 161 93.5 0.650 2.0 1.1 <0.1"
    text = " ".join(page.getvalue().split())
    assert "Window full: truncated because the context window was full" in text
    assert "Filtered: withheld by the server's content filter" in text


def test_columns_of_servers_are_shown_only_where_some_task_has_one() -> None:
    filtered = score_table([replace(GSM8K, filtered=0.1), replace(CHOICES, filtered=None)])
    assert [column.heading for column in filtered.columns][-1] == "Filtered %"
    assert [row.cells[-1] for row in filtered.rows] == ["10.0", "-"]
    none = score_table([replace(GSM8K, filtered=0.0, window=0.0)])
    assert not {"Filtered %", "Window full %"} & {column.heading for column in none.columns}


@pytest.mark.parametrize("width", [1, 2, 5, 10, 20, 40, 60, 79, 81, 100, 119])
def test_no_width_breaks_the_table(width: int) -> None:
    assert max(map(len, shown(width).splitlines())) <= width
    if width >= 30:
        assert "[0.586, 0.638]" in shown(width)


def test_a_pipe_gets_plain_aligned_text_whatever_the_width() -> None:
    page = shown(30, terminal=False)
    assert page.isascii()
    lines = page.splitlines()
    assert lines[0] == "demo on suite"
    head, first, second = lines[2:5]
    assert first.index("[0.586") == second.index("[0.586")
    assert len(head) == len(first) == len(second)
    assert lines[-1] == "warning: gsm8k: 2 of 1321 samples are unscored"


WORDS = tuple(f"word{i}" for i in range(12))
SENTENCE = " ".join(WORDS)


def narrow_table(columns: int, keys: int = 1, *, free: bool = False) -> Table:
    """So many columns of which the first are keys; the last is running text if `free`."""
    headings = [f"Heading {i}" for i in range(columns)]
    made = [Column(h, number=i >= keys, key=i < keys) for i, h in enumerate(headings)]
    cells = [f"cell{i}" for i in range(columns)]
    if free:
        made[-1], cells[-1] = Column(headings[-1], number=False, free=True), SENTENCE
    return Table("a title", tuple(made), (Row(tuple(cells)), Row(tuple(cells))), ("a note",), ("a warning",))


@pytest.mark.parametrize("width", [1, 9, 20, 60, 80, 120, 200])
@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("keys", [0, 1, 2])
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 6, 14])
def test_a_table_of_any_shape_fits_any_width_with_all_its_columns(columns: int, keys: int, free: bool, width: int):
    table = narrow_table(columns, min(keys, columns), free=free)
    page = io.StringIO()
    print_table(table, Console(file=page, width=width, force_terminal=True, color_system=None))
    assert max(map(len, page.getvalue().splitlines())) <= width
    text = "".join(page.getvalue().split())
    for i in range(columns - free):
        assert f"cell{i}" in text or f"Heading{i}:cell{i}" in text
    assert "anote" in text and "awarning" in text
    if free and width >= 60:
        (line, *_) = [line for line in page.getvalue().splitlines() if "word0" in line]
        shown_words = line[line.index("word0") :].split()
        if shown_words[-1].endswith("..."):
            shown_words[-1] = shown_words[-1].removesuffix("...")
        assert tuple(shown_words) == WORDS[: len(shown_words)]


def test_running_text_is_shortened_between_words_and_a_name_never() -> None:
    assert shortened("one two three", 13) == "one two three"
    assert shortened("one two three", 12) == "one two..."
    assert shortened("one two three", 10) == "one two..."
    assert shortened("a\nb  c", 20) == "a b c"
    assert shortened("incomprehensibilities", 10) == "incompr..."


def test_wrapped_text_keeps_every_character_and_breaks_between_words() -> None:
    text = "see https://example.org/a/very/long/path?with=a&query=string of 1234567890123456789012345 things"
    for width in (1, 7, 20, 30, 60, 200):
        lines = wrapped(text, width, first="- ", rest="  ")
        assert max(map(len, lines)) <= width
        assert "".join("".join(lines).split()).removeprefix("-") == "".join(text.split())
    assert wrapped("aa bb cc", 5) == ["aa bb", "cc"]
    assert wrapped("path/to/file", 8) == ["path/to/", "file"]
    assert wrapped("", 10) == [""]
    assert [len(line) for line in wrapped("語" * 10, 10)] == [5, 5]


def test_markdown_is_a_pipe_table_that_names_cannot_break() -> None:
    page = markdown(score_table([replace(GSM8K, task="a|b_c")], title="demo"))
    lines = page.splitlines()
    assert lines[0] == "## demo"
    assert lines[2].startswith("| Task | Metric | Score | 95 % interval | n |")
    assert lines[3].count("|") == lines[2].count("|")
    assert lines[4].startswith("| a\\|b\\_c | strict/mean | 0.612 | [0.586, 0.638] | 1319 |")
    assert "- **Warning:** a\\|b\\_c: 2 of 1321 samples are unscored" in lines


def test_markdown_reads_as_a_table() -> None:
    """A parser that is not ours sees ten cells in every row."""
    from markdown_it import MarkdownIt

    rows = [row.cells for row in table().rows]
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(table()))
    assert sum(token.type == "tr_open" for token in tokens) == len(rows) + 1
    assert sum(token.type == "td_open" for token in tokens) == 10 * len(rows)


def test_many_tasks_with_one_warning_share_a_line() -> None:
    """A suite of fifty languages, each run in part, needs one line for it."""
    many = [replace(CHOICES, task=f"t{i}", low=0.1, high=0.9, warnings=("only a part",)) for i in range(50)]
    found = score_table([*many, replace(GSM8K, warnings=("only a part", "2 unscored"))])
    assert found.warnings == ("t0, t1, t2 and 48 more: only a part", "gsm8k: 2 unscored")
    assert found.notes[0].startswith("Intervals: none (t0, t1, t2 and 47 more), wilson (gsm8k).")


def test_scores_of_completed_answers_and_unread_answers_are_columns_only_where_they_occur() -> None:
    plain = score_table([GSM8K])
    assert [column.heading for column in plain.columns][-1] == "Tokens/s"
    cut_off = replace(GSM8K, completed=0.7514, unread=0.104)
    table = score_table([cut_off, CHOICES])
    assert [column.heading for column in table.columns][-2:] == ["Completed only", "Not read %"]
    assert [row.cells[-2:] for row in table.rows] == [("0.751", "10.4"), ("-", "-")]
    assert all(len(row.cells) == len(table.columns) for row in table.rows)
    assert any("its text contains the right answer" in note for note in table.notes)
    assert [column.heading for column in score_table([replace(GSM8K, unread=0.0)]).columns][-1] == "Tokens/s"
