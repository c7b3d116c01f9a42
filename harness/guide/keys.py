"""The keys of a schema as a reader wants them: full name, type, default, what it is for."""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from harness.config.key_names import section_of

REQUIRED = "required"
WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    re.Pattern: "regular expression",
    Any: "anything",
}
BOUNDS = {"ge": "from", "gt": "above", "le": "up to", "lt": "below", "min_length": "at least"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its full name with dots, and in words its type, default and purpose."""

    name: str
    kind: str
    default: str
    about: str


@dataclass(frozen=True, slots=True)
class KeySection:
    """The keys of one section of a page; its name is '' at the top."""

    name: str
    about: str
    keys: tuple[Key, ...]


def sections(schema: type[BaseModel], name: str = "") -> Iterator[KeySection]:
    """The sections of a schema, each behind the one that it is in."""
    keys = tuple(
        Key(f"{name}.{field}".lstrip("."), kind_of(info), default_of(info), about_of(schema, field, info))
        for field, info in schema.model_fields.items()
    )
    yield KeySection(name, inspect.cleandoc(schema.__doc__ or ""), keys)
    for field, info in schema.model_fields.items():
        if (inner := section_of(info.annotation)) is not None:
            yield from sections(inner, f"{name}.{field}".lstrip("."))


def about_of(schema: type[BaseModel], field: str, info: FieldInfo) -> str:
    """What a key is for: its description, or what the section's docstring says behind "`key`:"; '' where neither."""
    if info.description:
        return info.description
    text = " ".join(inspect.cleandoc(schema.__doc__ or "").split())
    found = re.search(rf"`{field}`: (.+?)(?=; `\w+`: |\. `\w+`: |\.? ?\Z|\. [A-Z])", text)
    return found[1] if found else ""


def kind_of(info: FieldInfo) -> str:
    """The type of a key's value in words, with its bounds."""
    bounds = [
        f"{word} {value}{' entries' if bound == 'min_length' and _is_list(info.annotation) else ''}"
        for part in info.metadata
        for bound, word in BOUNDS.items()
        if (value := getattr(part, bound, None)) is not None and not (bound == "min_length" and value == 1)
    ]
    return ", ".join([_kind(info.annotation), *bounds])


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) in (list, tuple) for part in (annotation, *get_args(annotation)))


def _kind(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(parts[0])
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        return ", or ".join(_kind(part) for part in parts if part is not type(None))
    if origin in (list, tuple):
        inside = _kind(parts[0]) if parts else "values"
        return f"list of {inside}{'' if inside.endswith('s') or inside.startswith('list') else 's'}"
    if origin is dict or annotation is dict or section_of(annotation) is not None:
        return "keys"
    return WORDS.get(origin or annotation, str(annotation))


def default_of(info: FieldInfo) -> str:
    """The default as it would be written in a page."""
    if info.is_required():
        return REQUIRED
    value = info.get_default(call_default_factory=True)
    if value is None or value in ("", [], {}, ()) or isinstance(value, BaseModel):
        return "none"
    return f"`{json.dumps(value, ensure_ascii=False)}`" if not isinstance(value, str) or "\n" in value else f"`{value}`"
