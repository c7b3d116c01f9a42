"""Commands on a terminal of 60, 80, 120 and 200 columns: they end well, every row fits, nothing is lost."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from files import REPO, read_jsonl, write_jsonl
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
    files = r"^(?:samples\.jsonl|config\.json|program\.cpp)$|^\./|/my-"
    mine = re.compile(rf"\b[A-Z]{{2,}}\b|{files}|Qwen/|languages-40|^gpt-")
    # They wait for answers, or read a folder that the test's runs are not in
    apart = (["doctor"], ["runs"], ["tasks", "new"], ["tasks", "import"])
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
