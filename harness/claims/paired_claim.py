"""The sequential test of a claim about several models: all answer the same samples, in one random order.

A pair is the subject's and one comparator's answer to a sample; a part of the claim is one task against one comparator.
Guarantees at any stopping time: a true claim is refuted with probability at most alpha, a false one supported with
probability at most alpha, whatever the number of parts: they are combined by `verdict.combine`, as for fixed n. A pair
with an unscored side is missing, never a win; the guarantees are then about the others. A part that needs no more
answers is not fed any more, and its comparator gets no more requests for that task.

About a skill, without a margin, for right or wrong answers to independent samples, the evidence is that of wins and
losses, with levels for the number of samples that there are, and what is left of alpha is spent when all are used up
(`stats.discordant`). With a margin, partial credit or clusters, and for a claim about exactly these items, all of alpha
is spent on bets (`stats.bets`); clusters are drawn and fed whole. About exactly these items the end is certain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.claims.evidence_path import Steps
from harness.claims.interval_notes import differing_note, outside_note
from harness.claims.ordered_test import FIRST, MOST, SampleKey, limit_text, too_few_text
from harness.claims.page import ORDERS, Claim, Protocol
from harness.claims.published import gap_of, required_of
from harness.claims.test_choice import Kinds
from harness.claims.verdict import NEVER_DIFFERED, Evidence, EvidencePath, Role, Ruling, Word, combine
from harness.errors import UserError
from harness.stats.hypothesis import HypothesisTest
from harness.stats.sequential_paired import PairedTest, Pairs, pair_levels

Values = Mapping[SampleKey, float | None]
# In `claim.json`: by which rule a test stopped. One of before there were levels names none
STOPPING = "levels or bets"


def refuse_unless_pairable(claim: Claim) -> None:
    """Raise UserError unless the claim compares models by a relation that can stop early."""
    reason = ""
    if claim.test.not_measured or not claim.comparators or claim.threshold is not None:
        reason = "it does not compare measured scores of models"
    elif claim.relation not in (*ORDERS, "within", "non_inferior"):
        reason = f"the relation {claim.relation!r} has no test that may stop early"
    elif claim.times is not None:
        reason = "a ratio (`times`) has no test that may stop early"
    elif claim.test.aggregate == "mean" and len(claim.test.tasks) > 1:
        reason = "a mean over tasks has no test that may stop early"
    if reason:
        raise UserError(
            f"{claim.place}: --run with --subject and --comparator cannot check it: {reason}; run the models with "
            f"`harness run`, then `harness claim check {claim.id} RUN RUN`"
        )


class PairedClaimTest:
    """Tests a claim about models on samples in random order, as far as the answers are known.

    `models`: the subject first, then its comparators, as they are called in the claim's parts. `limit` is the most
    samples to request, None for all: only a budget, as in `OrderedTest`. What is left of alpha is not spent there.
    """

    limit: int | None = None

    def __init__(
        self,
        claim: Claim,
        order: Sequence[SampleKey],
        sizes: Mapping[str, int],
        models: Sequence[str],
        kinds: Kinds | None = None,
    ) -> None:
        """`sizes`: the number of items of each task; `order` may have fewer, in whole clusters.

        `kinds`: None for right or wrong answers to independent samples. Raises UserError as above.
        """
        refuse_unless_pairable(claim)
        self.claim, self.order, self.sizes, self.models = claim, list(order), dict(sizes), tuple(models)
        self.kinds = kinds or Kinds()
        self.used = self.unscored = self.fed = 0
        self.alpha = claim.stats.alpha
        self._units = self.kinds.units(self.order)
        self._next = 0
        self._many = len(sizes) * (len(models) - 1)
        self.parts: dict[tuple[str, int], PairedTest] = {}
        for task, size in sizes.items():
            self._add_parts(task, size)
        self._sums = {part: [0.0, 0.0] for part in self.parts}
        self._steps = {part: Steps() for part in self.parts}
        self.settled = ""

    def _add_parts(self, task: str, size: int) -> None:
        """The parts of a task share its levels."""
        gap, strict = gap_of(self.claim), self.claim.relation in (">", "<")
        of_items = self.claim.test.about == "benchmark"
        pairs = Pairs(size, of_items, task in self.kinds.graded, self.kinds.largest_of(task))
        # Those of Holm's procedure
        alphas = [self.alpha / part for part in range(1, self._many + 1)]
        levels = pair_levels(gap, pairs, alphas)
        for other in range(1, len(self.models)):
            self.parts[task, other] = PairedTest(gap, pairs, levels, strict=strict)

    def advance(self, values: Sequence[Values]) -> None:
        """Feed the answers that are known, in order; `values`: of each model, None for an unscored sample."""
        while self._next < len(self._units) and not self.settled:
            unit = self._units[self._next]
            parts = self._open_parts(unit[0][0])
            if any(key not in values[model] for model in _models_of(parts) for key in unit):
                return
            self._next, self.used = self._next + 1, self.used + len(unit)
            if parts:
                self._feed(unit, parts, values)
                self._settle()
        if self._next == len(self._units) and not self.settled:
            for part, test in self.parts.items():
                # One that was not fed to the end has no end
                if not self._is_done(part):
                    test.finish()
            self._settle()

    def _feed(self, unit: Sequence[SampleKey], parts: Sequence[tuple[str, int]], values: Sequence[Values]) -> None:
        self.fed += len(unit)
        for part in parts:
            both = [(values[0][key], values[part[1]][key]) for key in unit]
            scored = [(mine, theirs) for mine, theirs in both if mine is not None and theirs is not None]
            self.unscored += len(unit) - len(scored)
            if not scored:
                continue
            mine, theirs = [pair[0] for pair in scored], [pair[1] for pair in scored]
            test, sums = self.parts[part], self._sums[part]
            test.feed(mine, theirs)
            sums[0], sums[1] = sums[0] + math.fsum(mine), sums[1] + math.fsum(theirs)
            self._steps[part].add(self.fed, test.difference, test.log_against, test.log_for)

    def next_samples(self) -> list[set[SampleKey]]:
        """The samples that each model should answer next: few at first, then half as many as were used."""
        wanted: list[set[SampleKey]] = [set() for _ in self.models]
        room = min(MOST, max(FIRST, self.fed // 2))
        left = len(self.order) if self.limit is None else self.limit - self.fed
        for unit in self._units[self._next :] if not self.settled else ():
            models = _models_of(self._open_parts(unit[0][0]))
            cost = len(unit) if models else 0
            if cost > left:
                break
            for model in models:
                wanted[model] |= set(unit)
            room, left = room - cost, left - cost
            if room <= 0:
                break
        return wanted

    @property
    def at_limit(self) -> bool:
        """Whether only the limit keeps the test from going on."""
        return not self.settled and self.used < len(self.order) and not any(self.next_samples())

    def ruling(self) -> Ruling:
        """The ruling on the pairs fed so far."""
        total = len(self.order)
        progress = f"after {self.fed} of {total} samples"
        if self.settled:
            word: Word = "refuted" if self.settled == "refuted" else "supported"
            if self.used == total and not self._reached():
                return Ruling(word, f"all {self.fed} samples used, {self._why_at_end()}")
            return Ruling(word, f"{self._why()}, {progress}; {total - self.fed} were not needed")
        missing = f", {self.unscored} pairs of them unscored" if self.unscored else ""
        if self.at_limit:
            return Ruling("inconclusive", f"{limit_text(self.limit, total)}: not settled by {self.fed}{missing}")
        if self.used < total:
            return Ruling("inconclusive", f"not settled {progress}{missing}")
        scored = {task: min(test.n for (name, _), test in self.parts.items() if name == task) for task in self.sizes}
        if few := too_few_text(scored, self.claim):
            return Ruling("inconclusive", few)
        found = self._combined()
        same = f"{NEVER_DIFFERED}; " if not any(test.wins + test.losses for test in self.parts.values()) else ""
        return Ruling("inconclusive", f"all {total} samples are used up{missing}: {same}{found.rule}", found.needed)

    def interim(self) -> str:
        """The counts so far in one line, for a run that was cut off."""
        if self.settled:
            return f"the {self.fed} samples that all have answered settle it: the same command shows the verdict"
        counts = [
            f"{f'on {task} ' if len(self.sizes) > 1 else ''}{_way(test)} {self.models[other]} with {_counts(test)}"
            for (task, other), test in self.parts.items()
            if test.n
        ]
        progress = f"not settled after {self.fed} of {len(self.order)} samples"
        return f"{progress}: {'; '.join([f'{self.models[0]} {counts[0]}', *counts[1:]])}" if counts else progress

    def evidence(self, source: str, run_id: str | None, role: Role) -> list[Evidence]:
        """The evidence of each part; intervals are valid at any stopping time."""
        found = []
        # Each end at the level of the test, which is one-sided
        confidence, many = 1 - 2 * self.alpha, self.alpha / self._many
        levels = (self.alpha, many) if self.claim.test.aggregate == "any" else (many, self.alpha)
        for (task, other), test in self.parts.items():
            if not test.n:
                continue
            ours, theirs = (total / test.n for total in self._sums[task, other])
            low, high = test.interval(confidence)
            required = required_of(self.claim)
            differing = differing_note(low, high, required, self._test(test), levels)
            found.append(
                Evidence(
                    f"{task}: {self.models[0]} {ours:.3f} less {self.models[other]} {theirs:.3f}",
                    source,
                    value=test.difference,
                    low=low,
                    high=high,
                    n=test.n,
                    method="paired, holds at any stop",
                    baseline=theirs,
                    test=self._test(test),
                    confidence=confidence,
                    notes=(_counts(test), *_clusters(test), *differing, *outside_note(test.difference, low, high)),
                    run_id=run_id,
                    role=role,
                    part=f"{task}, {self.models[other]}",
                    required=required,
                )
            )
        return found

    @property
    def paths(self) -> tuple[EvidencePath, ...]:
        """How the evidence on each part changed up to now; samples that no part needed are not counted as used."""
        return tuple(
            steps.path(
                f"{task}, {self.models[other]}",
                len(self.order),
                self.fed,
                self._bounds(self.parts[task, other]),
                required_of(self.claim),
                difference=True,
            )
            for (task, other), steps in self._steps.items()
        )

    def _bounds(self, test: PairedTest) -> dict[str, float]:
        """The ln of the evidence that settles it: where one part is enough, Holm's for the best of all parts."""
        many, one = self.alpha / self._many, self.alpha
        by_any = self.claim.test.aggregate == "any"
        refuting, supporting = (one, many) if by_any else (many, one)
        return {"refuted": test.level(refuting, "refuted"), "supported": test.level(supporting, "supported")}

    def _open_parts(self, task: str) -> list[tuple[str, int]]:
        """The task's parts that further answers could still change."""
        parts = [part for part in self.parts if part[0] == task]
        return [part for part in parts if not self._is_done(part)]

    def _is_done(self, part: tuple[str, int]) -> bool:
        test = self._test(self.parts[part])
        return (test.p_against if self.claim.test.aggregate == "any" else test.p_for) <= self.alpha

    def _combined(self) -> Ruling:
        return combine([self._test(test) for test in self.parts.values()], self.claim.test.aggregate, self.alpha)

    def _settle(self) -> None:
        found = self._combined().word
        self.settled = found if found in ("refuted", "supported") else ""

    def _deciding(self) -> tuple[tuple[str, int], PairedTest]:
        """All parts decide together, so the weakest one tells; else the strongest."""
        by_all = (self.settled == "supported") != (self.claim.test.aggregate == "any")
        return (min if by_all else max)(self.parts.items(), key=lambda one: (-self._p(one[1]), self._level(one[1])))

    def _reached(self) -> bool:
        """Whether the evidence settled it, not what was left of alpha at the end."""
        test = self._deciding()[1]
        return test.certain == self.settled or self._level(test) >= self._bounds(test)[self.settled]

    def _where(self, part: tuple[str, int]) -> str:
        return f" on {part[0]} against {self.models[part[1]]}" if len(self.parts) > 1 else ""

    def _why(self) -> str:
        part, test = self._deciding()
        if test.certain == self.settled:
            return f"the items left cannot change the answer{self._where(part)}"
        wrong = "misses" if self.settled == "refuted" else "meets"
        level, enough = self._level(test), math.exp(self._bounds(test)[self.settled])
        size = f"{math.exp(level):.3g}" if level < math.log(1e6) else "more than a million"
        measure = "a likelihood ratio" if test.by_walk else "an e-value"
        return (
            f"the evidence that the difference {wrong} the claim has {measure} of {size}{self._where(part)} "
            f"({enough:.3g} is enough; {_counts(test)})"
        )

    def _why_at_end(self) -> str:
        part, test = self._deciding()
        return f"exact test at the end{self._where(part)}: {_counts(test)}; {self._combined().rule}"

    def _p(self, test: PairedTest) -> float:
        own = self._test(test)
        return own.p_against if self.settled == "refuted" else own.p_for

    def _test(self, test: PairedTest) -> HypothesisTest:
        """A part's p-values; before `stats.min_n` pairs none, so that the verdict is later, and never another one."""
        return test.test if self.claim.stats.min_n <= max(1, test.n) else HypothesisTest(1.0, 1.0)

    def _level(self, test: PairedTest) -> float:
        """The ln of the highest evidence for the word that was settled."""
        return test.highest_against if self.settled == "refuted" else test.highest_for


