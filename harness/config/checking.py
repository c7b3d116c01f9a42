"""Check data against a schema; a fault is reported with the file, line and key that it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from harness.config.yaml_page import KeyPath, YamlPage
from harness.errors import ConfigError, suggestion

Model = TypeVar("Model", bound=BaseModel)


def check(schema: type[Model], page: YamlPage) -> Model:
    """Build `schema` from a page. Raises ConfigError with file, line and key of the first fault."""
    try:
        return schema.model_validate(page.data)
    except ValidationError as error:
        key, message = first_fault(schema, error)
        with page.at(*key):
            raise ConfigError(message) from None


def check_values(schema: type[Model], values: Mapping[str, Any], origin: str) -> Model:
    """Build `schema` from values that come from no file. Raises ConfigError that begins with `origin` (a flag, say)."""
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"{origin}: {first_fault(schema, error)[1]}") from None


def check_key(schema: type[BaseModel], dotted: str) -> None:
    """Raise ConfigError for a dotted key that leads to no field of `schema`."""
    current: Any = schema
    parts = dotted.split(".")
    for depth, part in enumerate(parts):
        if part not in current.model_fields:
            known = list(current.model_fields)
            inside = f" in {'.'.join(parts[:depth])!r}" if depth else ""
            hint = suggestion(part, known) or f"; known keys: {', '.join(known)}"
            raise ConfigError(f"unknown key {part!r}{inside}{hint}")
        current = _section(current.model_fields[part].annotation)
        if current is None:
            # A plug-in's own options: it checks them itself
            return


def first_fault(schema: type[BaseModel], error: ValidationError) -> tuple[KeyPath, str]:
    """Return the key of the first fault of `error` and one line about it, with the closest name for an unknown key."""
    # A misspelt key is also a missing one; the misspelling is what the user can see
    fault = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")[0]
    key = tuple(fault["loc"])
    name = ".".join(str(part) for part in key)
    if fault["type"] == "extra_forbidden":
        known = _keys_at(schema, key[:-1])
        inside = f" in {'.'.join(map(str, key[:-1]))!r}" if key[:-1] else ""
        hint = suggestion(str(key[-1]), known) or (f"; known keys: {', '.join(known)}" if known else "")
        return key, f"unknown key {str(key[-1])!r}{inside}{hint}"
    if fault["type"] == "missing":
        return key, f"the key {name!r} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] in ("model_type", "dict_type", "model_attributes_type"):
        message = "expected keys with values"
    message = message[0].lower() + message[1:]
    value = fault.get("input")
    shown = f" (found {value!r})" if isinstance(value, str | int | float | bool) or value is None else ""
    if fault["type"] == "literal_error" and isinstance(value, str):
        shown += suggestion(value, re.findall(r"'([^']*)'", fault["ctx"]["expected"]))
    return key, f"{name + ': ' if name else ''}{message}{shown}"


def _keys_at(schema: type[BaseModel], key: tuple[str | int, ...]) -> list[str]:
    """Field names of the section that `key` leads to."""
    current: Any = schema
    for part in key:
        if isinstance(part, int):
            continue
        fields = getattr(current, "model_fields", {})
        if part not in fields:
            return []
        current = _section(fields[part].annotation)
        if current is None:
            return []
    return list(current.model_fields)


def _section(annotation: Any) -> Any:
    """The schema inside `X | None`, `list[X]` and their like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if (section := _section(part)) is not None:
            return section
    return None
