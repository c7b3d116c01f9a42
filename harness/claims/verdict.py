"""Verdicts, and the rule that combines tests into one.

Guarantees: a verdict has all that a reader needs to check it (the sentence, what was tested, each number with interval,
n and source, the assumptions, the rule); a true claim is refuted with probability at most alpha, and a false one
supported with probability at most alpha, as far as each test's own p-values hold.
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
# The largest ln of an e-value that is kept: infinity is no number of JSON
CERTAIN = 700.0
ROUNDING = 1e-9
USUAL_CONFIDENCE = 0.95
# Start of a note on two models with the same score on each sample
NEVER_DIFFERED = "the two never differed"


@dataclass(frozen=True, slots=True)
class Required:
    """What a score or difference must be for the claim to hold: from `low` to `high`; None: it has no such end.

    `relation` is the claim's; with `>` and `<` the end itself does not meet it.
    """

    relation: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class EvidencePath:
    """How the evidence on one part of a claim changed, sample by sample, until a sequential test stopped.

    One entry for each sample that was fed: how many samples of the order were `used` by then, the `value` so far (a
    score, or the difference of two), and ln of the e-values that refute and that support the claim, from -CERTAIN to
    CERTAIN (no answer to come can change it). `bound_refuted`, `bound_supported`: ln of the e-value that is enough.
    `stop`: samples used when the test ended; `total`: the most that it could use. A test by counts has no e-values but
    edges: a score of at most `low_edge`, or at least `high_edge`, settles it at that sample. `overruled`: where known
    items settled it for certain, against the bound that was reached first.
    """

    part: str
    total: int
    stop: int
    required: Required
    difference: bool
    used: tuple[int, ...]
    value: tuple[float, ...]
    bound_refuted: float = CERTAIN
    bound_supported: float = CERTAIN
    log_refuted: tuple[float, ...] = ()
    log_supported: tuple[float, ...] = ()
    low_edge: tuple[float, ...] = ()
    high_edge: tuple[float, ...] = ()
    overruled: Crossing | None = None

    @property
    def by_counts(self) -> bool:
        """Whether it has edges of the score in place of e-values."""
        return bool(self.low_edge)

    @property
    def low_word(self) -> Word:
        """What a score below the low edge is for the claim."""
        return "refuted" if self.required.low is not None else "supported"

    @property
    def high_word(self) -> Word:
        """What a score above the high edge is for the claim."""
        return "supported" if self.required.low is not None else "refuted"

    @property
    def crossing(self) -> Crossing | None:
        """Where it was settled: where a bound was reached first, unless that was overruled; None if nowhere."""
        if self.overruled is not None:
            return self.overruled
        for used, value, low, high in zip(self.used, self.value, self.low_edge, self.high_edge, strict=False):
            if value <= low + ROUNDING:
                return Crossing(self.low_word, used)
            if value >= high - ROUNDING:
                return Crossing(self.high_word, used)
        for used, against, in_favour in zip(self.used, self.log_refuted, self.log_supported, strict=False):
            # The rounding of a p-value: that of an e-value of exactly 1 / alpha is alpha
            if against >= self.bound_refuted - ROUNDING:
                return Crossing("refuted", used)
            if in_favour >= self.bound_supported - ROUNDING:
                return Crossing("supported", used)
        return None


@dataclass(frozen=True, slots=True)
class Crossing:
    """The word whose bound was reached, and after how many samples."""

    word: Word
    used: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number, its model and its source. `test` is None for one that decides nothing; `faults`: the reasons.

    `value` with its interval [low, high] is a score from 0 to 1 or a difference of two, unless `text` replaces it;
    `confidence` is the interval's.
    `baseline`: the comparator's score of a difference; `role`: of which model it is; `part`: the part of the claim that
    it decides; `own`: it is self-reported by the side that the claim favours; `required`: what `value` was tested
    against, None where it was not tested.
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
    required: Required | None = None
    confidence: float = USUAL_CONFIDENCE


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict word, the rule that gave it as text, and the samples still needed."""

    word: Word
    rule: str
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a claim. `model`: whose numbers were judged, the subject's or a stand-in's.

    `stand_in` is the verdict on a stand-in's own numbers, which says nothing about the subject. `paths`: of a
    sequential test, for each part of the claim.
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
    paths: tuple[EvidencePath, ...] = ()


def combine(tests: Sequence[HypothesisTest], aggregate: str, alpha: float, *, whole: bool = True) -> Ruling:
    """Combine the tests of one claim.

    `each`: one refuted part refutes it (Holm over the parts), all must be supported, each at alpha (an
    intersection-union test needs no correction: Berger 1982, Technometrics 24:295-300). `any` is its mirror. `mean`
    has one test. `whole`: all items were run; else what is certain holds whatever the others give. Raises ValueError
    for no tests.
    """
    if not tests:
        raise ValueError("no tests to combine")
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
        holm_note = parts if aggregate != "any" else ""
        if not refuted:
            return Ruling("refuted", f"{_certain(whole)} does not meet the claim")
        return Ruling(
            "refuted",
            f"if {which} were true, a result this far from it would occur with probability {probability_text(refuted)}"
            f"{holm_note}, below {level}",
        )
    if supported <= alpha:
        which = "every part" if several and aggregate != "any" else "a part" if several else "it"
        holm_note = parts if aggregate == "any" else ""
        if not supported:
            return Ruling("supported", f"{_certain(whole)} meets the claim")
        return Ruling(
            "supported",
            f"if {'any part' if which == 'every part' else which} were false, a result this much in its favour would "
            f"occur with probability {probability_text(supported)}{holm_note}, below {level}",
        )
    open_parts = [test.needed for test in tests if min(test.p_against, test.p_for) > alpha]
    needed = None if None in open_parts else max((n for n in open_parts if n is not None), default=None)
    return Ruling(
        "inconclusive",
        f"the result is compatible with both: it would occur with probability at most {probability_text(refuted)} if "
        f"the claim were true, at most {probability_text(supported)} if it were false, both above {level}",
        needed,
    )


def _certain(whole: bool) -> str:
    if whole:
        return "all items were run: the score is exact and"
    return "the items that were run settle it: whatever the others give, the score of all"


def by_part(evidence: Sequence[Evidence]) -> list[HypothesisTest]:
    """One test for each part of the claim, in order.

    Several numbers on one part (variants, sources) refute or support it only if each of them does: the largest p.
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


def probability_text(p: float) -> str:
    """A p-value: three decimals, two significant figures below 0.01, never 0."""
    if p >= 0.01:
        return f"{p:.3f}"
    return "less than 1e-12" if p < 1e-12 else f"{p:.2g}"
