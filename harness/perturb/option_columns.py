"""Where a row holds its options and which of them is right, so that both can be changed in the row itself.

A page's templates read the options from a list (`choices`), or from a column each (`option_a`, `sol1`), and the right
one from an index, a digit, a letter or a label. The places are found by their values; whoever changes them binds the
row again and compares what the page makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

Path = tuple[str, ...]
# Columns that binding adds to a row
ADDED = frozenset({"options", "letters"})
_LETTERED = re.compile(r"\s*[(\[]?([A-Za-z])\s?[)\].:]\s*")


@dataclass(frozen=True, slots=True)
class OptionPlaces:
    """Lists that hold all options in their order, or (`single`) the column of each option."""

    lists: tuple[Path, ...] = ()
    single: tuple[Path, ...] = ()


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the values of a row with their places: what mappings hold, lists as a whole."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, (*path, str(key)))
    else:
        yield path, value


def changed(columns: Mapping[str, Any], values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the columns with other values at some places; the original is not touched."""

    def copied(value: Any, path: Path) -> Any:
        if path in values:
            return values[path]
        if isinstance(value, Mapping):
            return {key: copied(each, (*path, str(key))) for key, each in value.items()}
        return value

    return {key: copied(value, (key,)) for key, value in columns.items()}


def option_places(columns: Mapping[str, Any], options: Sequence[str]) -> OptionPlaces | None:
    """Return where a row has these options; None where it has them nowhere, or not each in a place of its own."""
    found = [(path, value) for path, value in leaves(columns) if path[0] not in ADDED]
    lists = [path for path, value in found if isinstance(value, list | tuple) and _are(value, options)]
    if lists:
        return OptionPlaces(lists=tuple(lists))
    families: dict[str, list[Path]] = {}
    for path, value in found:
        if isinstance(value, str) and any(_is(value, option) for option in options):
            families.setdefault(re.sub(r"(?:\d+|_?[a-zA-Z])$", "", path[-1]), []).append(path)
    values = dict(found)
    for family in families.values():
        ordered = sorted(family, key=lambda path: (len(path[-1]), path))
        if len(ordered) == len(options) and _are([values[path] for path in ordered], options):
            return OptionPlaces(single=tuple(ordered))
    return None


def moved(
    columns: Mapping[str, Any], options: Sequence[str], places: OptionPlaces, order: Sequence[int]
) -> dict[Path, Any]:
    """Return the values of the places with option `order[i]` at place i; letters that data write before stay."""
    values = dict(leaves(columns))
    new: dict[Path, Any] = {}
    for path in places.lists:
        texts = values[path]
        whole = all(map(_is, texts, options))
        marked = [("", text) if whole else _split(text, number) for number, text in enumerate(texts)]
        new[path] = [marked[place][0] + marked[source][1] for place, source in enumerate(order)]
    for place, path in enumerate(places.single):
        new[path] = values[places.single[order[place]]]
    return new


def gold_values(columns: Mapping[str, Any], gold: int, new: int, count: int) -> Iterator[tuple[Path, Any]]:
    """Yield places that may say which of `count` options is right, with what they must say for another one."""
    found = [(path, value) for path, value in leaves(columns) if path[0] not in ADDED]
    labels = [list(value) for _, value in found if isinstance(value, list | tuple) and len(value) == count]
    for path, value in found:
        if isinstance(value, bool) or not isinstance(value, int | str):
            continue
        if isinstance(value, int):
            if value in (gold, gold + 1):
                yield path, value + new - gold
            continue
        core = value.strip()
        for own in labels:
            if core and own[gold] == core and own.count(core) == 1:
                yield path, value.replace(core, str(own[new]))
        if core.isdecimal() and int(core) in (gold, gold + 1):
            yield path, value.replace(core, str(int(core) + new - gold))
        if len(core) == 1 and core.upper() == ascii_uppercase[gold]:
            yield path, value.replace(core, ascii_uppercase[new] if core.isupper() else ascii_uppercase[new].lower())


def _are(values: Sequence[Any], options: Sequence[str]) -> bool:
    """Whether values are the options, perhaps with the letter of each before it."""
    if len(values) != len(options) or not all(isinstance(value, str) for value in values):
        return False
    texts = [_split(value, number)[1] for number, value in enumerate(values)]
    return all(map(_is, values, options)) or all(map(_is, texts, options))


def _is(value: str, option: str) -> bool:
    """Whether a page that trims a text, or begins it with a small letter, makes this option of it."""
    return " ".join(value.split()).casefold() == " ".join(option.split()).casefold()


def _split(text: str, number: int) -> tuple[str, str]:
    """The option's own letter with its mark, if the text begins with it, and the rest."""
    lettered = _LETTERED.match(text)
    if lettered and lettered[1].upper() == ascii_uppercase[number]:
        return lettered.group(), text[lettered.end() :]
    return "", text
