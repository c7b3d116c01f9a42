"""Characters that a terminal obeys never reach it from data, ids, paths, answers or arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from files import SUMS_PAGE, write_jsonl
from terminal import STYLE, Seen, typed

from harness.report.visible import visible, visible_line

# Clears the screen, sets the title, makes a link, rings, is a C1 CSI, turns the line round, forges a line
EVIL = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil\x1b\\x\x9b31m\u202egnp.exe\u2066\r\nharness: all is well\ud800"
OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def assert_harmless(seen: Seen) -> None:
    """Nothing but line ends and the project's own styles is left for the terminal to obey."""
    text = STYLE.sub("", seen.raw.replace("\r\n", "\n"))
    # The status line is erased, and a bar of tqdm goes back to its line's beginning
    text = re.sub(r"\x1b\[(?:J|[12]?[AK])|\r", "", text)
    found = OBEYED.search(text)
    assert found is None, repr(text[max(0, found.start() - 80) : found.end() + 20])
    assert "\nharness: all is well" not in text


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A task with hostile ids in its data, and answers with hostile text."""
    rows = [{"id": f"s{i}{EVIL[:-1]}", "a": i, "b": 2 * i, "total": 3 * i} for i in range(4)]
    write_jsonl(tmp_path / "sums.jsonl", rows)
    (tmp_path / "sums.yaml").write_text(SUMS_PAGE, encoding="utf-8")
    for name, right in (("a", 0), ("b", 4)):
        answers = [
            {"task": "sums", "sample_id": row["id"], "completion": f" {row['total'] if i < right else 'x' + EVIL}"}
            for i, row in enumerate(rows)
        ]
        write_jsonl(tmp_path / f"{name}.jsonl", answers)
    return tmp_path


def test_hostile_ids_and_answers(hostile: Path):
    folder = hostile / "out\x1b[31m\u202e"
    for name in ("a", "b"):
        words = ("run", "--engine", "scripted", "--completions", f"{name}.jsonl", "--tasks", "./sums.yaml")
        seen = typed((*words, "--model", "demo\x1b[5m", "--out", folder / name), 80, hostile)
        assert seen.code in (0, 1), seen.text
        assert_harmless(seen)
        assert "\\x1b[31m\\u202e" in seen.text
    for words in (
        ("compare", folder / "a", folder / "b", "--samples"),
        ("compare", folder / "a", folder / "b", "--samples", "--format", "json"),
        ("compare", folder / "a", folder / "b", "--samples", "--format", "markdown"),
        ("cost", folder / "a"),
        ("claim", "check", "dsv4-python", folder / "a", "--stand-in"),
        ("rescore", folder / "a"),
        ("tasks", "show", "./sums.yaml"),
        ("run", "--engine", "scripted", "--completions", "a.jsonl", "--tasks", "./sums.yaml", "--dry-run"),
    ):
        seen = typed(words, 80, hostile)
        assert "internal error" not in seen.text, seen.text
        assert_harmless(seen)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--tasks", f"t{EVIL}"),
        ("run", "--tasks", f"t{EVIL}*"),
        ("run", f"--no{EVIL}"),
        ("run", "--model", f"./m{EVIL}"),
        ("run", "--set", f"a{EVIL}=1"),
        ("run", "--limit", EVIL),
        (f"run{EVIL}",),
        ("compare", f"a{EVIL}", f"b{EVIL}"),
        ("claim", "check", f"c{EVIL}"),
        ("claim", "show", "dsv4-mla", EVIL),
        ("cost", "compare", f"p{EVIL}", "q"),
        ("exec", f"f{EVIL}.py"),
        ("models", "inspect", f"./m{EVIL}"),
        ("rescore", f"r{EVIL}"),
        ("tasks", "show", f"t{EVIL}"),
        ("tasks", "validate", f"t{EVIL}"),
    ],
)
def test_hostile_arguments(tmp_path: Path, words: tuple[str, ...]):
    # A shell hands over bytes that are no UTF-8 as the other half of the surrogates
    seen = typed([word.replace("\ud800", "\udcff") for word in words], 80, tmp_path)
    assert seen.code == 2, seen.text
    assert_harmless(seen)


def test_json_stays_the_same_document(cli: Callable, hostile: Path):
    import json

    words = ("run", "--engine", "scripted", "--completions", "a.jsonl", "--tasks", "./sums.yaml")
    assert cli(*words, "--out", "a").code == 0 and cli(*words[:3], "--completions", "b.jsonl", *words[5:]).code == 0
    b = next((hostile / "runs").iterdir())
    seen = cli("compare", "a", b, "--samples", "--json")
    assert OBEYED.search(seen.out) is None
    ids = {row["sample_id"] for row in json.loads(seen.out)["samples"]}
    assert ids == {f"s{i}{EVIL[:-1]}" for i in range(4)}


def test_what_is_shown_of_a_hidden_character():
    assert visible("a\tb\nc") == "a\tb\nc"
    assert visible_line("a\tb\nc\rd") == "a\\tb\\nc\\rd"
    assert visible("\x1b\x07\x7f\x85\u202e\ufeff") == "\\x1b\\x07\\u007f\\u0085\\u202e\\ufeff"
    assert visible("\U000e0041\ud800") == "\\udb40\\udc41\\ud800"
    assert visible("naïve 語 ✓ 👩‍🔬 سلام") == "naïve 語 ✓ 👩‍🔬 سلام"
