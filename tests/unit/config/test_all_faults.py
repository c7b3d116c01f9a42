"""Every fault of a page at once, each on its own line, and blamed on the file's line or the setting that caused it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.config import pages
from harness.config.building import flags_of, run_config
from harness.config.key_names import full_names
from harness.config.schema import RunConfig
from harness.config.task_page import TaskPage
from harness.errors import ConfigError, Faults, HarnessError, UnknownName, UserError, error_lines, error_prefix

PAGE = """\
name: many
version: one
abouut: Nothing is right here.
source: {licens: MIT}
data: {path: ./rows.jsonl, split: test, columns: [], name: 5}
reference: {answer: ["{{ a }}", 5]}
sampling: {max_tokens: 0, temperatur: 1}
prompt: {text: {tmplate: x}}
score: [{by: exact_match}]
metric: mean
"""


def faults(name: str, *settings: tuple[str, dict[str, Any]]) -> list[str]:
    """The lines that a page is refused with."""
    with pytest.raises(UserError) as caught:
        pages.task_page(name, *settings)
    return caught.value.lines


def refused(settings: dict[str, Any], options: dict[str, Any] | None = None, **words: Any) -> list[str]:
    """The lines that a command is refused with."""
    keys = settings | {
        {"limit": "limit", "dtype": "model.dtype", "quantize": "model.quantize"}[name]: v
        for name, v in (options or {}).items()
    }
    with pytest.raises(UserError) as caught:
        run_config(None, None, None, keys, "the command line", flags=flags_of(options or {}, settings), **words)
    return caught.value.lines


def test_each_fault_has_its_line_and_misspelt_keys_are_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "many.yaml").write_text(PAGE)
    assert faults("./many.yaml") == [
        "many.yaml:3: unknown key 'abouut'; did you mean 'about'?",
        "many.yaml:4: unknown key 'licens' in 'source'; did you mean 'licence'?",
        "many.yaml:7: unknown key 'temperatur' in 'sampling'; did you mean 'temperature'?",
        "many.yaml:8: unknown key 'tmplate' in 'prompt.text'; did you mean 'template'?",
        "many.yaml:2: version: input should be a valid integer (found 'one')",
        "many.yaml:5: data.columns: list should have at least 1 item after validation, not 0",
        "many.yaml:5: data.name: input should be a valid string or a valid list (found 5)",
        "many.yaml:6: reference.answer.1: input should be a valid string (found 5)",
        "many.yaml:7: sampling.max_tokens: input should be greater than 0 (found 0)",
        "many.yaml:10: metric: input should be a valid list (found 'mean')",
    ]


def test_a_key_that_is_missing_because_it_is_misspelt_is_one_fault(tmp_path, monkeypatch):
    """`about` and `abouut` are one mistake; another key that is absent is missing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "many.yaml").write_text(PAGE.replace("metric: mean\n", ""))
    lines = faults("./many.yaml")
    assert [line for line in lines if "missing" in line] == ["many.yaml:1: the key 'metric' is missing"]


def test_ten_lines_are_shown_and_the_others_counted():
    error = ConfigError("0")
    for number in range(1, 13):
        error.add_note(str(number))
    assert error_lines(error) == [*map(str, range(10)), "and 3 more faults"]
    assert error_lines(ConfigError("only")) == ["only"]


def test_a_prefix_goes_before_every_fault_and_equal_ones_are_shown_once():
    found = Faults()
    for message in ("a", "b", "a"):
        with found.caught():
            raise ConfigError(message)
    with pytest.raises(HarnessError) as caught, error_prefix("suite: "):
        found.refuse()
    assert caught.value.lines == ["suite: a", "suite: b"]
    Faults().refuse()


@pytest.mark.parametrize(
    ("key", "value", "blamed", "message"),
    [
        ("samplng", {}, "samplng", "unknown key 'samplng'; did you mean 'sampling'?"),
        ("samplng.max_tokens", 5, "samplng.max_tokens", "unknown key 'samplng'; did you mean 'sampling'?"),
        ("max_tokens", 5, "max_tokens", "unknown key 'max_tokens'; did you mean 'sampling.max_tokens'?"),
        ("max_token", 5, "max_token", "unknown key 'max_token'; did you mean 'sampling.max_tokens'?"),
        ("temperature", 1, "temperature", "unknown key 'temperature'; did you mean 'sampling.temperature'?"),
        ("sampling.repeats", 5, "sampling.repeats", "did you mean 'repeats' at the top level?"),
        ("prompt.stop", [], "prompt.stop", "did you mean 'prompt.text.stop' or 'prompt.chat.stop'?"),
        ("fewshot.choose", "ids", "fewshot.choose", "fewshot: `ids` goes with `choose: ids`, and only with it"),
        ("ask", "rolling_loglikelihood", "ask", "goes with `reference: {text: ...}`"),
        ("reference.choice.gold", "0", "reference.choice.gold", "the key 'reference.choice.options' is missing"),
        ("data.name", 5, "data.name", "data.name: input should be a valid string or a valid list (found 5)"),
        ("name.x", 5, "name.x", "cannot be set: 'name' holds a value, not keys"),
    ],
)
def test_a_fault_that_a_flag_caused_names_the_flag(key, value, blamed, message):
    """Also where the key that does not fit is one of the page, such as `fewshot` with another way to choose."""
    (line, *_) = faults("gsm8k", ("--set tasks.gsm8k.", {"repeats": 2, key: value, "data.id": "x"}))
    assert line.startswith(f"--set tasks.gsm8k.{blamed}: ") and message in line


