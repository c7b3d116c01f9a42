"""Claims that no sample can test: prices, and facts about a model.

Prices: supported only if the saving holds in every cell of variant, comparator, date, hours and blend, refuted if in
none; if it holds in some cells only, the claim is inconclusive, with the cells listed. Facts: supported or refuted
only where all known facts agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.claims.page import ClaimTest
from harness.claims.verdict import Evidence, Ruling, Word
from harness.cost.savings import Cell, settle


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of one model, and its source. `value` is a word or a number."""

    model: str
    name: str
    value: str | float
    source: str
    notes: tuple[str, ...] = ()


def judge_prices(found: Sequence[Cell], threshold: float) -> tuple[Ruling, tuple[Evidence, ...]]:
    """Rule on "costs at most `threshold` of the comparator's price", with one piece of evidence per pair of prices."""
    saving = 1 - Fraction(str(threshold))
    if not found:
        return Ruling("not_testable_here", "no two prices were on offer at the same time"), ()
    passing = sum(cell.cheaper_by(saving) for cell in found)
    share = f"{float(100 * saving):g} % cheaper in {passing} of {len(found)} cells"
    lowest, highest = (float(100 * extreme(cell.saving for cell in found)) for extreme in (min, max))
    spread = f"savings go from {lowest:.1f} % to {highest:.1f} %"
    rules: dict[str, tuple[Word, str]] = {
        "supported": ("supported", f"it holds in every cell: {share}; {spread}"),
        "refuted": ("refuted", f"it holds in no cell: {share}; {spread}"),
        "depends": ("inconclusive", f"it depends on what is compared: {share}; {spread}"),
    }
    word, rule = rules[settle(found, saving)]
    rule += "; prices and their sources: harness cost list"
    evidence = [_of_pair(pair, saving) for pair in _pairs(found)]
    return Ruling(word, rule), tuple(evidence)


def judge_facts(test: ClaimTest, facts: Sequence[Fact]) -> tuple[Ruling, tuple[Evidence, ...]]:
    """Rule on a claim about a fact by the known facts; facts of other names are ignored."""
    own = [fact for fact in facts if fact.name == test.fact]
    evidence = tuple(Evidence(fact.model, fact.source, text=_fact_text(fact), notes=fact.notes) for fact in own)
    if not own:
        return Ruling("not_testable_here", f"no data available on {_name(test)}"), ()
    holding = [fact for fact in own if holds(test, fact)]
    wanted = f"{_name(test)} is {wanted_fact(test)}"
    if len(holding) == len(own):
        return Ruling("supported", f"{wanted} in {_listed(own)}"), evidence
    if not holding:
        return Ruling(
            "refuted", f"not so in {', nor in '.join(f'{fact.model} ({_fact_text(fact)})' for fact in own)}"
        ), evidence
    failing = [fact for fact in own if fact not in holding]
    return Ruling("inconclusive", f"{wanted} in {_listed(holding)}, but not in {_listed(failing)}"), evidence


def holds(test: ClaimTest, fact: Fact) -> bool:
    """Whether a fact meets the test; words are compared without case."""
    if test.at_most is not None or test.at_least is not None:
        low, high = test.at_least, test.at_most
        return (
            isinstance(fact.value, int | float)
            and (low is None or fact.value >= low)
            and (high is None or fact.value <= high)
        )
    return str(fact.value).casefold() == str(test.equals).casefold()


def wanted_fact(test: ClaimTest) -> str:
    """Return in words what a fact must be: one value, or one within bounds."""
    if test.equals is not None:
        return test.equals
    bounds = (("at least", test.at_least), ("at most", test.at_most))
    return " and ".join(f"{words} {bound:.12g}" for words, bound in bounds if bound is not None)


def _pairs(found: Sequence[Cell]) -> list[list[Cell]]:
    pairs: dict[tuple[object, ...], list[Cell]] = {}
    for cell in found:
        pairs.setdefault((cell.subject, cell.comparator), []).append(cell)
    return list(pairs.values())


def _of_pair(cells: Sequence[Cell], saving: Fraction) -> Evidence:
    one = cells[0]
    shares = "; ".join(
        f"{cell.blend.label} {float(100 * cell.saving):.1f} %{'' if cell.cheaper_by(saving) else ' (not)'}"
        for cell in cells
    )
    hours = "" if one.subject.hours == "all" else f", {one.subject.hours.replace('_', '-')}"
    since = f" since {one.subject.since}" if one.subject.since else ""
    return Evidence(
        f"{one.subject.name}{since}{hours} compared with {one.comparator.name}",
        "",
        text=shares,
    )


def _fact_text(fact: Fact) -> str:
    if isinstance(fact.value, str):
        return f"{fact.name.replace('_', ' ')}: {fact.value}"
    share = fact.name.endswith("share")
    return f"{fact.name.replace('_', ' ')}: {f'{100 * fact.value:.1f} %' if share else f'{fact.value:,.0f}'}"


def _name(test: ClaimTest) -> str:
    return str(test.fact).replace("_", " ")


def _listed(facts: Sequence[Fact]) -> str:
    return ", ".join(dict.fromkeys(fact.model for fact in facts))
