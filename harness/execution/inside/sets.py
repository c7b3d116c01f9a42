"""Sets that are rebuilt in another process with the order of iteration that they have in this one.

The order of a set follows from the size of its hash table and from the places that colliding elements found in it.
Both processes share one hash seed, so a table that is filled again in the right way has the same order. Guaranteed:
`filling` returns a way that was tried here and gave that order, or None where it found none. Source of the table's
rules: CPython, Objects/setobject.c (3.11 to 3.14); under other rules more sets end in None.
"""

from __future__ import annotations

import operator
from itertools import islice, permutations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    # Size of the table (0: whatever adding one by one makes of it), places of removed elements, elements in order
    Filling = tuple[int, list[int], list[Any]]

_SMALLEST = 8
_ENTRY_BYTES = 16
# A table far larger than its elements need is not rebuilt beyond this
_MOST_EMPTY = 1 << 14
# Elements beyond which no way is searched for, and places that are tried for one element
_MOST_SEARCHED, _MOST_PLACES = 400, 40
# Assignments of places that are looked at (their number times elements), and ways with removed elements
_WORK, _FEWEST_WAYS, _MOST_WAYS = 6000, 4, 40
_same = operator.is_
_LINEAR_PROBES, _PERTURB_SHIFT, _HASH_BITS = 9, 5, (1 << 64) - 1


def filling(value: set[Any] | frozenset[Any]) -> Filling | None:
    """Return how to build a set that iterates as `value` does.

    Only for elements whose hash is the same in the other process.
    """
    wanted = list(value)
    table = _table(value)
    frozen = type(value) is frozenset
    for way in _ways(wanted, table, frozen=frozen):
        built = build(way, frozen=frozen)
        if _table(built) == table and len(built) == len(wanted) and all(map(_same, built, wanted)):
            return way
    return None


def build(way: Filling, *, frozen: bool) -> set[Any] | frozenset[Any]:
    """Build a set. Raises ValueError for a way that `filling` never returns."""
    table, removed, order = way
    if frozen:
        if removed:
            raise ValueError("no way of building a frozenset")
        return frozenset(dict.fromkeys(order) if table else order)
    built: set[Any] = set()
    fill(built, way)
    return built


def fill(empty: set[Any], way: Filling) -> None:
    """Fill `empty` in this way. Raises ValueError for one that `filling` never returns."""
    table, removed, order = way
    if not table:
        empty.update(order)
        return
    if not _possible(table, len(order) + len(removed)):
        raise ValueError("no table of a set")
    taken = [_ghost(place, table, order) for place in removed]
    # So many keys of a dict give an empty set this table at once
    first = max(5, table // 4) if table > _SMALLEST else 0
    # Added last, so they take no place that an element would have had
    taken_late = [object() for _ in range(first - len(taken) - len(order))]
    everything = [*taken, *order, *taken_late]
    empty.update(dict.fromkeys(everything[:first]))
    for element in everything[first:]:
        empty.add(element)
    for element in (*taken, *taken_late):
        empty.discard(element)


def _possible(table: int, elements: int) -> bool:
    """Whether there is a table of this size that so many elements do not enlarge."""
    fits = _SMALLEST <= table <= max(_MOST_EMPTY, 64 * elements)
    return fits and table & (table - 1) == 0 and 5 * elements < 3 * (table - 1)


def _table(value: set[Any] | frozenset[Any]) -> int:
    """Return the number of places in the hash table."""
    kind = frozenset if isinstance(value, frozenset) else set
    extra = kind.__sizeof__(value) - type(value).__basicsize__
    return extra // _ENTRY_BYTES if extra >= _SMALLEST * _ENTRY_BYTES else _SMALLEST


def _ways(wanted: list[Any], table: int, *, frozen: bool) -> Iterator[Filling]:
    yield 0, [], wanted
    if not _possible(table, len(wanted)):
        return
    yield table, [], wanted
    if len(wanted) > _MOST_SEARCHED:
        return
    with_removed: list[Filling] = []
    for places in islice(_places(wanted, table), max(_FEWEST_WAYS, _WORK // (len(wanted) + 1))):
        way = _in_order(wanted, places, table)
        if way[1]:
            with_removed.append(way)
            continue
        yield way
        # A frozenset can only be given a table by growth, which turns the first five over
        for first in permutations(way[2][:5]) if frozen else (way[2][:5],):
            yield 0, [], [*first, *way[2][5:]]
    for way in sorted(with_removed, key=lambda way: len(way[1]))[: 0 if frozen else _MOST_WAYS]:
        if _possible(table, len(wanted) + len(way[1])):
            yield way


def _probes(element: object, table: int) -> Iterator[int]:
    """The places at which an element is looked for, in order."""
    mask = table - 1
    perturb = hash(element) & _HASH_BITS
    place = perturb & mask
    while True:
        yield place
        if place + _LINEAR_PROBES <= mask:
            yield from range(place + 1, place + _LINEAR_PROBES + 1)
        perturb >>= _PERTURB_SHIFT
        place = (place * 5 + 1 + perturb) & mask


def _places(wanted: list[Any], table: int) -> Iterator[list[int]]:
    """Rising places, one for each element out of its own probes; likelier ones first."""
    tried = []
    for element in wanted:
        probes = _probes(element, table)
        tried.append(list(dict.fromkeys(next(probes) for _ in range(_MOST_PLACES))))
    found: list[int] = []
    # For each element, how many of its probes were tried
    used = [0] * (len(wanted) + 1)
    for _ in range(4 * (_WORK + len(wanted))):
        at = len(found)
        least = found[-1] if found else -1
        choice = None
        if at < len(wanted):
            choice = next((i for i in range(used[at], len(tried[at])) if tried[at][i] > least), None)
        else:
            yield list(found)
        if choice is not None:
            used[at], used[at + 1] = choice + 1, 0
            found.append(tried[at][choice])
        elif found:
            found.pop()
        else:
            return


def _in_order(wanted: list[Any], places: list[int], table: int) -> Filling:
    """Return elements such that each comes behind those that took its earlier probes, and places of removed ones."""
    owner = dict(zip(places, wanted, strict=True))
    removed: dict[int, None] = {}
    # Those in their first place first: they need nothing before them, whatever sizes the table had on the way
    order = {place: element for place, element in owner.items() if next(_probes(element, table)) == place}
    for place in places:
        pending = [] if place in order else [place]
        on_the_way: set[int] = set()
        while pending:
            at = pending[-1]
            on_the_way.add(at)
            missing = None
            for probe in _probes(owner[at], table):
                if probe == at:
                    break
                if probe not in owner:
                    removed[probe] = None
                elif probe not in order and probe not in on_the_way:
                    missing = probe
                    break
            if missing is None:
                order[pending.pop()] = owner[at]
            else:
                pending.append(missing)
    return table, list(removed), list(order.values())


def _ghost(place: int, table: int, order: list[Any]) -> int:
    """An integer that goes to this place and is none of the elements."""
    number = place
    while number in order:
        number += table
    return number
