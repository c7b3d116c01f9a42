"""Where an output cannot be written: a wrong path exits with 2 and says what to do, a failing disk with 3."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from files import REPO, write_jsonl

from harness.errors import StorageError, UserError, unwritable

RUN = ("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums.yaml", "--style", "text")


@pytest.fixture
def run(cli, sums, sums_answers, tmp_path):
    assert cli(*RUN, "--out", "r").code == 0
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    return tmp_path / "r"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("report", "r", "--out", "no/x.html"), "no/x.html cannot be written: there is no such folder; make it"),
        (("report", "r", "--out", "folder"), "folder cannot be written: is a folder"),
        (("report", "r", "--out", "file/x.html"), "file/x.html cannot be written: a part of the path is a file"),
        (("export", "r", "--to", "csv", "--out", "file"), "file cannot be written"),
        (("export", "r", "--to", "csv", "--out", "/proc/x"), "/proc/x cannot be written: there is no such folder"),
        ((*RUN, "--out", "new", "--save-config", "no/x.yaml"), "--save-config: no/x.yaml cannot be written: there is"),
        ((*RUN, "--out", "new", "--save-config", "folder"), "--save-config: folder cannot be written: is a folder"),
        ((*RUN, "--out", "file/r"), "file/r cannot be written: a part of the path is a file"),
    ],
)
def test_a_wrong_path_is_wrong_input(cli, run, words, what):
    seen = cli(*words)
    line = seen.err.splitlines()[-1]
    assert seen.code == 2 and line.startswith(f"harness: {what}"), seen.err
    assert "[Errno" not in line and line.count("x.yaml") <= 1


def test_a_page_that_cannot_be_written_is_wrong_input(cli, tmp_path):
    data = write_jsonl(tmp_path / "mine.jsonl", [{"q": "1 + 1?", "a": "2"}])
    (tmp_path / "mine.yaml").symlink_to(tmp_path / "no/mine.yaml")
    seen = cli("tasks", "new", "--kind", "generation", "--question", "q", "--answer", "a", "--data", data)
    assert seen.code == 2 and "mine.yaml cannot be written: there is no such folder" in seen.err, seen.err
    (tmp_path / "file").write_text("")
    theirs = REPO / "tests/data/lm_eval"
    seen = cli("tasks", "import", theirs / "drawn.yaml", "--mirror", theirs / "mirror", "--out", "file/ours")
    assert seen.code == 2 and "file/ours cannot be written: a part of the path is a file" in seen.out, seen.err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_names_the_file_and_what_to_do(number):
    said = unwritable(Path("r/a.html"), OSError(number, "..."))
    assert isinstance(said, StorageError) and said.exit_code == 3
    assert str(said) == "r/a.html: the disk is full; free some space and run the same command again"


def test_no_permission_is_wrong_input_and_a_failing_disk_is_not():
    assert isinstance(unwritable(Path("a"), OSError(errno.EACCES, "")), UserError)
    assert isinstance(unwritable(Path("a"), OSError(errno.EIO, "")), StorageError)
