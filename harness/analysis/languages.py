"""In how many languages a model solves a task: better than chance, and not much worse than in English.

A language counts if its accuracy is above `chance` and at most `margin` below English's. Each language is one test (the
larger of two p-values: exact binomial against chance, paired non-inferiority against English), and Holm goes over all
of them, so that the number shown is a lower bound of the true number with confidence 1 - alpha, however the languages
depend on each other (they share sentences, and English). The caller sets `chance`: where topics are not equally
frequent, a model that always names the most frequent one beats 1 / (number of topics); use that topic's share.

Guarantees nothing about languages that were not run: "not 40 of these" is not "not 40 of the world's".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.analysis.values import JoinedSamples, SampleValues, join
from harness.stats.intervals import normal_quantile
from harness.stats.margin_power import paired_margin_power
from harness.stats.margin_test import margin_p_value
from harness.stats.multiple import holm
from harness.stats.paired import paired_difference
from harness.stats.power import support_power
from harness.stats.proportions import binomial_p_value, clopper_pearson
from harness.stats.relations import newcombe
from harness.stats.two_model_power import Discordance, Margins
from harness.stats.unpaired_margin import unpaired_margin_p_value, unpaired_margin_p_value_below

ALPHA = 0.05
# Right answers and samples
Total = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Criteria:
    """When a language counts: accuracy above `chance`, at most `margin` below `english`, tested at level `alpha`."""

    english: str
    chance: float
    margin: float
    alpha: float


@dataclass(frozen=True, slots=True)
class EnglishGap:
    """A language minus English on `n` samples, with its 95 % interval; `paired` if on the same sentences.

    `spread`: its standard error; `differing`: on how many of them just one is right, None if unpaired. `p_within`: of
    "at least the margin below English"; `p_beyond`: of its opposite.
    """

    difference: float
    low: float
    high: float
    n: int
    paired: bool
    spread: float
    differing: int | None
    p_within: float
    p_beyond: float


@dataclass(frozen=True, slots=True)
class Language:
    """One language: k of n right with its 95 % interval (Clopper-Pearson), and what is shown of it.

    `gap` is None for English itself. `p_chance`: of "no better than chance"; `p`: of "does not hold"; `p_fails`: of
    "holds"; these are unadjusted, `p_holm` is `p` after Holm over all languages. `shown`: it holds; `refuted`: it does
    not (Holm too). `power`: the chance, at least, that n samples show a language as good as English, at Holm's first
    and hardest step; 0, which promises nothing, for one that is compared with English unpaired.
    """

    name: str
    k: int
    n: int
    low: float
    high: float
    p_chance: float
    gap: EnglishGap | None
    p: float
    p_fails: float
    power: float
    p_holm: float = 1.0
    shown: bool = False
    refuted: bool = False

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return self.k / self.n


@dataclass(frozen=True, slots=True)
class LanguageCount:
    """Counts of languages. The true count is in [shown, at_most], each bound with confidence 1 - alpha.

    `above_chance` and `within` count by each criterion alone (Holm over it), `seen` the languages whose point estimates
    meet both, ignoring sampling error.
    """

    languages: tuple[Language, ...]
    english: str
    chance: float
    margin: float
    alpha: float
    above_chance: int
    within: int
    seen: int
    shown: int
    at_most: int


def count_languages(
    values: Mapping[str, SampleValues], english: str, chance: float, margin: float, alpha: float = ALPHA
) -> LanguageCount:
    """Count the languages of `values` (by name; each value 0 or 1); `english` is one of them.

    Languages and English are paired on the sample ids that both have: these must name the same sentence in every
    language. A language with no id of English's is compared with it unpaired. English counts as one language.
    Sources: Holm 1979 over intersection-union tests (Berger 1982, Technometrics 24:295-300); non-inferiority by
    the exact test of `margin_test` (Sidik 2003), unpaired by that of `unpaired_margin`. Raises ValueError for a
    language without samples, a value other than 0 and 1, English not among them, a chance outside (0, 1), or a margin
    outside (0, 1].
    """
    criteria = Criteria(english, chance, margin, alpha)
    _check(values, criteria)
    level = alpha / len(values)
    found = []
    for name, own in values.items():
        gap = None
        if name != english:
            joined = join(own, values[english])
            unpaired = not joined.n
            gap = _unpaired(own.counts, values[english].counts, margin) if unpaired else _paired(joined, margin)
        found.append(_language(name, own.counts, gap, criteria, level, values[english].mean))
    return _counted(found, criteria)


def p_values_of_at_least(found: LanguageCount, least: int) -> tuple[float, float]:
    """Return (p against, p for) of "at least `least` of these languages hold": small refutes, or supports.

    The p-value of a partial conjunction by Bonferroni, valid under any dependence: (m - u + 1) times the u-th smallest
    p (Benjamini and Heller 2008, Biometrics 64:1215-1222). It refutes if m - `least` + 1 languages are shown not to
    hold. With a `least` above the number of tested languages nothing can be supported or refuted: (1, 1). Raises
    ValueError for a count below 1.
    """
    if least < 1:
        raise ValueError(f"a count of languages to reach is at least 1, not {least}")
    if least > len(found.languages):
        return 1.0, 1.0
    in_favour = _conjunction([language.p for language in found.languages], least)
    against = _conjunction([language.p_fails for language in found.languages], len(found.languages) - least + 1)
    return against, in_favour


def _conjunction(p_values: list[float], least: int) -> float:
    return min(1.0, (len(p_values) - least + 1) * sorted(p_values)[least - 1])


def _check(values: Mapping[str, SampleValues], criteria: Criteria) -> None:
    if criteria.english not in values:
        raise ValueError(f"English ({criteria.english!r}) is not among the languages {', '.join(values)}")
    if not 0 < criteria.chance < 1 or not 0 < criteria.margin <= 1:
        raise ValueError(
            f"chance lies between 0 and 1 and a margin above 0 up to 1, not {criteria.chance} and {criteria.margin}"
        )
    for name, own in values.items():
        if not own.samples:
            raise ValueError(f"the language {name!r} has no samples")
        if not own.zero_or_one:
            raise ValueError(f"the language {name!r} has values other than 0 and 1: its test would not be exact")


def _paired(joined: JoinedSamples, margin: float) -> EnglishGap:
    values, baseline = joined.values
    seen = paired_difference(values, baseline)
    within = margin_p_value(seen.wins, seen.losses, seen.n, -margin)
    beyond = margin_p_value(seen.losses, seen.wins, seen.n, margin)
    return EnglishGap(
        seen.difference, seen.low, seen.high, seen.n, True, seen.spread, seen.wins + seen.losses, within, beyond
    )


def _unpaired(first: Total, second: Total, margin: float) -> EnglishGap:
    (k, n), (other_k, other_n) = first, second
    low, high = newcombe(first, second)
    difference = k / n - other_k / other_n
    # From the interval: the plain standard error is 0 where all are right
    spread = (high - low) / (2 * normal_quantile(0.95))
    within = unpaired_margin_p_value(first, second, -margin)
    beyond = unpaired_margin_p_value_below(first, second, -margin)
    return EnglishGap(difference, low, high, min(n, other_n), False, spread, None, within, beyond)


def _language(
    name: str, total: Total, gap: EnglishGap | None, criteria: Criteria, level: float, in_english: float
) -> Language:
    """`level`: of Holm's first step; `in_english`: the accuracy in English."""
    k, n = total
    chance = criteria.chance
    p_chance = binomial_p_value(k, n, chance, "greater")
    p_below_chance = binomial_p_value(k, n, chance, "less")
    truth = min(max(in_english, 1 / (n + 2)), 1 - 1 / (n + 2))
    power = support_power(n, chance, truth, level).power
    if gap is not None:
        power = max(0.0, power + _power_within(gap, criteria.margin, level) - 1)
    return Language(
        name,
        k,
        n,
        *clopper_pearson(k, n),
        p_chance=p_chance,
        gap=gap,
        p=max(p_chance, gap.p_within if gap else 0.0),
        # Either fault refutes it: two tests
        p_fails=min(1.0, 2 * min(p_below_chance, gap.p_beyond)) if gap else p_below_chance,
        power=power,
    )


