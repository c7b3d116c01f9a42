"""What an error of a server means, for every protocol: its kind, whether another attempt may succeed, and the wait.

Guarantee: a message is one line without secrets, and only a prompt that does not fit is a context overflow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.engines.endpoint.wire import Fault, FaultKind, Usage, WireError
from harness.engines.endpoint.wires.faults_text import ServerError, error_of, error_of_body, one_line
from harness.engines.endpoint.wires.faults_waits import wait_of

_TIMEOUTS = frozenset({408, 504, 524})
_OUR_FAULT = frozenset({501, 505})
_QUOTA_CODES = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error", "credits_exhausted"}
)
# Gemini's "exceeded your current quota" is a limit per minute, so that sentence is not among them
_QUOTA = re.compile(
    r"insufficient_quota|billing_error|billing_hard_limit|spend_limit_reached|credit balance is too low"
    r"|insufficient (?:balance|credits|funds)|key limit exceeded|account is not active|out of credits"
)
_FILTERED = re.compile(
    r"content_filter|responsibleaipolicyviolation|content_policy_violation|content management policy"
    r"|content filtering policy|data_?inspection_?failed|content exists risk|violating our usage policy"
    r"|requires moderation"
)
_WINDOW = re.compile(
    r"context_length_exceeded|exceed_context_size|model_context_window|context_window_exceeded"
    r"|maximum context length|context length is only|model's context length|exceeds the context length"
    r"|exceeds? (?:the )?(?:available |model's |model )?context (?:size|window|limit|length)"
    r"|exceeds the maximum context|maximum (?:prompt|input) length"
    r"|prompt is too long|input is too long|inputs` must have less than \d+ tokens|max_new_tokens` must be <= \d+"
    r"|input token count .{0,40}exceeds|exceeds the maximum number of tokens"
    r"|reduce the length of the (?:input|messages|prompt)"
)
# vLLM's word for a prompt that fills the window: every request here asks for at least one token
_NO_ROOM = re.compile(r"max_(?:completion_)?tokens must be at least 1, got (?:0|-\d+)")
_MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound", "model_not_exist", "invalid_model"})
_NO_MODEL = re.compile(
    r"model[^.]{0,200}?(?:does not exist|not found|not exist|is not supported|not available)"
    r"|not a valid model|invalid model\b|unknown model|no endpoints found|deploymentnotfound"
    r"|unable to access model|no model named"
)
_TOO_LARGE = re.compile(r"request too large for .{0,200}(?:tokens per min|\btpm\b)")
_LENGTH_FIELDS = ("max_tokens", "max_completion_tokens", "max_new_tokens")
# The prompt's tokens, and the window, in the sentences that state both
_PROMPT_TOKENS = (
    re.compile(r"\((\d+) in (?:the|your) (?:messages|prompt|input)"),
    re.compile(r"(?:has|passed|contains?(?: at least)?) (\d+) input tokens"),
    re.compile(r"given: (\d+) `?inputs?`? tokens"),
    re.compile(r"exceed context limit: (\d+) \+"),
)
_WINDOW_TOKENS = (
    re.compile(r"context length (?:is|of)(?: only)? (\d+)"),
    re.compile(r"must be <= (\d+)"),
    re.compile(r"exceed context limit: \d+ \+ \d+ > (\d+)"),
)
# Errors inside a good answer or a stream have no status but a type
_STATUSES = {
    "overloaded_error": 529,
    "api_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
    "server_error": 500,
    "timeout_error": 504,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "resource_exhausted": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "billing_error": 402,
    "not_found_error": 404,
    "notfounderror": 404,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "exceed_context_size_error": 400,
    "request_too_large": 413,
    "validation": 422,
}


def fault_of_answer(status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    """Say what an answer with an error status means. `headers` have lower-case names."""
    error = error_of_body(body)
    if 300 <= status < 400:
        message = "the server redirects to another address: give that one"
        return Fault("bad_request", one_line(f"{message} ({headers.get('location', '')})"), False, status=status)
    return _fault(status, error, wait_of(headers, error.words))


def fault_in_body(document: Any, usage: Usage | None = None) -> Fault:
    """Say what an error means that came inside a good answer or a stream, where no status states it.

    Without a status or a type that is known another attempt is made.
    """
    error = error_of(document)
    named = [_STATUSES.get(word.lower()) for word in (error.type, error.code) if word]
    status = error.status or next((number for number in named if number), None)
    if status is None and _kind_by_words(error):
        status = 400
    fault = _fault(status or 500, error, wait_of({}, error.words))
    return Fault(fault.kind, fault.message, fault.retry, fault.wait, status, fault.parameter, usage)


def broken_reply(message: str, usage: Usage | None = None, *, retry: bool = True) -> WireError:
    """The error of an answer that is incomplete or not what was requested."""
    return WireError(Fault("broken_reply", one_line(message), retry, usage=usage))


def not_returned(message: str, usage: Usage | None = None) -> WireError:
    """The error of a whole answer in which something requested is missing: the server does not know it, ever."""
    return broken_reply(message, usage, retry=False)


def _fault(status: int, error: ServerError, wait: float | None) -> Fault:
    kind, retry = _kind(status, error)
    parameter = error.parameter
    if kind == "bad_request" and parameter is None and _output_too_long(error.words):
        parameter = "max_tokens"
    message = error.message or f"HTTP {status} without a message"
    return Fault(kind, message, retry, wait if retry else None, status, parameter)


def _kind(status: int, error: ServerError) -> tuple[FaultKind, bool]:
    if status == 402:
        return "quota", False
    if status in (400, 403, 404, 413, 422, 429, 451, 500):
        by_words = _kind_by_words(error)
        if by_words == "quota" and status != 500:
            return "quota", False
        if by_words in ("filtered", "context_overflow") and status not in (404, 429):
            return by_words, False
    if status in (400, 403, 404, 422) and _names_no_model(status, error):
        return "no_model", False
    if status in (401, 403):
        return "refused_key", False
    if status in (413, 429) and _TOO_LARGE.search(error.words):
        return "bad_request", False
    if status == 429:
        return "rate_limited", True
    if status in _TIMEOUTS:
        return "timeout", True
    if status in (409, 425) or (status >= 500 and status not in _OUR_FAULT):
        return "server_error", True
    return ("broken_reply", True) if status < 400 else ("bad_request", False)


def _kind_by_words(error: ServerError) -> FaultKind | None:
    """The kinds that only the words of an error tell."""
    codes = {error.code.lower(), error.type.lower()}
    if codes & _QUOTA_CODES or _QUOTA.search(error.words):
        return "quota"
    if _FILTERED.search(error.words):
        return "filtered"
    if _NO_ROOM.search(error.words):
        return "context_overflow"
    if (_WINDOW.search(error.words) or "string_above_max_length" in codes) and not _output_too_long(error.words):
        return "context_overflow"
    return None


def _output_too_long(words: str) -> bool:
    """Whether the prompt fits and only the requested length of the answer does not."""
    if _NO_ROOM.search(words):
        return False
    prompt, window = _first(_PROMPT_TOKENS, words), _first(_WINDOW_TOKENS, words)
    if prompt is not None and window is not None:
        return prompt < window
    return any(
        re.search(rf"{name}['\"`]*(?: or \S+)? (?:is|are) (?:too large|larger than)", words) for name in _LENGTH_FIELDS
    )


def _names_no_model(status: int, error: ServerError) -> bool:
    codes = {error.code.lower(), error.type.lower()}
    if codes & _MODEL_CODES or _NO_MODEL.search(error.words):
        return True
    # Anthropic: "model: claude-0"; vLLM names the field
    return status == 404 and (error.parameter == "model" or error.message.startswith("model:"))


def _first(patterns: tuple[re.Pattern[str], ...], words: str) -> int | None:
    found = next((match for pattern in patterns if (match := pattern.search(words))), None)
    return int(found.group(1)) if found else None
