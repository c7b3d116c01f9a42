"""Encodes the values that a candidate and its tests exchange: plain data only, tagged JSON, limited size and depth.

Guaranteed: what `decode` returns in the tester consists of exact built-in types, so no class of the candidate decides
a comparison there; an object that is not plain data arrives as an `Opaque` that equals nothing. A subclass of a
built-in type arrives as the built-in type, with the content that the built-in type sees. Sets keep their order
(`sets.py`) except in rare cases: elements of the candidate's own classes, and large tables with many collisions. Not
preserved: the identity of objects that occur more than once.
"""

from __future__ import annotations

import json
from collections import deque
from decimal import Decimal
from fractions import Fraction

from harness.execution.inside import sets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MAX_BYTES = 16 << 20
MAX_DEPTH = 800
# Integers beyond this are sent in hexadecimal: the decimal conversion has a limit of digits
_BIG = 1 << 63

_PLAIN = frozenset({type(None), bool, str, float})
_UNTAGGED = _PLAIN | {int}
_NUMBERS = frozenset({bool, int, float})
# Elements whose hash is the same in both processes
_SAME_HASH = _UNTAGGED | {bytes, complex, tuple, frozenset}
_dumps = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_loads = json.JSONDecoder().decode


class Unsendable(Exception):
    """A value that cannot be sent."""


class NotData(Unsendable):
    """A function, a class, an iterator: not plain data, whatever the limits."""


class Compared(Exception):
    """The tests tried to use or compare an object that is not plain data."""


class Opaque:
    """Represents, in the tests, an object of the candidate that is not plain data. Equal to nothing but itself."""

    __slots__ = ("kind", "number")
    __hash__ = object.__hash__

    def __init__(self, number: int, kind: str) -> None:
        self.number, self.kind = number, kind

    def __repr__(self) -> str:
        return f"<{self.kind} object>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def _undecided(self, *others: object) -> bool:
        raise Compared(f"the answer is a {self.kind} object, which the tests cannot inspect")

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _undecided


def encode(value: object, opaque: Callable[[object], list[Any]]) -> str:
    """Encode a value. `opaque` returns the reference for an object that is not plain data. Raises Unsendable."""
    try:
        written = _dumps(_pack(value, opaque, 0))
    except (RecursionError, MemoryError, ValueError) as error:
        raise Unsendable(f"a value that is too large or too deep ({type(error).__name__})") from None
    if len(written) > MAX_BYTES:
        raise Unsendable(f"a value of {len(written)} bytes, where at most {MAX_BYTES} can be sent")
    return written


def decode(written: str, opaque: Callable[[int, str], object]) -> Any:
    """Decode a value. Raises ValueError for text that `encode` never writes."""
    try:
        return _unpack(_loads(written), opaque, 0)
    except (RecursionError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, OverflowError) as error:
        raise ValueError(f"not a value: {type(error).__name__}") from None


def _pack(value: Any, opaque: Callable[[object], list[Any]], depth: int) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return value if -_BIG < value < _BIG else {"i": hex(value)}
    if depth > MAX_DEPTH:
        raise Unsendable("a value that is too deep, or contains itself")
    for base, tag in _CONTAINERS:
        if issubclass(kind, base):
            items = list(base.__iter__(value))
            table, removed = 0, list[int]()
            if (kind is set or kind is frozenset) and _SAME_HASH.issuperset(map(type, items)):
                table, removed, items = sets.plan(value) or (0, [], items)
            if not _is_json(items):
                items = [_pack(item, opaque, depth + 1) for item in items]
            return {"w": [tag, table, removed, items]} if table else {tag: items}
    if issubclass(kind, dict):
        pairs = list(dict.items(value))
        return {"d": [[_pack(k, opaque, depth + 1), _pack(v, opaque, depth + 1)] for k, v in pairs]}
    return _pack_rare(value, kind, opaque)


def _is_json(items: list[Any]) -> bool:
    """Whether JSON can write the items of a list without tags, as those of most lists.

    A nan among the numbers hides no integer from `min` and `max`: if it becomes their result, the comparison is false.
    """
    kinds = set(map(type, items))
    return kinds <= _PLAIN or (kinds <= _NUMBERS and min(items) > -_BIG and max(items) < _BIG)


def _pack_rare(value: Any, kind: type, opaque: Callable[[object], list[Any]]) -> Any:
    if issubclass(kind, int):
        return _pack(int.__add__(value, 0), opaque, 0)
    if issubclass(kind, float):
        return float.__pos__(value)
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, complex):
        number = complex.__pos__(value)
        return {"c": [number.real, number.imag]}
    if issubclass(kind, (bytes, bytearray)):
        return {"b" if issubclass(kind, bytes) else "y": bytes.hex(memoryview(value).tobytes())}
    if kind is range:
        return {"r": [_pack(part, opaque, 0) for part in (value.start, value.stop, value.step)]}
    if kind is Decimal or kind is Fraction:
        return {"m" if kind is Decimal else "n": str(value)}
    if kind is Opaque:
        return {"h": value.number}
    return {"o": opaque(value)}


def _unpack(packed: Any, opaque: Callable[[int, str], object], depth: int) -> Any:
    if type(packed) in _PLAIN or type(packed) is int:
        return packed
    if type(packed) is not dict or len(packed) != 1 or depth > MAX_DEPTH + 1:
        raise ValueError("not a value")
    ((tag, body),) = packed.items()
    if tag in _MAKERS:
        items = body
        if not _UNTAGGED.issuperset(map(type, body)):
            items = [_unpack(item, opaque, depth + 1) for item in body]
        return _MAKERS[tag](items)
    if tag == "w":
        kind, table, removed, items = body
        return _table_of(kind, table, removed, [_unpack(item, opaque, depth + 1) for item in items])
    if tag == "d":
        return {_unpack(k, opaque, depth + 1): _unpack(v, opaque, depth + 1) for k, v in body}
    if tag == "i":
        return int(body, 16)
    if tag == "c":
        return complex(float(body[0]), float(body[1]))
    if tag in ("b", "y"):
        return (bytes if tag == "b" else bytearray).fromhex(body)
    if tag == "r":
        return range(*(int(_unpack(part, opaque, depth + 1)) for part in body))
    if tag in ("m", "n"):
        return (Decimal if tag == "m" else Fraction)(str(body)[:10_000])
    if tag == "h":
        return opaque(int(body), "")
    if tag == "o":
        return opaque(int(body[0]), str(body[1])[:60])
    raise ValueError("not a value")


def _table_of(kind: str, table: int, removed: list[int], items: list[Any]) -> Any:
    """Build a set whose hash table is larger than adding its elements one by one would make it."""
    if kind not in ("s", "f") or type(table) is not int or len(removed) > table:
        raise ValueError("not a value")
    if not all(type(slot) is int and 0 <= slot < table for slot in removed):
        raise ValueError("not a value")
    return sets.build((table, removed, items), frozen=kind == "f")


_CONTAINERS: tuple[tuple[Any, str], ...] = (
    (list, "l"), (tuple, "t"), (set, "s"), (frozenset, "f"), (deque, "q"),
)  # fmt: skip
_MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    "l": list, "t": tuple, "s": set, "f": frozenset, "q": deque,
}  # fmt: skip
