"""Other numbers in a question's own words: drawn within bounds, written back, the answer computed in two ways.

Kept: how many digits a numeral has, its kind and form (comma, decimals, round or not), a range around its
value, which of all quantities is the larger, and that whole results stay whole, positive and about as long. The answer
is that of the chain of sources, and that of the rewritten steps as Python reads them; where they differ, or the
original's numbers do not give the original's answer, there is no variant.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from random import Random

from harness.perturb.base import NumberPair
from harness.perturb.expressions import (
    Literal,
    NotArithmetic,
    decimal_text,
    evaluate,
    evaluated_by_python,
    written,
)
from harness.perturb.number_text import Numeral
from harness.perturb.structure import FromNumber, FromStep, NotRecognised, Problem, Step

# Draws of all numbers of one variant, first with results as long as the original's, then one digit more or less
TRIES = (150, 250)
# A numeral with fewer values to choose from is drawn in finer steps than its round ones
FEWEST_VALUES = 4
_ARTICLE = re.compile(r"\b([Aa])n?(\s+[$€£]?)$")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A question with other numbers: its text, its steps as `expression`, `result`, its answer, and the numbers."""

    text: str
    steps: tuple[tuple[str, str], ...]
    answer: str
    numbers: tuple[NumberPair, ...]


def redrawn(problem: Problem, draws: int, random: Random) -> list[Rewritten]:
    """Return up to `draws` different rewritings. Raises NotRecognised where not one fits."""
    own = {place: number.value for place, number in enumerate(problem.numbers)}
    if _results(problem, own) != [step.result for step in problem.steps]:
        raise NotRecognised("the numbers do not give the answer again")
    found: list[Rewritten] = []
    seen = [own]
    for _ in range(draws):
        values = _drawn(problem, seen, random)
        if values is None:
            break
        seen.append(values)
        found.append(_rewritten(problem, values))
    if not found:
        raise NotRecognised("no other numbers fit")
    return found


# --- drawing -------------------------------------------------------------------------------------


def _drawn(problem: Problem, seen: Sequence[Mapping[int, Fraction]], random: Random) -> dict[int, Fraction] | None:
    choices = {place: _choices(problem.numbers[place]) for place in problem.moving}
    order = sorted(range(len(problem.numbers)), key=lambda place: problem.numbers[place].value)
    answers = {_results(problem, values)[-1] for values in seen}
    for slack, tries in enumerate(TRIES):
        for _ in range(tries):
            values = dict(seen[0])
            for place, (first, count, unit) in choices.items():
                values[place] = (first + random.randrange(count)) * unit
            if not _same_order(problem, values, order):
                continue
            try:
                results = _results(problem, values)
            except NotArithmetic:
                continue
            if results[-1] not in answers and _alike(problem, values, results, slack):
                return values
    return None


def _choices(number: Numeral) -> tuple[int, int, Fraction]:
    """The first multiple, how many multiples, and the unit of what may be in a numeral's place."""
    digits = number.text.replace(",", "").partition(".")[2]
    unit = Fraction(1, 10 ** len(digits))
    whole = number.value / unit
    zeros = len(str(whole)) - len(str(whole).rstrip("0"))
    for rounded in range(zeros, -1, -1):
        step = Fraction(10**rounded)
        if rounded == 0 and number.kind == "percent" and whole % 5 == 0:
            step = Fraction(5)
        low, high = _bounds(number, unit)
        first, last = math.ceil(low / (step * unit)), math.floor(high / (step * unit))
        if last - first + 1 >= FEWEST_VALUES or rounded == 0:
            return first, max(1, last - first + 1), step * unit
    raise AssertionError("the loop ends with the finest step")


def _bounds(number: Numeral, unit: Fraction) -> tuple[Fraction, Fraction]:
    """Values around the old one: with as many digits, above 1, and no more than its unit of measure allows.

    From half to one and a half times it, so that they are as large in mean; a single digit up to twice.
    """
    value = number.value
    length = len(str(int(value)))
    low = max(value / 2, Fraction(10 ** (length - 1)) if int(value) else unit, Fraction(2) if value >= 2 else unit)
    most = value * 2 if length == 1 else value * Fraction(3, 2)
    high = min(most, Fraction(10**length) - unit)
    return low, min(high, number.most) if number.most is not None else high


