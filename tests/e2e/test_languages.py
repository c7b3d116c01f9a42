"""A run over languages: the same sentences, a table that says in how many the model finds the topic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from files import read_jsonl, write_jsonl

TOPICS = ["science/technology", "travel", "politics", "sports", "health", "entertainment", "geography"]
SUITE = """\
name: tongues
tasks:
  - task: sib200
    over: {data.name: [eng_Latn, fra_Latn, bod_Tibt, yor_Latn]}
languages: {english: sib200_eng_latn, chance: 0.25, margin: 0.15}
"""


@pytest.fixture
def tongues(tmp_path) -> Path:
    """A suite of four languages."""
    path = tmp_path / "tongues.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def answers(mirror: Path, folder: Path, right: dict[str, range]) -> Path:
    """Likelihoods of the seven topics: right at some places of a hundred, else the first topic that is wrong."""
    lines = []
    for language, good in right.items():
        for place, row in enumerate(read_jsonl(mirror / "Davlan/sib200" / language / "test.jsonl")):
            gold = TOPICS.index(row["category"])
            chosen = gold if place % 100 in good else (gold + 1) % 7
            likelihoods = [-1.0 if option == chosen else -5.0 for option in range(7)]
            lines.append(
                {
                    "task": f"sib200_{language.lower()}",
                    "sample_id": row["index_id"],
                    "loglikelihoods": likelihoods,
                }
            )
    return write_jsonl(folder / "answers.jsonl", lines)


def test_a_model_that_knows_two_languages_of_four(cli, mirror, tongues, tmp_path):
    right = {"eng_Latn": range(90), "fra_Latn": range(85), "bod_Tibt": range(20), "yor_Latn": range(60)}
    made = answers(mirror, tmp_path, right)
    words = ("run", "--suite", tongues, "--engine", "scripted", "--completions", made, "--mirror", mirror)
    seen = cli(*words, "--out", "r")
    assert seen.code == 0, seen.err
    rows = {line.split()[0]: line for line in seen.out.split("in 4 languages")[1].splitlines() if "sib200_" in line[:7]}
    assert [name for name, line in rows.items() if line.split()[1] == "yes"] == ["sib200_eng_latn", "sib200_fra_latn"]
    assert "Languages that hold: at least 2 and at most 2 of 4" in seen.out
    found = json.loads((tmp_path / "r/scores.json").read_text())["languages"]
    assert (found["shown"], found["at_most"], found["seen"], found["above_chance"]) == (2, 2, 2, 3)
    gap = found["rows"][1]["gap"]
    assert gap["paired"] and gap["n"] == 204
    # 90 and 85 of each hundred, and the four sentences beyond two hundred all right
    assert gap["difference"] == pytest.approx(-10 / 204)
    assert "in 4 languages" in (tmp_path / "r/table.md").read_text()


def test_the_demo_model_names_one_topic_for_all_and_is_credited_with_none(cli, mirror, tongues):
    seen = cli("run", "--suite", tongues, "--model", "demo-smaller", "--limit", 8, "--mirror", mirror, "--json")
    assert seen.code == 0, seen.err
    found = json.loads(seen.out)
    assert found["languages"]["shown"] == 0
    assert [row["n"] for row in found["languages"]["rows"]] == [8, 8, 8, 8]
    assert found["overall"]["method"] == "macro, same samples"


def test_languages_that_were_not_scored_are_left_out_and_named(cli, mirror, tongues, tmp_path):
    made = answers(mirror, tmp_path, {"eng_Latn": range(90), "fra_Latn": range(85)})
    words = ("run", "--suite", tongues, "--engine", "scripted", "--completions", made, "--mirror", mirror)
    seen = cli(*words, "--limit", 20)
    assert seen.code == 1, "unanswered samples are unscored"
    assert "sib200_bod_tibt: not counted" in seen.out
    assert "of 2 (each bound" in seen.out


def test_the_suite_of_all_languages_binds(cli, mirror):
    seen = cli("run", "--suite", "languages-40", "--limit", 1, "--dry-run", "--json", "--mirror", mirror)
    assert seen.code == 0, seen.err
    tasks = json.loads(seen.out)["tasks"]
    assert len(tasks) == 58 and all(task["requests"] == 1 for task in tasks)
    assert len({task["first_rendered"] for task in tasks}) == 58


def test_the_sentences_are_the_same_in_every_language(mirror):
    """What pairing rests on."""
    folders = [path for path in (mirror / "Davlan/sib200").iterdir() if path.is_dir()]
    found = [{(r["index_id"], r["category"]) for r in read_jsonl(path / "test.jsonl")} for path in folders]
    assert len(found) == 59 and all(rows == found[0] and len(rows) == 204 for rows in found)
