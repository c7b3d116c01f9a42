"""Models behind a server that has OpenAI's API: OpenAI itself, vLLM, llama.cpp, SGLang, Ollama and many others.

Guarantees and limits are those of `endpoint/engine.py`. The key of the official API is read from
OPENAI_API_KEY, that of any other server from the variable that the option `key_env` names.
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
    name="openai",
    url="https://api.openai.com/v1",
    key_env="OPENAI_API_KEY",
    features=Features(completions=True, logprobs=True, seeds=True),
    no_template_options="engine.extra_body to the API's own field, such as {reasoning_effort: high}",
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
    from harness.engines.endpoint.wires.openai import OpenAIWire

    return HttpConnection(target, OpenAIWire())
