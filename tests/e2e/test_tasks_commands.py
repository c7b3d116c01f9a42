"""A user lists, reads and checks task pages, and looks at a run before it runs."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata

import pytest
from files import REPO, write_jsonl

from harness import plugins
from harness.cli import doctor
from harness.config import pages

PAGES = sorted(path.stem for path in (REPO / "tasks").rglob("*.yaml"))


def test_list_shows_every_page_and_suite(cli):
    seen = cli("tasks", "list")
    assert seen.code == 0
    for name in PAGES:
        assert f"  {name} " in seen.out
    assert {task["name"] for task in json.loads(cli("tasks", "list", "--json").out)["tasks"]} == set(PAGES)


def test_show_prints_the_page_and_the_first_real_prompt(cli, mirror):
    seen = cli("tasks", "show", "gsm8k", "--mirror", mirror)
    assert seen.code == 0
    assert "expected_count: 1319" in seen.out
    assert seen.out.rstrip().endswith("Answer:")
    assert "Janet" in seen.out and seen.out.count("####") >= 5


def test_show_without_data_says_why_there_is_no_prompt(cli):
    seen = cli("tasks", "show", "humaneval")
    assert seen.code == 0 and "no prompt can be shown" in seen.out and "--mirror" in seen.out


# One of each kind, and languages that may not be installed; tests/golden/test_task_pages.py has all pages
SOME = (
    *(
        "arc_challenge",
        "demo_code",
        "gsm8k",
        "humaneval",
        "mgsm_direct",
        "multipl_e_go",
        "multipl_e_php",
        "multipl_e_cs",
    ),
    *("multipl_e_sh", "sib200", "winogrande"),
)


def lacks_its_language(name):
    """Whether the programs of a page cannot run here, as no toolchain of their language is installed."""
    tests = pages.task_page(name)[0].reference.tests
    return tests is not None and plugins.load("language", tests.language).build().missing() is not None


@pytest.mark.slow
def test_pages_of_every_kind_hold_against_the_real_data(cli, mirror):
    """A page in a language that is not installed is reported as not tried, and every other page holds."""
    lacking = {name for name in SOME if lacks_its_language(name)}
    seen = cli("tasks", "validate", "--mirror", mirror, *SOME)
    assert seen.code == (3 if lacking else 0), seen.out
    lines = [line.split(maxsplit=2) for line in seen.out.splitlines()]
    assert {words[1].rstrip(":") for words in lines if words[0] == "ok"} == set(SOME) - lacking
    not_tried = {words[1].rstrip(":"): words[2] for words in lines if words[0] == "open"}
    assert set(not_tried) == lacking
    assert all("not installed here" in reason for reason in not_tried.values())


def test_validate_finds_a_gold_answer_that_the_page_cannot_read(cli, sums):
    sums.write_text(sums.read_text().replace("so the sum is {{ total }}", "so the sum is {{ total }} of 2"))
    seen = cli("tasks", "validate", sums)
    assert seen.code == 2
    assert "the gold answer" in seen.out and "scores 0" in seen.out


def test_validate_finds_a_page_that_gives_points_for_nothing(cli, sums, tmp_path):
    """An extractor that takes anything, with an empty right answer among the right ones."""
    text = sums.read_text().replace('answer: ["{{ total }}"]', 'answer: ["{{ total }}", "0"]')
    sums.write_text(text.replace("extract: {by: number, pick: last}", "extract: {by: regex, pattern: '()|[0-9]+'}"))
    seen = cli("tasks", "validate", sums)
    assert seen.code == 2, seen.out


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("sampling: {max_tokens: 8}", "sampling: {max_tokens: 8, temprature: 1}", "temprature"),
        ("about: Additions, for tests.", "about: one\nabout: two", "twice"),
        ('target: " {{ total }}"', 'target: " {{ total"', "does not parse"),
        ('target: " {{ total }}"', 'target: " {{ total | aftr(1) }}"', "aftr"),
        ("metric: [mean]", 'metric: [mean]\nprobe: {question: "{{ a }", ordered: by a}', "does not parse"),
        ("metric: [mean]", 'metric: [mean]\nprobe: {answer: "{{ a }"}', "does not parse"),
        ("name: sums", "name: summs", "summs"),
        ("metric: [mean]", "metric: [pass@5]", "pass@5"),
    ],
)
def test_validate_without_data_still_finds_what_is_wrong_in_the_page(cli, sums, right, wrong, message):
    sums.write_text(sums.read_text().replace(right, wrong))
    seen = cli("tasks", "validate", "--no-data", sums)
    assert seen.code == 2
    assert message in seen.out and "sums.yaml" in seen.out


def test_validate_says_what_it_could_not_check(cli):
    seen = cli("tasks", "validate", "math500")
    assert seen.code == 2
    assert seen.out.startswith("open") and "cannot be reached" in seen.out


def test_dry_run_shows_prompts_and_cost_and_writes_nothing(cli, tmp_path):
    seen = cli("run", "--dry-run", "--limit", 5)
    assert seen.code == 0, seen.err
    assert "demo_math: 5 requests" in seen.out and "demo_code: 5 requests" in seen.out
    assert "tokens in" in seen.out and "MiB" in seen.out and "roughly" in seen.out
    assert not (tmp_path / "runs").exists()
    document = json.loads(cli("run", "--dry-run", "--limit", 5, "--json").out)
    assert document["tasks"][0]["tokens_in"] > 0


def test_dry_run_tells_which_prompts_would_be_cut(cli, mirror):
    words = ("run", "--dry-run", "--tasks", "gsm8k", "--limit", 3, "--mirror", mirror, "--style", "text")
    seen = cli(*words, "--set", "engine.context_window=512")
    assert seen.code == 0, seen.err
    assert "3 prompts would be cut" in seen.out


def test_doctor_finds_out_by_trying(cli):
    seen = cli("doctor", "--json")
    found = json.loads(seen.out)
    assert found["languages"]["python"].startswith("works")
    assert "namespace" in found["sandbox"] and found["packages"]["torch"]
    assert any("not reachable" in str(value) for value in found["hub"].values())


def test_doctor_names_every_optional_package_and_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name != "dev"}
    needed = {name: {re.split(r"[<>=]", line)[0] for line in lines} for name, lines in extras.items()}
    assert needed == {name: {*packages} for name, packages in doctor.EXTRAS.items()}

    def version(name: str) -> str:
        if name in ("peft", "torchao"):
            raise metadata.PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(metadata, "version", version)
    found = doctor.optional_packages()
    assert found["peft"] == "not installed: pip install 'harness[adapters]'"
    assert found["torchao"] == "not installed: pip install 'harness[quantized]'"
    assert found["ray"] == "1.2.3" and {*found} == set().union(*needed.values())


def test_a_loglikelihood_task_runs_from_page_to_table(cli, tmp_path):
    """Choices by log-likelihood: option texts become continuations, the likeliest one is the answer."""
    write_jsonl(
        tmp_path / "capitals.jsonl",
        [
            {"id": "fr", "country": "France", "options": ["Paris", "Lyon"], "gold": 0},
            {"id": "it", "country": "Italy", "options": ["Turin", "Rome"], "gold": 1},
        ],
    )
    (tmp_path / "capitals.yaml").write_text(
        """\
