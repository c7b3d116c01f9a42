"""Whether a number was measured under the claim's protocol: the fields that differ or are not reported.

Guarantees: a field that the claim fixes and a number does not report counts as different. A claim that fixes nothing
accepts every number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.claims.page import Claim, ClaimTest, Party, Protocol, Published
from harness.config.pages import label
from harness.store.identity import TaskIdentity

# Words for the plain share of right answers
PLAIN = ("accuracy", "exact_match", "mean", "pass@1")


def is_named(name: str, party: Party) -> bool:
    """Whether a model's name, hub id or folder means this party."""
    known = {label(one).casefold() for one in (party.model, *party.also)}
    name = name.casefold()
    return bool(
        {label(name), label(name.rstrip("/").rpartition("/")[2])} & (known | {k.rpartition("/")[2] for k in known})
    )


def published_faults(claim: Claim, party: Party, row: Published) -> tuple[str, ...]:
    """Return why a published number is not of this party under the claim's protocol; none if it is."""
    faults = _who(party, row.revision, row.mode) + _fields(claim.protocol, row.protocol.given())
    return tuple(faults)


def run_faults(
    claim: Claim, party: Party | None, identity: TaskIdentity, revision: str | None = None
) -> tuple[str, ...]:
    """Return why a run's numbers on a task are not under the claim's protocol; `party` is None for a stand-in.

    `revision` is the model's.
    """
    faults = [] if party is None else _who(party, revision, party.mode)
    faults += _fields(claim.protocol, run_protocol(identity))
    if not same_metric(claim.test, identity.metric):
        faults.append(_fault("metric", claim.test.metric, identity.metric))
    return tuple(faults)


def run_options(claim: Claim, identity: TaskIdentity, task: str) -> tuple[str, ...]:
    """Return the options of `harness run` that give a task the claim's protocol; none where no option does."""
    wanted = claim.protocol
    seen = run_protocol(identity)
    greedy = "0" if wanted.decoding == "greedy" else f"{wanted.temperature or 1:g}"
    known = {
        "prompt": f"--style {wanted.prompt}",
        "shots": f"--set tasks.{task}.fewshot.count={wanted.shots}",
        "decoding": f"--set tasks.{task}.sampling.temperature={greedy}",
        "temperature": f"--set tasks.{task}.sampling.temperature={wanted.temperature}",
        "samples": f"--set tasks.{task}.repeats={wanted.samples}",
        "max_tokens": f"--set tasks.{task}.sampling.max_tokens={wanted.max_tokens}",
    }
    differing = [name for name, value in wanted.given().items() if seen.get(name) != value]
    return tuple(dict.fromkeys(known[name] for name in differing if name in known))


def run_protocol(identity: TaskIdentity) -> dict[str, Any]:
    """Return a task's protocol, from the manifest, with the field names of a claim."""
    protocol: dict[str, Any] = {
        "shots": identity.shots,
        "prompt": identity.style,
        "samples": identity.repeats,
        "tools": False,
    }
    if identity.max_tokens is not None:
        protocol |= {
            "decoding": "sampled" if identity.temperature else "greedy",
            "temperature": identity.temperature,
            "max_tokens": identity.max_tokens,
        }
    return protocol


def same_metric(test: ClaimTest, metric: str) -> bool:
    """Whether a run's metric is the claim's."""
    return test.metric == metric or (test.metric in PLAIN and metric in PLAIN)


def _who(party: Party, revision: str | None, mode: str | None) -> list[str]:
    pairs = (("revision", party.revision, revision), ("mode", party.mode, mode))
    return [_fault(name, wanted, seen) for name, wanted, seen in pairs if wanted is not None and wanted != seen]


def _fields(wanted: Protocol, seen: Mapping[str, Any]) -> list[str]:
    return [_fault(name, value, seen.get(name)) for name, value in wanted.given().items() if seen.get(name) != value]


def _fault(name: str, wanted: object, seen: object) -> str:
    want = _word(wanted)
    return f"{name} is not reported (the claim has {want})" if seen is None else f"{name} is {_word(seen)}, not {want}"


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