def _same_order(problem: Problem, values: Mapping[int, Fraction], order: Sequence[int]) -> bool:
    """Whether numerals that differ are in the same order, and none of two kinds has become equal."""
    return all(
        values[one] < values[other] or problem.numbers[one].value == problem.numbers[other].value
        for one, other in itertools.pairwise(order)
    )


def _alike(problem: Problem, values: Mapping[int, Fraction], results: Sequence[Fraction], slack: int) -> bool:
    """Whether results are of the same kind, about as long, and in the same order among all quantities."""
    for new, step in zip(results, problem.steps, strict=True):
        text, old = decimal_text(new), decimal_text(step.result)
        if new <= 0 or text is None or old is None or new == 1:
            return False
        if len(text.partition(".")[2]) > len(old.partition(".")[2]):
            return False
        if abs(len(text.partition(".")[0]) - len(old.partition(".")[0])) > slack:
            return False
    before = [number.value for number in problem.numbers] + [step.result for step in problem.steps]
    after = [values[place] for place in range(len(problem.numbers))] + list(results)
    order = sorted(range(len(before)), key=lambda place: before[place])
    return all(after[one] < after[other] or before[one] == before[other] for one, other in itertools.pairwise(order))


# --- computing -----------------------------------------------------------------------------------


def _results(problem: Problem, values: Mapping[int, Fraction]) -> list[Fraction]:
    """The value of each step, from the sources of its literals."""
    results: list[Fraction] = []
    for step in problem.steps:
        results.append(evaluate(step.node, partial(_value, step, values=values, results=results)))
    return results


def _value(step: Step, literal: Literal, values: Mapping[int, Fraction], results: Sequence[Fraction]) -> Fraction:
    source = step.sources[literal.place]
    if isinstance(source, FromNumber):
        return values[source.number] * source.factor + source.shift
    return results[source.step] if isinstance(source, FromStep) else literal.value


def _expression(step: Step, values: Mapping[int, Fraction], results: Sequence[Fraction]) -> str:
    """The step with its new numbers; a number that no decimal writes leaves a gap, which is no arithmetic."""
    return written(step.node, lambda literal: decimal_text(_value(step, literal, values, results)) or "")


def _rewritten(problem: Problem, values: Mapping[int, Fraction]) -> Rewritten:
    """Write question and steps. Raises NotRecognised where the written steps do not give the answer of the chain."""
    chain = _results(problem, values)
    steps: list[tuple[str, str]] = []
    for place, step in enumerate(problem.steps):
        known = [Fraction(result) for _, result in steps]
        expression = _expression(step, values, known)
        try:
            result = decimal_text(evaluated_by_python(expression))
        except NotArithmetic:
            result = None
        if result is None or Fraction(result) != chain[place]:
            raise NotRecognised("the two ways to the answer differ")
        steps.append((expression, result))
    text = problem.text
    for place in sorted(problem.moving, reverse=True):
        number = problem.numbers[place]
        text = _with_article(text[: number.start], values[place]) + _like(number, values[place]) + text[number.end :]
    pairs = tuple(
        NumberPair(problem.numbers[place].text, _like(problem.numbers[place], values[place]))
        for place in problem.moving
    )
    return Rewritten(text, tuple(steps), steps[-1][1], pairs)


def _like(number: Numeral, value: Fraction) -> str:
    """Write a value in the form of a numeral."""
    whole, point, digits = number.text.partition(".")
    shown = f"{int(value):,}" if "," in whole else ("" if not whole else str(int(value)))
    if not point:
        return shown
    return f"{shown}.{round((value - int(value)) * 10 ** len(digits)):0{len(digits)}d}"


def _with_article(before: str, value: Fraction) -> str:
    """The text before a numeral, with `a` or `an` as the numeral is spoken."""
    spoken = str(int(value))
    vowel = spoken.startswith("8") or (spoken.startswith(("11", "18")) and len(spoken) % 3 == 2)
    return _ARTICLE.sub(lambda found: f"{found[1]}{'n' if vowel else ''}{found[2]}", before)
