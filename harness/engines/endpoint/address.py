"""Where the servers of a model are, and the key that they get. Makes no request.

The key comes from the environment only. The usual variable of an engine (`OPENAI_API_KEY`) is sent to the official API
alone; any other host, this machine too, gets only the key that the user names with `key_env`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

from harness.errors import ConfigError

# What users paste behind a base URL
ROUTES = ("/chat/completions", "/completions", "/messages", "/responses", "/models")
NEAR_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
# A query is part of the manifest, so no secret may be in it
SECRET_WORDS = ("key", "token", "secret", "password", "sig")


@dataclass(frozen=True, slots=True)
class Servers:
    """Base URLs of one model, and their key (None: they get none). `hosted`: one of them is on the public internet.

    `lacking`: why no request can be sent yet, since a key is missing; a dry run needs none.
    """

    urls: tuple[str, ...]
    key: str | None = field(repr=False)
    hosted: bool
    notes: tuple[str, ...] = ()
    lacking: str | None = None


def find_servers(
    url: str | Sequence[str] | None,
    key_env: str | None,
    official: str,
    usual_key: str,
    environment: Mapping[str, str] = os.environ,
) -> Servers:
    """Read the options `url` and `key_env`; `official` and `usual_key` are the engine's own URL and variable.

    Raises ConfigError for a URL or a key that cannot be used.
    """
    listed = [url] if isinstance(url, str) else list(url or [official])
    given = [part.strip() for text in listed for part in text.split(",") if part.strip()]
    if not given:
        raise ConfigError("engine.url: no URL there; write one such as http://localhost:8000/v1")
    urls = tuple(dict.fromkeys(base_url(one) for one in given))
    hosts = [urlsplit(one) for one in urls]
    hosted = [host for host in hosts if not _near(host)]
    others = [host for host in hosts if host.netloc != urlsplit(official).netloc]
    key = lacking = None
    if key_env:
        key = _read_key(key_env, environment)
        if key is None:
            lacking = f"engine.key_env: the environment variable {key_env} is not set; export {key_env}=..."
    elif not others:
        key = _read_key(usual_key, environment)
        if key is None:
            lacking = f"{hosts[0].netloc} needs a key: set the environment variable {usual_key}"
    elif secure := next((host for host in hosted if host.scheme == "https"), None):
        lacking = (
            f"engine.url: {secure.hostname} needs a key: put it into an environment variable and name that with "
            f"--set engine.key_env=NAME ({usual_key} is sent to {urlsplit(official).netloc} alone)"
        )
    open_hosts = [str(host.hostname) for host in hosted if host.scheme == "http"]
    notes = (f"the key is sent to {open_hosts[0]} without encryption",) if key and open_hosts else ()
    return Servers(urls, key, bool(hosted), notes, lacking)


def base_url(text: str) -> str:
    """Complete a base URL: `http://host:8000` gets `/v1`; a query stays. Raises ConfigError."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"engine.url: {text!r} is no URL ({error})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"engine.url: {_shown(text)!r} is no URL of a server; write http://HOST:PORT/v1 or https://..."
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigError("engine.url: a name or password in the URL would be written to the run folder; use key_env")
    if any(word in pair.partition("=")[0].lower() for pair in parts.query.split("&") for word in SECRET_WORDS):
        raise ConfigError("engine.url: a key in the URL would be written to the run folder; use key_env")
    if parts.fragment:
        raise ConfigError(f"engine.url: {text!r}: leave out the part after '#'")
    path = parts.path.rstrip("/")
    for route in ROUTES:
        path = path.removesuffix(route)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", path or "/v1", parts.query, ""))


def _near(host: SplitResult) -> bool:
    """Whether a host is this machine or in the user's own network, by its name or address; nothing is looked up."""
    name = (host.hostname or "").rstrip(".")
    try:
        return not ip_address(name).is_global
    except ValueError:
        return "." not in name or name.endswith(NEAR_ENDINGS)


def _read_key(variable: str, environment: Mapping[str, str]) -> str | None:
    """The key in a variable; None for an empty one. Raises ConfigError for what no header can carry."""
    key = environment.get(variable, "").strip()
    if not key:
        return None
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(f"the environment variable {variable} holds no key: it has spaces or unprintable characters")
    return key


def _shown(text: str) -> str:
    """A wrong URL for a message, without what may be a password."""
    return text.rpartition("@")[2][:80]
