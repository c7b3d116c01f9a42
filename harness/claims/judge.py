"""The order of verdicts: not testable here, protocol differs, refuted, supported, inconclusive.

Guarantees: the first of them that applies is the verdict; a number with faults never influences it; a part of the claim
without a number keeps it from being supported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.claims.facts import wanted_fact
from harness.claims.page import Claim, Party, Protocol
from harness.claims.verdict import NEVER_DIFFERED, Evidence, Ruling, by_part, combine

SYMBOLS = {">=": "at least", ">": "above", "<=": "at most", "<": "below", "=": "equal to"}
# What a claim may leave open, in words
ASSUMED = {
    "subject": "the model that it is about",
    "test.at_least": "least allowed value",
    "subject.revision": "checkpoint",
    "subject.mode": "mode (thinking or not)",
    "subject.prices": "variants",
    "comparators": "compared with",
    "test.tasks": "benchmarks",
    "test.suite": "benchmark",
    "test.about": "what is meant",
    "test.aggregate": "must hold on",
    "test.chance": "accuracy of one constant answer",
    "test.margin": "margin below English",
    "test.equals": "required value",
    "test.at_most": "largest allowed value",
    "tolerance": "tolerance",
    "by": "least difference",
    "times": "least ratio",
    "protocol": "protocol",
}
# Start of a fault about the benchmark, and of a note with the options that give a run the claim's protocol
OTHER_BENCHMARK = "another benchmark"
AGAIN = "run it again with "
COMPARED = {
    ">": "higher than that of",
    ">=": "at least that of",
    "<": "lower than that of",
    "<=": "at most that of",
    "within": "within the margin of that of",
    "non_inferior": "not below, by more than the margin, that of",
}


def rule(claim: Claim, evidence: Sequence[Evidence], missing: Sequence[str]) -> Ruling:
    """Rule on a claim about scores. `missing`: the parts of the claim without deciding evidence."""
    if claim.test.not_measured:
        return Ruling("not_testable_here", claim.test.not_measured)
    deciding = by_part(evidence)
    if not deciding:
        return _undecided(claim, evidence)
    tested = [one for one in evidence if one.test is not None]
    whole = all(one.method == "all items" for one in tested)
    found = combine(deciding, claim.test.aggregate, claim.stats.alpha, whole=whole)
    if found.word == "inconclusive" and all(any(n.startswith(NEVER_DIFFERED) for n in one.notes) for one in tested):
        found = replace(found, rule=f"{NEVER_DIFFERED}; {found.rule}")
    if found.word == "supported" and any(one.own for one in evidence if one.test is not None):
        # Self-reported numbers may refute a claim, never support it
        return Ruling("inconclusive", f"only self-reported numbers support it: {found.rule}")
    if missing and found.word != ("supported" if claim.test.aggregate == "any" else "refuted"):
        lacking = f"there is no deciding number for {'; '.join(missing)}"
        if found.word == "inconclusive":
            return Ruling("inconclusive", f"{found.rule}; and {lacking}", found.needed)
        return Ruling("inconclusive", f"the known parts are {found.word}, but {lacking}")
    return found


def tested_sentence(claim: Claim) -> str:
    """The claim as tested: tasks, protocol, model, metric, relation, threshold."""
    test, subject = claim.test, claim.subject
    who = subject.model + (
        f" ({', '.join(p for p in (subject.revision, subject.mode) if p)})" if subject.revision or subject.mode else ""
    )
    if test.not_measured:
        return claim.reading
    if claim.relation == "fact":
        named = str(test.fact).replace("_", " ")
        return f"{who}: {named} is {wanted_fact(test)}."
    others = " and of ".join(party.model for party in claim.comparators)
    if claim.relation == "ratio<=":
        return (
            f"In every blend of tokens, variant and date, {who} costs a token at most {claim.threshold:g} times "
            f"the price of {others}."
        )
    if claim.relation == "count>=":
        return (
            f"On {test.suite}, at least {claim.threshold:g} languages have an accuracy above chance "
            f"({test.chance:.3f}) and at most {test.margin:g} below that in English."
        )
    protocol = protocol_text(claim.protocol)
    where = f"On {_joined(test.tasks, test.aggregate)}{f', prompted {protocol}' if protocol else ''}, "
    if claim.threshold is not None:
        nearly = f" ({claim.threshold:g} with a tolerance of {claim.tolerance:g})" if claim.tolerance else ""
        if claim.relation == "=":
            nearly = f" to within {claim.width:g}"
        items = ", on exactly these items" if test.about == "benchmark" else ", in general, beyond these items"
        share = items if 0 < claim.bar < 1 else ""
        return f"{where}{who} has {test.metric} {SYMBOLS[claim.relation]} {claim.bar:g}{nearly}{share}."
    margin = f" (margin {claim.tolerance:g})" if claim.tolerance else ""
    items = ", on exactly these items" if test.about == "benchmark" else ""
    return f"{where}the {test.metric} of {who} is {_compared(claim)} {others}{margin}{items}."


def _compared(claim: Claim) -> str:
    """The relation to the comparators, in words."""
    least = "at least" if claim.relation in (">", ">=") else "at most"
    if claim.times is not None:
        return f"{least} {claim.times:g} times that of"
    if claim.by is not None:
        return f"{claim.by:g} or more {'above' if least == 'at least' else 'below'} that of"
    return COMPARED[claim.relation]


def assumptions(claim: Claim) -> tuple[str, ...]:
    """What the sentence leaves open, and what the claim page assumes for it."""
    return tuple(_assumed(claim, dotted) for dotted in claim.assumed)


def _undecided(claim: Claim, evidence: Sequence[Evidence]) -> Ruling:
    own = [one for one in evidence if one.role == "subject"]
    if any(one.run_id for one in own):
        advice = dict.fromkeys(note for one in own for note in one.notes if note.startswith(AGAIN))
        return Ruling(
            "protocol_differs",
            "the local runs do not follow the claim's protocol (the differences are listed with each number below)"
            f"{''.join(f'; {note}' for note in advice)}; --allow-protocol accepts them as they are",
        )
    if own:
        other = all(any(fault.startswith(OTHER_BENCHMARK) for fault in one.faults) for one in own)
        which = "none is on these benchmarks" if other else "none is comparable with this claim"
        return Ruling(
            "protocol_differs",
            f"numbers of this model are published, but {which} (each is listed below with the reason)",
        )
    runnable = claim.subject.runnable
    where = f"no run was given (it runs on {runnable})" if runnable else f"no run of {claim.subject.model} was given"
    return Ruling("not_testable_here", f"no published number for it is known, and {where}")


def _joined(tasks: Sequence[str], aggregate: str) -> str:
    if len(tasks) == 1:
        return tasks[0]
    return {"each": "each of ", "any": "any of ", "mean": "the mean of "}[aggregate] + ", ".join(tasks)


def _assumed(claim: Claim, dotted: str) -> str:
    value: object = claim
    for part in dotted.split("."):
        value = getattr(value, part, None)
    name = ASSUMED.get(dotted, dotted)
    if isinstance(value, Party):
        return f"{name}: {value.model}"
    if isinstance(value, Protocol):
        return f"{name}: {protocol_text(value) or 'any'}"
    if isinstance(value, list):
        return f"{name}: {', '.join(str(getattr(one, 'model', one)) for one in value) or 'none'}"
    if dotted == "test.about":
        skill = "the skill in general (generalisation)"
        return f"{name}: {skill if value == 'skill' else 'the score on exactly these items'}"
    return f"{name}: {'any' if value is None else f'{value:g}' if isinstance(value, float) else value}"


def protocol_text(protocol: Protocol) -> str:
    """Return a protocol in words."""
    words: dict[str, Callable[[Any], str]] = {
        "shots": lambda v: f"with {v} worked examples" if v else "without worked examples",
        "prompt": lambda v: "as a chat" if v == "chat" else "as text to continue",
        "decoding": lambda v: "greedily" if v == "greedy" else "with sampling",
        "temperature": lambda v: f"at temperature {v:g}",
        "samples": lambda v: "once each" if v == 1 else f"{v} times each",
        "max_tokens": lambda v: f"for at most {v} tokens",
        "tools": lambda v: "with tools" if v else "without tools",
        "version": lambda v: f"version {v}",
        "harness": lambda v: f"by {v}",
    }
    return ", ".join(words[name](value) for name, value in protocol.given().items())