def test_what_two_settings_do_together_is_no_fault():
    page, _ = pages.task_page("gsm8k", ("--set ", {"fewshot.choose": "ids", "fewshot.ids": ["1", "2"]}))
    assert page.fewshot is not None and page.fewshot.choose == "ids"


def test_a_fault_of_the_file_stays_one_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "many.yaml").write_text(PAGE)
    lines = faults("./many.yaml", ("--set ", {"repeats": 2, "metric": ["mean"]}))
    assert len(lines) == 9 and all(line.startswith("many.yaml:") for line in lines)


def test_a_later_fault_of_a_page_says_what_changed_it():
    _, source = pages.task_page("aime_2024", ("--set tasks.aime_2024.", {"repeats": 1}))
    with pytest.raises(ConfigError) as caught, source.at("metric", 1):
        raise ConfigError("metric maj@8 needs at least 8 repeats")
    assert "aime_2024.yaml:" in str(caught.value)
    assert str(caught.value).endswith("(the page as changed by --set tasks.aime_2024.repeats)")


@pytest.mark.parametrize(
    ("settings", "options", "line"),
    [
        ({"max_tokens": 5}, {}, "--set max_tokens: unknown key 'max_tokens'; did you mean 'tasks.TASK.sampling.max"),
        (
            {"execution.wal_seconds": 5},
            {},
            "--set execution.wal_seconds: unknown key 'wal_seconds' in 'execution'; did",
        ),
        (
            {"execution.limit": 5},
            {},
            "--set execution.limit: unknown key 'limit' in 'execution'; did you mean 'limit' at",
        ),
        ({"execution": {"wall_seconds": 0}}, {}, "--set execution: execution.wall_seconds: input should be greater"),
        ({"limit": 0}, {}, "--set limit: limit: input should be greater than or equal to 1 (found 0)"),
        ({}, {"limit": 0}, "--limit: limit: input should be greater than or equal to 1 (found 0)"),
        ({}, {"dtype": "float8"}, "--dtype: model.dtype: 'float8' is not one of auto, float32, "),
        ({}, {"quantize": "int3"}, "--quantize: model.quantize: 'int3' is not one of int8, int4"),
        ({"model.path.x": 1}, {}, "--set model.path.x: cannot be set: 'path' holds a value, not keys"),
    ],
)
def test_faults_of_a_run_name_their_flag(settings, options, line):
    assert refused(settings, options)[0].startswith(line)


def test_several_flags_are_refused_at_once():
    lines = refused({"execution.wal_seconds": 5, "seeed": 1}, {"limit": 0})
    assert [line.partition(":")[0] for line in lines] == ["--set execution.wal_seconds", "--set seeed", "--limit"]


@pytest.mark.parametrize(
    ("sweep", "line"),
    [
        ({"sampling.temperature": [0.0, "hot"]}, "--sweep sampling.temperature: sampling.temperature: input should be"),
        ({"shots": [5, "five"]}, "--sweep shots: gsm8k: expected a count from 0 up (found 'five')"),
        ({"shot": [5]}, "--sweep: no axis is called 'shot'; did you mean 'shots'?"),
        ({"max_tokens.x": [5]}, "--sweep max_tokens.x: unknown key 'max_tokens'; did you mean 'sampling.max_tokens'?"),
    ],
)
def test_a_sweep_is_blamed_for_its_values(sweep, line):
    with pytest.raises(UserError) as caught:
        run_config(None, None, ["gsm8k"], {}, "the command line", sweep, {})
    assert str(caught.value).startswith(line)


SUITE = """\
name: mine
tasks:
  - task: gsm8k
    set:
      fewshot.count: 8
      sampling.max_tokens: 512
  - task: gsm8k
    name: other
    over: {fewshot.seed: [1, 2]}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "lines"),
    [
        ("fewshot.count: 8", "fewshot.count: many", ["mine.yaml:5: set fewshot.count: fewshot.count: input should be"]),
        ("fewshot.count: 8", "fewshot.choose: ids", ["mine.yaml:5: set fewshot.choose: fewshot: `ids` goes with"]),
        ("[1, 2]", "[1, two]", ["mine.yaml:9: over fewshot.seed: fewshot.seed: input should be a valid integer"]),
        ("- task: gsm8k\n    set", "- task: gsmk8\n    set", ["mine.yaml:3: no task is called 'gsmk8'; did you mean"]),
        (
            "      sampling.max_tokens: 512",
            "      max_tokens: 512\n      cuont: 3",
            ["mine.yaml:6: unknown key 'max_tokens'; did you mean 'sampling.max_tokens'?", "mine.yaml:7: unknown key"],
        ),
    ],
)
def test_what_a_suite_sets_is_blamed_on_the_suites_line(tmp_path, monkeypatch, right, wrong, lines):
    monkeypatch.chdir(tmp_path)
    assert right in SUITE
    (tmp_path / "mine.yaml").write_text(SUITE.replace(right, wrong))
    with pytest.raises((ConfigError, UnknownName)) as caught:
        pages.suite_page("./mine.yaml")
    assert len(caught.value.lines) == len(lines)
    for seen, expected in zip(caught.value.lines, lines, strict=True):
        assert seen.startswith(expected)


def test_the_keys_of_all_sections_are_known_by_their_full_names():
    names = set(full_names(TaskPage))
    assert {"sampling.max_tokens", "fewshot.data.columns", "reference.tests.cases", "prompt.chat.one_turn"} <= names
    assert "model.dtype" in set(full_names(RunConfig))
