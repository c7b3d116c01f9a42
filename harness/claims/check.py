"""One claim -> one verdict, from all available evidence: published numbers, prices, facts, and run folders.

Guarantees: runs of another model than the claim is about decide nothing about it; with `stand_in` they get a separate
verdict beside the subject's. Runs no model, except `check_by_running`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.claims import judge
from harness.claims.early_stopping import SampleOrder, SequentialSampler, run_until_settled
from harness.claims.facts import judge_facts, judge_prices
from harness.claims.lost_answers import Lost, lost_in, lost_in_runs, lost_of_claim, without_most_lost
from harness.claims.measured import Measured, RunSource, of_runs, of_sequential_test, of_stand_in
from harness.claims.model_facts import Configs, facts_of
from harness.claims.ordered_test import OrderedTest
from harness.claims.page import Claim, Party, Protocol, find_claims
from harness.claims.paired_claim import PairedClaimTest, in_their_place
from harness.claims.paired_replay import replay_pairs
from harness.claims.paired_running import PairedRun, Side
from harness.claims.protocol import is_named
from harness.claims.published import of_published
from harness.claims.runs import Given, Run, read_given, standing_in, task_file, unused
from harness.claims.verdict import Evidence, Ruling, Verdict
from harness.config.pages import label
from harness.config.schema import RunConfig
from harness.config.yaml_page import YamlPage, shown
from harness.cost.prices import Price, dated_prices, price_pages
from harness.cost.savings import cells
from harness.errors import UserError
from harness.run import Result, Watcher


def check_claims(name: str, given: Given | None = None) -> list[Verdict]:
    """Check every claim of a page, or the one with this id.

    Raises UnknownName, ConfigError, RunFolderError; UserError for a run of a model that none of the claims mentions.
    Messages about a claim begin with its file and id.
    """
    claims = find_claims(name)
    runs = read_given(given or Given())
    if foreign := unused(runs, [claim for claim, _ in claims]):
        listed = ", ".join(f"run {run.folder} is of {run.model}" for run in foreign)
        where = claims[0][0].place if len(claims) == 1 else shown(claims[0][1].path)
        raise UserError(
            f"{where}: {listed}, which {name} does not mention; pass --stand-in to judge it separately, or "
            "--subject or "
            "--comparator if it is a run of that model under another name"
        )
    found = []
    configs = Configs()
    for claim, page in claims:
        with claim.named_in_errors():
            found.append(_check(claim, page, runs, configs))
    return found


def _check(claim: Claim, page: YamlPage, runs: Sequence[Run], configs: Configs) -> Verdict:
    if (paired := replay_pairs(claim, runs)) is not None:
        test, sides, as_stand_in = paired
        made = [RunSource(run.folder, run.manifest.run_id, run.model) for run in sides]
        return _of_pairs(claim, page, test, made, lost_in_runs(claim, sides), stand_in=as_stand_in)
    measured = of_runs(claim, runs)
    if measured.evidence and claim.relation != "count>=":
        measured = replace(measured, lost=lost_of_claim(claim, runs))
    verdict = verdict_of(claim, page, measured, configs)
    others = standing_in(runs, claim)
    if not others:
        return verdict
    return with_stand_in(verdict, claim, replace(of_stand_in(claim, others), lost=lost_in_runs(claim, others)))


def verdict_of(claim: Claim, page: YamlPage, measured: Measured, configs: Configs) -> Verdict:
    """Return the verdict on the subject; local runs take precedence over published numbers."""
    ruling, evidence = _ruling(claim, page, measured, configs)
    cautions = []
    sampled = claim.protocol.decoding == "sampled" and claim.test.about == "benchmark"
    if sampled and ruling.word in ("supported", "refuted"):
        cautions.append("answers are sampled: another run on the same items would score slightly differently")
    if any("second-hand" in note or "not checked" in note for one in evidence if not one.faults for note in one.notes):
        cautions.append("it is based on numbers read in a copy of their source, or quoted from memory")
    cautions += [one.text for one in measured.lost]
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
        paths=measured.paths,
    )


def with_stand_in(verdict: Verdict, claim: Claim, found: Measured) -> Verdict:
    """Add the verdict on a stand-in's own numbers; the subject's verdict does not change."""
    if not found.evidence:
        return verdict
    model, evidence = found.model, found.evidence
    ruling = found.ruling or judge.rule(claim, [replace(one, role="subject") for one in evidence], found.missing)
    ruling = without_most_lost(ruling, found.lost)
    own = Verdict(
        claim=claim.id,
        scope="stand_in",
        model=model,
        quote=claim.quote,
        tested=_in_its_place(claim, found),
        word=ruling.word,
        rule=ruling.rule,
        evidence=tuple(evidence),
        assumptions=(),
        cautions=tuple(one.text for one in found.lost),
        needed=ruling.needed,
        run_ids=tuple(dict.fromkeys(one.run_id for one in evidence if one.run_id)),
        paths=found.paths,
    )
    return replace(verdict, stand_in=own)


def _in_its_place(claim: Claim, found: Measured) -> str:
    """The tested sentence with the stand-in for the subject, on the tasks that it was run on."""
    tasks = list(dict.fromkeys(one.part.partition(", ")[0] for one in found.evidence if one.part))
    test = claim.test.model_copy(update={"tasks": tasks or claim.test.tasks})
    subject = claim.subject.model_copy(update={"model": found.model, "revision": None, "mode": None})
    comparators = [claim.subject.model_copy(update={"model": "the other run"})] if claim.comparators else []
    update = {"test": test, "subject": subject, "comparators": comparators, "protocol": Protocol()}
    return judge.tested_sentence(claim.model_copy(update=update))


def _ruling(claim: Claim, page: YamlPage, measured: Measured, configs: Configs) -> tuple[Ruling, Sequence[Evidence]]:
    if claim.relation == "fact":
        return judge_facts(claim.test, facts_of(claim, page.path.parent, configs))
    if claim.relation == "ratio<=":
        theirs = [name for party in claim.comparators for name in party.prices]
        found = cells(_prices(claim.subject.prices), _prices(theirs))
        return judge_prices(found, float(claim.threshold or 0))
    printed = of_published(claim)
    if any(one.test is not None for one in measured.evidence):
        aside = [replace(one, test=None, faults=one.faults or ("local runs decide",)) for one in printed.evidence]
        evidence = [*measured.evidence, *aside]
        ruling = measured.ruling or judge.rule(claim, evidence, measured.missing)
        return without_most_lost(ruling, measured.lost), evidence
    evidence = [*measured.evidence, *printed.evidence]
    ruling = judge.rule(claim, evidence, printed.missing)
    if ruling.word == "not_testable_here" and measured.unfit and not claim.test.not_measured:
        ruling = replace(ruling, rule=f"no published number for it is known, and {measured.unfit}")
    return ruling, evidence


def check_by_running(
    name: str, config: RunConfig, order: SampleOrder, command: Sequence[str] = (), watcher: Watcher | None = None
) -> tuple[Verdict, OrderedTest, Result]:
    """Run `config`'s model on a claim's samples in random order until the claim is settled.

    The model is the subject if its name or path says so, else a stand-in for it. Raises UserError for a claim that
    cannot be checked this way, and what `run.evaluate` raises.
    """
    claim, page = one_claim(name)
    of_subject = is_subject(claim, config)
    test, result = run_until_settled(
        claim, config, SequentialSampler(claim, order, of_subject=of_subject), command, watcher
    )
    source = RunSource(result.folder, result.manifest.run_id, config.model.name)
    found = of_sequential_test(test, source, "subject" if of_subject else "stand_in")
    found = replace(found, lost=lost_in(source.model, result.estimates))
    if of_subject:
        return verdict_of(claim, page, found, Configs()), test, result
    return with_stand_in(verdict_of(claim, page, of_runs(claim, []), Configs()), claim, found), test, result


def check_by_running_pairs(
    name: str,
    sides: Sequence[Side],
    order: SampleOrder,
    command: Sequence[str] = (),
    *,
    allow_protocol: bool = False,
) -> tuple[Verdict, PairedClaimTest, list[Result]]:
    """Run several models, the subject first, on the same samples until the claim is settled.

    If one of them is a stand-in, all are judged separately from the subject. Raises UserError for a claim that cannot
    be checked this way, and what `run.evaluate` raises.
    """
    claim, page = one_claim(name)
    stand_in = any(side.party is None for side in sides)
    tested = claim
    if stand_in:
        # Under their own names, and none under the claim's protocol
        sides = [replace(side, party=None) for side in sides]
        tasks = [entry.label for entry in sides[0].config.suite.tasks]
        tested = in_their_place(claim, [side.config.model.name for side in sides], tasks)
    test, results = PairedRun(tested, sides, order, allow_protocol=allow_protocol).run(command)
    made = [
        RunSource(result.folder, result.manifest.run_id, side.config.model.name)
        for side, result in zip(sides, results, strict=True)
    ]
    lost = tuple(
        one
        for side, result in zip(sides, results, strict=True)
        for one in lost_in(side.config.model.name, result.estimates)
    )
    return _of_pairs(claim, page, test, made, lost, stand_in=stand_in), test, results


def _of_pairs(
    claim: Claim,
    page: YamlPage,
    test: PairedClaimTest,
    sources: Sequence[RunSource],
    lost: tuple[Lost, ...],
    *,
    stand_in: bool,
) -> Verdict:
    """The verdict of a paired sequential test."""
    where = f"measured here: {' and '.join(str(one.folder) for one in sources)}"
    evidence = tuple(test.evidence(where, sources[0].run_id, "stand_in" if stand_in else "subject"))
    found = Measured(sources[0].model, evidence, (), test.ruling(), test.paths, lost=lost)
    ids = tuple(one.run_id for one in sources)
    if not stand_in:
        return replace(verdict_of(claim, page, found, Configs()), run_ids=ids)
    verdict = with_stand_in(verdict_of(claim, page, of_runs(claim, []), Configs()), claim, found)
    own = verdict.stand_in
    if own is None:
        return verdict
    return replace(verdict, stand_in=replace(own, run_ids=ids, tested=judge.tested_sentence(test.claim)))


def party_of(claim: Claim, config: RunConfig) -> Party | None:
    """Which comparator of the claim a model to be run is, by its name or path; None if it is none of them."""
    names = (config.model.name, config.model.path)
    return next((party for party in claim.comparators if any(is_named(name, party) for name in names)), None)


def one_claim(name: str) -> tuple[Claim, YamlPage]:
    """Return the one claim of this name. Raises UserError where a page has several."""
    claims = find_claims(name)
    if len(claims) > 1:
        ids = ", ".join(claim.id for claim, _ in claims)
        raise UserError(f"{shown(claims[0][1].path)}: {name} has {len(claims)} claims: give one of {ids}")
    return claims[0]


def is_subject(claim: Claim, config: RunConfig) -> bool:
    """Whether the model to be run is the one that the claim is about."""
    return is_named(config.model.name, claim.subject) or is_named(config.model.path, claim.subject)


def run_tasks(claim: Claim, page: YamlPage, model: str) -> list[str]:
    """The tasks to run: the claim's; for the stand-in that it names, the stand-in's own."""
    stand_in = claim.subject.stand_in
    if stand_in is not None and label(model).casefold() == label(stand_in.model).casefold():
        return [task_file(task, page) for task in stand_in.tasks]
    return [task_file(task, page) for task in claim.test.tasks]


def run_settings(claim: Claim, tasks: Sequence[str]) -> dict[str, object]:
    """The claim's protocol as settings of a run, as far as a run has such settings."""
    protocol = claim.protocol
    keys = {
        "sampling.max_tokens": protocol.max_tokens,
        "sampling.temperature": protocol.temperature,
        "repeats": protocol.samples,
    }
    return {
        f"tasks.{Path(task).stem}.{key}": value for task in tasks for key, value in keys.items() if value is not None
    }


def _prices(names: Sequence[str]) -> list[Price]:
    return [price for page in price_pages(names) for price in dated_prices(page)]
