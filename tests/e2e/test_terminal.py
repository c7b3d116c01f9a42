"""Commands on a terminal of 60, 80, 120 and 200 columns: they end well, every row fits, nothing is lost."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from files import REPO, SUMS_PAGE, read_jsonl, write_jsonl
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
    assert "Detectable diff." in " ".join(seen.text.split()) and "0  1000" in seen.text


def readme_commands() -> list[list[str]]:
    """Commands of the README that need neither a network nor files of the reader's own."""
    text = (REPO / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^ {4}(?:\.venv/bin/)?(harness [^#\n]+)", text, flags=re.MULTILINE)
    inline = re.findall(r"`(harness [^`\n]+)`", text)
    words = [shlex.split(command)[1:] for command in dict.fromkeys([*shown, *inline])]
    files = r"^(?:samples\.jsonl|config\.json|run\.yaml|program\.cpp)$|^\./|/my-"
    mine = re.compile(rf"\b[A-Z]{{2,}}\b|{files}|Qwen/|languages-40|^gpt-")
    # They wait for answers, or read a folder that the test's runs are not in
    apart = (["doctor"], ["runs"], ["merge"], ["tasks", "new"], ["tasks", "import"])
    return [one for one in words if one[:1] not in apart and one[:2] not in apart and not any(map(mine.search, one))]


def test_the_readme_names_commands_that_need_nothing():
    found = [" ".join(words) for words in readme_commands()]
    assert "claim check deepseek-v4-press --brief" in found and "compare small large" in found
    assert len(found) >= 6, found


@pytest.fixture(scope="module")
def demo_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The README's two runs of the demo models, cut to a few samples."""
    folder = tmp_path_factory.mktemp("demo")
    for size in ("small", "large"):
        words = ("run", "--model", f"demo-{size}er", "--limit", 6, "--out", size)
        assert typed([str(word).replace("largeer", "larger") for word in words], 80, folder).code == 0
    return folder


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_a_command_of_the_readme_fits_the_terminal(demo_runs: Path, words: list[str], width: int):
    cut = ["--limit", "3"] if words[0] == "run" and "--out" not in words else []
    seen = typed([*words, *cut], width, demo_runs)
    if "--mirror" not in words and words[:2] != ["tasks", "show"]:
        assert seen.code == 0, seen.text
    if words[0] in ("compare", "cost", "claim"):
        assert_fits(seen, width)
    assert "internal error" not in seen.text


def test_the_first_line_is_there_before_anything_slow_is_imported(tmp_path: Path) -> None:
    """In a process of its own, which stops at the first import of the command line's library."""
    (tmp_path / "typer.py").write_text(
        "import os, sys, threading\nos.write(1, repr([*sys.modules]).encode())\n"
        "[one.join() for one in threading.enumerate() if isinstance(one, threading.Timer)]\nos._exit(0)\n"
    )
    code = "import sys; sys.argv = ['harness', 'run']; from harness.cli.main import main; main()"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stderr == "harness run: reading the configs\n"
    assert not {"torch", "transformers", "pydantic", "rich", "yaml"} & {*ast.literal_eval(done.stdout)}


@pytest.fixture(scope="module")
def many_tasks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    """Thirty pages of the same kind, each with a number of rows of its own, and the words that run them."""
    folder = tmp_path_factory.mktemp("many")
    answers = []
    for number in range(30):
        rows = [{"id": f"s{i}", "a": i, "b": i, "total": 2 * i} for i in range(3 + number)]
        write_jsonl(folder / f"sums{number:02}.jsonl", rows)
        page = SUMS_PAGE.replace("sums.jsonl", f"sums{number:02}.jsonl").replace("name: sums", f"name: sums{number:02}")
        (folder / f"sums{number:02}.yaml").write_text(page, encoding="utf-8")
        answers += [{"task": f"sums{number:02}", "sample_id": f"s{i}", "completion": " no"} for i in range(2)]
    write_jsonl(folder / "answers.jsonl", answers)
    words = ("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums*.yaml", "--limit", "2")
    return folder, words


@pytest.mark.parametrize("width", WIDTHS)
def test_thirty_tasks_are_thirty_rows_and_a_line_for_what_they_share(many_tasks, width: int) -> None:
    folder, words = many_tasks
    seen = typed((*words, "--out", f"of{width}"), width, folder)
    assert seen.code == 0, seen.text
    assert_fits(Seen(0, seen.raw.partition("scripted on")[2]), width)
    text = " ".join(seen.text.split())
    assert "30 tasks (sums00, sums01, sums02 and 27 more): 60 of 525 samples, text, 0 shots, greedy" in text
    assert "sums00, sums01, sums02 and 27 more: only 2 of 3 to 32 samples were run" in text
    others = [line for line in seen.lines if not re.match(r"sums\d\d ", line)]
    # Narrow terminals repeat headings and the suite's line in each part of the table
    assert len(others) <= (30 if width >= 80 else 50), others


def test_verbose_has_a_line_for_each_and_quiet_none(many_tasks, cli: Callable, monkeypatch) -> None:
    folder, words = many_tasks
    # Words of a command are relative to the folder
    monkeypatch.chdir(folder)
    loud = cli(*words, "--out", "loud", "--verbose")
    assert "sums07: 2 of 10 samples, text, 0 shots" in loud.err
    assert "warning: sums07: only 2 of 10 samples" in loud.out and re.search(r"^\d+\.\d s: binding", loud.err, re.M)
    quiet = cli(*words, "--out", "quiet", "--quiet")
    assert quiet.err == "" and "sums07" in quiet.out and "The run is finished" not in quiet.out
    again = cli("rescore", "quiet", "--quiet")
    assert again.code == 0 and again.err == "" and "scored differently" not in again.out
    both = cli(*words, "--quiet", "--verbose")
    assert (both.code, both.err) == (2, "harness: --quiet and --verbose exclude each other; give one\n")


def test_no_color_is_respected(demo_runs: Path, monkeypatch) -> None:
    monkeypatch.setattr("terminal.SIZE_VARIABLES", ("COLUMNS", "LINES", "CI"))
    coloured = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-9]|4[0-9]|9[0-7])[0-9;]*m")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured.search(typed(("show", "small", "--wrong"), 80, demo_runs).raw)
    monkeypatch.setenv("NO_COLOR", "1")
    for words in (("show", "small", "--wrong"), ("compare", "small", "large"), ("runs", ".")):
        assert not coloured.search(typed(words, 80, demo_runs).raw)
