"""`harness claim check --run` with the items' difficulty: fewer samples, the same error, and a choice that stays."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import write_jsonl, write_sums

CLAIM = """\
name: sums-claim
about: A sentence about additions.
claims:
  - id: adds-well
    quote: "adds well"
    reading: "at least 0.62 of these additions right"
    source: {url: "https://example.org", kind: press}
    subject: {model: adder}
    test: {metric: accuracy, tasks: [sums], about: benchmark, difficulty: ./hard-sums.yaml}
    relation: ">="
    threshold: 0.62
"""
PAGE = """\
name: hard-sums
about: Share of models that solved each addition.
tasks:
  sums:
data: {path: ./sums.jsonl}
models: [one, another]
method: made for a test
sources:
  - {url: "https://example.org", licence: MIT}
file: hard-sums.json
"""
SIZE = 400


def given(folder: Path) -> list[object]:
    """A claim, 400 additions with their difficulty, and a model that is right on nearly all easy ones and no others."""
    draw = random.Random(1)
    easy = {f"s{i}": draw.random() < 0.5 for i in range(SIZE)}
    write_sums(folder, SIZE)
    (folder / "sums-claim.yaml").write_text(CLAIM, encoding="utf-8")
    (folder / "hard-sums.yaml").write_text(PAGE, encoding="utf-8")
    (folder / "hard-sums.json").write_text(json.dumps({name: 0.9 if one else 0.1 for name, one in easy.items()}))
    answers = [
        {
            "task": "sums",
            "sample_id": f"s{i}",
            "completion": f" {2 * i + (draw.random() > (0.95 if easy[f's{i}'] else 0.08))}",
        }
        for i in range(SIZE)
    ]
    file = write_jsonl(folder / "adder.jsonl", answers)
    return [
        "claim",
        "check",
        "./sums-claim.yaml",
        "--run",
        "--engine",
        "scripted",
        "--completions",
        file,
        "--out",
        "run",
    ]


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run" / "claim.json").read_text(encoding="utf-8"))
    return found


def replaced(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_it_takes_fewer_samples_than_without_and_says_why(cli: Callable, tmp_path: Path):
    words = given(tmp_path)
    seen = cli(*words)
    assert seen.code == 0 and "REFUTED" in seen.out, seen.err
    said = " ".join(seen.out.split())
    assert "with the items' difficulty (hard-sums) taken into account" in said
    assert "the items' difficulty from hard-sums, the share of 2 models that solved each, is a control variate" in said
    with_it = record(tmp_path)
    assert with_it["stopping"] == "difficulty" and len(with_it["kinds"]["difficulty"]["sums"]["digest"]) == 16
    again = cli("claim", "check", "./sums-claim.yaml", tmp_path / "run", "--json")
    assert json.loads(again.out)["verdicts"][0]["word"] == "refuted"
    replaced(tmp_path / "sums-claim.yaml", "./hard-sums.yaml", "none")
    cli(*words[:-1], "exact")
    exact = json.loads((tmp_path / "exact" / "claim.json").read_text(encoding="utf-8"))
    assert exact["stopping"] != "difficulty" and with_it["used"] < 0.8 * exact["used"]


def test_a_check_that_was_cut_off_goes_on_with_the_difficulties_it_began_with(cli: Callable, tmp_path: Path):
    words = given(tmp_path)
    assert cli(*words).code == 0
    whole, folder = record(tmp_path), tmp_path / "run"
    (folder / "claim.json").unlink()
    lines = (folder / "records.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "records.jsonl").write_bytes(b"".join(lines[:7]))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}), encoding="utf-8")
    # The file is another one by now
    (tmp_path / "hard-sums.json").write_text(json.dumps({f"s{i}": i % 2 for i in range(SIZE)}))
    assert cli(*words).code == 0
    assert record(tmp_path) == whole


def test_a_run_that_began_without_difficulties_goes_on_without(cli: Callable, tmp_path: Path):
    words = given(tmp_path)
    replaced(tmp_path / "sums-claim.yaml", "./hard-sums.yaml", "none")
    assert cli(*words, "--limit", "10").code == 0
    replaced(tmp_path / "sums-claim.yaml", "none", "./hard-sums.yaml")
    assert cli(*words).code == 0
    assert record(tmp_path)["stopping"] != "difficulty"


def test_a_claim_that_was_changed_since_its_run_is_refused_in_one_line(cli: Callable, tmp_path: Path):
    words = given(tmp_path)
    assert cli(*words).code == 0
    page = tmp_path / "sums-claim.yaml"
    before = page.read_text(encoding="utf-8")
    for old, new, said in (
        ("about: benchmark, difficulty: ./hard-sums.yaml", "about: skill", "test.about was benchmark, is skill"),
        ("threshold: 0.62", "threshold: 0.62\n    stats: {alpha: 0.01}", "stats.alpha was 0.05, is 0.01"),
    ):
        page.write_text(before, encoding="utf-8")
        replaced(page, old, new)
        for again in (words, ["claim", "check", "./sums-claim.yaml", tmp_path / "run"]):
            seen = cli(*again)
            assert seen.code == 2 and said in " ".join(seen.err.split()) and "internal" not in seen.err, seen.err
    (tmp_path / "run" / "claim.json").unlink()
    page.write_text(before.replace("about: benchmark, difficulty: ./hard-sums.yaml", "about: skill"), encoding="utf-8")
    seen = cli(*words)
    assert seen.code == 2 and "began with the items' difficulty" in " ".join(seen.err.split()), seen.err


def test_shipped_difficulties_of_other_samples_are_left_out_with_a_note(cli: Callable, tmp_path: Path):
    """The claim does not name them: the check goes on by the exact rule."""
    words = given(tmp_path)
    for name, before, after in (
        ("sums.yaml", "name: sums", "name: mbpp"),
        ("sums-claim.yaml", "[sums]", "[mbpp]"),
        ("sums-claim.yaml", ", difficulty: ./hard-sums.yaml", ""),
        ("adder.jsonl", '"task": "sums"', '"task": "mbpp"'),
    ):
        replaced(tmp_path / name, before, after)
    (tmp_path / "sums.yaml").rename(tmp_path / "mbpp.yaml")
    seen = cli(*words)
    assert seen.code == 0, seen.err
    assert "Note: items' difficulty is not used: the difficulty page mbpp is of other samples than mbpp" in seen.out
    assert record(tmp_path)["stopping"] != "difficulty"


def test_a_digest_is_of_the_data_and_not_of_which_items_have_a_figure(cli: Callable, tmp_path: Path):
    words = given(tmp_path)
    replaced(tmp_path / "hard-sums.yaml", "  sums:\n", '  sums: 0123456789abcdef\ntext: "{{ a }}"\n')
    seen = cli(*words)
    (digest,) = re.findall(r'write `sums: "(\w{16})"` under `tasks`', " ".join(seen.err.split()))
    replaced(tmp_path / "hard-sums.yaml", "0123456789abcdef", f'"{digest}"')
    (tmp_path / "hard-sums.json").write_text('{"s1": 0.5, "s2": 1}')
    seen = cli(*words, "--limit", "5")
    assert seen.code == 0, seen.err
    said = " ".join(seen.out.split())
    assert "that solved each, of 2 of 400 items (the others have the mean), is a control variate" in said
    # Other texts under the same ids
    sums = (tmp_path / "sums.jsonl").read_text().replace('"a": 7,', '"a": 8,')
    (tmp_path / "sums.jsonl").write_text(sums)
    seen = cli(*words[:-1], "other")
    assert seen.code == 2 and "is of other texts or ids than sums" in seen.err


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("hard-sums.json", '"s7"', '"s7000"', "of its 400 ids 1 are not among them, such as 's7000'"),
        ("hard-sums.json", "0.9", "9.5", "the share of models that solved it, from 0 to 1"),
        (
            "hard-sums.yaml",
            "  sums:\n",
            '  sums: 0123456789abcdef\ntext: "{{ a }}"\n',
            "is of other texts or ids than sums",
        ),
        ("hard-sums.yaml", "  sums:\n", "  totals:\n", "none for the task 'sums'"),
        ("hard-sums.yaml", "method", "methode", "methode"),
        ("hard-sums.yaml", "hard-sums.json", "easy-sums.json", "easy-sums.json: cannot be read"),
        ("sums-claim.yaml", "about: benchmark", "about: skill", "`difficulty` needs `about: benchmark`"),
        ("sums-claim.yaml", "./hard-sums.yaml", "hard-sum", "hard-sum"),
    ],
)
def test_difficulties_of_other_samples_or_none_are_refused(
    cli: Callable, tmp_path: Path, file: str, before: str, after: str, said: str
):
    words = given(tmp_path)
    replaced(tmp_path / file, before, after)
    seen = cli(*words)
    assert seen.code == 2 and said in seen.err.replace("\n", " "), seen.err
    # A folder without answers would count as a run that was cut off, whose time tells nothing
    assert not (tmp_path / "run").exists() and "requests" not in seen.err
