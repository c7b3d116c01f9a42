"""A question of the same structure in other words: a story of this project with numbers of the original's lengths.

Guarantees: every result of the calculation is a positive whole number, and the answer, computed from the story's
formula and by Python from the written steps, is the same both ways. The story is no translation of the original: what
two scores on them share is the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from random import Random

from harness.perturb.base import NumberPair
from harness.perturb.expressions import Binary, Literal, Node, NotArithmetic, decimal_text, evaluated_by_python, read
from harness.perturb.shapes import shape_of, shape_of_text
from harness.perturb.story_texts import PEOPLE, STORIES, Story
from harness.perturb.structure import Calculation, NotRecognised

TRIES = 400
LETTERS = "abcdefp"
# More of a number would be no number of a story
MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Told:
    """A story with its numbers: text, steps as `expression`, `result`, answer, numbers."""

    story: Story
    text: str
    steps: tuple[tuple[str, str], ...]
    answer: str
    numbers: tuple[NumberPair, ...]


@dataclass(frozen=True, slots=True)
class _Fit:
    """A story that has a shape; `letters[i]` is the story's letter in the place of the shape's leaf i."""

    story: Story
    letters: tuple[str, ...]


def told(calculations: Sequence[Calculation], draws: int, random: Random) -> list[Told]:
    """Return up to `draws` different questions. Raises NotRecognised where no story has the structure, or none fits."""
    shape = shape_of(calculations)
    fits = _fits().get(shape.text)
    if not fits:
        raise NotRecognised("no story has its structure")
    values = [Fraction(leaf) for leaf in shape.leaves]
    if any(value.denominator != 1 or value < 2 for value in values):
        raise NotRecognised("no story has its kind of numbers")
    found: list[Told] = []
    order = random.sample(fits, len(fits))
    for draw in range(draws):
        # One story after the other, so that two draws are two stories where there are two
        for fit in order[draw % len(order) :] + order[: draw % len(order)]:
            story = _told(fit, values, random)
            if story is not None and all(story.text != other.text for other in found):
                found.append(story)
                break
    if not found:
        raise NotRecognised("no numbers of these lengths fit a story")
    return found


@cache
def _fits() -> Mapping[str, list[_Fit]]:
    """The stories of each shape; a shape depends on the order of the factors, so each order is entered."""
    fits: dict[str, list[_Fit]] = {}
    for story in STORIES:
        for text in _orders(read(_numbered(story.calculation))):
            shape = shape_of_text(text)
            letters = tuple(LETTERS[int(leaf) - 1000] for leaf in shape.leaves)
            known = fits.setdefault(shape.text, [])
            if all(fit.story is not story for fit in known):
                known.append(_Fit(story, letters))
    return fits


def _numbered(calculation: str) -> str:
    return "".join(str(1000 + LETTERS.index(sign)) if sign in LETTERS else sign for sign in calculation)


def _orders(node: Node) -> Iterator[str]:
    """Yield the written expression with the two sides of each + and * in either order."""
    if isinstance(node, Literal):
        yield node.text
        return
    for left in _orders(node.left):
        for right in _orders(node.right):
            yield f"({left}){node.sign}({right})"
            if node.sign in "+*":
                yield f"({right}){node.sign}({left})"


def _told(fit: _Fit, values: Sequence[Fraction], random: Random) -> Told | None:
    lengths = {letter: len(str(int(value))) for letter, value in zip(fit.letters, values, strict=True)}
    if max(lengths.values()) > MOST_DIGITS:
        return None
    formula = read(_numbered(fit.story.calculation))
    # Near the original's numbers, so that results are about as long too
    near = dict(zip(fit.letters, map(int, values), strict=True))
    for _ in range(TRIES):
        drawn = {letter: _drawn(letter, near[letter], lengths[letter], random) for letter in fit.letters}
        if len(set(drawn.values())) < len(drawn):
            continue
        steps = _steps(formula, drawn)
        if steps is not None:
            name, friend = random.sample(PEOPLE, 2)
            text = fit.story.text.format(name=name, friend=friend, **drawn)
            pairs = tuple(NumberPair(str(near[letter]), str(drawn[letter])) for letter in fit.letters)
            return Told(fit.story, text, steps, steps[-1][1], pairs)
    return None


def _drawn(letter: str, near: int, length: int, random: Random) -> int:
    if letter == "p":
        return 5 * random.randint(1, 19)
    most = near * 2 if length == 1 else near * 3 // 2
    low, high = max(2, 10 ** (length - 1), near // 2), min(10**length - 1, most)
    return random.randint(low, max(low, high))


def _steps(formula: Node, drawn: Mapping[str, int]) -> tuple[tuple[str, str], ...] | None:
    """The steps of a formula, innermost first; None where a result is no positive whole number.

    Raises NotRecognised where the written steps have another answer than the formula.
    """
    steps: list[tuple[str, str]] = []

    def text(node: Node) -> str | None:
        if isinstance(node, Literal):
            return str(drawn[LETTERS[int(node.value) - 1000]]) if node.value >= 1000 else node.text
        left, right = text(node.left), text(node.right)
        if left is None or right is None:
            return None
        value = _applied(node, Fraction(left), Fraction(right))
        if value is None or value.denominator != 1 or value < 2:
            return None
        written = f"{left}{node.sign}{right}"
        result = decimal_text(value)
        if all(known != written for known, _ in steps):
            steps.append((written, result or ""))
        return result

    try:
        answer = text(formula)
        if answer is None:
            return None
        whole = evaluated_by_python(_with_numbers(formula, drawn))
        again = [evaluated_by_python(expression) for expression, _ in steps]
    except NotArithmetic:
        return None
    if whole != Fraction(answer) or again != [Fraction(result) for _, result in steps]:
        raise NotRecognised("the two ways to the answer differ")
    return tuple(steps)


def _applied(node: Binary, left: Fraction, right: Fraction) -> Fraction | None:
    if node.sign == "/":
        return left / right if right else None
    return left + right if node.sign == "+" else left - right if node.sign == "-" else left * right


def _with_numbers(node: Node, drawn: Mapping[str, int]) -> str:
    if isinstance(node, Literal):
        return str(drawn[LETTERS[int(node.value) - 1000]]) if node.value >= 1000 else node.text
    return f"({_with_numbers(node.left, drawn)}{node.sign}{_with_numbers(node.right, drawn)})"
