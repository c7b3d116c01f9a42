"""No input is ignored in silence: a key that is set twice is refused, and so is a second model."""

from __future__ import annotations

from typing import Any

import pytest

from harness.config.building import config_keys, run_config
from harness.config.options import run_options
from harness.errors import ConfigError


def test_a_word_and_a_setting_of_one_key_exclude_each_other():
    for word, (_, option) in run_options().items():
        key = option.key
        with pytest.raises(ConfigError, match=f"{key} is set twice: by {word}"):
            config_keys({word: "a"}, {key: "b"})
        assert config_keys({word: None}, {key: "b"})[key] == "b"


@pytest.mark.parametrize(
    ("words", "settings", "key"),
    [
        ({"batch_size": 8}, {"engine": {"name": "local"}}, "engine.batch_size"),
        ({"device": "cpu"}, {"model": {"path": "x"}}, "model.device"),
        ({}, {"engine.batch_size": 8, "engine": {"name": "local"}}, "engine.batch_size"),
        ({}, {"execution": {}, "execution.workers": 2}, "execution.workers"),
    ],
)
def test_a_whole_section_and_a_key_of_it_exclude_each_other(words: dict[str, Any], settings: dict[str, Any], key: str):
    with pytest.raises(ConfigError, match=f"{key} is set twice"):
        config_keys(words, settings)


def test_the_environments_mirror_gives_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HARNESS_MIRROR", "/env")
    assert config_keys({}, {})["data.mirror"] == "/env"
    assert config_keys({"mirror": "/flag"}, {})["data.mirror"] == "/flag"
    # The command line's library fills the flag from the environment
    assert config_keys({"mirror": "/env"}, {"data.mirror": "/set"}) == {"data.mirror": "/set"}
    with pytest.raises(ConfigError, match="is set twice"):
        config_keys({"mirror": "/flag"}, {"data.mirror": "/set"})


def test_a_model_and_another_path_exclude_each_other():
    for key in ("model.path", "model"):
        with pytest.raises(ConfigError, match=rf"here: the model is named twice: by model \('a'\).*{key}"):
            run_config("a", None, None, {key: "b"}, "here")


def test_a_path_that_is_set_names_the_model():
    config = run_config(None, None, None, {"model.path": "org/other"}, "here")
    assert (config.model.path, config.model.name) == ("org/other", "org-other")
    config = run_config("org/a", None, None, {"model.name": "b"}, "here")
    assert (config.model.path, config.model.name) == ("org/a", "b")


def test_a_suite_is_named_and_not_set():
    for key in ("suite", "suite.tasks"):
        with pytest.raises(ConfigError, match=f"{key} cannot be set: name a suite, or the tasks"):
            run_config(None, "demo", None, {key: []}, "here")


def test_the_command_line_refuses_what_is_set_twice(cli):
    for words in (
        ["--model", "a", "--set", "model.path=b"],
        ["--engine", "local", "--set", "engine.name=reference"],
        ["--seed", "0", "--set", "seed=1"],
        ["--limit", "3", "--set", "limit=5"],
        ["--set", "limit=3", "--set", "limit=5"],
    ):
        done = cli("run", "--quiet", *words)
        assert done.code == 2 and "twice" in done.err and done.err.count("\n") == 1, done
