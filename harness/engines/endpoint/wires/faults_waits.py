"""How long a server wants its clients to wait: Retry-After, the reset headers of rate limits, or its own words."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Limits as OpenAI and those like it name them, and as Anthropic does: what is left, and when it is full again
LIMITS = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WORDS = re.compile(
    r"(?:try again|retry)(?: your request)? (?:in|after) "
    r"((?:\d+(?:\.\d+)?\s?(?:ms|s|m|h|d)(?![a-z]))+|\d+(?:\.\d+)?(?= ?sec))",
    re.IGNORECASE,
)
_DELAY = re.compile(r'"retrydelay":\s*"([\d.]+s)"')
# Numbers above it are points in time, in seconds; above a thousand times as much in milliseconds
_EPOCH = 1e9


def wait_of(headers: Mapping[str, str], words: str = "") -> float | None:
    """Return the seconds that an error asks to wait, None if it does not say; `words` are its body's, in lower case.

    Retry-After goes before the reset headers; of those, the ones of limits that are used up count.
    """
    now = _now(headers)
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = _retry_after(headers.get("retry-after"), now)
    if asked is not None:
        return asked
    resets = list(_resets(headers, now))
    used_up = [seconds for left, seconds in resets if left is not None and left <= 0]
    if used_up:
        return max(used_up)
    said = _DELAY.search(words) or _WORDS.search(words)
    if said:
        return _span(said.group(1).replace(" ", ""))
    return min((seconds for _, seconds in resets), default=None)


def pace_of(headers: Mapping[str, str]) -> float:
    """Return the seconds until every limit has something left, by the headers of a good answer; 0 where all have."""
    if not any(headers.get(left) is not None for left, _ in LIMITS):
        return 0.0
    return max((wait for left, wait in _resets(headers, _now(headers)) if left is not None and left <= 0), default=0.0)


def _resets(headers: Mapping[str, str], now: float) -> Iterator[tuple[float | None, float]]:
    """What is left of each limit, and the seconds until it is full again."""
    for left, reset in LIMITS:
        seconds = _reset(headers.get(reset), now)
        if seconds is not None:
            yield _number(headers.get(left)), seconds


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return seconds
    moment = _http_date(value)
    return None if moment is None else max(0.0, moment - now)


def _reset(value: str | None, now: float) -> float | None:
    """A span ("1m2.5s"), seconds, a point in time in seconds or milliseconds, or RFC 3339."""
    if value is None:
        return None
    number = _number(value)
    if number is not None:
        if number > 1000 * _EPOCH:
            number /= 1000
        return max(0.0, number - now) if number > _EPOCH else number
    span = _span(value)
    if span is not None:
        return span
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)


def _now(headers: Mapping[str, str]) -> float:
    """The server's clock where it states it, since its points in time are by that one; else ours."""
    stated = headers.get("date")
    moment = _http_date(stated) if stated else None
    return time.time() if moment is None else moment


def _http_date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _span(value: str) -> float | None:
    """Seconds of "1m2.5s", "6m0s", "20ms" or "7"."""
    text = value.strip().lower()
    parts = _SPAN.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return _number(text)
