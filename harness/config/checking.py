"""Holding data against a schema, and saying where it fails in the words of the file it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from harness.config.yaml_page import YamlPage
from harness.errors import ConfigError, suggestion

Model = TypeVar("Model", bound=BaseModel)


def check(schema: type[Model], page: YamlPage) -> Model:
    """Build `schema` from a page. Raises ConfigError with file, line and key of the first fault."""
    try:
        return schema.model_validate(page.data)
    except ValidationError as error:
        raise ConfigError(first_fault(schema, error, page)) from None


def check_values(schema: type[Model], values: Mapping[str, Any], origin: str) -> Model:
    """Build `schema` from values that stand in no file; `origin` (a flag, say) leads the message."""
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"{origin}: " + first_fault(schema, error, YamlPage(Path(), {}), located=False)) from None


def check_key(schema: type[BaseModel], dotted: str, where: str) -> None:
    """Raise ConfigError, led by `where`, for a dotted key that leads to no field of `schema`."""
    current: Any = schema
    parts = dotted.split(".")
    for depth, part in enumerate(parts):
        if part not in current.model_fields:
            known = list(current.model_fields)
            inside = f" in {'.'.join(parts[:depth])!r}" if depth else ""
            hint = suggestion(part, known) or f"; known keys: {', '.join(known)}"
            raise ConfigError(f"{where}unknown key {part!r}{inside}{hint}")
        current = _section(current.model_fields[part].annotation)
        if current is None:
            # What lies below is the part's own, and checked by it
            return


def first_fault(schema: type[BaseModel], error: ValidationError, page: YamlPage, *, located: bool = True) -> str:
    """Say the first fault of `error` in one line, with the closest known key for an unknown one."""
    # A misspelt key is also a missing one; the misspelling is what the user can see
    fault = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")[0]
    key = tuple(fault["loc"])
    name = ".".join(str(part) for part in key)
    where = page.where(key) if located else ""
    if fault["type"] == "extra_forbidden":
        known = _keys_at(schema, key[:-1])
        inside = f" in {'.'.join(map(str, key[:-1]))!r}" if key[:-1] else ""
        hint = suggestion(str(key[-1]), known) or (f"; known keys: {', '.join(known)}" if known else "")
        return f"{where}unknown key {str(key[-1])!r}{inside}{hint}"
    if fault["type"] == "missing":
        return f"{where}the key {name!r} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] in ("model_type", "dict_type", "model_attributes_type"):
        message = "expected keys with values"
    message = message[0].lower() + message[1:]
    given = fault.get("input")
    shown = f" (found {given!r})" if isinstance(given, str | int | float | bool) or given is None else ""
    if fault["type"] == "literal_error" and isinstance(given, str):
        shown += suggestion(given, re.findall(r"'([^']*)'", fault["ctx"]["expected"]))
    return f"{where}{name + ': ' if name else ''}{message}{shown}"


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
        if (found := _section(part)) is not None:
            return found
    return None
