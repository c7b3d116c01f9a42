"""What the ledger gets to know of an attempt. No network here."""

from __future__ import annotations

import math

from harness.datatypes import Attempt
from harness.engines.endpoint.sending import Sendable
from harness.engines.endpoint.transport.connections import Attempted

CHARS_PER_TOKEN = 4


def attempt_of(item: Sendable, key: str, url: str, tried: Attempted, accepted: bool) -> Attempt:
    """One attempt for the ledger; where the server did not count, tokens are estimated from what was read."""
    reply, fault = tried.reply, tried.fault
    usage = reply.usage if reply is not None else fault.usage if fault is not None else None
    prompt = usage.prompt if usage is not None else None
    output = usage.output if usage is not None else None
    # A request that was not accepted costs nothing
    estimated = (prompt is None or output is None) and (accepted or reply is not None)
    if estimated:
        chars = tried.chars or (len(reply.text) + len(reply.reasoning) if reply is not None else 0)
        prompt = item.prompt_tokens if prompt is None else prompt
        output = max(tried.events, math.ceil(chars / CHARS_PER_TOKEN)) if output is None else output
    return Attempt(
        key=key,
        url=url,
        started_at=tried.started_at,
        seconds=tried.seconds,
        outcome="answered" if reply is not None else fault.kind if fault is not None else "timeout",
        kept=reply is not None,
        status=tried.status,
        prompt_tokens=prompt or 0,
        output_tokens=output or 0,
        cached_tokens=usage.cached if usage is not None else 0,
        cache_written_tokens=usage.cache_written if usage is not None else 0,
        reasoning_tokens=(usage.reasoning or 0) if usage is not None else 0,
        estimated=estimated,
        message=fault.message if fault is not None else "",
    )


def stale_attempt(key: str, url: str, tried: Attempted) -> Attempt | None:
    """The request that was lost on a closed connection before `tried`, if one was.

    It is recorded, since nothing proves that no byte of it was read; without a status it is counted as free.
    """
    if tried.stale is None:
        return None
    message = "the server had closed the connection; sent again at once on a new one"
    return Attempt(key, url, tried.started_at, tried.stale, "stale_connection", kept=False, message=message)
