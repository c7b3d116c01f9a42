"""Check a task page: its schema, its rows, its prompts, and the scores of its gold answers.

A page passes only if, in every prompt style that it has, the gold answer scores 1 and an empty answer 0, with the same
extraction and scorers as in a run. Common phrasings of the right answer that are not extracted are reported, and, on
request, whether answers to other samples score no better than chance.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from harness.catalog import Binder, Task
from harness.config import pages
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader
from harness.datatypes import (
    Answer,
    Choice,
    Completion,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Request,
    RollingRequest,
    Sample,
    Style,
    Tests,
)
from harness.errors import ConfigError, DataError, Faults
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.golds import gold_fault, likelihood
from harness.scoring.page_code import PageCodeScorer
from harness.scoring.phrasings import LETTERS, phrasings
from harness.scoring.services import Services

# Keys that are templates, or lists of them
TEMPLATES = (
    *("data.where", "data.id", "data.group"),
    *("reference.answer", "reference.choice.options", "reference.choice.gold", "reference.text"),
    *(f"reference.tests.{key}" for key in ("prelude", "suffix", "tests", "cases", "entry_point", "check", "packages")),
    "gold",
    *(f"prompt.text.{key}" for key in ("description", "template", "shot", "target")),
    *(f"prompt.chat.{key}" for key in ("system", "user", "shot", "target", "prefill")),
    *("probe.question", "probe.answer"),
)
# Rows whose answers are shuffled: enough to detect a scorer that accepts anything
SHUFFLED_ROWS = 200
SHUFFLE_SEED = 1234
# Programs that do nothing, alone and as the body of a function that the prompt begins
IDLE = ("pass\n", "    pass\n")
# Limit on right answers above those that coincide, in standard deviations of such a count
SUSPICIOUS = 3.0


@dataclass(frozen=True, slots=True)
class Rows:
    """Where a page's rows come from, whether its Python file may run, and how many rows are checked."""

    mirror: str | None = None
    trust_page_code: bool = False
    samples: int = 3
    shuffled: bool = False


def check_page(name: str, trusted: bool = False) -> tuple[TaskPage, YamlPage, list[str]]:
    """Check what needs no data: keys, names, scorers, extractors, metrics, the syntax of templates; all at once."""
    from harness.prompts.build import check_syntax

    page, source = pages.task_page(name)
    faults = Faults()
    with faults.caught():
        page_scorers(page, source, Services("auto", Limits()).tools(), trusted)
    if page.repeats > 1 and page.sampling is not None and page.sampling.temperature == 0:
        with faults.caught(), source.at("repeats"):
            raise ConfigError("repeats of greedy decoding are all the same; set sampling.temperature")
    templates = 0
    for key, text in _templates(page):
        with faults.caught(), source.at(*key):
            check_syntax(text)
        templates += 1
    faults.refuse()
    return page, source, [f"page is valid, {templates} templates parse"]


def check_rows(page: TaskPage, source: YamlPage, rows: Rows) -> tuple[list[str], list[str]]:
    """Check a page with its rows; return what was checked, and remarks that do not fail the page.

    Raises DataError, HubError or ConfigError with the page's line.
    """
    notes: list[str] = []
    remarks: list[str] = []
    for style in _styles(page):
        services = Services("auto", Limits())
        try:
            scorers = page_scorers(page, source, services.tools(), rows.trust_page_code)
            task = _binder(style, rows.samples, rows).bind(page, source, scorers)
            samples = task.sample_of()
            for request in task.requests:
                refuse_unscorable(task, samples[request.sample_id], request, source)
            tried = "the likelihood of each is scored" if page.reference.text else "gold scores 1, empty scores 0"
            if page.ask == "generate" and page.gold is None:
                tried = "empty scores 0; there is no gold answer to try"
            notes.append(f"{style}: {len(task.samples)} of {task.total} rows, {tried}")
            remarks += [f"{style}: {remark}" for remark in [*_cut_golds(task), *_unread(task)]]
            if rows.shuffled:
                binder = _binder(style, max(SHUFFLED_ROWS, rows.samples), rows)
                shuffled = binder.bind(page, source, scorers)
                notes += [f"{style}: {note}" for note in _shuffled(shuffled, source)]
        finally:
            services.close()
    return notes, remarks


def bind_one(page: TaskPage, source: YamlPage, style: Style, limit: int, rows: Rows) -> Task:
    """Bind a page to show it, in `style` if the page has it, else in the style that it has."""
    scorers = page_scorers(page, source, Services("auto", Limits()).tools(), rows.trust_page_code)
    styles = _styles(page)
    return _binder(style if style in styles else styles[0], limit, rows).bind(page, source, scorers)


def _binder(style: Style, limit: int, rows: Rows) -> Binder:
    mirror = Path(rows.mirror).expanduser() if rows.mirror else None
    return Binder(Loader(mirror), style, limit, trust_page_code=rows.trust_page_code)


