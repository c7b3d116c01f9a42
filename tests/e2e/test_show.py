"""`harness show`: which samples are selected, what is printed of them, and what hostile text cannot do."""

from __future__ import annotations

import json

import pytest
from files import write_jsonl
from rich.cells import cell_len
from terminal import typed

# A sample of each kind: right, wrong, without an answer, with the right answer that is not what was extracted
ANSWERS = {0: " it is 0", 1: " it is 7", 2: " I do not know", 3: " it is 9, not 8", 4: "\x1b[m \u202e red 12"}


@pytest.fixture
def run(cli, sums, tmp_path):
    rows = [{"task": "sums", "sample_id": f"s{number}", "completion": text} for number, text in ANSWERS.items()]
    file = write_jsonl(tmp_path / "answers.jsonl", rows)
    seen = cli(
        *("run", "--engine", "scripted", "--completions", file, "--tasks", sums, "--out", "r"),
        *("--style", "text", "--only-answered", "--set", "tasks.sums.gold=null"),
    )
    assert (tmp_path / "r/records.jsonl").is_file(), seen.err
    return tmp_path / "r"


def listed(out: str) -> list[str]:
    """The ids of the samples that were printed."""
    return [line.removeprefix("sums: ") for line in out.splitlines() if line.startswith("sums: ")]


@pytest.mark.parametrize(
    ("flags", "ids"),
    [
        ((), ["s0", "s1", "s2", "s3", "s4"]),
        (("--wrong",), ["s1", "s2", "s3"]),
        (("--no-answer",), ["s2"]),
        (("--unread",), ["s3"]),
        (("--unread", "--no-answer"), ["s2", "s3"]),
        (("--search", "NOT KNOW"), ["s2"]),
        (("--search", "1 + 2 ="), ["s1"]),
        (("--truncated",), []),
        (("--wrong", "--limit", "1"), ["s1"]),
    ],
)
def test_the_flags_select(cli, run, flags, ids):
    seen = cli("show", run, *flags)
    assert seen.code == 0 and sorted(listed(seen.out)) == ids, seen.err


def test_a_sample_is_printed_with_prompt_answer_and_reason(cli, run):
    out = cli("show", run, "--sample", "s1").out
    assert "    1 + 2 =\n" in out and "     it is 7\n" in out
    assert "  exact_match: 0 - '7' is not '3'\n" in out
    assert cli("show", run, "--wrong", "--limit", "1").out.endswith("1 of 3 selected samples; --limit 3 shows all\n")


def test_what_a_terminal_would_obey_is_shown(cli, run):
    out = cli("show", run, "--sample", "s4").out
    assert "\x1b" not in out and "\u202e" not in out
    assert "\\x1b[m \\u202e red 12" in out


def test_the_records_are_printed_as_they_are_in_the_journal(cli, run):
    lines = cli("show", run, "--wrong", "--json").out.splitlines()
    journal = (run / "records.jsonl").read_text().splitlines()
    assert len(lines) == 3 and {json.dumps(json.loads(line)) for line in lines} <= {
        json.dumps(json.loads(line)) for line in journal
    }


def test_of_a_long_prompt_the_question_is_shown(cli, tmp_path, sums):
    rows = [{"task": "sums", "sample_id": "s1", "completion": "3"}]
    file = write_jsonl(tmp_path / "a.jsonl", rows)
    template = "\n".join([*(f"line {n}" for n in range(30)), "{{ a }} + {{ b }} ="])
    cli(
        *("run", "--engine", "scripted", "--completions", file, "--tasks", sums, "--out", "long"),
        *("--style", "text", "--only-answered", "--set", f"tasks.sums.prompt.text.template={json.dumps(template)}"),
    )
    short, whole = cli("show", "long").out, cli("show", "long", "--full").out
    assert "prompt, without its first 19 lines" in short and "line 18\n" not in short and "1 + 2 =\n" in short
    assert "line 0\n" in whole and "without" not in whole


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("r", "--task", "sumz"), "no task of the run is called 'sumz'; did you mean 'sums'?"),
        (("r", "--sample", "s99"), "r has no sample 's99'"),
        (("nowhere",), "nowhere: no such run folder"),
    ],
)
def test_what_is_not_there_is_one_line(cli, run, words, message):
    seen = cli("show", *words)
    assert seen.code == 2 and seen.err.startswith(f"harness: {message}") and seen.err.count("\n") == 1


@pytest.mark.parametrize("width", [30, 60, 200])
def test_long_lines_are_broken_between_words(cli, tmp_path, sums, width):
    """On a terminal; through a pipe a line is a line. Characters of two cells count as two."""
    text = "the sum is found by adding " * 6 + "\u548c\u662f\u4e09" * 20 + "    indented = 3"
    file = write_jsonl(tmp_path / "a.jsonl", [{"task": "sums", "sample_id": "s1", "completion": text}])
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", sums, "--out", "wide")
    cli(*words, "--style", "text", "--only-answered")
    assert f"    {text}\n" in cli("show", "wide").out
    seen = typed(("show", "wide"), width, tmp_path)
    rows = seen.lines[seen.lines.index(next(line for line in seen.lines if line.startswith("    the sum"))) :]
    assert all(cell_len(row) <= width for row in seen.lines)
    assert "".join(text.split()) in "".join("".join(rows).split())
    assert not any(row.startswith("    dding") for row in rows)


def test_a_line_of_a_megabyte_is_shown_in_part(cli, tmp_path, sums):
    file = write_jsonl(tmp_path / "a.jsonl", [{"task": "sums", "sample_id": "s1", "completion": "7" * 1_000_000}])
    cli(
        *("run", "--engine", "scripted", "--completions", file, "--tasks", sums, "--out", "huge"),
        *("--style", "text", "--only-answered"),
    )
    out = cli("show", "huge").out
    assert "998000 more characters" in out and len(out) < 6000
    assert "7" * 1_000_000 in cli("show", "huge", "--full").out
