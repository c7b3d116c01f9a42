"""`harness report`: warnings, protocols, languages, pass@k, costs and provenance say what the terminal says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from files import read_jsonl, write_jsonl

VARIANTS = """\
variants:
  plain: {prompt.text.template: "{{ a }}+{{ b }}"}
  wordy: {prompt.text.template: "Add {{ a }} to {{ b }}:"}
"""
TOPICS = ["science/technology", "travel", "politics", "sports", "health", "entertainment", "geography"]
TONGUES = """\
name: tongues
tasks:
  - task: sib200
    over: {data.name: [eng_Latn, fra_Latn, bod_Tibt, yor_Latn]}
languages: {english: sib200_eng_latn, chance: 0.25, margin: 0.15}
"""


def section(page: str, name: str) -> str:
    """The text of a section, with its tags."""
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    return found.group() if found else ""


def words(page: str) -> str:
    """The text without tags, one space between words."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


@pytest.fixture
def report(cli: Callable, tmp_path: Path) -> Callable[..., str]:
    """Make a report of runs; return the page."""

    def made(*runs: object) -> str:
        seen = cli("report", *runs, "--out", "page.html", "--allow-protocol")
        assert seen.code == 0, seen.err
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return made


@pytest.fixture
def tried(cli: Callable, sums: Path, tmp_path: Path) -> Callable[..., Path]:
    """A run of the additions with four tries each, of which some are right."""

    def made(name: str, right: Callable[[int, int], bool], *more: object) -> Path:
        rows = [
            {"task": "sums", "sample_id": f"s{i}", "repeat": r, "completion": f" {3 * i if right(i, r) else 1000 + i}"}
            for i in range(10)
            for r in range(4)
        ]
        answers = write_jsonl(tmp_path / f"{name}.jsonl", rows)
        seen = cli(
            *("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", name),
            *("--set", "tasks.sums.repeats=4", "--set", "tasks.sums.sampling.temperature=0.8", *more),
        )
        assert seen.code == 0, seen.err
        return tmp_path / name

    return made


def test_the_range_of_protocols_is_the_sweep_of_the_run(cli, sums, tmp_path, report):
    sums.write_text(sums.read_text() + VARIANTS, encoding="utf-8")
    right = {"sums_page": range(9), "sums_plain": range(5), "sums_wordy": range(1, 9)}
    rows = [
        {"task": task, "sample_id": f"s{i}", "completion": f" it is {3 * i if i in good else 1000 + i}"}
        for task, good in right.items()
        for i in range(10)
    ]
    answers = write_jsonl(tmp_path / "swept.jsonl", rows)
    common = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", "swept")
    printed = cli(*common, "--sweep", "template=page,plain,wordy").out
    (sweep,) = json.loads((tmp_path / "swept/scores.json").read_text())["sweeps"]
    page = report("swept")
    # A mean over protocols is no result
    assert ", all tasks" not in page
    assert "1 task<" in page and "3 protocols<" in page
    assert page.index('<section id="protocols"') < page.index('<section id="scores"')
    found = section(page, "protocols")
    text = words(found)
    assert f"Spread (max - min): {sweep['spread']:.3f}, highest page, lowest plain" in text
    for note in (
        line for line in printed.splitlines() if line.startswith(("Spread", "If the protocols", "Protocol's"))
    ):
        assert " ".join(note.split()) in text
    assert "0.500 plain 0.900 page" in text
    assert found.count('class="point"') == 3
    # 9, 5 and 8 of ten differ no more than chance allows
    assert sweep["p"] > 0.05
    assert "within chance" in text
    assert "beyond chance (p" not in text


@pytest.mark.slow
def test_the_languages_that_count_are_those_of_the_run(cli, mirror, tmp_path, report):
    suite = tmp_path / "tongues.yaml"
    suite.write_text(TONGUES, encoding="utf-8")
    good = {"eng_Latn": range(90), "fra_Latn": range(85), "bod_Tibt": range(20), "yor_Latn": range(60)}
    rows = []
    for language, places in good.items():
        for place, row in enumerate(read_jsonl(mirror / "Davlan/sib200" / language / "test.jsonl")):
            gold = TOPICS.index(row["category"])
            chosen = gold if place % 100 in places else (gold + 1) % 7
            likelihoods = [-1.0 if option == chosen else -5.0 for option in range(7)]
            name = f"sib200_{language.lower()}"
            rows.append({"task": name, "sample_id": row["index_id"], "loglikelihoods": likelihoods})
    answers = write_jsonl(tmp_path / "answers.jsonl", rows)
    printed = cli(
        *("run", "--suite", suite, "--engine", "scripted", "--completions", answers),
        *("--mirror", mirror, "--out", "r"),
    ).out
    found = section(report("r"), "languages")
    bound = next(line for line in printed.splitlines() if line.startswith("Languages that hold"))
    assert " ".join(bound.split()) in words(found)
    strip = found.partition('class="language-strip"')[2].partition("</table>")[0]
    order = re.findall(r'<th scope="row">([^<]*)<', strip)
    assert order == ["eng_latn", "fra_latn", "yor_latn", "bod_tibt"]
    assert strip.count('class="point"') == 2
    # Each line of the terminal's table is in the page's
    table = words(found.partition("language by language")[2])
    for line in printed.partition("in 4 languages")[2].splitlines():
        if line.startswith("sib200_"):
            assert " ".join(line.split()) in table


