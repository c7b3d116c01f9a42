"""What a verdict is, and the one rule by which tests become one.

Guarantees: a verdict carries all that a reader needs to disagree with it (the sentence, what was tested, each number
with interval, n and source, what was assumed, the rule); a true sentence is refuted with probability at most alpha,
and a false one supported with probability at most alpha, as far as each test's own p-values hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.stats.hypothesis import HypothesisTest
from harness.stats.multiple import holm

Word = Literal["not_testable_here", "protocol_differs", "refuted", "supported", "inconclusive"]
Scope = Literal["subject", "stand_in"]
Role = Literal["subject", "comparator", "stand_in"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number, whose it is and where it stands. `test` is None for one that decides nothing; `faults` say why not.

    `value` with its 95 % interval [low, high] is a score from 0 to 1 or a difference of two, unless `text` says it in
    words. `baseline` is the score that a difference is counted from; `role`: whose number it is; `part`: the part of
    the sentence that it decides about; `own`: it comes from the side that the claim favours.
    """

    what: str
    source: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    method: str = ""
    baseline: float | None = None
    text: str = ""
    test: HypothesisTest | None = None
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    run_id: str | None = None
    role: Role = "subject"
    part: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """A word with the rule that gave it, in words, and the samples that it still takes."""

    word: Word
    rule: str
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said of a claim today. `model` is whose numbers were judged: the subject's, or a stand-in's.

    `stand_in` holds the verdict on a stand-in's own numbers, which says nothing of the subject.
    """

    claim: str
    scope: Scope
    model: str
    quote: str
    tested: str
    word: Word
    rule: str
    evidence: tuple[Evidence, ...]
    assumptions: tuple[str, ...]
    cautions: tuple[str, ...] = ()
    needed: int | None = None
    run_ids: tuple[str, ...] = ()
    try_it: tuple[str, ...] = ()
    stand_in: Verdict | None = None


def combine(tests: Sequence[HypothesisTest], aggregate: str, alpha: float) -> Ruling:
    """Fold the tests of one sentence.

    `each`: one refuted part refutes it (Holm over the parts), all must be supported, each at alpha (an
    intersection-union test needs no correction: Berger 1982, Technometrics 24:295-300). `any` is its mirror. `mean`
    has one test. Raises ValueError for no tests.
    """
    if not tests:
        raise ValueError("nothing to fold")
    against, in_favour = [test.p_against for test in tests], [test.p_for for test in tests]
    several = len(tests) > 1
    if aggregate == "any":
        refuted, supported = max(against), min(holm(in_favour))
    else:
        refuted, supported = min(holm(against)), max(in_favour)
    level = f"{100 * alpha:g} %"
    parts = f" (Holm over {len(tests)} parts)" if several else ""
    if refuted <= alpha:
        which = "all parts" if several and aggregate == "any" else "a part" if several else "it"
        holm_said = parts if aggregate != "any" else ""
        if not refuted:
            return Ruling("refuted", "all items were asked: the score is what it is, and does not reach the bar")
        return Ruling(
            "refuted",
            f"were {which} true, a result so much against it would come up with probability {said(refuted)}"
            f"{holm_said}, less than {level}",
        )
    if supported <= alpha:
        which = "every part" if several and aggregate != "any" else "a part" if several else "it"
        holm_said = parts if aggregate == "any" else ""
        if not supported:
            return Ruling("supported", "all items were asked: the score is what it is, and reaches the bar")
        return Ruling(
            "supported",
            f"were {'any part' if which == 'every part' else which} false, a result so much in favour would come up "
            f"with probability {said(supported)}{holm_said}, less than {level}",
        )
    open_parts = [test.needed for test in tests if min(test.p_against, test.p_for) > alpha]
    needed = None if None in open_parts else max((n for n in open_parts if n is not None), default=None)
    return Ruling(
        "inconclusive",
        f"chance explains it either way: such a result would come up with probability {chance(refuted)} were it "
        f"true, {chance(supported)} were it false, and the line is {level}",
        needed,
    )


def by_part(evidence: Sequence[Evidence]) -> list[HypothesisTest]:
    """One test for each part of the sentence, in order.

    Several numbers on one part (variants, measurers) refute or support it only if each of them does: the largest p.
    """
    parts: dict[str, list[HypothesisTest]] = {}
    for one in evidence:
        if one.test is not None:
            parts.setdefault(one.part, []).append(one.test)
    return [
        HypothesisTest(
            max(test.p_against for test in tests),
            max(test.p_for for test in tests),
            None if any(test.needed is None for test in tests) else max(test.needed or 0 for test in tests),
        )
        for tests in parts.values()
    ]


def said(p: float) -> str:
    """A p-value in two figures; never 0."""
    return "less than 1e-12" if p < 1e-12 else f"{p:.2g}"


def chance(p: float) -> str:
    """A p-value that is not small."""
    return f"{p:.3f}" if p >= 0.01 else said(p)
