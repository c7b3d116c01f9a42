"""Token counts in the replies of the OpenAI protocol, in the spellings of its servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.engines.endpoint.wire import Usage


def read_usage(usage: Any) -> Usage:
    """Return the counts of a reply; None where the server gives none."""
    if not isinstance(usage, Mapping):
        return Usage()
    prompt = count(usage, "prompt_tokens", "input_tokens")
    output = count(usage, "completion_tokens", "output_tokens")
    prompt_details = _part(usage, "prompt_tokens_details", "input_tokens_details")
    output_details = _part(usage, "completion_tokens_details", "output_tokens_details")
    # Details first; DeepSeek and Moonshot state it beside the sums
    cached = count(prompt_details, "cached_tokens")
    if cached is None:
        cached = count(usage, "prompt_cache_hit_tokens", "cached_tokens")
    reasoning = count(output_details, "reasoning_tokens")
    if reasoning is None:
        reasoning = count(usage, "reasoning_tokens")
    total = count(usage, "total_tokens")
    if total is not None and prompt is not None and output is not None:
        beyond = total - prompt - output
        # xAI and Gemini do not count reasoning as output, but bill it as such
        if beyond > 0 and reasoning in (None, beyond):
            output += beyond
    return Usage(
        prompt=prompt,
        output=output,
        cached=cached or 0,
        cache_written=count(prompt_details, "cache_write_tokens") or 0,
        reasoning=reasoning,
    )


def count(fields: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of these fields that is a count."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return int(value)
    return None


def _part(usage: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found = next((usage[name] for name in names if isinstance(usage.get(name), Mapping)), None)
    return found or {}
