"""The arithmetic of a word problem: worked steps whose numbers are traced to the question's text, or why not.

Guarantees: each step is computed again and has the value that the solution gives; the last is the answer; each number
in a step has one possible source (a numeral of the question, an earlier step, a constant that the text implies). Where
two sources that would change in different ways are possible, there is no structure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

from harness.perturb.expressions import Literal, Node, NotArithmetic, evaluate, literals, read
from harness.perturb.number_text import Numeral, implied, implied_by_units, numerals

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_LINE = re.compile(r"\s*([-+*/()\d.,\s×x÷$]+)=\s*\$?(-?[\d.,]+)\s*")
# An equation in the words of a solution whose result is not marked
_UNMARKED = re.compile(r"=(?!\s*\$?\s*<<)")
_ANSWER = re.compile(r"####\s*\$?\s*(-?[\d,]*\.?\d+)")
# What makes an answer hang on more than the steps: conditions, number theory, choices
CONDITIONS = re.compile(
    r"(?:^|[.?!]\s+|\bin\s)which\b|\b(?:which (?:one|of|option|store|shop|company|plan)|whether|cheap(?:er|est)|"
    r"round(?:ed|ing)?|nearest|closest|approximately|about how|at least|at most|up to|no more than|no less than|"
    r"exceeds?|exceeding|maximum|minimum|limits?|above|below|every (?:other|second|third)|after the first|"
    r"for the first|first \d+|additional|overtime|odd|even number|even-|prime|multiples?|divisible|remainder|median|"
    r"mode|probability|consecutive|digits?|fewest|necessary to|leap|qualif\w*|for every|per every|buy \w+ get|free)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FromNumber:
    """A numeral of the question, by its place there: times `factor`, plus `shift` (0.7 for 30 %: -1/100, 1)."""

    number: int
    factor: Fraction = Fraction(1)
    shift: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class FromStep:
    """The result of an earlier step, by its place."""

    step: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that stays as it is."""


Source = FromNumber | FromStep | Constant


@dataclass(frozen=True, slots=True)
class Calculation:
    """An expression as written, and its stated result."""

    node: Node
    result: Fraction


@dataclass(frozen=True, slots=True)
class Step:
    """A calculation with the source of each of its literals, from left to right."""

    node: Node
    sources: tuple[Source, ...]
    result: Fraction


@dataclass(frozen=True, slots=True)
class Problem:
    """A question, its numerals, and the steps to its answer; `moving`: the places of numerals that may change."""

    text: str
    numbers: tuple[Numeral, ...]
    steps: tuple[Step, ...]
    moving: tuple[int, ...]

    @property
    def answer(self) -> Fraction:
        """The result of the last step."""
        return self.steps[-1].result


class NotRecognised(Exception):
    """Why a question has no structure, in words that other questions share."""


def of_solution(solution: str) -> tuple[Calculation, ...]:
    """Return the calculations of a worked solution: `<<3*4=12>>`, or a line `3*4=12` each. Raises NotRecognised."""
    body, _, _ = solution.partition("####")
    marked = _ANNOTATION.findall(body)
    if marked:
        pairs = [text.rpartition("=") for text in marked]
        written = [(left, right) for left, sign, right in pairs if sign]
        if len(written) < len(marked):
            raise NotRecognised("a step is no calculation")
    else:
        lines = [line for line in body.splitlines() if line.strip()]
        found = [_LINE.fullmatch(line) for line in lines]
        if not lines or not all(found):
            raise NotRecognised("the solution has no calculations")
        written = [(match[1], match[2]) for match in found if match]
    # `<<8=8>>` repeats a number and computes nothing
    written = [(left, right) for left, right in written if not _same_number(left, right)]
    if not written:
        raise NotRecognised("the solution has no calculations")
    calculations = [_calculation(left, right) for left, right in written]
    stated = _ANSWER.search(solution)
    if stated and _number(stated[1]) != calculations[-1].result:
        raise NotRecognised("the answer is not the result of the last step")
    return tuple(calculations)


def refuse_gaps(solution: str) -> None:
    """Raise NotRecognised where marked steps are not all that a solution computes, or one only states a number.

    The marked part of such a solution is another, easier calculation: `3B = 75`, `<<25=25>>`, `<<25-20=5>>`.
    """
    body, _, _ = solution.partition("####")
    marked = _ANNOTATION.findall(body)
    if any(_same_number(*text.rpartition("=")[::2]) for text in marked):
        raise NotRecognised("a step states a number without its calculation")
    if marked and _UNMARKED.search(re.sub(r"<<[^<>]*>>", "<<", body)):
        raise NotRecognised("a step of the solution is not marked")


def refuse_unknown(text: str, calculations: Sequence[Calculation]) -> None:
    """Raise NotRecognised where a number of a calculation is not in the question, implied by it, or computed before."""
    known = {number.value for number in numerals(text)} | implied(text) | implied_by_units(text)
    for own in calculations:
        if not known.issuperset(literal.value for literal in literals(own.node)):
            raise NotRecognised("a number of the solution is not in the question")
        known.add(own.result)


def of_equation(equation: str, answer: str) -> tuple[Calculation, ...]:
    """Return the one calculation of a formula over a question's numbers. Raises NotRecognised."""
    left, sign, right = equation.partition("=")
    if sign and re.fullmatch(r"\s*[A-Za-z]\s*", left):
        left, right = right, ""
    stated = _number(answer)
    calculation = _calculation(left, right if sign and right.strip() else answer)
    if calculation.result != stated:
        raise NotRecognised("the answer is not the value of the equation")
    return (calculation,)


