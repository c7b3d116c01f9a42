"""One claim -> one verdict, from everything that is at hand: printed numbers, prices, facts, and run folders.

Guarantees: runs of another model than the sentence names decide nothing about it; with `stand_in` they get a verdict of
their own beside the subject's. Runs no model, except `drawing`, which is asked for by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.analysis.claims import judge
from harness.analysis.claims.facts import judge_facts, judge_prices
from harness.analysis.claims.published import of_published
from harness.analysis.claims.verdict import Evidence, Ruling, Verdict
from harness.claims.dated import cells_of
from harness.claims.given import Given, read_given, standing_in, unused
from harness.claims.measured import of_runs, of_stand_in
from harness.claims.model_facts import facts_of
from harness.config.claims import Claim, find_claims
from harness.config.yaml_page import YamlPage
from harness.errors import UserError


def check_claims(name: str, given: Given | None = None) -> list[Verdict]:
    """Check every claim of a page, or the one with this id.

    Raises UnknownName, ConfigError, RunFolderError; UserError for a run that is of no model of any of the claims.
    """
    claims = find_claims(name)
    runs = read_given(given or Given())
    if foreign := unused(runs, [claim for claim, _ in claims]):
        told = ", ".join(f"{run.folder} (of {run.model})" for run in foreign)
        raise UserError(
            f"{told}: of no model that {name} names; --stand-in judges it for itself, "
            "--subject and --comparator say whose it is"
        )
    found = []
    for claim, page in claims:
        verdict = verdict_of(claim, page, *of_runs(claim, runs))
        others = standing_in(runs, claim)
        found.append(with_stand_in(verdict, claim, of_stand_in(claim, others)) if others else verdict)
    return found


def verdict_of(
    claim: Claim, page: YamlPage, measured: Sequence[Evidence], missing: Sequence[str], notes: Sequence[str] = ()
) -> Verdict:
    """Return the verdict on the subject; what was measured here goes before what others printed."""
    ruling, evidence = _ruling(claim, page, measured, missing)
    cautions = list(notes)
    if any("second-hand" in note or "not checked" in note for one in evidence if not one.faults for note in one.notes):
        cautions.append("it rests on numbers that were read in a copy of their source, or from memory")
    return Verdict(
        claim=claim.id,
        scope="subject",
        model=claim.subject.model,
        quote=claim.quote,
        tested=judge.tested_sentence(claim),
        word=ruling.word,
        rule=ruling.rule,
        evidence=tuple(evidence),
        assumptions=judge.assumptions(claim),
        cautions=tuple(cautions),
        needed=ruling.needed,
        run_ids=tuple(dict.fromkeys(one.run_id for one in evidence if one.run_id)),
        try_it=tuple(claim.try_it),
    )


def with_stand_in(verdict: Verdict, claim: Claim, found: tuple[str, Sequence[Evidence], Sequence[str]]) -> Verdict:
    """Add the verdict on a stand-in's own numbers; the subject's stays what it was."""
    model, evidence, missing = found
    if not evidence:
        return verdict
    ruling = judge.rule(claim, [replace(one, role="subject") for one in evidence], missing)
    own = Verdict(
        claim=claim.id,
        scope="stand_in",
        model=model,
        quote=claim.quote,
        tested=f"The same, by {model} in place of {claim.subject.model}: it says nothing of {claim.subject.model}.",
        word=ruling.word,
        rule=ruling.rule,
        evidence=tuple(evidence),
        assumptions=judge.assumptions(claim),
        needed=ruling.needed,
        run_ids=tuple(dict.fromkeys(one.run_id for one in evidence if one.run_id)),
    )
    return replace(verdict, stand_in=own)


def _ruling(
    claim: Claim, page: YamlPage, measured: Sequence[Evidence], missing: Sequence[str]
) -> tuple[Ruling, Sequence[Evidence]]:
    if claim.relation == "fact":
        return judge_facts(claim.test, facts_of(claim, page.path.parent))
    if claim.relation == "ratio<=":
        return judge_prices(cells_of(claim), float(claim.threshold or 0))
    printed = of_published(claim)
    if any(one.test is not None for one in measured):
        told = [replace(one, test=None, faults=one.faults or ("the runs given decide",)) for one in printed.evidence]
        evidence = [*measured, *told]
        return judge.rule(claim, evidence, missing), evidence
    evidence = [*measured, *printed.evidence]
    return judge.rule(claim, evidence, printed.missing), evidence
