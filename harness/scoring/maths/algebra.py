r"""math-verify's comparison with guards where it errs. Runs in the judge's child only: it imports sympy.

Guarded, with what math-verify 0.9 does:

- two different tiny values are equal, as their difference is cut to zero (1/2^101 and 1/2^100) or rounded to six
  decimals (0.0000001 and 0.0000002): here values differ where their first five digits do, exact ones where they
  differ at all;
- two equations without solutions are equal, as all of no solutions agree;
- a text that cannot be parsed is searched for a number in it, so that "45 foo(" is 45: here it is compared as text;
- units are cut off anything (2t is 2): `units` does this before.
"""

from __future__ import annotations

import re
from typing import Any

from latex2sympy2_extended import NormalizationConfig
from math_verify import LatexExtractionConfig, grader, parse, verify
from math_verify.parser import extract_latex
from sympy import Add, Basic, Float, MatrixBase, N, Rational

from harness.scoring.maths.numbers import DECIMALS, DIGITS

_CONFIG = LatexExtractionConfig(
    normalization_config=NormalizationConfig(
        basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none", equations=False
    )
)
# named as math-verify names what it found, so that its own reader takes it
_WHOLE = re.compile(r"(?P<first_latexWhole>.+)", re.DOTALL)
# digits to which constants are compared; a difference that cancels is computed to a hundred, so that what is left
# of zero is smaller than this part of the larger one
_PRECISION = 30
_CLOSE = Float("1e-60", _PRECISION)
_DECIMALS = Rational(DECIMALS.numerator, DECIMALS.denominator)
_DIGITS = Rational(DIGITS.numerator, DIGITS.denominator)
# values that are put in for variables where a difference was cut to zero
_SAMPLES = (Rational(7, 3), Rational(11, 5), Rational(13, 7), Rational(17, 11), Rational(19, 13), Rational(23, 17))


def guard() -> None:
    """Put the guards in the place of math-verify's own functions. Raises AttributeError if it has none such."""
    for name in ("sympy_numeric_eq", "sympy_symbolic_eq", "sympy_solve_and_compare"):
        getattr(grader, name)
    numeric, symbolic, solved = grader.sympy_numeric_eq, grader.sympy_symbolic_eq, grader.sympy_solve_and_compare

    def numeric_equal(one: Any, other: Any, float_rounding: int, numeric_precision: int) -> bool:
        if isinstance(one, MatrixBase) or isinstance(other, MatrixBase):
            return bool(numeric(one, other, float_rounding, numeric_precision))
        known = constants_equal(one, other)
        if known is not None:
            return known
        equal = bool(numeric(one, other, float_rounding, numeric_precision))
        return equal and _agree_at_samples(one, other)

    def symbolic_equal(one: Any, other: Any) -> bool:
        # simplifying is slow, and two constants that differ cannot become equal by it
        return constants_equal(one, other) is not False and bool(symbolic(one, other))

    def solved_equal(gold: Any, answer: Any, float_rounding: int, numeric_precision: int) -> bool:
        from sympy import solve

        if not solve(gold, gold.free_symbols):
            return False
        return bool(solved(gold, answer, float_rounding, numeric_precision))

    grader.sympy_numeric_eq = numeric_equal
    grader.sympy_symbolic_eq = symbolic_equal
    grader.sympy_solve_and_compare = solved_equal


def read(text: str) -> list[Any]:
    """Parse LaTeX into sympy; what cannot be parsed is the text itself."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        return []
    parsed, written = extract_latex(found, _CONFIG)
    return [each for each in (parsed, written) if each is not None]


def equal(gold: list[Any], answer: list[Any]) -> bool:
    """Compare what `read` returned."""
    return bool(verify(gold, answer, allow_set_relation_comp=True, timeout_seconds=None))


def found(text: str) -> list[Any]:
    """What math-verify finds in a text by its own rules, which need a box, delimiters or a plain number."""
    # No time-out of its own, which needs signals: the judge has a deadline
    return list(parse(text, parsing_timeout=None))


def found_equal(gold: list[Any], answer: list[Any]) -> bool:
    """Compare what `found` returned, with math-verify's defaults."""
    return bool(verify(gold, answer, timeout_seconds=None))


def constants_equal(one: Any, other: Any) -> bool | None:
    """Compare two expressions without variables; None where they have some, or no finite value."""
    if not (isinstance(one, Basic) and isinstance(other, Basic)) or one.free_symbols or other.free_symbols:
        return None
    a, b = N(one, _PRECISION), N(other, _PRECISION)
    if not (_is_finite(a) and _is_finite(b)):
        return None
    apart, size = abs(N(one - other, _PRECISION)), max(abs(a), abs(b))
    if one.has(Float) or other.has(Float):
        return bool(apart <= _DECIMALS and apart <= size * _DIGITS)
    if apart <= size * _CLOSE:
        return True
    # a sum that cancels may be zero, which only algebra can show
    return None if size < _CLOSE and (one.has(Add) or other.has(Add)) else False


def _is_finite(value: Any) -> bool:
    return bool(getattr(value, "is_number", False)) and bool(value.is_finite)


def _agree_at_samples(one: Any, other: Any) -> bool:
    """Confirm at one point that two expressions are equal; taken as confirmed where they have no value there."""
    symbols = sorted(one.free_symbols | other.free_symbols, key=str)
    point = dict(zip(symbols, _SAMPLES * (1 + len(symbols) // len(_SAMPLES)), strict=False))
    return constants_equal(one.subs(point), other.subs(point)) is not False
