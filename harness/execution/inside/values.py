"""Values on their way between a candidate and its tests: plain data only, tagged JSON, bounded in size and depth.

Guaranteed: what comes out of `unpack` in the tester is made of exact built-in types, so no class of the candidate
decides anything there; an object that is no data arrives as an `Opaque` that equals nothing. Subclasses of built-in
types arrive as the built-in type with the content that the type itself sees. Sets keep their order (`sets.py`) but in
rare cases: elements of the candidate's own classes, and large tables full of collisions. Not kept: that two places
held the very same object.
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

MOST_BYTES = 16 << 20
MOST_DEPTH = 800
# Beyond what JSON readers take without a limit on digits
_BIG = 1 << 63

_PLAIN = frozenset({type(None), bool, str, float})
_READ_AS_IT_IS = _PLAIN | {int}
_NUMBERS = frozenset({bool, int, float})
# Elements whose hash is the same in both processes
_SAME_HASH = _READ_AS_IT_IS | {bytes, complex, tuple, frozenset}
_dumps = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_loads = json.JSONDecoder().decode


class Unsendable(Exception):
    """A value that cannot travel."""


class NoData(Unsendable):
    """A function, a class, an iterator: no size or depth would let it travel."""


class Compared(Exception):
    """Something was decided about an object that is no data."""


class Opaque:
    """Stands in the tests for an object of the candidate that is no data. Equal to nothing, ordered with nothing."""

    __slots__ = ("kind", "number")
    __hash__ = object.__hash__

    def __init__(self, number: int, kind: str) -> None:
        self.number, self.kind = number, kind

    def __repr__(self) -> str:
        return f"<{self.kind} object>"

    def __eq__(self, other: object) -> bool:
        return self is other

    def _undecided(self, *others: object) -> bool:
        raise Compared(f"the answer is a {self.kind} object, which tests cannot look into")

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = _undecided


def text(value: object, opaque: Callable[[object], list[Any]]) -> str:
    """Write a value. `opaque` says what stands for an object that is no data. Raises Unsendable."""
    try:
        written = _dumps(_pack(value, opaque, 0))
    except (RecursionError, MemoryError, ValueError) as error:
        raise Unsendable(f"a value that is too large or too deep ({type(error).__name__})") from None
    if len(written) > MOST_BYTES:
        raise Unsendable(f"a value of {len(written)} bytes, where {MOST_BYTES} may travel")
    return written


def value(written: str, opaque: Callable[[int, str], object]) -> Any:
    """Read a value. Raises ValueError for what `text` never writes."""
    try:
        return _unpack(_loads(written), opaque, 0)
    except (RecursionError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, OverflowError) as error:
        raise ValueError(f"no value: {type(error).__name__}") from None


def _pack(value: Any, opaque: Callable[[object], list[Any]], depth: int) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return value if -_BIG < value < _BIG else {"i": hex(value)}
    if depth > MOST_DEPTH:
        raise Unsendable("a value that is too deep, or holds itself")
    for base, tag in _CONTAINERS:
        if issubclass(kind, base):
            items = list(base.__iter__(value))
            table, removed = 0, list[int]()
            if (kind is set or kind is frozenset) and _SAME_HASH.issuperset(map(type, items)):
                table, removed, items = sets.filling(value) or (0, [], items)
            if not _travels_as_it_is(items):
                items = [_pack(item, opaque, depth + 1) for item in items]
            return {"w": [tag, table, removed, items]} if table else {tag: items}
    if issubclass(kind, dict):
        pairs = list(dict.items(value))
        return {"d": [[_pack(k, opaque, depth + 1), _pack(v, opaque, depth + 1)] for k, v in pairs]}
    return _pack_rare(value, kind, opaque)


def _travels_as_it_is(items: list[Any]) -> bool:
    """Whether JSON writes the items of a flat list without help: most lists are of this kind.

    A nan among the numbers hides no integer from `min` and `max`: at most it becomes both, and then nothing is said.
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
        plain = complex.__pos__(value)
        return {"c": [plain.real, plain.imag]}
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
    if type(packed) is not dict or len(packed) != 1 or depth > MOST_DEPTH + 1:
        raise ValueError("no value")
    ((tag, body),) = packed.items()
    if tag in _MAKERS:
        items = body
        if not _READ_AS_IT_IS.issuperset(map(type, body)):
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
    raise ValueError("no value")


def _table_of(kind: str, table: int, removed: list[int], items: list[Any]) -> Any:
    """A set whose table is more than adding one by one makes of it."""
    if kind not in ("s", "f") or type(table) is not int or len(removed) > table:
        raise ValueError("no value")
    if not all(type(place) is int and 0 <= place < table for place in removed):
        raise ValueError("no value")
    return sets.build((table, removed, items), frozen=kind == "f")


_CONTAINERS: tuple[tuple[Any, str], ...] = (
    (list, "l"), (tuple, "t"), (set, "s"), (frozenset, "f"), (deque, "q"),
)  # fmt: skip
_MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    "l": list, "t": tuple, "s": set, "f": frozenset, "q": deque,
}  # fmt: skip
