"""Evidence for claims such as "over N languages", from a run of one task in many languages."""

from __future__ import annotations

from harness.analysis.languages import LanguageCount, count_languages, p_values_of_at_least
from harness.analysis.values import SampleValues, values_if_any
from harness.claims.page import Claim
from harness.claims.runs import Run
from harness.claims.verdict import Evidence, Role
from harness.stats.hypothesis import HypothesisTest

# Languages named in one line
NAMED = 12


def of_languages(claim: Claim, run: Run, role: Role) -> list[Evidence]:
    """Count the run's languages, each a task of its own; nothing where English or a second language is missing."""
    test = claim.test
    values: dict[str, SampleValues] = {}
    for task in run.tasks:
        own = values_if_any(run.records, task, run.manifest.metric(task))
        if own is not None and own.binary:
            values[task] = own
    if test.english not in values or len(values) < 2:
        return []
    assert test.english and test.chance and test.margin and claim.threshold
    found = count_languages(values, test.english, test.chance, test.margin, claim.stats.alpha)
    against, in_favour = p_values_of_at_least(found, int(claim.threshold))
    return [
        Evidence(
            f"{len(found.languages)} languages: {run.model}",
            f"measured here: {run.folder}",
            text=f"{found.shown} are shown to hold, at most {found.at_most} can; {found.seen} do by point estimate",
            method="Holm over languages",
            test=HypothesisTest(against, in_favour),
            notes=tuple(_notes(found, int(claim.threshold))),
            run_id=run.manifest.run_id,
            role=role,
        )
    ]


def _notes(found: LanguageCount, least: int) -> list[str]:
    notes = []
    if len(found.languages) < least:
        notes.append(f"only {len(found.languages)} languages were run: {least} can neither be shown nor refuted")
    failing = [one.name for one in found.languages if one.refuted]
    if failing:
        more = f" and {len(failing) - NAMED} more" if len(failing) > NAMED else ""
        notes.append(f"shown not to hold: {', '.join(failing[:NAMED])}{more}")
    weakest = min(one.power for one in found.languages)
    # Rounded down, and nothing where nothing is promised
    if percent := int(100 * weakest + 1e-9):
        notes.append(f"a language as good as English is shown with a chance of at least {percent} % at this n")
    return notes