name: capitals
version: 1
about: Capitals, as a choice.
source: {licence: Apache-2.0}
data: {path: ./capitals.jsonl, split: test, columns: [id, country, options, gold], id: "{{ id }}"}
reference:
  choice: {options: ["{{ options[0] }}", "{{ options[1] }}"], gold: "{{ gold }}"}
prompt:
  text: {template: "The capital of {{ country }} is", target: " {{ option }}"}
ask: loglikelihood
score:
  - by: choice
metric: [mean]
"""
    )
    answers = write_jsonl(
        tmp_path / "likely.jsonl",
        [
            {"task": "capitals", "sample_id": "fr", "loglikelihoods": [-1.0, -4.0]},
            {"task": "capitals", "sample_id": "it", "loglikelihoods": [-1.0, -4.0]},
        ],
    )
    assert cli("tasks", "validate", tmp_path / "capitals.yaml").code == 0
    words = ("run", "--tasks", tmp_path / "capitals.yaml", "--json")
    scripted = cli(*words, "--engine", "scripted", "--completions", answers)
    assert json.loads(scripted.out)["rows"][0]["value"] == 0.5
    real = cli(*words, "--model", "demo-smaller")
    assert real.code == 0, real.err
    assert json.loads(real.out)["rows"][0]["n"] == 2


def test_a_strangers_page_runs_no_python_until_it_may(cli, sums, sums_answers, tmp_path):
    ran = tmp_path / "ran"
    sums.with_suffix(".py").write_text(f"open({str(ran)!r}, 'w')\ndef prepare(row):\n    return row\n")
    answers = ("--engine", "scripted", "--completions", sums_answers)
    for words in (
        ("tasks", "show", sums),
        ("tasks", "validate", sums),
        ("run", "--tasks", sums, *answers),
        ("run", "--tasks", sums, "--dry-run", *answers),
    ):
        seen = cli(*words)
        assert seen.code == 2 and "--trust-page-code" in seen.out + seen.err, words
        assert "sums.py" in seen.out + seen.err
        assert not ran.exists(), words
    assert "name: sums" in cli("tasks", "show", sums).out, "the page itself is shown"
    assert cli("tasks", "validate", "--trust-page-code", sums).code == 0 and ran.exists()
    assert "0 + 0 =" in cli("tasks", "show", "--trust-page-code", sums).out
    assert cli("run", "--tasks", sums, *answers, "--out", "r", "--trust-page-code").code == 0
    assert cli("rescore", "r").code == 0, "the run's config remembers it"
    assert cli("run", "--tasks", sums, *answers, "--set", "data.trust_page_code=true").code == 0


def test_a_page_of_the_project_needs_no_trust(cli, mirror):
    assert cli("tasks", "show", "humanevalx_cpp", "--mirror", mirror).code == 0


def test_validate_lists_the_usual_phrasings_that_are_not_read(cli, sums):
    """A pattern may read only its own form; that is reported, and no fault of the page."""
    seen = cli("tasks", "validate", sums)
    assert seen.code == 0 and "bold" not in seen.out and "with a unit" not in seen.out
    sums.write_text(
        sums.read_text().replace("{by: number, pick: last}", "{by: regex, pattern: 'sum is ([0-9]+)', pick: first}")
    )
    seen = cli("tasks", "validate", sums)
    assert seen.code == 0, seen.out
    for name in ("alone ('0' is read as nothing)", "a sentence", "bold", "boxed", "with a unit", "a last line"):
        assert name in seen.out, name


def test_validate_shuffled_finds_a_judge_that_takes_anything(cli, sums, tmp_path):
    seen = cli("tasks", "validate", "--shuffled", sums)
    assert seen.code == 0 and "shuffled golds score 0.000 under exact_match (chance 0.000, n 10)" in seen.out
    # Every answer is cut down to its first sign, which most of these share
    rows = [{"id": f"s{i}", "a": i, "b": 1000, "total": 1000 + i} for i in range(10)]
    write_jsonl(tmp_path / "sums.jsonl", rows)
    sums.write_text(sums.read_text().replace("pick: last}", "pick: last}\n    ignore: ['[0-9]$']"))
    seen = cli("tasks", "validate", "--shuffled", sums)
    assert seen.code == 2 and "judges too loosely" in seen.out and "sums.yaml:" in seen.out


LETTERS_PAGE = """\
name: letters
version: 1
about: Choices, for tests.
source: {}
data: {path: ./letters.jsonl, split: test, columns: [q, options, gold]}
reference:
  choice: {options: ["{{ options[0] }}", "{{ options[1] }}", "{{ options[2] }}"], gold: "{{ gold }}"}