def in_their_place(claim: Claim, models: Sequence[str], tasks: Sequence[str]) -> Claim:
    """The claim about other models, on other tasks, for a test of stand-ins."""
    first = claim.subject.model_copy(update={"model": models[0], "revision": None, "mode": None})
    others = [claim.comparators[0].model_copy(update={"model": model, "also": []}) for model in models[1:]]
    test = claim.test.model_copy(update={"tasks": list(tasks)})
    return claim.model_copy(update={"subject": first, "comparators": others, "test": test, "protocol": Protocol()})


def paired_error_rates(claim: Claim) -> str:
    """The error rates in words."""
    alpha = f"{100 * claim.stats.alpha:g} %"
    return (
        f"Error rates hold at any stopping time and over all parts: a true claim is refuted with probability at most "
        f"{alpha}, a false one supported with at most {alpha}"
    )


def _models_of(parts: Sequence[tuple[str, int]]) -> set[int]:
    return {0, *(other for _, other in parts)} if parts else set()


def _way(test: PairedTest) -> str:
    return "is level with" if test.wins == test.losses else "is ahead of" if test.wins > test.losses else "is behind"


def _counts(test: PairedTest) -> str:
    return f"{test.wins} wins, {test.losses} losses, {test.ties} ties"


def _clusters(test: PairedTest) -> tuple[str, ...]:
    return (f"{len(test.counts)} groups of samples, drawn whole",) if test.pairs.largest > 1 else ()
