# {"tries": "works with classes of its own that define equality, order and hash", "right": ["passed"]}
import dataclasses
import functools


@functools.total_ordering
class Money:
    def __init__(self, cents):
        self.cents = cents

    def __eq__(self, other):
        return isinstance(other, Money) and self.cents == other.cents

    def __lt__(self, other):
        return self.cents < other.cents

    def __hash__(self):
        return hash(self.cents)


@dataclasses.dataclass(frozen=True, order=True)
class Point:
    x: int
    y: int


def add(a, b):
    assert Money(1) == Money(1) != Money(2) and max(Money(1), Money(2)) == Money(2) and len({Money(1), Money(1)}) == 1
    assert Point(1, 2) < Point(2, 1)
    return a + b