def _styles(page: TaskPage) -> list[Style]:
    styles: list[Style] = []
    if page.prompt.text is not None:
        styles.append("text")
    if page.prompt.chat is not None:
        styles.append("chat")
    return styles


def refuse_unscorable(task: Task, sample: Sample, request: Request, source: YamlPage) -> None:
    """Raise DataError for a gold answer that does not score 1 or an empty one that does not score 0, ConfigError for
    a page without a gold answer.
    """
    if isinstance(request, GenerateRequest) and sample.gold is None:
        # Conditions that a page's own function checks may have no answer that a template can give
        if not all(isinstance(scorer.scorer, PageCodeScorer) for scorer in task.scorers):
            with source.at():
                raise ConfigError("the page has no `gold`, so its scoring cannot be tried")
        for scorer in task.scorers:
            score = scorer.score(sample, request.prompt, Completion(request.key, "", "eos"))
            if score.value != 0.0:
                with source.at("score"):
                    cause = score.failure.message if score.failure else score.explanation
                    raise DataError(
                        f"an empty answer of sample {sample.id!r} scores {score.value} under {scorer.name!r}: {cause}"
                    )
    if (fault := gold_fault(task.scorers, sample, request)) is not None:
        kind = ConfigError if isinstance(request, RollingRequest) else DataError
        with source.at("score"):
            raise kind(fault)
    if (fault := _idle_fault(task, sample, request)) is not None:
        with source.at("reference", "tests", "tests"):
            raise DataError(fault)


def _idle_fault(task: Task, sample: Sample, request: Request) -> str | None:
    """Describe the first program without any effect that passes: tests that call nothing pass every program."""
    tests = sample.reference
    if not isinstance(tests, Tests) or tests.language != "python" or tests.suffix or tests.cases:
        return None
    for scorer in task.scorers:
        for program in IDLE:
            score = scorer.score(sample, request.prompt, Completion(request.key, program, "eos"))
            if score.value == 1.0:
                return (
                    f"the program `pass` scores 1 for sample {sample.id!r} under {scorer.name!r}, so its tests test "
                    "nothing; call the function in them, for example check({{ entry_point }})"
                )
    return None


def _cut_golds(task: Task) -> list[str]:
    """Return a remark where a stop string would cut a gold answer, so that no model can give it."""
    golds = {sample.id: sample.gold for sample in task.samples}
    cut = {
        stop: request.sample_id
        for request in task.requests
        if isinstance(request, GenerateRequest)
        for stop in request.sampling.stop
        if stop in (golds[request.sample_id] or "")
    }
    return [f"the stop string {stop!r} cuts the gold answer of sample {name!r}" for stop, name in cut.items()]


def _unread(task: Task) -> list[str]:
    """Return, for each scorer, the common phrasings of the right answer that it does not extract.

    Programs are run for one sample only.
    """
    if task.page.ask != "generate":
        return []
    first_requests = {request.sample_id: request for request in reversed(task.requests)}
    samples = task.samples[:1] if task.page.reference.tests is not None else task.samples
    remarks = []
    for scorer in task.scorers:
        if not scorer.binary or isinstance(scorer.scorer, PageCodeScorer):
            # More text than the right one is worth less by design, or the page alone knows what is right
            continue
        unread: dict[str, str] = {}
        for sample in samples:
            request = first_requests[sample.id]
            for name, text in phrasings(sample).items():
                if name not in unread:
                    score = scorer.score(sample, request.prompt, Completion(request.key, text, "eos"))
                    if score.value != 1.0:
                        unread[name] = f"{name} ({_short(text)} is read as {_short(score.answer)})"
        if unread:
            remarks.append(f"{scorer.name} does not read {len(unread)} usual phrasings: {'; '.join(unread.values())}")
    return remarks


def _short(text: str | None) -> str:
    if text is None:
        return "nothing"
    line = text if len(text) <= 60 else f"...{text[-57:]}"
    return repr(line)


