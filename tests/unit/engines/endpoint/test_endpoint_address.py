"""Where a server is and which key it gets, and that no key is written down."""

from __future__ import annotations

import re

import pytest

from harness.engines.endpoint.address import Servers, base_url, find_servers
from harness.errors import ConfigError

OFFICIAL, USUAL = "https://api.openai.com/v1", "OPENAI_API_KEY"
KEY = "sk-very-secret"


def servers(url: str | list[str] | None = None, key_env: str | None = None, **environment: str) -> Servers:
    return find_servers(url, key_env, OFFICIAL, USUAL, environment)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("http://host:8000", "http://host:8000/v1"),
        ("http://host:8000/", "http://host:8000/v1"),
        ("http://host:8000/v1/", "http://host:8000/v1"),
        ("http://host:8000/v1/chat/completions", "http://host:8000/v1"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        ("https://x.example.com/openai?api-version=2024-10-21", "https://x.example.com/openai?api-version=2024-10-21"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
    ],
)
def test_a_base_url_is_completed(given: str, wanted: str) -> None:
    assert base_url(given) == wanted


@pytest.mark.parametrize(
    "wrong", ["localhost:8000", "ftp://host/v1", "http://", "host", "http://h:99999", "http://h/#a"]
)
def test_what_is_no_url_is_refused_with_the_form_that_is_one(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"engine\.url: "):
        base_url(wrong)


@pytest.mark.parametrize("url", [f"http://me:{KEY}@host/v1", f"http://host/v1?api_key={KEY}", f"//{KEY}@host"])
def test_a_secret_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        base_url(url)
    assert KEY not in str(error.value)


def test_several_urls_come_as_a_list_or_with_commas_each_once() -> None:
    both = ("http://a:1/v1", "http://b:1/v1")
    assert servers("http://a:1, http://b:1/v1,http://a:1/v1").urls == both
    assert servers(["http://a:1", "http://b:1"]).urls == both


def test_the_official_api_needs_its_usual_key() -> None:
    assert "set the environment variable OPENAI_API_KEY" in str(servers().lacking)
    found = servers(OPENAI_API_KEY=f" {KEY}\n")
    assert found.urls == (OFFICIAL,) and found.key == KEY and found.hosted
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    "url", ["http://localhost:8000", "http://127.0.0.1:1", "http://10.1.2.3:1", "http://node1:8000"]
)
def test_a_server_of_the_own_network_needs_no_key_and_gets_only_a_named_one(url: str) -> None:
    found = servers(url, OPENAI_API_KEY=KEY)
    assert found.key is None and not found.hosted and found.lacking is None
    assert servers(url, "OPENAI_API_KEY", OPENAI_API_KEY=KEY).key == KEY
    assert servers([OFFICIAL, url], OPENAI_API_KEY=KEY).key is None


def test_the_usual_key_goes_to_no_other_host() -> None:
    without = servers("https://openrouter.ai/api/v1", OPENAI_API_KEY=KEY)
    assert without.key is None
    assert re.search(r"openrouter\.ai needs a key: .*engine\.key_env=NAME .*OPENAI_API_KEY is", str(without.lacking))
    found = servers("https://openrouter.ai/api/v1", "ROUTER_KEY", OPENAI_API_KEY=KEY, ROUTER_KEY="sk-router")
    assert found.key == "sk-router"
    assert servers("http://gpu.uni.example.org:8000", OPENAI_API_KEY=KEY).key is None
    # One host of several is enough
    assert "needs a key" in str(
        servers(["http://localhost:1", "https://openrouter.ai/api/v1"], OPENAI_API_KEY=KEY).lacking
    )


def test_a_key_on_an_open_line_is_noted() -> None:
    found = servers("http://gpu.uni.example.org:8000", "MY_KEY", MY_KEY=KEY)
    assert found.key == KEY and "without encryption" in found.notes[0] and KEY not in found.notes[0]


def test_a_named_variable_must_be_set_and_hold_a_key() -> None:
    assert "MY_KEY is not set" in str(servers("http://localhost:1", "MY_KEY").lacking)
    with pytest.raises(ConfigError, match="MY_KEY holds no key") as error:
        servers("http://localhost:1", "MY_KEY", MY_KEY=f"{KEY}\nx: y")
    assert KEY not in str(error.value)
