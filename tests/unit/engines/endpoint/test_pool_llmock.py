"""llmock, a server of faults written by others, judges how the pool behaves, for both protocols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.datatypes import ChatPrompt, Message, Sampling
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.sending import Answered, Sendable, Sent
from harness.engines.endpoint.transport.pool import HttpPool
from harness.engines.endpoint.transport.site import Backoff
from harness.engines.endpoint.wire import GenerateCall
from harness.engines.endpoint.wires.anthropic import AnthropicWire
from harness.engines.endpoint.wires.openai import OpenAIWire
from harness.errors import ConfigError

FAULTS: dict[str, Callable[[Any], Any]] = {
    "429 with Retry-After": lambda llmock: llmock.rate_limit(times=6, retry_after=0.4),
    "503": lambda llmock: llmock.fail(503, times=3),
    "529": lambda llmock: llmock.fail(529, times=3),
    "truncated streams": lambda llmock: llmock.truncate(after_chunks=2, times=3),
    "dropped streams": lambda llmock: llmock.disconnect(after_chunks=2, times=3),
    # Slow enough that the server has not sent everything before it can see that the client closed the stream
    "corrupt events": lambda llmock: llmock.corrupt(after_chunks=2, times=3).pace(60),
    "stalled streams": lambda llmock: llmock.stall(after_chunks=1, seconds=20, times=2),
    "quotas": lambda llmock: llmock.limits(rpm=300),
    "all at once": lambda llmock: (
        llmock.rate_limit(times=3, retry_after=0.3).truncate(after_chunks=2, times=2).disconnect(times=2)
    ),
}


def send(llmock: Any, protocol: str, count: int = 24) -> list[Sent]:
    """Send so many calls, each long enough to be streamed."""
    wire = OpenAIWire() if protocol == "openai" else AnthropicWire()
    base = llmock.base_url(protocol) + ("/v1" if protocol == "anthropic" else "")
    options = EndpointOptions(idle_seconds=3)
    pool = HttpPool([base], wire, "mock-model", options, "test-key", backoff=Backoff(first=0.3))
    sampling = Sampling(max_tokens=400)
    try:
        return list(
            pool.stream(
                [
                    Sendable(
                        GenerateCall(str(i), ChatPrompt((Message("user", f"Tell me about {i}"),)), sampling, (), None)
                    )
                    for i in range(count)
                ]
            )
        )
    finally:
        pool.close()


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_pool_handles_every_fault_as_a_client_should(llmock, protocol, fault):
    FAULTS[fault](llmock)
    sent = send(llmock, protocol)
    assert sorted(one.key for one in sent) == sorted(map(str, range(24)))
    assert all(isinstance(one, Answered) and one.reply.text for one in sent), sent
    assert all(one.reply.ending == "end" for one in sent)
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
def test_a_refused_key_costs_one_request_at_both_protocols(llmock, protocol):
    llmock.fail(401, times=None)
    with pytest.raises(ConfigError, match="API key"):
        send(llmock, protocol)
    assert len(llmock.requests) == 1
    llmock.assert_resilient()
