"""A model behind a server, by page or by URL: which engine, URL, key and price a run gets."""

from __future__ import annotations

from typing import Any

import pytest

from harness.config import pages
from harness.config.building import config_keys, run_config
from harness.config.schema import RunConfig
from harness.cost.prices import price_page
from harness.engines.registry import engine_name
from harness.errors import ConfigError


def config(model: str | None, **settings: Any) -> RunConfig:
    """A run of one task with options and settings."""
    dotted = {key.replace("__", "."): value for key, value in settings.items() if "__" in key}
    options = {key: value for key, value in settings.items() if "__" not in key}
    return run_config(model, None, ["demo_math"], config_keys(options, dotted), "here")


def test_a_pages_engine_is_a_default_that_the_command_changes_key_by_key():
    found = config("deepseek-v4-flash", concurrency=3, max_cost=2.5)
    assert found.engine.name == "openai"
    assert found.engine.options() == {
        "url": "https://api.deepseek.com/v1",
        "key_env": "DEEPSEEK_API_KEY",
        "concurrency": 3,
    }
    assert found.model.price == "deepseek-v4-flash" and found.budget.max_cost == 2.5
    assert RunConfig.model_validate(found.model_dump(mode="json")) == found


def test_the_key_of_a_page_is_not_for_another_url():
    assert "key_env" not in config("deepseek-v4-flash", endpoint="http://h/v1").engine.options()


def test_another_engine_takes_none_of_the_pages_options():
    found = config("gpt-4o-2024-08-06", engine="scripted", completions="a.jsonl")
    assert found.engine.options() == {"completions": "a.jsonl"} and found.model.name == "gpt-4o-2024-08-06"


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-0.5B-Instruct", "demo-larger", "/models/a"])
def test_with_an_endpoint_the_name_is_the_servers_own(name: str):
    found = config(name, endpoint="http://h:8000/v1")
    assert found.model.path == name and found.model.name == pages.label(name)
    assert engine_name(found.engine.name, found.engine.options()) == "openai"


def test_an_endpoint_needs_the_models_name():
    with pytest.raises(ConfigError, match="add --model NAME"):
        config(None, endpoint="http://h/v1")


def test_the_engine_of_a_model_is_not_set_inside_the_model():
    with pytest.raises(ConfigError, match=r"engine\.url=URL"):
        config("gpt-4o-2024-08-06", model__engine__url="http://h/v1")


def test_every_model_page_has_a_price_page_that_exists():
    for name in pages.index("configs/models"):
        page = pages.model_page(name)
        if page.price is not None:
            assert price_page(page.price).prices
