"""Arithmetic expressions as written in worked solutions: read into a tree, evaluated exactly, written again.

Numbers are fractions, so that nothing is rounded. Own code, because each literal must be kept as it is written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?P<percent>\s*%)?|(?P<sign>[-+*/()]))")
_SIGNS = str.maketrans({"×": "*", "x": "*", "X": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")", "$": " "})
# A solution of a word problem has a dozen numbers; what is longer was not written by hand
MOST_CHARS = 300


class NotArithmetic(ValueError):
    """A text that is no expression of numbers, + - * / and brackets."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number as it is written; `place` counts the literals of its expression, from 0."""

    text: str
    value: Fraction
    place: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and one of + - * /."""

    sign: str
    left: Node
    right: Node


Node = Literal | Binary


def read(text: str) -> Node:
    """Read an expression. Raises NotArithmetic."""
    if len(text) > MOST_CHARS:
        raise NotArithmetic("too long")
    tokens, place = [], 0
    cleaned = text.translate(_SIGNS).strip()
    while place < len(cleaned):
        found = _TOKEN.match(cleaned, place)
        if not found:
            raise NotArithmetic(text)
        place = found.end()
        if found["sign"]:
            tokens.append(found["sign"])
        elif found["percent"]:
            tokens += ["(", found["number"], "/", "100", ")"]
        else:
            tokens.append(found["number"])
    reader = _Reader(tokens)
    node = reader.sum()
    if reader.next is not None:
        raise NotArithmetic(text)
    return node


class _Reader:
    """Reads tokens by the usual precedence."""

    def __init__(self, tokens: list[str]) -> None:
        """Start at the first token."""
        self._tokens = tokens
        self._at = 0
        self._literals = 0

    @property
    def next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str:
        token = self.next
        if token is None:
            raise NotArithmetic("it ends early")
        self._at += 1
        return token

    def sum(self) -> Node:
        node = self._product()
        while self.next in ("+", "-"):
            node = Binary(self._take(), node, self._product())
        return node

    def _product(self) -> Node:
        node = self._factor()
        while self.next in ("*", "/"):
            node = Binary(self._take(), node, self._factor())
        return node

    def _factor(self) -> Node:
        token = self._take()
        if token == "(":
            node = self.sum()
            if self._take() != ")":
                raise NotArithmetic("a bracket is not closed")
            return node
        if token in "+-*/)":
            raise NotArithmetic(f"unexpected {token!r}")
        literal = Literal(token, Fraction(token.replace(",", "")), self._literals)
        self._literals += 1
        return literal


def literals(node: Node) -> Iterator[Literal]:
    """Yield the literals from left to right."""
    if isinstance(node, Literal):
        yield node
    else:
        yield from literals(node.left)
        yield from literals(node.right)


def evaluate(node: Node, value: Callable[[Literal], Fraction] = lambda literal: literal.value) -> Fraction:
    """Return the exact value; `value` gives that of a literal. Raises NotArithmetic for a division by 0."""
    if isinstance(node, Literal):
        return value(node)
    left, right = evaluate(node.left, value), evaluate(node.right, value)
    if node.sign == "+":
        return left + right
    if node.sign == "-":
        return left - right
    if node.sign == "*":
        return left * right
    if right == 0:
        raise NotArithmetic("a division by 0")
    return left / right


def written(node: Node, text: Callable[[Literal], str], outer: int = 0) -> str:
    """Write the expression with as few brackets as it needs; `text` gives a literal's."""
    if isinstance(node, Literal):
        return text(node)
    strength = 1 if node.sign in "+-" else 2
    right = strength + (node.sign in "-/")
    inner = f"{written(node.left, text, strength)}{node.sign}{written(node.right, text, right)}"
    return f"({inner})" if strength < outer else inner


def evaluated_by_python(text: str) -> Fraction:
    """Return the value of a written expression, by Python's own grammar: the second way to an answer.

    Raises NotArithmetic.
    """
    try:
        return _of_tree(ast.parse(text, mode="eval").body, text)
    except (SyntaxError, ZeroDivisionError) as error:
        raise NotArithmetic(f"{text}: {error}") from None


def _of_tree(node: ast.expr, text: str) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return Fraction(ast.get_source_segment(text, node) or "")
    if isinstance(node, ast.BinOp):
        left, right = _of_tree(node.left, text), _of_tree(node.right, text)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            return left / right
    raise NotArithmetic(text)


def decimal_text(value: Fraction) -> str | None:
    """Write a value as a plain decimal without needless zeros; None where it has no end."""
    rest = value.denominator
    places = 0
    while rest % 10 == 0:
        rest, places = rest // 10, places + 1
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places += count
    if rest != 1:
        return None
    text = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
    whole, part = (text[:-places], text[-places:].rstrip("0")) if places else (text, "")
    return ("-" if value < 0 else "") + whole + (f".{part}" if part else "")