def _calculation(left: str, right: str) -> Calculation:
    try:
        node = read(left)
        value = evaluate(node)
    except NotArithmetic:
        raise NotRecognised("a step is no calculation") from None
    if isinstance(node, Literal):
        raise NotRecognised("a step is no calculation")
    if value != _number(right):
        raise NotRecognised("a step is rounded or wrong")
    return Calculation(node, value)


def _same_number(left: str, right: str) -> bool:
    return bool(re.fullmatch(r"\s*\$?[\d,.]+\s*", left)) and left.strip(" $") == right.strip(" $")


def _number(text: str) -> Fraction:
    try:
        return Fraction(text.strip().lstrip("$").replace(",", "").removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        raise NotRecognised("the result of a step is no number") from None


def linked(text: str, calculations: Sequence[Calculation]) -> Problem:
    """Trace the numbers of the calculations to the question's text. Raises NotRecognised."""
    if CONDITIONS.search(text):
        raise NotRecognised("the question has conditions")
    numbers = numerals(text)
    if any(number.risky == "negative numbers" for number in numbers):
        raise NotRecognised("the question has negative numbers")
    if any(step.result <= 0 for step in calculations):
        raise NotRecognised("a result is 0 or negative")
    steps = _Linker(text, numbers, calculations).steps()
    used = {source.number for step in steps for source in step.sources if isinstance(source, FromNumber)}
    if not used:
        raise NotRecognised("no number can be replaced without doubt")
    _refuse_redundant(numbers, steps, used)
    return Problem(text, tuple(numbers), steps, tuple(sorted(used)))


class _Linker:
    """Finds the source of each literal."""

    def __init__(self, text: str, numbers: Sequence[Numeral], calculations: Sequence[Calculation]) -> None:
        self._numbers = numbers
        self._calculations = calculations
        self._by_words = implied(text)
        self._by_units = implied_by_units(text) | {Fraction(1)}
        self._literals = [(place, literal) for place, own in enumerate(calculations) for literal in literals(own.node)]
        values = [number.value for number in numbers]
        self._fixed = {
            place
            for place, number in enumerate(numbers)
            if number.risky
            or number.value <= 1
            or values.count(number.value) > 1
            # $100 beside 20 %: the 100 in the solution may be of either
            or number.value in self._by_words | self._by_units
        }

    def steps(self) -> tuple[Step, ...]:
        sources = [self._source(step, literal) for step, literal in self._literals]
        used = {source.step for source in sources if isinstance(source, FromStep)}
        if used != set(range(len(self._calculations) - 1)):
            raise NotRecognised("a step leads nowhere")
        by_step: list[list[Source]] = [[] for _ in self._calculations]
        for (step, _), source in zip(self._literals, sources, strict=True):
            by_step[step].append(source)
        return tuple(
            Step(own.node, tuple(of_step), own.result) for own, of_step in zip(self._calculations, by_step, strict=True)
        )

    def _source(self, step: int, literal: Literal) -> Source:
        value = literal.value
        earlier = [place for place in range(step) if self._calculations[place].result == value]
        same = [place for place, number in enumerate(self._numbers) if number.value == value]
        free = [place for place in same if place not in self._fixed]
        by_words, by_units = value in self._by_words, value in self._by_units
        if earlier:
            # A step must be used somewhere: where this is the only place, it is used here
            needed = [place for place in earlier if self._uses(place) == 1]
            if len(earlier) > 1 or ((same or by_words or by_units) and (not needed or free)):
                raise NotRecognised("a number of the solution may be one of two")
            return FromStep(earlier[0])
        if free:
            return FromNumber(free[0])
        shares = [] if by_words or same else self._shares(value)
        if len(shares) > 1:
            raise NotRecognised("a number of the solution may be one of two")
        if shares:
            return shares[0]
        if same or by_words or by_units:
            return Constant()
        raise NotRecognised("a number of the solution is not in the question")

    def _uses(self, place: int) -> int:
        """In how many places the result of a step may be used."""
        value = self._calculations[place].result
        return sum(step > place and literal.value == value for step, literal in self._literals)

    def _shares(self, value: Fraction) -> list[FromNumber]:
        """Per cents as shares: 30 % may be .3, .7, 1.3, 70 or 130."""
        found = []
        for place, number in enumerate(self._numbers):
            if number.kind != "percent" or place in self._fixed:
                continue
            share = Fraction(1, 100)
            for factor, shift in ((share, 0), (-share, 1), (share, 1), (-1, 100), (1, 100)):
                if number.value * factor + shift == value:
                    found.append(FromNumber(place, Fraction(factor), Fraction(shift)))
        return found


def _refuse_redundant(numbers: Sequence[Numeral], steps: Sequence[Step], used: set[int]) -> None:
    """Refuse where a numeral that the steps do not use follows from others, and would contradict their new values."""
    in_steps = {literal.value for step in steps for literal in literals(step.node)}
    idle = [number.value for place, number in enumerate(numbers) if place not in used and number.value not in in_steps]
    if not idle:
        return
    known = [number.value for number in numbers] + [step.result for step in steps]
    reachable = {step.result for step in steps}
    for one, other in permutations(known, 2):
        reachable |= {one + other, one - other, one * other} | ({one / other} if other else set())
    # A product or a sum that is there by chance costs a question, no error
    if any(value in reachable for value in idle if value > 1):
        raise NotRecognised("a number of the question follows from the others")
