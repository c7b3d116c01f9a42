"""Rebuilds sets in another process with the iteration order that they have in this one.

The order of a set follows from the size of its hash table and from the slots that colliding elements took in it. Both
processes use the same hash seed, so a table that is filled in the right order has the same iteration order.
Guaranteed: `plan` returns a plan that was tried in this process and gave that order, or None if it found none. Source
of the table's rules: CPython, Objects/setobject.c (3.11 to 3.14); under other rules more sets end in None.
"""

from __future__ import annotations

import operator
from itertools import islice, permutations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    # Size of the table (0: as adding the elements one by one makes it), slots of removed elements, elements in order
    Plan = tuple[int, list[int], list[Any]]

_SMALLEST = 8
_ENTRY_BYTES = 16
# Slots beyond which a table that is far larger than its elements need is not rebuilt
_MOST_EMPTY = 1 << 14
# Elements beyond which no plan is searched for, and slots that are tried for one element
_MOST_SEARCHED, _MOST_SLOTS = 400, 40
# Slot assignments that are tried (their number times the elements), and plans with removed elements
_WORK, _FEWEST_PLANS, _MOST_PLANS = 6000, 4, 40
_same = operator.is_
_LINEAR_PROBES, _PERTURB_SHIFT, _HASH_BITS = 9, 5, (1 << 64) - 1


def plan(value: set[Any] | frozenset[Any]) -> Plan | None:
    """Return how to build a set that iterates as `value` does, None if no plan is found.

    Only for elements whose hash is the same in the other process.
    """
    wanted = list(value)
    table = _table(value)
    frozen = type(value) is frozenset
    for candidate in _plans(wanted, table, frozen=frozen):
        built = build(candidate, frozen=frozen)
        if _table(built) == table and len(built) == len(wanted) and all(map(_same, built, wanted)):
            return candidate
    return None


def build(plan: Plan, *, frozen: bool) -> set[Any] | frozenset[Any]:
    """Build a set. Raises ValueError for a plan that the function `plan` never returns."""
    table, removed, order = plan
    if frozen:
        if removed:
            raise ValueError("not a plan for a frozenset")
        return frozenset(dict.fromkeys(order) if table else order)
    built: set[Any] = set()
    fill(built, plan)
    return built


def fill(empty: set[Any], plan: Plan) -> None:
    """Fill the set `empty`. Raises ValueError for a plan that the function `plan` never returns."""
    table, removed, order = plan
    if not table:
        empty.update(order)
        return
    if not _possible(table, len(order) + len(removed)):
        raise ValueError("not a table size of a set")
    placeholders = [_placeholder(slot, table, order) for slot in removed]
    # Updating an empty set with a dict of this many keys gives it this table at once
    first = max(5, table // 4) if table > _SMALLEST else 0
    # Added last, so they take no slot that an element would have taken
    padding = [object() for _ in range(first - len(placeholders) - len(order))]
    everything = [*placeholders, *order, *padding]
    empty.update(dict.fromkeys(everything[:first]))
    for element in everything[first:]:
        empty.add(element)
    for element in (*placeholders, *padding):
        empty.discard(element)


def _possible(table: int, elements: int) -> bool:
    """Whether a set can have a table of this size that this many elements do not enlarge."""
    fits = _SMALLEST <= table <= max(_MOST_EMPTY, 64 * elements)
    return fits and table & (table - 1) == 0 and 5 * elements < 3 * (table - 1)


def _table(value: set[Any] | frozenset[Any]) -> int:
    """Return the number of slots of the hash table."""
    kind = frozenset if isinstance(value, frozenset) else set
    extra = kind.__sizeof__(value) - type(value).__basicsize__
    return extra // _ENTRY_BYTES if extra >= _SMALLEST * _ENTRY_BYTES else _SMALLEST


def _plans(wanted: list[Any], table: int, *, frozen: bool) -> Iterator[Plan]:
    yield 0, [], wanted
    if not _possible(table, len(wanted)):
        return
    yield table, [], wanted
    if len(wanted) > _MOST_SEARCHED:
        return
    with_removed: list[Plan] = []
    for slots in islice(_slots(wanted, table), max(_FEWEST_PLANS, _WORK // (len(wanted) + 1))):
        plan = _in_order(wanted, slots, table)
        if plan[1]:
            with_removed.append(plan)
            continue
        yield plan
        # A frozenset gets its table only by growth, which changes the order of the first five
        for first in permutations(plan[2][:5]) if frozen else (plan[2][:5],):
            yield 0, [], [*first, *plan[2][5:]]
    for plan in sorted(with_removed, key=lambda plan: len(plan[1]))[: 0 if frozen else _MOST_PLANS]:
        if _possible(table, len(wanted) + len(plan[1])):
            yield plan


def _probes(element: object, table: int) -> Iterator[int]:
    """The slots in which CPython looks for an element, in order."""
    mask = table - 1
    perturb = hash(element) & _HASH_BITS
    slot = perturb & mask
    while True:
        yield slot
        if slot + _LINEAR_PROBES <= mask:
            yield from range(slot + 1, slot + _LINEAR_PROBES + 1)
        perturb >>= _PERTURB_SHIFT
        slot = (slot * 5 + 1 + perturb) & mask


def _slots(wanted: list[Any], table: int) -> Iterator[list[int]]:
    """Increasing slots, one per element from its own probes; likelier ones first."""
    tried = []
    for element in wanted:
        probes = _probes(element, table)
        tried.append(list(dict.fromkeys(next(probes) for _ in range(_MOST_SLOTS))))
    chosen: list[int] = []
    # For each element, how many of its probes were tried
    used = [0] * (len(wanted) + 1)
    for _ in range(4 * (_WORK + len(wanted))):
        at = len(chosen)
        least = chosen[-1] if chosen else -1
        choice = None
        if at < len(wanted):
            choice = next((i for i in range(used[at], len(tried[at])) if tried[at][i] > least), None)
        else:
            yield list(chosen)
        if choice is not None:
            used[at], used[at + 1] = choice + 1, 0
            chosen.append(tried[at][choice])
        elif chosen:
            chosen.pop()
        else:
            return


def _in_order(wanted: list[Any], slots: list[int], table: int) -> Plan:
    """Return a plan that adds each element after those that took its earlier probes, and the slots of removed ones."""
    owner = dict(zip(slots, wanted, strict=True))
    removed: dict[int, None] = {}
    # Elements in their first slot come first: they depend on no other, whatever sizes the table had before
    order = {slot: element for slot, element in owner.items() if next(_probes(element, table)) == slot}
    for slot in slots:
        pending = [] if slot in order else [slot]
        visited: set[int] = set()
        while pending:
            at = pending[-1]
            visited.add(at)
            missing = None
            for probe in _probes(owner[at], table):
                if probe == at:
                    break
                if probe not in owner:
                    removed[probe] = None
                elif probe not in order and probe not in visited:
                    missing = probe
                    break
            if missing is None:
                order[pending.pop()] = owner[at]
            else:
                pending.append(missing)
    return table, list(removed), list(order.values())


def _placeholder(slot: int, table: int, order: list[Any]) -> int:
    """An integer that hashes to this slot and is none of the elements."""
    number = slot
    while number in order:
        number += table
    return number