def test_pass_at_k_is_that_of_the_score_table(tried, report):
    metrics = ("--set", "tasks.sums.metric=[pass@1,pass@2,pass@3,pass@4,maj@3]")
    run = tried("ours", lambda i, r: (i + r) % 3 == 0, *metrics)
    rows = json.loads((run / "scores.json").read_text())["rows"]
    text = words(section(report("ours"), "pass_at_k"))
    for row in rows:
        assert f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in text, row["metric"]


def test_pass_at_k_has_a_line_a_run_and_none_without_repeats(tried, cli, sums, sums_answers, report):
    tried("ours", lambda i, r: (i + r) % 3 == 0)
    tried("theirs", lambda i, r: r == 0)
    found = section(report("ours", "theirs"), "pass_at_k")
    assert found.count('<polygon class="band') == 2
    cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "once")
    assert not section(report("once"), "pass_at_k")


@pytest.mark.slow
def test_costs_are_those_of_cost_compare(cli, report, tmp_path):
    for name in ("demo-smaller", "demo-larger"):
        price = "gpt-5.5" if name == "demo-larger" else "deepseek-v4-flash"
        seen = cli("run", "--model", name, "--limit", 6, "--set", f"model.price={price}", "--out", name)
        assert seen.code == 0, seen.err
    printed = json.loads(cli("cost", "compare", "demo-smaller", "demo-larger", "--json").out)["runs"]
    text = words(section(report("demo-smaller", "demo-larger"), "costs"))
    assert "US dollars per answer" in text
    for run in printed:
        own = text.partition("Frontier ")[2].partition(f"{run['model']} ")[2].split()
        scores = json.loads((tmp_path / run["model"] / "scores.json").read_text())
        assert own[0] == f"{scores['overall']['value']:.3f}"
        assert float(own[3]) == pytest.approx(run["dollars_per_answer"], rel=0.006)


@pytest.mark.slow
def test_without_prices_tokens_are_the_cost_and_the_page_says_so(cli, report, tmp_path):
    for name in ("demo-smaller", "demo-larger"):
        assert cli("run", "--model", name, "--limit", 4, "--out", name).code == 0
    text = words(section(report("demo-smaller", "demo-larger"), "costs"))
    assert "by output tokens per answer" in text
    assert "$" not in text


@pytest.mark.slow
def test_provenance_says_what_differs_and_hides_what_is_private(cli, report, tmp_path):
    for name in ("demo-smaller", "demo-larger"):
        assert cli("run", "--model", name, "--limit", 2, "--out", name).code == 0
        path = tmp_path / name / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest["command"] += ["--api-key", "never-to-be-seen", "--note", "/home/alice/models"]
        path.write_text(json.dumps(manifest))
    weights = json.loads((tmp_path / "demo-larger/manifest.json").read_text())["engine"]["digests"]["weights"]
    page = report("demo-smaller", "demo-larger")
    found = section(page, "provenance")
    differs = words(found.partition("<tbody>")[2].partition("</tbody>")[0])
    assert f"digest of weights {'71bb12ff5f4a'} {weights[:12]}" in differs
    assert "dtype" not in differs
    assert weights in found
    assert "never-to-be-seen" not in page
    assert "alice" not in page
    assert "harness report demo-smaller demo-larger --out page.html" in words(found)


def test_a_different_protocol_is_among_the_differences(cli, sums, sums_answers, report):
    for name, limit in (("long", 8), ("short", 4)):
        words_ = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", name)
        assert cli(*words_, "--set", f"tasks.sums.sampling.max_tokens={limit}").code == 0
    differs = section(report("long", "short"), "provenance").partition("<tbody>")[2].partition("</tbody>")[0]
    assert "sums: decoding greedy, max_tokens 8" in words(differs)
    assert "greedy, max_tokens 4" in words(differs)
    assert "sums: data" not in differs


def test_warnings_come_first_and_are_folded_by_kind(cli, sums, report, tmp_path):
    for name, cut in (("a", 3), ("b", 5)):
        rows = [
            {"task": "sums", "sample_id": f"s{i}", "completion": f" {3 * i}", "finish": "length" if i < cut else "eos"}
            for i in range(10)
        ]
        answers = write_jsonl(tmp_path / f"{name}.jsonl", rows)
        cli("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", name)
    page = report("a", "b")
    found = section(page, "warnings")
    assert page.index('<section id="warnings"') < page.index('<section id="scores"')
    stored = [json.loads((tmp_path / name / "scores.json").read_text())["warnings"] for name in ("a", "b")]
    assert all(stored)
    assert "2 times" in words(found)
    for line in (line for lines in stored for line in lines):
        assert line.partition(": ")[2] in words(found)
