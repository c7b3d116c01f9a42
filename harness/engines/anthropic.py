"""Models behind a server that has Anthropic's API (`/v1/messages`): Anthropic itself, llama.cpp, vLLM.

Messages are the only prompts: the server has the template, and there are no log-likelihoods and no seeds.
Guarantees and limits are those of `endpoint/engine.py`. The key of the official API is read from
ANTHROPIC_API_KEY, that of any other server from the variable that the option `key_env` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.engines.base import ModelSpec
from harness.engines.endpoint.connection import HttpConnection
from harness.engines.endpoint.engine import EndpointEngine
from harness.engines.endpoint.needs import Features
from harness.engines.endpoint.opening import Api, Target, open_endpoint
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.server import ServerFacts

API = Api(
    name="anthropic",
    url="https://api.anthropic.com/v1",
    key_env="ANTHROPIC_API_KEY",
    features=Features(
        completions=False,
        logprobs=False,
        seeds=False,
        no_template_options=(
            "engine.extra_body to the protocol's own field, such as {thinking: {type: enabled, budget_tokens: 4096}}"
        ),
    ),
)


def option_names() -> frozenset[str]:
    """Keys of `engine` in a config."""
    return frozenset(EndpointOptions.model_fields)


def build(spec: ModelSpec, options: Mapping[str, Any]) -> EndpointEngine:
    """Check the options and open the tokenizer, if one is given. Raises ConfigError, ModelError or HubError."""
    return open_endpoint(API, spec, options, _connect)


def inspect_endpoint(spec: ModelSpec, options: Mapping[str, Any]) -> ServerFacts:
    """Find out what a server does, for `harness models inspect --endpoint`. Raises ConfigError or EngineError."""
    return build(spec, options).inspect()


def _connect(target: Target) -> HttpConnection:
    from harness.engines.endpoint.wires.anthropic import AnthropicWire

    return HttpConnection(target, AnthropicWire())
