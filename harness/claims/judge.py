"""The order of verdicts: not testable here, protocol differs, refuted, supported, inconclusive.

Guarantees: the first of them that fits is the verdict; a number that decides nothing on its own never tips it; a part
of the sentence without a number keeps it from being supported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.claims.page import Claim, Protocol
from harness.claims.verdict import Evidence, Ruling, by_part, combine

SYMBOLS = {">=": "at least", ">": "above", "<=": "at most", "<": "below", "=": "equal to"}
# What a claim may leave open, in words
ASSUMED = {
    "subject.revision": "checkpoint",
    "subject.mode": "mode (thinking or not)",
    "subject.prices": "variants",
    "comparators": "held against",
    "test.tasks": "benchmarks",
    "test.suite": "benchmark",
    "test.about": "what is meant",
    "test.aggregate": "it must hold on",
    "test.chance": "what one answer for all would reach",
    "test.margin": "how far below English a language may be",
    "test.equals": "what it must be",
    "test.at_most": "what it may be at most",
    "tolerance": "how far off still counts",
    "by": "how much above",
    "times": "how many times as much",
    "protocol": "asked",
}
# How a fault begins that is about the benchmark, and a note that brings a run to the claim's protocol
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
    """Rule on a claim about scores. `missing` are the parts of the sentence for which nothing decides."""
    if claim.test.not_measured:
        return Ruling("not_testable_here", claim.test.not_measured)
    deciding = by_part(evidence)
    if not deciding:
        return _undecided(claim, evidence)
    found = combine(deciding, claim.test.aggregate, claim.stats.alpha)
    if found.word == "supported" and any(one.own for one in evidence if one.test is not None):
        # Nobody is a witness in their own cause
        return Ruling("inconclusive", f"only numbers of the side that the claim favours speak for it: {found.rule}")
    if missing and found.word != ("supported" if claim.test.aggregate == "any" else "refuted"):
        lacking = f"no number decides about {'; '.join(missing)}"
        if found.word == "inconclusive":
            return Ruling("inconclusive", f"{found.rule}; and {lacking}", found.needed)
        return Ruling("inconclusive", f"what is known points to {found.word}, but {lacking}")
    return found


def tested_sentence(claim: Claim) -> str:
    """The sentence as it was tested: on what, under what, who, which metric, which relation, which threshold."""
    test, subject = claim.test, claim.subject
    who = subject.model + (
        f" ({', '.join(p for p in (subject.revision, subject.mode) if p)})" if subject.revision or subject.mode else ""
    )
    if test.not_measured:
        return claim.reading
    if claim.relation == "fact":
        named = str(test.fact).replace("_", " ")
        return f"{who}: {named} is {test.equals if test.equals is not None else f'at most {test.at_most:g}'}."
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
    protocol = asked(claim.protocol)
    where = f"On {_joined(test.tasks, test.aggregate)}{f', asked {protocol}' if protocol else ''}, "
    if claim.threshold is not None:
        nearly = f" ({claim.threshold:g} with a tolerance of {claim.tolerance:g})" if claim.tolerance else ""
        if claim.relation == "=":
            nearly = f" to within {claim.width:g}"
        items = ", on exactly these items" if test.about == "benchmark" else ", as a skill, beyond these items"
        share = items if 0 < claim.bar < 1 else ""
        return f"{where}{who} has {test.metric} {SYMBOLS[claim.relation]} {claim.bar:g}{nearly}{share}."
    margin = f" (margin {claim.tolerance:g})" if claim.tolerance else ""
    return f"{where}the {test.metric} of {who} is {_compared(claim)} {others}{margin}."


def _compared(claim: Claim) -> str:
    """The relation to the comparators, in words."""
    least = "at least" if claim.relation in (">", ">=") else "at most"
    if claim.times is not None:
        return f"{least} {claim.times:g} times that of"
    if claim.by is not None:
        return f"{claim.by:g} or more {'above' if least == 'at least' else 'below'} that of"
    return COMPARED[claim.relation]


def assumptions(claim: Claim) -> tuple[str, ...]:
    """What the sentence leaves open and we filled in, with what was filled in."""
    return tuple(_assumed(claim, dotted) for dotted in claim.assumed)


def _undecided(claim: Claim, evidence: Sequence[Evidence]) -> Ruling:
    own = [one for one in evidence if one.role == "subject"]
    if any(one.run_id for one in own):
        advice = dict.fromkeys(note for one in own for note in one.notes if note.startswith(AGAIN))
        return Ruling(
            "protocol_differs",
            "what was measured here was not made in the way that the sentence, as it is read here, asks for (each "
            f"number shows below what differs){''.join(f'; {note}' for note in advice)}; --allow-protocol takes it as "
            "it is",
        )
    if own:
        other = all(any(fault.startswith(OTHER_BENCHMARK) for fault in one.faults) for one in own)
        which = "none on these benchmarks" if other else "none that may be compared with this sentence"
        return Ruling(
            "protocol_differs",
            f"numbers of this model were printed, but {which} (each shows below why it decides nothing)",
        )
    runnable = claim.subject.runnable
    where = f"it runs on {runnable}: measure it" if runnable else f"{claim.subject.model} was not run here"
    return Ruling("not_testable_here", f"no printed number for it is known here, and {where}")


def _joined(tasks: Sequence[str], aggregate: str) -> str:
    if len(tasks) == 1:
        return tasks[0]
    return {"each": "each of ", "any": "any of ", "mean": "the mean of "}[aggregate] + ", ".join(tasks)


def _assumed(claim: Claim, dotted: str) -> str:
    value: object = claim
    for part in dotted.split("."):
        value = getattr(value, part, None)
    name = ASSUMED.get(dotted, dotted)
    if isinstance(value, Protocol):
        return f"{name}: {asked(value) or 'in any way'}"
    if isinstance(value, list):
        return f"{name}: {', '.join(str(getattr(one, 'model', one)) for one in value) or 'none'}"
    if dotted == "test.about":
        return f"{name}: {'the skill behind the score' if value == 'skill' else 'the score on exactly these items'}"
    return f"{name}: {'any' if value is None else f'{value:g}' if isinstance(value, float) else value}"


def asked(protocol: Protocol) -> str:
    """Say a protocol in words."""
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
    return ", ".join(words[name](value) for name, value in protocol.said().items())