def _shuffled(task: Task, source: YamlPage) -> list[str]:
    """Score each sample's right answer as the answer to another sample. Raises DataError where too many are right.

    Where options are scored by their likelihood, the likeliest one is at the place of the other sample's right option.
    A right answer of both samples counts as right by chance. A scorer may accept a few more (0.5 for 1/2), but not
    many. Of a graded scorer only full scores count as accepted.
    """
    page = task.page
    if page.ask != "generate" and page.reference.choice is None:
        return ["answers are not shuffled: the text whose likelihood is scored is the sample's own"]
    if page.reference.tests is not None:
        return ["answers are not shuffled (programs are not run for other samples)"]
    if len(task.samples) < 2:
        return ["a single sample cannot be shuffled"]
    others = list(range(len(task.samples)))
    Random(SHUFFLE_SEED).shuffle(others)
    # Each sample gets the answer of another one: the next in a random order
    given = dict(zip(others, [*others[1:], others[0]], strict=True))
    first_requests = {request.sample_id: request for request in reversed(task.requests)}
    samples, count = task.samples, len(task.samples)
    wrap = page.ask == "loglikelihood"
    same = sum(_right_for(samples[here], samples[there], wrap) for here, there in given.items())
    chance = _chance(samples, wrap)
    notes = []
    for scorer in task.scorers:
        values = []
        for here, there in given.items():
            request = first_requests[samples[here].id]
            reply = _reply_of(samples[there], samples[here], request)
            values.append(scorer.score(samples[here], request.prompt, reply).value or 0.0)
        hits = sum(value > 1 - 1e-9 for value in values) if not scorer.binary else math.fsum(values)
        spread = math.sqrt(max(same, 1) * (1 - same / count))
        if hits > same + SUSPICIOUS * spread and not isinstance(scorer.scorer, PageCodeScorer):
            with source.at("score"):
                raise DataError(
                    f"{scorer.name!r} accepts {hits:g} of {count} answers to other samples as right, "
                    f"but only {same} have the same right answer; it judges too loosely"
                )
        mean = math.fsum(values) / count
        notes.append(f"shuffled golds score {mean:.3f} under {scorer.name} (chance {chance:.3f}, n {count})")
    return notes


def _reply_of(other: Sample, sample: Sample, request: Request) -> Completion | Likelihood:
    """Return the reply to a sample's request that would be right for another sample."""
    if isinstance(request, LikelihoodRequest):
        assert isinstance(sample.reference, Choice)
        # Place counts, and the other sample may have more options
        shifted = Choice(sample.reference.options, _place(other, sample, wrap=True))
        return likelihood(request, shifted, right=True)
    return Completion(request.key, _gold_text(other), "eos")


def _place(other: Sample, sample: Sample, wrap: bool) -> int:
    """Return the place of the other sample's right option, `wrap`: counted on from the first behind the last one."""
    assert isinstance(sample.reference, Choice) and isinstance(other.reference, Choice)
    return other.reference.gold % len(sample.reference.options) if wrap else other.reference.gold


def _gold_text(sample: Sample) -> str:
    if sample.gold is not None:
        return sample.gold
    return LETTERS[sample.reference.gold] if isinstance(sample.reference, Choice) else ""


def _right_for(sample: Sample, other: Sample, wrap: bool) -> bool:
    """Whether the other sample's right answer is right for this one too: its place, or one of its texts."""
    mine, its = sample.reference, other.reference
    assert not isinstance(mine, Tests) and not isinstance(its, Tests)
    if isinstance(mine, Choice) and isinstance(its, Choice):
        return _place(other, sample, wrap) in mine.right
    return isinstance(mine, Answer) and isinstance(its, Answer) and not _texts(mine).isdisjoint(_texts(its))


def _texts(answer: Answer) -> frozenset[str]:
    """The right texts, which are the same if only white space differs."""
    return frozenset(" ".join(value.split()) for value in answer.values)


def _chance(samples: Sequence[Sample], wrap: bool) -> float:
    """Return the share of pairs of two samples for which `_right_for` holds, from counts of equal right answers."""
    hits = -sum(_right_for(sample, sample, wrap) for sample in samples)
    choices = [sample.reference for sample in samples if isinstance(sample.reference, Choice)]
    golds = Counter(choice.gold for choice in choices)
    for (right, options), times in Counter((choice.right, len(choice.options)) for choice in choices).items():
        hits += times * sum(golds[gold] for gold in golds if (gold % options if wrap else gold) in right)
    answers = Counter(_texts(sample.reference) for sample in samples if isinstance(sample.reference, Answer))
    by_text = defaultdict(set)
    for texts in answers:
        for text in texts:
            by_text[text].add(texts)
    for texts, times in answers.items():
        hits += times * sum(answers[others] for others in set().union(*(by_text[text] for text in texts)))
    return hits / (len(samples) * (len(samples) - 1))


def _templates(page: TaskPage) -> list[tuple[tuple[str | int, ...], str]]:
    """Return every template of a page with its key path."""
    found: list[tuple[tuple[str | int, ...], str]] = []

    def add(path: tuple[str | int, ...], value: str | Sequence[str] | None) -> None:
        if isinstance(value, str):
            found.append((path, value))
        for place, text in enumerate(value if isinstance(value, list) else ()):
            found.append(((*path, place), text))

    values = page.model_dump()
    for dotted in TEMPLATES:
        path = tuple(dotted.split("."))
        section: Any = values
        for part in path:
            section = (section or {}).get(part)
        # A text that is empty by default is no template that someone wrote
        add(path, section or None)
    for place, entry in enumerate(page.score):
        add(("score", place, "weight"), entry.get("weight"))
    return found
