"""The probe sees of each server what raw requests show of it; docs/endpoints.md has it as a table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from servers.running import DEMO_MODEL

pytestmark = pytest.mark.servers

SAMPLER_OFF = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}
SEEN: dict[str, dict[str, Any]] = {
    "llama_server": {
        "window": 2048,
        "samples": True,
        "seeds": True,
        "keeps_stop": False,
        "prefill": "returned",
        "token_ids": True,
        "scoring": False,
        "ignores_unknown": True,
        "deterministic": True,
    },
    "transformers_serve": {
        "window": None,
        "samples": False,
        "keeps_stop": True,
        "prefill": "new_turn",
        "token_ids": False,
        "ignores_unknown": False,
        "deterministic": True,
    },
    "vllm_shape": {
        "window": 2048,
        "samples": True,
        "seeds": True,
        "keeps_stop": False,
        "prefill": "continued",
        "token_ids": True,
        "scoring": True,
        "ignores_unknown": True,
        "deterministic": True,
    },
}
STOPS = {"llama_server": 6, "transformers_serve": 6, "vllm_shape": 4}


@pytest.mark.parametrize("name", SEEN)
def test_the_probe_sees_what_a_server_does(cli, request, name):
    server = request.getfixturevalue(name)
    seen = cli("models", "inspect", "--endpoint", server.url, "--model", server.model, "--json")
    assert seen.code == 0, seen.err
    facts = json.loads(seen.out)["server"]
    assert {key: facts[key] for key in SEEN[name]} == SEEN[name]
    assert facts["dialect"]["stops"] == STOPS[name]
    assert facts["dialect"]["sampler"] == ({} if name == "transformers_serve" else SAMPLER_OFF)
    assert facts["dialect"]["continue_flags"] == (name == "vllm_shape")
    assert facts["requests"] <= 16


def test_with_a_tokenizer_only_the_vllm_shape_has_log_likelihoods(cli, llama_server, vllm_shape):
    for server, scoring in ((llama_server, "none"), (vllm_shape, "prompt_logprobs")):
        tokenizer = f"engine.tokenizer={DEMO_MODEL}"
        words = ("--endpoint", server.url, "--model", server.model, "--set", tokenizer, "--json")
        facts = json.loads(cli("models", "inspect", *words).out)["server"]
        assert facts["dialect"]["scoring"] == scoring
        assert facts["dialect"]["choice_ids"] == (scoring != "none")
