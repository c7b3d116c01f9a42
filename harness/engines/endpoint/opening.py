"""From a model and the options of an engine to the engine, for every protocol. Makes no request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from harness.config.checking import check_values
from harness.datatypes import Style
from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.endpoint.address import Servers, find_servers
from harness.engines.endpoint.engine import Connection, EndpointEngine
from harness.engines.endpoint.exact_prompts import ExactPrompts
from harness.engines.endpoint.needs import Features
from harness.engines.endpoint.notes import first_notes
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.prepared import Prompts
from harness.engines.endpoint.server_prompts import ServerPrompts
from harness.engines.endpoint.tokenizer import ServedTokenizer, open_tokenizer
from harness.engines.endpoint.wire import PromptWay
from harness.errors import ConfigError, ModelError


@dataclass(frozen=True, slots=True)
class Api:
    """What an engine is: its name, its official base URL, the usual variable of its key, and its protocol.

    `no_template_options`: what a user of the official API can set in place of variables of a chat template.
    """

    name: str
    url: str
    key_env: str
    features: Features
    no_template_options: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Which model on which servers: what a connection is made of."""

    model: str
    servers: Servers
    options: EndpointOptions
    way: PromptWay


def open_endpoint(
    api: Api, spec: ModelSpec, options: Mapping[str, Any], connect: Callable[[Target], Connection]
) -> EndpointEngine:
    """Build an engine. Raises ConfigError, ModelError or HubError with one line."""
    chosen = check_values(EndpointOptions, options, f"engine {api.name}")
    if not spec.path:
        raise ConfigError(f"the engine {api.name} needs the model's name on the server: give it with --model NAME")
    _refuse_idle(api.name, spec, chosen)
    servers = find_servers(chosen.url, chosen.key_env, api.url, api.key_env)
    tokenizer = None
    if chosen.tokenizer:
        tokenizer = open_tokenizer(chosen.tokenizer, spec.revision, spec.trust_remote_code, chosen.template_options)
    way = _way(api, spec, chosen)
    prompts = _prompts(way, spec, chosen, tokenizer)
    exact = tokenizer if way == "exact" else None
    facts = EngineFacts(
        engine=api.name,
        model=spec.name or spec.path,
        style=prompts.style,
        digests={"served_model": spec.path, **(exact.digests if exact else {})},
        context_window=chosen.context_window or (exact.window if exact else None),
        dtype=chosen.served_as,
        generation={
            "prompts": way,
            "overflow": chosen.overflow,
            "context_window": chosen.context_window,
            "template_options": dict(chosen.template_options),
            "extra_body": dict(chosen.extra_body),
        },
        end_tokens=exact.end_tokens() if exact else (),
        notes=first_notes(chosen, servers, exact.notes if exact else ()),
    )
    features = api.features
    if any(urlsplit(one).netloc == urlsplit(api.url).netloc for one in servers.urls) and api.no_template_options:
        features = replace(features, no_template_options=api.no_template_options)
    connection = connect(Target(spec.path, servers, chosen, way))
    return EndpointEngine(chosen, features, prompts, connection, facts, servers.lacking)


def _refuse_idle(engine: str, spec: ModelSpec, options: EndpointOptions) -> None:
    """Raise ConfigError for settings of the model that nothing here would read."""
    idle = {
        "device": spec.device != "auto",
        "dtype": spec.dtype != "auto",
        "adapter": spec.adapter is not None,
        "quantize": spec.quantize is not None,
    }
    for name, given in idle.items():
        if given:
            hint = "; state the server's precision with engine.served_as" if name in ("dtype", "quantize") else ""
            raise ConfigError(f"model.{name} has no effect: the engine {engine} loads no model; leave it out{hint}")
    if options.tokenizer:
        return
    for name, given in {"revision": bool(spec.revision), "trust_remote_code": spec.trust_remote_code}.items():
        if given:
            raise ConfigError(
                f"model.{name} has no effect without engine.tokenizer: the engine {engine} loads no model; leave it out"
            )


def _way(api: Api, spec: ModelSpec, options: EndpointOptions) -> PromptWay:
    """Resolve `prompts: auto`. Raises ConfigError for a way that the protocol or another option rules out."""
    way = options.prompts
    if way == "auto":
        if options.tokenizer and api.features.completions:
            return "exact"
        way = "text" if spec.style == "text" else "chat"
    if way != "chat" and not api.features.completions:
        raise ConfigError(f"the engine {api.name} takes messages only: leave model.style and engine.prompts out")
    if way == "exact" and not options.tokenizer:
        raise ConfigError("engine.prompts: exact needs a tokenizer: set engine.tokenizer to a folder or hub id")
    if way != "exact" and spec.style not in ("auto", way):
        raise ConfigError(f"engine.prompts: {way} contradicts style: {spec.style}; leave one of them out")
    if way == "text" and options.template_options:
        raise ConfigError("engine.template_options has no effect on plain-text prompts; leave it out")
    return way


def _prompts(way: PromptWay, spec: ModelSpec, options: EndpointOptions, tokenizer: ServedTokenizer | None) -> Prompts:
    window = options.context_window
    if way != "exact" or tokenizer is None:
        return ServerPrompts(way, window, tokenizer.encoder if tokenizer else None)
    try:
        style: Style = tokenizer.encoder.style(spec.style)
    except ModelError as error:
        raise ModelError(f"engine.tokenizer: {options.tokenizer}: {error}") from None
    return ExactPrompts(tokenizer, style, window, options.overflow == "refuse")
