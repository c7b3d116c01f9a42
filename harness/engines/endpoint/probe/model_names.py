"""Whether the name that a server's answer states is the model that was requested, and what `/models` says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# A snapshot's date: gpt-4o-2024-08-06, claude-3-5-sonnet-20241022, gpt-4-0613, mistral-large-2411
_DATED = re.compile(r"[-@:](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})(?:-v\d+(?::\d+)?)?")
# What servers put behind a name that means the same weights as without it
_SAME_WEIGHTS = ("@main", ":latest", "-latest")
_WINDOW_KEYS = ("max_model_len", "context_length", "context_window", "max_context_length", "max_input_tokens")


@dataclass(frozen=True, slots=True)
class Listing:
    """What `/models` says: `names` of all models; aliases, window, and version (or owner) of the requested one."""

    names: tuple[str, ...] = ()
    listed: bool | None = None
    aliases: tuple[str, ...] = ()
    window: int | None = None
    version: str = ""


def same_model(requested: str, stated: str) -> bool:
    """Whether a stated name is the requested one, up to case, a provider before it, a folder, and "latest"."""
    return bool(_forms(requested) & _forms(stated))


def dated_snapshot(requested: str, stated: str) -> bool:
    """Whether a stated name is a dated snapshot of the requested one (gpt-4o -> gpt-4o-2024-08-06)."""
    return any(
        longer.startswith(shorter) and _DATED.fullmatch(longer[len(shorter) :])
        for shorter in _forms(requested)
        for longer in _forms(stated)
    )


def read_listing(document: object, model: str) -> Listing:
    """Read the JSON of `/models`; what is not there is unknown."""
    entries = list(_entries(document))
    if not entries:
        return Listing()
    names = tuple(str(entry.get("id") or entry.get("name") or "") for entry in entries)
    exact = [entry for entry, name in zip(entries, names, strict=True) if name == model]
    alike = [entry for entry, name in zip(entries, names, strict=True) if same_model(model, name)]
    named = [entry for entry in entries if model in _aliases(entry)]
    found = next(iter([*exact, *alike, *named]), None)
    if found is None:
        return Listing(names, False)
    version = str(found.get("version") or "") or (f"owned by {found['owned_by']}" if found.get("owned_by") else "")
    return Listing(names, True, _aliases(found), _window(found), version)


def _forms(name: str) -> set[str]:
    """The ways in which servers write a name."""
    whole = name.strip().lower().rstrip("/")
    for ending in _SAME_WEIGHTS:
        whole = whole.removesuffix(ending)
    return {form for form in (whole, whole.rpartition("/")[2]) if form}


def _entries(document: object) -> Iterator[Mapping[str, Any]]:
    listed = document
    if isinstance(document, Mapping):
        listed = document.get("data") or document.get("models")
    if isinstance(listed, list):
        yield from (entry for entry in listed if isinstance(entry, Mapping))


def _aliases(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """All names of one model."""
    listed = entry.get("aliases")
    found = [entry.get("id"), entry.get("name"), entry.get("root"), entry.get("canonical_slug")]
    return tuple(one for one in [*found, *(listed if isinstance(listed, list) else [])] if isinstance(one, str) and one)


def _window(entry: Mapping[str, Any]) -> int | None:
    meta = entry.get("meta")
    places = [entry.get(key) for key in _WINDOW_KEYS]
    places.append(meta.get("n_ctx") if isinstance(meta, Mapping) else None)
    return next((one for one in places if isinstance(one, int) and not isinstance(one, bool) and one > 1), None)