def _power_within(gap: EnglishGap, margin: float, level: float) -> float:
    """The chance that the exact test shows a language as good as English to be within the margin; unpaired: 0.

    With as many differing sentences as the upper end of their share's 95 % interval has: more of them make it smaller.
    """
    if gap.differing is None or margin >= 1:
        return 0.0
    share = clopper_pearson(gap.differing, gap.n)[1]
    return paired_margin_power(gap.n, Discordance(share / 2, share / 2), Margins(low=-margin), level)


def _counted(found: list[Language], criteria: Criteria) -> LanguageCount:
    chance, margin, alpha = criteria.chance, criteria.margin, criteria.alpha
    adjusted, failing = holm([each.p for each in found]), holm([each.p_fails for each in found])
    languages = tuple(
        replace(each, p_holm=p, shown=p <= alpha, refuted=fails <= alpha)
        for each, p, fails in zip(found, adjusted, failing, strict=True)
    )
    chances = holm([each.p_chance for each in found])
    gaps = holm([each.gap.p_within for each in found if each.gap])
    return LanguageCount(
        languages,
        criteria.english,
        chance,
        margin,
        alpha,
        above_chance=sum(p <= alpha for p in chances),
        within=1 + sum(p <= alpha for p in gaps),
        seen=sum(each.accuracy > chance and (each.gap is None or each.gap.difference > -margin) for each in languages),
        shown=sum(each.shown for each in languages),
        at_most=len(languages) - sum(each.refuted for each in languages),
    )
