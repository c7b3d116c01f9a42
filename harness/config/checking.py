"""Check data against a schema; every fault is reported with the file, line and key, or the flag, that it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.config.key_names import likely_keys, section_of, unknown_key
from harness.config.yaml_page import KeyPath, YamlPage
from harness.errors import ConfigError, suggestion

Model = TypeVar("Model", bound=BaseModel)
# Misspelt keys before keys that are missing, perhaps because one is misspelt, before values
UNKNOWN, MISSING, VALUE = range(3)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of some data: the key that it is about, one line about it, and its kind; the worst kind is 0."""

    key: KeyPath
    message: str
    kind: int


def check(schema: type[Model], page: YamlPage) -> Model:
    """Build `schema` from a page.

    Raises ConfigError with file, line and key of every fault, or with the setting that caused it.
    """
    try:
        return schema.model_validate(page.data)
    except ValidationError as error:
        located = []
        for fault in faults_of(schema, error, page.data):
            setting = page.setting(fault.key) or _cause(schema, page, fault)
            line = page.lines.get(fault.key, 0)
            located.append((fault.kind, line, (f"{setting}: " if setting else page.where(fault.key)) + fault.message))
        raise _together([message for _, _, message in sorted(located)], located=True) from None


def _cause(schema: type[BaseModel], page: YamlPage, fault: Fault) -> str | None:
    """The setting without which the fault is not there, for faults of keys that do not agree with one another."""
    while page.before is not None:
        try:
            schema.model_validate(page.before.data)
            found: list[Fault] = []
        except ValidationError as error:
            found = faults_of(schema, error, page.before.data)
        if fault not in found:
            return next(setting for key, setting in page.set_by.items() if page.before.set_by.get(key) != setting)
        page = page.before
    return None


def check_values(
    schema: type[Model],
    values: Mapping[str, Any],
    origin: str | Callable[[KeyPath], str],
    elsewhere: Iterable[str] = (),
) -> Model:
    """Build `schema` from values that come from no file.

    Raises ConfigError with a line for every fault, which begins with `origin` (a flag, say), or with what `origin`
    gives for the fault's key. `elsewhere` are full names of keys outside of the schema that may be meant.
    """
    try:
        return schema.model_validate(dict(values))
    except ValidationError as error:
        found = sorted(faults_of(schema, error, values, elsewhere), key=lambda fault: fault.kind)
        lines = [f"{origin if isinstance(origin, str) else origin(fault.key)}: {fault.message}" for fault in found]
        raise _together(lines, located=False) from None


def check_key(schema: type[BaseModel], dotted: str) -> None:
    """Raise ConfigError for a dotted key that leads to no field of `schema`."""
    current: type[BaseModel] = schema
    parts = dotted.split(".")
    for depth, part in enumerate(parts):
        if part not in current.model_fields:
            raise ConfigError(unknown_key(schema, ".".join(parts[:depth]), part))
        section = section_of(current.model_fields[part].annotation)
        if section is None:
            # A plug-in's own options: it checks them itself
            return
        current = section


def faults_of(
    schema: type[BaseModel], error: ValidationError, values: Mapping[str, Any], elsewhere: Iterable[str] = ()
) -> list[Fault]:
    """Return every fault of `values`, in the schema's order; one that only follows from another is left out."""
    by_key: dict[KeyPath, list[Any]] = {}
    for one in error.errors():
        key = _key(one["loc"], values, missing=one["type"] == "missing")
        by_key.setdefault(key, []).append(one)
    misspelt = {
        (*key[:-1], meant)
        for key, ones in by_key.items()
        if ones[0]["type"] == "extra_forbidden"
        for meant in likely_keys(schema, _dotted(key[:-1]), str(key[-1]))
    }
    faults = []
    for key, ones in by_key.items():
        deeper = any(other[: len(key)] == key for other in by_key if other != key)
        if deeper and ones[0]["type"] != "extra_forbidden":
            # A value that may be of several kinds: what is wrong is inside the kind that it is of
            continue
        if ones[0]["type"] == "missing" and key in misspelt:
            continue
        faults.append(_fault(schema, key, ones, elsewhere))
    return faults


def _fault(schema: type[BaseModel], key: KeyPath, ones: Sequence[Any], elsewhere: Iterable[str]) -> Fault:
    """One line about what is wrong at a key; `ones` has an entry for each kind of value that it may have."""
    first, name = ones[0], _dotted(key)
    if first["type"] == "extra_forbidden":
        return Fault(key, unknown_key(schema, _dotted(key[:-1]), str(key[-1]), elsewhere), UNKNOWN)
    if first["type"] == "missing":
        return Fault(key, f"the key {name!r} is missing", MISSING)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] in ("model_type", "dict_type", "model_attributes_type"):
        message = "expected keys with values"
    elif len(ones) > 1:
        message = " or ".join([message, *(one["msg"].removeprefix("Input should be ") for one in ones[1:])])
    message = message[0].lower() + message[1:]
    value = first.get("input")
    shown = f" (found {value!r})" if isinstance(value, str | int | float | bool) or value is None else ""
    known = re.findall(r"'([^']*)'", first["ctx"]["expected"]) if first["type"] == "literal_error" else []
    if known and len(ones) == 1 and isinstance(value, str):
        near = suggestion(value, known)
        # Where every name is near, the list says it already
        message, shown = f"{value!r} is not one of {', '.join(known)}", near if near.count("'") < 2 * len(known) else ""
    return Fault(key, f"{name + ': ' if name else ''}{message}{shown}", VALUE)


def _key(place: Sequence[str | int], values: Any, *, missing: bool) -> KeyPath:
    """The keys of a fault's place without pydantic's labels for the kinds of a union (`data.name.str`)."""
    key: list[str | int] = []
    for number, part in enumerate(place):
        inside = isinstance(values, Mapping) and part in values
        inside |= isinstance(values, list | tuple) and isinstance(part, int) and part < len(values)
        if inside:
            values = values[part]
        if inside or (missing and number == len(place) - 1):
            key.append(part)
    return tuple(key)


def _dotted(key: KeyPath) -> str:
    return ".".join(map(str, key))


def _together(lines: Sequence[str], *, located: bool) -> ConfigError:
    """One error with all lines. `located`: no place is to be put in front of it any more."""
    error = ConfigError(lines[0])
    error.located = located
    for line in lines[1:]:
        error.add_note(line)
    return error
