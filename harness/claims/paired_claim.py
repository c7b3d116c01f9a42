"""The sequential test of a claim about several models: all answer the same samples, in one random order.

A pair is the subject's and one comparator's answer to a sample; a part of the claim is one task against one comparator.
Guarantees at any stopping time: a true claim is refuted with probability at most alpha, a false one supported with
probability at most alpha, whatever the number of parts: they are combined by `verdict.combine`, as for fixed n. A pair
with an unscored side is missing, never a win; the guarantees are then about the others. A part that needs no more
answers is not fed any more, and its comparator gets no more requests for that task.

Without a margin half of alpha is spent on the sequential test and half on one exact test (McNemar) when all samples are
used up; with a margin, all of it on the sequential test. For a claim about exactly these items the end is certain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.claims.evidence_path import Steps
from harness.claims.page import ORDERS, Claim, Protocol
from harness.claims.published import gap_of, required_of
from harness.claims.sequential_test import FIRST, MOST, SampleKey
from harness.claims.verdict import Evidence, EvidencePath, Role, Ruling, Word, combine
from harness.errors import UserError
from harness.stats.hypothesis import HypothesisTest
from harness.stats.relations import paired_test
from harness.stats.sequential_paired import PairedTest

Values = Mapping[SampleKey, float | None]


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

    `models`: the subject first, then its comparators, as they are called in the claim's parts.
    """

    def __init__(
        self, claim: Claim, order: Sequence[SampleKey], sizes: Mapping[str, int], models: Sequence[str]
    ) -> None:
        """`sizes`: the number of items of each task; `order` may have fewer. Raises UserError as above."""
        refuse_unless_pairable(claim)
        self.claim, self.order, self.sizes, self.models = claim, list(order), dict(sizes), tuple(models)
        self.used = self.unscored = self.fed = 0
        gap = gap_of(claim)
        exact = claim.test.about == "benchmark"
        # The exact test at the end has a level of its own
        self.has_final = not exact and not gap.within and gap.shift == 0
        self.alpha = claim.stats.alpha * (0.5 if self.has_final else 1.0)
        self.parts = {
            (task, other): PairedTest(gap, size if exact else None, strict=claim.relation in (">", "<"))
            for task, size in sizes.items()
            for other in range(1, len(self.models))
        }
        self.pairs: dict[tuple[str, int], list[tuple[float, float]]] = {part: [] for part in self.parts}
        self._steps = {part: Steps() for part in self.parts}
        self.settled = ""

    def advance(self, values: Sequence[Values]) -> None:
        """Feed the answers that are known, in order; `values`: of each model, None for an unscored sample."""
        while self.used < len(self.order) and not self.settled:
            key = self.order[self.used]
            parts = self._open_parts(key[0])
            if any(key not in values[model] for model in _models_of(parts)):
                return
            self.used += 1
            if not parts:
                continue
            self.fed += 1
            mine = values[0][key]
            for part in parts:
                theirs = values[part[1]][key]
                if mine is None or theirs is None:
                    self.unscored += 1
                    continue
                test = self.parts[part]
                test.feed(mine, theirs)
                self.pairs[part].append((mine, theirs))
                self._steps[part].add(self.fed, test.difference, test.log_against, test.log_for)
            self._settle()

    def next_samples(self) -> list[set[SampleKey]]:
        """The samples that each model should answer next: few at first, then half as many as were used."""
        wanted: list[set[SampleKey]] = [set() for _ in self.models]
        room = min(MOST, max(FIRST, self.fed // 2))
        for key in self.order[self.used :] if not self.settled else ():
            models = _models_of(self._open_parts(key[0]))
            for model in models:
                wanted[model].add(key)
            room -= bool(models)
            if not room:
                break
        return wanted

    def ruling(self) -> Ruling:
        """The ruling on the pairs fed so far."""
        total = len(self.order)
        progress = f"after {self.fed} of {total} samples"
        if self.settled:
            word: Word = "refuted" if self.settled == "refuted" else "supported"
            return Ruling(word, f"{self._why()}, {progress}; {total - self.fed} were not needed")
        if self.used < total:
            return Ruling("inconclusive", f"not settled {progress}", total - self.used)
        if self.has_final:
            final = combine(self._final(), self.claim.test.aggregate, self.alpha)
            return Ruling(final.word, f"all {self.fed} samples used, exact test at the end: {final.rule}", final.needed)
        missing = f", {self.unscored} pairs of them unscored" if self.unscored else ""
        return Ruling("inconclusive", f"all {total} samples are used up{missing}")

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
        for (task, other), test in self.parts.items():
            if not test.n:
                continue
            ours, theirs = (math.fsum(side) / test.n for side in zip(*self.pairs[task, other], strict=True))
            low, high = test.interval()
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
                    test=test.test,
                    notes=(_counts(test),),
                    run_id=run_id,
                    role=role,
                    part=f"{task}, {self.models[other]}",
                    required=required_of(self.claim),
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
                self._bounds,
                required_of(self.claim),
                difference=True,
            )
            for (task, other), steps in self._steps.items()
        )

    @property
    def _bounds(self) -> dict[str, float]:
        """The ln of the e-values that settle it: where one part is enough, Holm's for the best of all parts."""
        many, one = math.log(len(self.parts) / self.alpha), -math.log(self.alpha)
        by_any = self.claim.test.aggregate == "any"
        return {"refuted": one if by_any else many, "supported": many if by_any else one}

    def _open_parts(self, task: str) -> list[tuple[str, int]]:
        """The task's parts that further answers could still change."""
        parts = [part for part in self.parts if part[0] == task]
        return [part for part in parts if not self._is_done(part)]

    def _is_done(self, part: tuple[str, int]) -> bool:
        test = self.parts[part].test
        return (test.p_against if self.claim.test.aggregate == "any" else test.p_for) <= self.alpha

    def _settle(self) -> None:
        found = combine([test.test for test in self.parts.values()], self.claim.test.aggregate, self.alpha).word
        self.settled = found if found in ("refuted", "supported") else ""

    def _final(self) -> list[HypothesisTest]:
        tests = []
        for part, pairs in self.pairs.items():
            if self._is_done(part) or not pairs:
                tests.append(self.parts[part].test)
                continue
            values, baseline = ([pair[side] for pair in pairs] for side in (0, 1))
            tests.append(paired_test(values, baseline, None, gap_of(self.claim)).test)
        return tests

    def _why(self) -> str:
        # All parts decide together, so the weakest one tells; else the strongest
        by_all = (self.settled == "supported") != (self.claim.test.aggregate == "any")
        part, test = (min if by_all else max)(self.parts.items(), key=lambda one: self._level(one[1]))
        where = f" on {part[0]} against {self.models[part[1]]}" if len(self.parts) > 1 else ""
        if test.certain == self.settled:
            return f"the items left cannot change the answer{where}"
        several = 1 if by_all else len(self.parts)
        wrong = "misses" if self.settled == "refuted" else "meets"
        odds = self._level(test)
        size = f"{odds:.0f}" if odds < 1e6 else "more than a million"
        return (
            f"the evidence that the difference {wrong} the claim has an e-value of {size}{where} "
            f"({several / self.alpha:.0f} is enough; {_counts(test)})"
        )

    def _level(self, test: PairedTest) -> float:
        """The highest e-value for the word that was settled."""
        p = test.test.p_against if self.settled == "refuted" else test.test.p_for
        return math.inf if not p else 1 / p


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
