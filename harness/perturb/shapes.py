"""The shape of a calculation: which operations on which numbers, whatever their values: `(a*b)+c`.

Sums and products are sorted, and subtractions and divisions gathered, so that `c+b*a` and `a*b+c` have one shape.
Earlier results are put in the place where they are used. Equal numbers have one letter; 100 under a fraction line stays
100, so that per cents have shapes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.perturb.expressions import Literal, Node, literals, read
from harness.perturb.structure import Calculation, NotRecognised

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape as text, and what its letters are in the calculation: `leaves[0]` is `a`."""

    text: str
    leaves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Leaf:
    name: str


@dataclass(frozen=True, slots=True)
class _Group:
    """A sum (`more` added, `less` subtracted) or a product (`more` multiplied, `less` divided by)."""

    sign: str
    more: tuple[_Term, ...]
    less: tuple[_Term, ...]


_Term = _Leaf | _Group


def shape_of(calculations: Sequence[Calculation]) -> Shape:
    """Return the shape of the last of several calculations, which may use the results of earlier ones.

    Raises NotRecognised where the result of one is used nowhere.
    """
    terms: list[_Term] = []
    used: set[Fraction] = set()
    for place, own in enumerate(calculations):
        known = {calculations[other].result: terms[other] for other in range(place)}
        used |= {literal.value for literal in literals(own.node)} & set(known)
        terms.append(_term(own.node, known))
    if any(own.result not in used for own in calculations[:-1]):
        raise NotRecognised("a step leads nowhere")
    return _named(terms[-1])


def shape_of_text(expression: str) -> Shape:
    """Return the shape of an expression of numbers. Raises NotArithmetic."""
    return _named(_term(read(expression), {}))


def _term(node: Node, known: Mapping[Fraction, _Term]) -> _Term:
    if isinstance(node, Literal):
        return known.get(node.value) or _Leaf(str(node.value))
    inverse = node.sign in "-/"
    kind = "+" if node.sign in "+-" else "*"
    left, right = _term(node.left, known), _term(node.right, known)
    more, less = _parts(left, kind)
    of_right = _parts(right, kind)
    more, less = more + of_right[inverse], less + of_right[not inverse]
    return _Group(kind, tuple(sorted(more, key=_skeleton)), tuple(sorted(less, key=_skeleton)))


def _parts(term: _Term, kind: str) -> tuple[tuple[_Term, ...], tuple[_Term, ...]]:
    return (term.more, term.less) if isinstance(term, _Group) and term.sign == kind else ((term,), ())


def _skeleton(term: _Term) -> str:
    """A term without its letters, longest first."""
    if isinstance(term, _Leaf):
        return "~100" if term.name == "100" else "~x"
    inner = "".join(map(_skeleton, term.more)) + "|" + "".join(map(_skeleton, term.less))
    return f"({term.sign}{inner})"


def _named(term: _Term) -> Shape:
    names: dict[str, str] = {}

    def text(part: _Term, under: bool = False) -> str:
        if isinstance(part, _Leaf):
            if part.name == "100" and under:
                return "100"
            return names.setdefault(part.name, _LETTERS[min(len(names), 25)])
        inverse = "-" if part.sign == "+" else "/"
        shown = part.sign.join(text(each) if isinstance(each, _Leaf) else f"({text(each)})" for each in part.more)
        return shown + "".join(
            f"{inverse}{text(each, part.sign == '*')}" if isinstance(each, _Leaf) else f"{inverse}({text(each)})"
            for each in part.less
        )

    shown = text(term)
    return Shape(shown, tuple(names))
