"""The keys that a schema has, by their full names, and the likeliest for a key that it has not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel

MOST_SUGGESTED = 3


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The schema inside `X | None`, `list[X]` and their like; None for a value without keys."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if (section := section_of(part)) is not None:
            return section
    return None


def keys_at(schema: type[BaseModel], key: Iterable[str | int]) -> list[str]:
    """The keys of the section that a key leads to, [] where it leads to none."""
    current: type[BaseModel] | None = schema
    for part in key:
        if isinstance(part, int):
            continue
        if current is None or part not in current.model_fields:
            return []
        current = section_of(current.model_fields[part].annotation)
    return list(current.model_fields) if current is not None else []


def full_names(schema: type[BaseModel]) -> Iterator[str]:
    """Every key of a schema and of its sections, with dots: `prompt`, `prompt.text`, `prompt.text.template`."""
    for name, declared in schema.model_fields.items():
        yield name
        if (section := section_of(declared.annotation)) is not None:
            yield from (f"{name}.{below}" for below in full_names(section))


def likely_keys(schema: type[BaseModel], where: str, name: str, elsewhere: Iterable[str] = ()) -> list[str]:
    """Keys that were probably meant by `name` in the section `where` ('' is the top level), the likeliest first.

    A key of the same section goes by its name alone, one of another section by its full name, so that a key that is
    spelt right in the wrong place is led to its place. `elsewhere` are more full names to look through.
    """
    there, close = _likely(schema, where, name, elsewhere)
    return [*there, *close][:MOST_SUGGESTED]


def unknown_key(schema: type[BaseModel], where: str, name: str, elsewhere: Iterable[str] = ()) -> str:
    """The message for a key that does not exist in the section `where`."""
    inside = f" in {where!r}" if where else ""
    there, close = _likely(schema, where, name, elsewhere)
    top = [f"{key!r} at the top level" if where and "." not in key else repr(key) for key in there]
    if likely := [*top, *map(repr, close)][:MOST_SUGGESTED]:
        return f"unknown key {name!r}{inside}; did you mean {' or '.join(likely)}?"
    known = keys_at(schema, _parts(where))
    return f"unknown key {name!r}{inside}" + (f"; known keys: {', '.join(known)}" if known else "")


def _likely(schema: type[BaseModel], where: str, name: str, elsewhere: Iterable[str]) -> tuple[list[str], list[str]]:
    """Full names of keys of other sections, and names of keys of the same one."""
    others = [full for full in [*full_names(schema), *elsewhere] if full.rpartition(".")[0] != where]
    there = [full for full in others if full.rpartition(".")[2] == name]
    close = _close(name, keys_at(schema, _parts(where)))
    if there:
        # The very name elsewhere is likelier than one that is spelt a little like it
        close = [key for key in close if key.startswith(name) or difflib.SequenceMatcher(a=name, b=key).ratio() > 0.75]
    if not there and not close:
        alike = _close(name, dict.fromkeys(full.rpartition(".")[2] for full in others))[:1]
        there = [full for full in others if full.rpartition(".")[2] in alike]
    return there, close


def _parts(where: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in where.split(".")] if where else []


def _close(name: str, known: Iterable[str]) -> list[str]:
    """Names that begin with `name`, else those that are spelt alike."""
    listed = list(known)
    begun = sorted(other for other in listed if name and other.startswith(name))[:MOST_SUGGESTED]
    return begun or difflib.get_close_matches(name, listed, n=MOST_SUGGESTED, cutoff=0.6)
