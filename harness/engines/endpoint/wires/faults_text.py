"""The error that a server sent, in whatever shape, as one line that is safe to show."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_CHARACTERS = 300
HIDDEN = "[hidden]"
# What a key looks like in the messages of servers and proxies. The first group stays
_SECRETS = (
    re.compile(r"(\bbearer\s+)(?!token\b)[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"()\bsk-[\w*.\-]{6,}", re.IGNORECASE),
    # With a digit, so that names like api-version stay
    re.compile(
        r"()\b(?:pk|rk|gsk|xai|hf|pplx|nvapi|csk|fw|r8|api|key)[-_](?=[\w*.\-]*[\d*])[\w*.\-]{6,}", re.IGNORECASE
    ),
    re.compile(r"()\bAIza[\w*\-]{8,}"),
    re.compile(
        r"(\b(?:api|access|secret|auth)[-_ ]?(?:key|token)s?\b(?:\s+provided)?\s*[:=]\s*[\"']?)[^\s\"',;]+",
        re.IGNORECASE,
    ),
    re.compile(r"(\bauthorization\b[\"']?\s*[:=]\s*[\"']?)(?!bearer\b)[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"([?&](?:key|api[-_]?key|token)=)[^\s&\"']+", re.IGNORECASE),
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
# "max_tokens: 200000 > 8192, ..." names a field of the body, as Anthropic writes it
_NAMED_FIELD = re.compile(r"^([a-z][a-z_]*)(?:\.[\w.]+)?: ")


@dataclass(frozen=True, slots=True)
class ServerError:
    """What a server says about an error. `words`: everything that it states, in lower case, to look for causes in."""

    message: str
    type: str = ""
    code: str = ""
    parameter: str | None = None
    words: str = ""

    @property
    def status(self) -> int | None:
        """The HTTP status that the error itself states, where it does."""
        return int(self.code) if re.fullmatch(r"[45]\d\d", self.code) else None


def one_line(text: str) -> str:
    """Return text as one line: at most 300 characters, no control characters, nothing that looks like a key."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text[:20_000])
    kept = "".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    line = " ".join(kept.split())
    for secret in _SECRETS:
        line = secret.sub(lambda found: found.group(1) + HIDDEN, line)
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 3].rstrip() + "..."


def error_of_body(body: bytes) -> ServerError:
    """Read the body of an answer with an error status: JSON of any server, a page of a proxy, or plain text."""
    text = body.decode("utf-8", errors="replace").strip()
    try:
        document = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return _of_text(text)
    return error_of(document) if document is not None else ServerError("")


def error_of(document: Any) -> ServerError:
    """Read an error that came as JSON: of OpenAI, Anthropic, vLLM, TGI, FastAPI, Gemini, Ollama or OpenRouter."""
    words = json.dumps(_without_input(document), ensure_ascii=False).lower()
    while isinstance(document, list) and document:
        document = document[0]
    if isinstance(document, str):
        return _of_text(document)
    if not isinstance(document, Mapping):
        return ServerError(one_line(str(document)), words=words)
    found = document
    for name in ("error", "detail", "errors"):
        inner = document.get(name)
        if isinstance(inner, list) and inner:
            inner = inner[0]
        if isinstance(inner, str):
            wrapped = _json_object(inner)
            if wrapped is None:
                return _of_fields({"type": document.get("error_type"), **document, "message": inner}, words)
            inner = wrapped.get("error", wrapped)
            if isinstance(inner, str):
                inner = {"message": inner}
        if isinstance(inner, Mapping) and inner:
            found = inner
            break
    return _of_fields(found, words)


def _without_input(document: Any) -> Any:
    """The document without the copy of our request that FastAPI returns: its words are not the server's."""
    if isinstance(document, Mapping):
        return {name: _without_input(value) for name, value in document.items() if name != "input"}
    return [_without_input(value) for value in document] if isinstance(document, list) else document


def _of_fields(found: Mapping[str, Any], words: str) -> ServerError:
    message = _text(found.get("message")) or _text(found.get("msg"))
    metadata = found.get("metadata")
    raw = _text(metadata.get("raw")) if isinstance(metadata, Mapping) else ""
    if raw:
        # OpenRouter says "Provider returned error"; what the provider said is inside
        message = f"{message}: {_of_raw(raw)}"
    inner = found.get("innererror") or found.get("inner_error")
    code = _text(found.get("code")) or (_text(inner.get("code")) if isinstance(inner, Mapping) else "")
    kind = _text(found.get("type")) or _text(found.get("status"))
    # vLLM: "body.max_tokens"
    parameter = _text(found.get("param")).removeprefix("body.") or _location(found.get("loc"))
    if not parameter and (named := _NAMED_FIELD.match(message)):
        parameter = named.group(1)
    if not message:
        message = kind or code
    return ServerError(one_line(message), kind, code, one_line(parameter) or None, words)


def _of_raw(raw: str) -> str:
    wrapped = _json_object(raw)
    return error_of(wrapped).message if wrapped is not None else raw


def _of_text(text: str) -> ServerError:
    """Plain text, or a page of a proxy of which the title says the most."""
    if re.match(r"\s*<(?:!doctype|html|head|body)", text, re.IGNORECASE):
        title = _TITLE.search(text)
        text = html.unescape(title.group(1) if title else _TAG.sub(" ", _SCRIPT.sub(" ", text)))
        text = text[:120]
    return ServerError(one_line(text), words=text.lower())


def _json_object(text: str) -> Mapping[str, Any] | None:
    """Return the object that a text holds as JSON, which gateways wrap into a message."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _location(places: Any) -> str:
    """Return the field of the body at FastAPI's `loc`: ["body", "temperature"]."""
    names = (
        [place for place in places if isinstance(place, str) and place != "body"] if isinstance(places, list) else []
    )
    return names[0] if names else ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
