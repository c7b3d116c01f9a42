"""Warnings about an estimate, one line each, with what to do about it.

They are how wrong scores are caught: a token limit that cuts the answers off, an extraction rule that does not match
what the model writes, a fault of the harness, a prompt that did not fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.tries import kind_of
from harness.config.task_page import DrawnRows
from harness.datatypes import Failure, Score
from harness.results import Estimate

# Above this share the score says more about the set-up than about the model
MOST = 0.5
# Above this share of answers that were cut off or are empty, the score is clearly too low
MOST_LOST = 0.05
# Above this share of right answers that extraction missed, the score also measures the extraction rule
MOST_UNREAD = 0.05
# Above this share extraction reads something that cannot be the answer
FEW = 0.01
# Characters of an example
EXAMPLE = 160

# What to do about faults of a server, by stage and kind
AGAIN = "the same command requests them again"
REMEDIES = {
    "engine server_error": f"the server failed, or could not be reached: see its log, then {AGAIN}",
    "engine timeout": f"the server did not answer in time: raise engine.request_deadline or lower engine.concurrency, "
    f"then {AGAIN}",
    "engine broken_reply": f"the server's answers were incomplete or no valid replies: see its log, then {AGAIN}",
    "engine rate_limited": f"the server's rate limit was reached: lower engine.concurrency; {AGAIN}",
    "engine bad_request": "the server refused these requests: records.jsonl has its words; change the settings that "
    "they name",
    "engine context_overflow": "the prompts are longer than the model's context window: use fewer shots or fewer new "
    "tokens",
    "engine no_model": "the server does not have this model: check the name",
    "engine quota": f"the account has no quota left: top it up, then {AGAIN}",
    "engine refused_key": f"the server refused the API key: set the right one, then {AGAIN}",
}


@dataclass(frozen=True, slots=True)
class NotChanged:
    """How many of `of` samples, all or those of the limit, `--perturb BY` can not change, so that they are not run."""

    by: str
    samples: int
    of: int


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """How many samples have records, how many have too few tries yet, how many the whole task has.

    `ragged`: of how many samples a file of completions has too few tries for the metric; `fewest`: the fewest tries
    that it has of a sample, None where it has all.
    `digitless` is the share of answers out of which a scorer read no digit though the right answers are numbers.
    Of `answers` completions, `empty` ended by themselves without a text, and in `reasoned_out` the reasoning, which a
    server returned apart, left no room for an answer. `drawn`: the random part of the task that was to be run;
    `closed`: in so many answers the reasoning was closed at its budget; `first`: the run's limit, where it takes the
    first samples; `not_changed`: samples that are not run because they have no changed questions.
    """

    samples: int
    incomplete: int
    expected: int | None
    ragged: int = 0
    fewest: int | None = None
    digitless: float = 0.0
    answers: int = 0
    empty: int = 0
    reasoned_out: int = 0
    drawn: DrawnRows | None = None
    closed: int = 0
    first: int | None = None
    not_changed: NotChanged | None = None


def of(estimate: Estimate, counts: SampleCounts, faults: Sequence[Failure]) -> tuple[str, ...]:
    """Return the warnings of one estimate, the most serious first."""
    lines = [
        _unscored(estimate, counts, faults),
        _ragged(estimate, counts),
        _beyond(estimate),
        _empty(counts),
        *of_lost(estimate, counts),
        _digitless(estimate, counts),
        _no_confidence(estimate),
        _by_chance(estimate),
        _cut(estimate),
        _incomplete(estimate, counts),
        _closed(counts),
        _part(counts),
    ]
    return tuple(line for line in lines if line)


def of_lost(estimate: Estimate, counts: SampleCounts | None = None) -> tuple[str, ...]:
    """Return the warnings about answers that were cut off, withheld or not read."""
    lines = [
        _truncated(estimate, counts or SampleCounts(0, 0, None)),
        _window(estimate),
        _filtered(estimate),
        _unextracted(estimate),
        _unread(estimate),
    ]
    return tuple(line for line in lines if line)


def of_programs(scores: Sequence[Score]) -> tuple[str, ...]:
    """Return a warning where most of the programs of a task do not compile, or have no known form of a completion."""
    unbuilt = [score.failure for score in scores if score.failure and score.failure.kind == "compile_error"]
    unread = [score.failure for score in scores if score.failure and score.detail.get("form") == "unknown"]
    lines = []
    for failures, what in ((unbuilt, "do not compile"), (unread, "have no known form of a completion")):
        if scores and len(failures) > MOST * len(scores):
            share, first = _percent(len(failures) / len(scores)), _example(failures[0].message)
            lines.append(
                f"{share} of the programs {what}: the score may measure the form of the completions, not the model; "
                f"read some of them (the first: {first})"
            )
    return tuple(lines)


def _example(message: str) -> str:
    """The beginning of a message, cut between words where there are any."""
    # A record without its texts keeps so much of a message and no more
    if len(message) < EXAMPLE:
        return message
    head = message[:EXAMPLE]
    return f"{head[: head.rfind(' ')] if ' ' in head else head} …"


def _unscored(estimate: Estimate, counts: SampleCounts, faults: Sequence[Failure]) -> str:
    if not estimate.unscored:
        return ""
    kinds = Counter(map(kind_of, faults))
    ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    causes = ", ".join(f"{kind} x{count}" for kind, count in ranked[:3])
    line = f"{estimate.unscored} of {counts.samples} samples are unscored and left out of the score: {causes}"
    advice = dict.fromkeys(REMEDIES[kind] for kind, _ in ranked[:3] if kind in REMEDIES)
    return "; ".join((line, *advice))


def _ragged(estimate: Estimate, counts: SampleCounts) -> str:
    if counts.ragged:
        return (
            f"{estimate.metric} has no value: {counts.ragged} of {counts.samples} samples have fewer completions than "
            f"it needs (the fewest is {counts.fewest}): use a metric that needs fewer, or complete the file"
        )
    if counts.fewest is None:
        return ""
    return f"samples have from {counts.fewest} to {estimate.repeats} completions: each sample counts once"


def _beyond(estimate: Estimate) -> str:
    if estimate.value is not None or not estimate.n:
        return ""
    if estimate.metric.endswith("perplexity"):
        return f"{estimate.metric} overflows a float; use bits_per_byte"
    return f"{estimate.metric} has no value: there is nothing to divide by"


def _empty(counts: SampleCounts) -> str:
    if counts.empty <= MOST_LOST * counts.answers:
        return ""
    return (
        f"{counts.empty} of {counts.answers} answers are empty, and score 0: read a prompt (`harness run --dry-run`); "
        "is the chat template right (behind an endpoint the server's own)?"
    )


def _truncated(estimate: Estimate, counts: SampleCounts) -> str:
    cut = (estimate.truncated or 0.0) - (estimate.window or 0.0)
    if cut <= MOST_LOST:
        return ""
    reasoned = (
        f" (in {counts.reasoned_out} of {counts.answers} the reasoning used all of it, and no answer followed)"
        if counts.reasoned_out
        else ""
    )
    return (
        f"{_percent(cut)} of the answers were cut off at max_tokens{reasoned}, so the score "
        "is likely too low: raise sampling.max_tokens or check the stop strings"
    )


def _window(estimate: Estimate) -> str:
    if not estimate.window or estimate.window <= MOST_LOST:
        return ""
    return (
        f"{_percent(estimate.window)} of the answers ended because the context window was full, so the score is likely "
        "too low: give the server a longer window, or use fewer shots"
    )


def _filtered(estimate: Estimate) -> str:
    if not estimate.filtered or estimate.filtered <= MOST_LOST:
        return ""
    return f"{_percent(estimate.filtered)} of the answers were withheld by the server's content filter, and score 0"


def _unextracted(estimate: Estimate) -> str:
    if estimate.unextracted is None or estimate.unextracted <= MOST:
        return ""
    by = f"{estimate.scorer} found " if estimate.scorer else "there was "
    return (
        f"{by}no answer in {_percent(estimate.unextracted)} of the completions: read some of them, "
        "the prompt or the extraction rule may not fit this model"
    )


def _unread(estimate: Estimate) -> str:
    if estimate.unread is None or estimate.unread <= MOST_UNREAD:
        return ""
    by = f"{estimate.scorer} " if estimate.scorer else ""
    return (
        f"{_percent(estimate.unread)} of the completions contain the right answer, but {by}read another or none: "
        "read some of them, the extraction rule may not fit this model"
    )


def _digitless(estimate: Estimate, counts: SampleCounts) -> str:
    if counts.digitless <= FEW:
        return ""
    return (
        f"{estimate.scorer} read no digit in {_percent(counts.digitless)} of the answers though the right ones are "
        "numbers: read some of them, the extraction rule may not fit this model"
    )


def _no_confidence(estimate: Estimate) -> str:
    if estimate.no_confidence is None or estimate.no_confidence <= FEW:
        return ""
    return (
        f"{_percent(estimate.no_confidence)} of the answers state no confidence that could be read and are left out of "
        "the metrics of confidence: read some of them, the prompt or `confidence` of the page may not fit this model"
    )


def _by_chance(estimate: Estimate) -> str:
    if estimate.metric.partition("@")[0] not in ("ece", "ece_equal_mass") or estimate.low != 0 or not estimate.value:
        return ""
    return (
        f"{estimate.metric} {estimate.value:.3f} may be chance: its interval reaches 0, so {estimate.n} samples do not "
        "tell this model from a calibrated one"
    )


def _cut(estimate: Estimate) -> str:
    if not estimate.cut_prompts:
        return ""
    return (
        f"{_percent(estimate.cut_prompts)} of the prompts were cut on the left to fit the context window: "
        "use fewer shots, fewer new tokens or a model with a longer window"
    )


def _incomplete(estimate: Estimate, counts: SampleCounts) -> str:
    if not counts.incomplete:
        return ""
    return f"{counts.incomplete} samples have too few answers yet for {estimate.metric}: left out of the score"


def _closed(counts: SampleCounts) -> str:
    if not counts.closed:
        return ""
    return (
        f"in {counts.closed} of {counts.answers} answers the reasoning was closed at its budget "
        "(sampling.max_reasoning_tokens), so this is the score under that budget"
    )


def _part(counts: SampleCounts) -> str:
    if counts.expected is None or counts.samples >= counts.expected:
        return ""
    if counts.not_changed is not None and counts.not_changed.samples:
        return _unchanged(counts, counts.not_changed, counts.expected)
    if counts.drawn is not None:
        part = f"{counts.drawn.count} of {counts.expected} samples, drawn with seed {counts.drawn.seed}"
        if counts.samples >= counts.drawn.count:
            return f"a random part of the task: {part}"
        return f"only {counts.samples} of a random part of the task ({part}) were run: this is the score of these alone"
    if counts.samples == counts.first:
        return (
            f"the first {counts.samples} of {counts.expected} samples were run, which are no random part of the task: "
            "this is the score of these alone (--limit-seed S draws a random part)"
        )
    return f"only {counts.samples} of {counts.expected} samples were run: this is the score of a part of the task"


def _unchanged(counts: SampleCounts, gone: NotChanged, expected: int) -> str:
    """A part of a task of which some samples have no changed questions: each cause with its own count."""
    kept = gone.of - gone.samples
    cause = f"--perturb {gone.by} cannot change {gone.samples}"
    if gone.of < expected:
        drawn = f", drawn with seed {counts.drawn.seed}" if counts.drawn else ""
        cause = f"--limit takes {gone.of}{drawn}, and {cause} of these"
    fewer = f"; of the other {kept} there are answers to {counts.samples}" if counts.samples < kept else ""
    return (
        f"only {counts.samples} of {expected} samples were run: {cause}{fewer}: this is the score of a part of the task"
    )


def _percent(share: float) -> str:
    """A share in words: `all`, or per cent that round neither to 0 nor to 100."""
    if share == 1:
        return "all"
    return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
