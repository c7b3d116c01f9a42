"""Recorded completions judged again: what counts as equal, explained, stale, and when it fails."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import ModuleType

import pytest
from files import REPO, write_jsonl


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, imported from its folder."""
    monkeypatch.syspath_prepend(str(REPO / "benchmarks"))
    import replay

    return replay


def recorded(path: Path, rows: list[tuple[str, str, bool]], **more: object) -> Path:
    """Rows of (completion, right answer, the makers' verdict)."""
    values = [
        {
            "task": "math_equality",
            "model": "m",
            "sample_id": str(number),
            "repeat": 0,
            "completion": completion,
            "gold": gold,
            "verdict": verdict,
            **more,
        }
        for number, (completion, gold, verdict) in enumerate(rows)
    ]
    return write_jsonl(path, values)


RIGHT = (r"So \boxed{12}.", "12", True)
WRONG = (r"So \boxed{13}.", "12", False)
THEIR_ERROR = (r"So \boxed{0.9091}.", r"\frac{10}{11}", True)


def test_equal_verdicts_pass_and_a_gzip_file_is_read(replay, tmp_path, capsys):
    plain = recorded(tmp_path / "a.jsonl", [RIGHT, WRONG])
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert replay.main([str(tmp_path), "--markdown", "--explained", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1:5] for line in lines[2:]] == [
        [" a ", " 2 ", " 1 ", " 1 "],
        [" b ", " 2 ", " 1 ", " 1 "],
        [" all ", " 4 ", " 2 ", " 2 "],
    ]


def test_a_disagreement_fails_until_it_is_explained_and_stale_explanations_are_named(replay, tmp_path, capsys):
    path = recorded(tmp_path / "a.jsonl", [RIGHT, THEIR_ERROR])
    words = [str(path), "--explained", str(tmp_path), "--json", str(tmp_path / "out.json"), "--show", "1"]
    assert replay.main(words) == 1
    seen = capsys.readouterr()
    assert "1 disagreements are not explained" in seen.err and "gold: '\\\\frac{10}{11}'" in seen.out
    page = tmp_path / "a.yaml"
    page.write_text(
        'explained:\n  - {rows: ["1#0", "0", "9"], right: ours, reason: "0.9091 is not 10/11, it is rounded."}\n'
    )
    assert replay.main(words) == 0
    said = capsys.readouterr().err
    assert "stale: 0 is explained, but agrees" in said and "9 is explained, but is not in the file" in said
    (document,) = json.loads((tmp_path / "out.json").read_text())
    assert (document["unexplained"], document["equal"], document["equal_set_aside"]) == (0, 0.5, 1.0)
    # Explained or not: where theirs is right, ours is wrong, and the bar is not reached
    page.write_text(page.read_text().replace("right: ours", "right: theirs"))
    assert replay.main(words) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "yes"}, "a.jsonl:1: verdict"),
        ({"repeat": -1}, "a.jsonl:1: repeat"),
        ({"task": "no_such_task", "gold": None}, "no task is called 'no_such_task'"),
        ({"sample_id": "0"}, "a.jsonl:2: a second line for 0#0 of m"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(replay, tmp_path, capsys, change, said):
    recorded(tmp_path / "a.jsonl", [RIGHT, RIGHT], **change)
    assert replay.main([str(tmp_path / "a.jsonl"), "--explained", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
