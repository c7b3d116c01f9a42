"""Messages about a claim name its file and its id, so that a reader of many claims finds the one."""

from __future__ import annotations

from pathlib import Path

import pytest

PAGE = """
name: mine
about: two claims
claims:
  - id: first
    quote: "demo-larger solves at least half"
    reading: at least half
    source: {url: "https://example.org", kind: vendor}
    subject: {model: demo-larger}
    test: {metric: mean, tasks: [demo_math]}
    relation: ">="
    threshold: THRESHOLD
  - id: second
    quote: "demo-larger beats demo-smaller"
    reading: more right answers
    source: {url: "https://example.org", kind: vendor}
    subject: {model: demo-larger}
    comparators: [{model: demo-smaller}]
    test: {metric: mean, tasks: [demo_math]}
    relation: ">"
"""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("check", "./mine.yaml:third"), "mine.yaml:third: no claim is called 'third'"),
        (("check", "./mine.yaml", "--run", "--model", "demo-larger"), "mine.yaml: ./mine.yaml has 2 claims"),
        (("check", "./mine.yaml:second", "--run", "--model", "demo-larger"), "mine.yaml:second: --run checks only"),
        (("check", "./mine.yaml:first", "--run", "--model", "demo-smaller"), "mine.yaml:first: demo-smaller is not"),
        (
            ("check", "./mine.yaml:first", "--run", "--subject", "demo-larger", "--comparator", "demo-smaller"),
            "mine.yaml:first: --run with --subject and --comparator cannot check it",
        ),
        (
            ("check", "./mine.yaml:second", "--run", "--subject", "demo-smaller", "--comparator", "demo-larger"),
            "mine.yaml:second: demo-smaller, demo-larger: not demo-larger",
        ),
    ],
)
def test_a_claim_that_cannot_be_checked_is_named_with_its_file(cli, tmp_path: Path, words, message):
    (tmp_path / "mine.yaml").write_text(PAGE.replace("THRESHOLD", "0.5"), encoding="utf-8")
    seen = cli("claim", *words)
    assert seen.code == 2 and f"harness: {message}" in seen.err and "Traceback" not in seen.err


def test_a_skill_of_one_is_refused_before_the_run(cli, tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(PAGE.replace("THRESHOLD", "1.0"), encoding="utf-8")
    seen = cli("claim", "check", "./mine.yaml:first", "--run", "--model", "demo-larger")
    assert seen.code == 2 and "harness: mine.yaml:first: no number of samples can test a skill of 1" in seen.err
    seen = cli("claim", "power", "./mine.yaml:first")
    assert seen.code == 2 and "harness: mine.yaml:first: 1 is not a proportion" in seen.err


def test_a_run_that_was_stopped_for_another_claim_is_refused_with_the_claims_file(cli, tmp_path: Path):
    page = tmp_path / "mine.yaml"
    page.write_text(PAGE.replace("THRESHOLD", "0.5"), encoding="utf-8")
    words = ("claim", "check", "./mine.yaml:first", "--run", "--model", "demo-larger", "--limit", "5", "--out", "run")
    assert cli(*words).code == 0
    assert cli("report", "run", "--claims", "./mine.yaml:first", "--out", "r.html").code == 0
    assert 'class="path"' in (tmp_path / "r.html").read_text(encoding="utf-8")
    page.write_text(PAGE.replace("THRESHOLD", "0.6"), encoding="utf-8")
    seen = cli("claim", "check", "./mine.yaml:first", "run")
    assert seen.code == 2 and "harness: mine.yaml:first: run was run for the claim 'first'" in seen.err
