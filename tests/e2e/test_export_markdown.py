"""`--to markdown`: the summary of a pull request, regressions first, with nothing of a stranger's text obeyed."""

from __future__ import annotations

import json
import re

import pytest
from exported_runs import exported, hostile_run

RIGHT = {0: "0", 1: "3", 2: "6", 3: "9", 4: "12", 5: "15", 6: "18", 7: "21", 8: "24", 9: "27"}
WRONG = dict.fromkeys(RIGHT, "no")
EVIL = "<img src=x>@octocat [a](http://x.y) </details> | `x` &lt; ~~z~~ \x1b\u202e"


def test_the_regression_is_first_then_the_scores_folded(cli, sums, tmp_path):
    old = hostile_run(cli, sums, tmp_path, "old", RIGHT)
    new = hostile_run(cli, sums, tmp_path, "new", WRONG)
    (file,) = exported(cli, new, "markdown", "--baseline", old)
    text = file.read_text()
    assert "**1 worse, 0 better, 0 not shown** of 1 task" in text
    row = next(line for line in text.splitlines() if line.startswith("| ▼ worse"))
    # McNemar's exact test on ten losses: 2 / 2 ** 10
    assert "| sums |" in row and "| 0.002 | 10 |" in row and "| -1.000 |" in row
    parts = ("▼ worse", "<details><summary>Scores of", "95 % interval | n | Truncated", "- command: `harness run")
    assert (places := [text.rindex(part) for part in parts]) == sorted(places)
    assert text.count("<details>") == text.count("</details>") == 2


def test_worse_comes_before_better_and_not_shown(cli, sums, tmp_path):
    from harness.comparison import compare_runs
    from harness.export.markdown import _compared

    runs = [hostile_run(cli, sums, tmp_path, name, answers) for name, answers in (("a", RIGHT), ("b", WRONG))]
    worse, better = compare_runs(runs), compare_runs(runs[::-1])
    from dataclasses import replace

    same = compare_runs([runs[0], hostile_run(cli, sums, tmp_path, "c", RIGHT)])
    mixed = replace(worse, comparisons=(*same.comparisons, *better.comparisons, *worse.comparisons))
    found = re.findall(r"^\| (▼ worse|▲ better|not shown)", _compared(mixed), re.M)
    assert found == ["▼ worse", "▲ better", "not shown"]


def test_names_of_strangers_are_text(cli, sums, tmp_path):
    run = hostile_run(cli, sums, tmp_path)
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"]["model"] |= {"name": EVIL, "path": EVIL}
    manifest["config"]["suite"]["name"] = EVIL
    path.write_text(json.dumps(manifest))
    other = hostile_run(cli, sums, tmp_path, "other")
    for options in ((), ("--baseline", other)):
        (file,) = exported(cli, run, "markdown", *options)
        # In a code span everything is text
        text = re.sub(r"`[^`\n]*`(?=[ ,\n])", "", file.read_text().replace("\\`", ""))
        assert "\x1b" not in text and "\u202e" not in text
        assert (
            "@octocat" not in text and "](" not in text and "&lt;" not in text and "~~z" not in text.replace("\\~", "")
        )
        tags = re.findall(r"(?<!\\)</?\w+", text)
        assert set(tags) <= {"<details", "<summary", "</summary", "</details"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--to", "csv", "--baseline", "r"), "--baseline is not for csv"),
        (("--to", "markdown", "--allow-protocol"), "give --baseline RUN too"),
    ],
)
def test_options_that_do_nothing_are_refused(cli, sums, tmp_path, options, message):
    run = hostile_run(cli, sums, tmp_path)
    seen = cli("export", run, *options)
    assert seen.code == 2 and message in seen.err and seen.err.count("\n") == 1


def test_several_runs_each_have_a_folder(cli, sums, tmp_path):
    runs = [hostile_run(cli, sums, tmp_path, name) for name in ("a", "b")]
    seen = cli("export", *runs, "--to", "csv", "--out", tmp_path / "o")
    assert seen.code == 0 and [(tmp_path / f"o/{name}/samples.csv").is_file() for name in "ab"] == [True, True]
    seen = cli("export", runs[0], runs[0], "--to", "csv", "--out", tmp_path / "o")
    assert seen.code == 2 and "two runs are in a folder called a" in seen.err


def test_the_help_lists_the_formats_that_there_are(cli):
    from harness import plugins

    seen = cli("export", "--help")
    listed = " ".join(seen.out.split())
    assert all(name.replace("_", "-") in listed for name in plugins.names("export"))
