"""What the README shows is what happens."""

from __future__ import annotations

import json
import re

import pytest
from files import REPO

README = (REPO / "README.md").read_text(encoding="utf-8")


def test_the_demo_scores_as_the_readme_shows(cli):
    """Task, metric, score, interval and n of each line; tokens and speed are the machine's."""
    shown = re.findall(r"^(demo\w*) +([\w/]+) +(0\.\d+) +(\[[^]]+\]) +(\d+)", README, flags=re.MULTILINE)
    assert [line[0] for line in shown] == ["demo_math", "demo_code", "demo"]
    seen = cli("run", "--json")
    assert seen.code == 0, seen.err
    document = json.loads(seen.out)
    rows = [*document["rows"], document["overall"]]
    for (task, _, score, interval, n), row in zip(shown, rows, strict=True):
        assert row["task"] == task and row["n"] == int(n)
        assert f"{row['value']:.3f}" == score
        assert f"[{row['low']:.3f}, {row['high']:.3f}]" == interval


def test_the_python_example_runs_unchanged(cli, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert "demo_math mean" in capsys.readouterr().out


def test_every_flag_and_command_that_the_readme_names_exists(cli):
    pages = (
        ("run",),
        ("rescore",),
        ("tasks",),
        ("tasks", "validate"),
        ("models", "inspect"),
        ("compare",),
        ("show",),
        ("runs",),
        ("export",),
        ("cost",),
        ("cost", "of"),
        ("cost", "compare"),
        ("exec",),
        ("claim", "check"),
        ("plan",),
        (),
    )
    helped = "".join(cli(*words, "--help").out for words in pages)
    for flag in set(re.findall(r"(--[a-z][a-z-]+)", README)):
        assert flag in helped, flag
    for command in set(re.findall(r"harness (run|rescore|doctor|tasks|models|compare|cost|exec|claim)", README)):
        assert command in helped


@pytest.mark.slow
def test_the_demo_model_runs_gsm8k_from_the_mirror(cli, mirror):
    """Five worked examples of a real benchmark, through a model that cannot do it: a low score, honestly reported."""
    words = ("run", "--tasks", "gsm8k", "--mirror", mirror, "--model", "demo-smaller", "--limit", 6)
    seen = cli(*words, "--style", "text", "--json")
    assert seen.code == 0, seen.err
    rows = json.loads(seen.out)["rows"]
    assert [(row["scorer"], row["n"]) for row in rows] == [("strict", 6), ("flexible", 6), ("numeric", 6)]


@pytest.mark.slow
def test_the_tasks_of_ones_own_score_as_the_readme_shows(cli, tmp_path):
    """The three pages, as a reader copies them: each under ten lines, valid, and with the scores of the table."""
    section = README.partition("## Your own task\n")[2].partition("\n## ")[0]
    pages = re.findall(r"```yaml\n# (\w+)\.yaml\n(.*?)```\n\n```json\n(.*?)```", section, flags=re.DOTALL)
    assert len(pages) == 3
    for name, page, rows in pages:
        assert page.count("\n") < 10
        (tmp_path / f"{name}.yaml").write_text(page, encoding="utf-8")
        (tmp_path / f"{name}.jsonl").write_text(rows, encoding="utf-8")
    (validate,) = re.findall(r"`harness (tasks validate [^`]+)`", section)
    seen = cli(*validate.split())
    assert seen.code == 0 and seen.out.count("gold scores 1, empty scores 0") >= 3, seen.out
    (run,) = re.findall(r"`harness (run --tasks [^`]+)`", section)
    seen = cli(*run.split(), "--json")
    assert seen.code == 0, seen.err
    shown = re.findall(r"^(\w+) +(\w+/[\w@]+) +(0\.\d+) +(\[[^]]+\]) +(\d+)", section, flags=re.MULTILINE)
    rows = json.loads(seen.out)["rows"]
    assert [line[0] for line in shown] == [row["task"] for row in rows] == [page[0] for page in pages]
    for (_, _, score, interval, n), row in zip(shown, rows, strict=True):
        assert (score, int(n)) == (f"{row['value']:.3f}", row["n"])
        assert interval == f"[{row['low']:.3f}, {row['high']:.3f}]"
