"""Pages, names and settings: what is found, what is refused, and where the message points."""

from __future__ import annotations

import pytest

from harness.config import pages
from harness.config.building import run_config
from harness.config.yaml_page import parse_value, read
from harness.errors import ConfigError, UnknownName, error_prefix


def test_lines_are_kept_for_nested_keys(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1\nb:\n  c:\n    - d: 2\n      e: 3\n")
    page = read(path)
    assert page.data == {"a": 1, "b": {"c": [{"d": 2, "e": 3}]}}
    assert page.where(("b", "c", 0, "e")).endswith("p.yaml:5: ")
    assert page.where(("b", "c", 0, "missing")).endswith("p.yaml:4: ")


def test_an_error_gets_the_place_of_the_innermost_key_once(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1\nb:\n  c: 2\n")
    page = read(path)
    with pytest.raises(UnknownName) as caught, page.at("b"), page.at("b", "c"):
        raise UnknownName("scorer", "exact_mach", ["exact_match"])
    message = str(caught.value)
    assert message.endswith("p.yaml:3: no scorer is called 'exact_mach'; did you mean 'exact_match'?")
    assert message.count("p.yaml") == 1


def test_a_prefix_goes_before_the_place(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1\n")
    page = pages.replaced(read(path), {"a": 2}, "--set tasks.t.")
    with pytest.raises(ConfigError) as caught, error_prefix("--sweep: "), page.at("a"):
        raise ConfigError("too small")
    assert str(caught.value) == "--sweep: --set tasks.t.a: too small"


def test_other_errors_pass_a_place_unchanged(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: 1\n")
    with pytest.raises(KeyError) as caught, read(path).at("a"):
        raise KeyError("metric")
    assert caught.value.args == ("metric",)


def test_yaml_words_stay_words(tmp_path):
    """YAML 1.1 would read these as booleans, numbers or times."""
    path = tmp_path / "p.yaml"
    path.write_text("answer: no\ncountry: NO\ntime: 12:30\n")
    assert read(path).data == {"answer": "no", "country": "NO", "time": "12:30"}


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("0.5", 0.5), ("true", True), ("[a, b]", ["a", "b"]), ("", None)]
)
def test_values_of_set_are_yaml(text, value):
    assert parse_value(text) == value


def test_every_shipped_page_is_named_like_its_file():
    for name in pages.index("tasks"):
        assert pages.task_page(name)[0].name == name
    for name in pages.index("configs/suites"):
        assert pages.suite_page(name).name == name
    for name in pages.index("configs/models"):
        assert pages.model_page(name).name == name


def test_every_suite_names_tasks_that_exist():
    for name in pages.index("configs/suites"):
        for entry in pages.suite_page(name).tasks:
            pages.task_page(entry.task, ("suite: ", entry.set))


def test_a_hub_id_is_passed_on_and_a_misspelt_name_is_not():
    assert pages.model_page("org/some-model").path == "org/some-model"
    assert pages.model_page("gpt2").path == "gpt2"
    with pytest.raises(UnknownName, match="did you mean 'demo-smaller'"):
        pages.model_page("demo-smal")


def test_settings_reach_the_task_page_and_bad_ones_name_their_flag():
    config = run_config(None, None, ["gsm8k"], {"tasks.gsm8k.fewshot.count": 8}, "here")
    page, _ = pages.task_page("gsm8k", ("--set tasks.gsm8k.", config.tasks["gsm8k"]))
    assert page.fewshot is not None and page.fewshot.count == 8
    with pytest.raises(ConfigError, match=r"^--set tasks\.gsm8k\.fewshot\.count: .*\(found 'many'\)"):
        pages.task_page("gsm8k", ("--set tasks.gsm8k.", {"fewshot.count": "many"}))
    with pytest.raises(ConfigError, match="here: unknown key 'modle'; did you mean 'model'"):
        run_config(None, None, None, {"modle": 1}, "here")


def test_a_key_below_a_value_is_refused():
    with pytest.raises(ConfigError, match="holds a value, not keys"):
        pages.task_page("gsm8k", ("--set ", {"version.minor": 2}))
