"""A wrong page is refused once, with all that is wrong in it: on the command line, and by `tasks validate`."""

from __future__ import annotations

from pathlib import Path

import pytest
from files import SUMS_PAGE

WRONG = """\
score:
  - {by: exact_mach}
  - {by: exact_match, ignore_cas: true, ignore: "x"}
  - {by: exact_match, name: second, extract: {by: regex}}
metric: [mean, pass@5, maen]
"""


@pytest.fixture
def scored_wrongly(sums: Path) -> Path:
    """The additions with five faults in `score` and `metric`, and one in a template."""
    page = SUMS_PAGE.partition("score:")[0].replace("{{ a }} + {{ b }} =", "{{ a }} + {{ b } =") + WRONG
    sums.write_text(page, encoding="utf-8")
    return sums


def test_validate_lists_every_fault_of_every_page(cli, scored_wrongly, tmp_path):
    """Scorers, their options, extractors, metrics and templates of one page; keys of the other."""
    (tmp_path / "other.yaml").write_text("name: other\nversion: 1\nabuot: x\nsource: {}\n")
    seen = cli("tasks", "validate", "--no-data", scored_wrongly, "./other.yaml")
    assert seen.code == 2
    found = [line.rpartition("sums.yaml:")[2] for line in seen.out.splitlines() if "sums.yaml:" in line]
    first = scored_wrongly.read_text().splitlines().index("score:") + 1
    lines = [first - 3, first + 1, first + 2, first + 2, first + 3, first + 4, first + 4]
    assert sorted(int(line.split(":", 1)[0]) for line in found) == lines
    for message in (
        "metric pass@5 needs at least 5 repeats",
        "no metric is called 'maen'; did you mean 'mean'?",
        "no scorer is called 'exact_mach'; did you mean 'exact_match'?",
        "score entry 2: scorer 'exact_match': unknown key 'ignore_cas'; did you mean 'ignore_case'?",
        "score entry 2: scorer 'exact_match': ignore: input should be a valid list",
        "score entry 3: extractor 'regex': the key 'pattern' is missing",
        "the template does not parse",
        "other.yaml:3: unknown key 'abuot'; did you mean 'about'?",
        "other.yaml:1: the key 'metric' is missing",
    ):
        assert seen.out.count(message) == 1, message


def test_a_run_shows_every_fault_on_a_line_of_its_own(cli, scored_wrongly):
    seen = cli("run", "--tasks", scored_wrongly)
    lines = seen.err.splitlines()
    assert seen.code == 2 and len(lines) == 6
    assert all(line.startswith("harness: ") and "sums.yaml:" in line for line in lines)


def test_flags_of_a_task_and_of_a_run_are_named_as_they_were_typed(cli):
    seen = cli("run", "--tasks", "demo_math", "--set", "tasks.demo_math.max_tokens=5")
    assert seen.code == 2
    assert "--set tasks.demo_math.max_tokens: unknown key 'max_tokens'; did you mean 'sampling.max_tokens'?" in seen.err
    seen = cli("run", "--set", "limit=0", "--dtype", "float8")
    assert [line.split(": ")[1] for line in seen.err.splitlines()] == ["--dtype", "--set limit"], seen.err