gold: "{{ letters[gold] }}"
prompt:
  text: {template: "{{ q }}", target: " {{ option }}"}
%s
score: [{by: choice}]
metric: [mean]
"""


def test_shuffled_choices_are_right_as_often_as_their_letters_coincide(cli, tmp_path):
    rows = [{"q": f"question {i}", "options": ["x", "y", "z"], "gold": i % 2} for i in range(40)]
    write_jsonl(tmp_path / "letters.jsonl", rows)
    (tmp_path / "letters.yaml").write_text(LETTERS_PAGE % "sampling: {max_tokens: 4}")
    seen = cli("tasks", "validate", "--shuffled", tmp_path / "letters.yaml")
    assert seen.code == 0 and "(chance 0.487, n 40)" in seen.out, seen.out


@pytest.mark.parametrize(
    ("options", "message"),
    [(["x", "y", ""], "option 2 is blank"), (["x", " ", "z"], "option 1 is blank"), (["x", "y", "x"], "two options")],
)
def test_a_run_refuses_options_that_cannot_be_distinguished(cli, tmp_path, options, message):
    rows = [{"q": f"question {i}", "options": ["x", "y", "z"], "gold": 0} for i in range(5)]
    rows[4]["options"] = options
    write_jsonl(tmp_path / "letters.jsonl", rows)
    (tmp_path / "letters.yaml").write_text(LETTERS_PAGE % "ask: loglikelihood")
    answers = write_jsonl(
        tmp_path / "a.jsonl",
        [{"task": "letters", "sample_id": str(i), "loglikelihoods": [-1.0, -2.0, -3.0]} for i in range(5)],
    )
    seen = cli("run", "--engine", "scripted", "--completions", answers, "--tasks", tmp_path / "letters.yaml")
    assert seen.code == 2 and message in seen.err and "sample '4'" in seen.err and "letters.yaml:" in seen.err


def test_a_page_with_fewer_letters_than_options_is_refused_before_the_run(cli, tmp_path):
    rows = [{"q": f"question {i}", "options": ["x", "y", "z"], "gold": 0} for i in range(5)]
    write_jsonl(tmp_path / "letters.jsonl", rows)
    page = LETTERS_PAGE.replace("{by: choice}", "{by: choice, letters: AB}")
    (tmp_path / "letters.yaml").write_text(page % "sampling: {max_tokens: 4}")
    answers = write_jsonl(tmp_path / "a.jsonl", [{"task": "letters", "sample_id": "0", "completion": "A"}])
    words = ("--tasks", tmp_path / "letters.yaml", "--style", "text", "--out", "r")
    seen = cli("run", "--engine", "scripted", "--completions", answers, *words)
    assert seen.code == 2 and seen.err.count("\n") == 1, seen.err
    assert "letters.yaml:12: 'choice' has 2 `letters`, and sample '0' has 3 options" in seen.err
    assert not (tmp_path / "r").exists()


def test_a_run_refuses_a_page_that_cannot_read_its_own_gold_answer(cli, sums, sums_answers):
    sums.write_text(sums.read_text().replace("so the sum is {{ total }}", "so the sum is {{ total }} of 2"))
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    assert seen.code == 2 and "the gold answer" in seen.err and "sums.yaml:" in seen.err
