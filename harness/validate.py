"""Whether a task page works: its schema, its rows, its prompts, and its own scoring of its own gold answers.

A page passes only if, in every style it has, the gold answer scores 1 and an empty answer 0, through the very
extraction and scorers that a run uses.
"""

from __future__ import annotations

from pathlib import Path

from harness.catalog import Binder, Task, page_scorers
from harness.config import pages
from harness.config.schema import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader
from harness.datatypes import (
    Choice,
    Completion,
    ContinuationScore,
    Likelihood,
    LikelihoodRequest,
    Request,
    RollingRequest,
    Sample,
    Score,
    Style,
)
from harness.errors import ConfigError, DataError
from harness.execution.base import Limits
from harness.scoring.services import Services


def check_page(name: str) -> tuple[TaskPage, YamlPage, list[str]]:
    """Check all that needs no data: keys, names, scorers, extractors, metrics, templates' syntax."""
    from harness.prompts.template import check_syntax

    page, source = pages.task_page(name)
    page_scorers(page, source, Services("auto", Limits()).tools())
    if page.repeats > 1 and page.sampling is not None and page.sampling.temperature == 0:
        raise ConfigError(f"{source.where(('repeats',))}greedy repeats are all the same; set sampling.temperature")
    templates = 0
    for key, text in _templates(page):
        check_syntax(text, source.where(key))
        templates += 1
    return page, source, [f"page holds, {templates} templates parse"]


def check_rows(page: TaskPage, source: YamlPage, mirror: str | None, samples: int) -> list[str]:
    """Check a page against its rows. Raises DataError, HubError or ConfigError with the page's line."""
    notes = []
    for style in _styles(page):
        services = Services("auto", Limits())
        try:
            task = _binder(services, style, mirror, samples).bind(page, source)
            for request in task.requests:
                _check_scoring(task, task.sample_of()[request.sample_id], request, source)
            tried = "the likelihood of each is scored" if page.reference.text else "gold scores 1, empty scores 0"
            notes.append(f"{style}: {len(task.samples)} of {task.total} rows, {tried}")
        finally:
            services.close()
    return notes


def bind_one(page: TaskPage, source: YamlPage, style: Style, mirror: str | None, limit: int) -> Task:
    """Bind a page for looking at, in `style` if the page has it, else in the one it has."""
    services = Services("auto", Limits())
    styles = _styles(page)
    return _binder(services, style if style in styles else styles[0], mirror, limit).bind(page, source)


def _binder(services: Services, style: Style, mirror: str | None, limit: int) -> Binder:
    return Binder(Loader(Path(mirror).expanduser() if mirror else None), services.tools(), style, limit)


def _styles(page: TaskPage) -> list[Style]:
    styles: list[Style] = []
    if page.prompt.text is not None:
        styles.append("text")
    if page.prompt.chat is not None:
        styles.append("chat")
    return styles


def _check_scoring(task: Task, sample: Sample, request: Request, source: YamlPage) -> None:
    for scorer in task.scorers:
        if isinstance(request, RollingRequest):
            # No answer is right or wrong here; that the scorer takes such a reply can be tried
            size = len(request.text.encode())
            reply = Likelihood(request.key, (ContinuationScore(-float(size), size, len(request.text), size, False),))
            if scorer.score(sample, request.prompt, reply).value is None:
                raise ConfigError(f"{source.where(('score',))}{scorer.name!r} does not score the likelihood of a text")
            continue
        if isinstance(request, LikelihoodRequest):
            assert isinstance(sample.reference, Choice)
            right, wrong = (
                _likelihood(request, sample.reference.gold, -1.0),
                _likelihood(request, sample.reference.gold, -9.0),
            )
            good, bad = (
                scorer.score(sample, request.prompt, right),
                scorer.score(sample, request.prompt, wrong),
            )
        else:
            if sample.gold is None:
                raise ConfigError(f"{source.where()}the page has no `gold`, so its scoring cannot be tried")
            good = scorer.score(sample, request.prompt, Completion(request.key, sample.gold, "eos"))
            bad = scorer.score(sample, request.prompt, Completion(request.key, "", "eos"))
        _expect(1.0, good, "the gold answer", sample, source)
        _expect(0.0, bad, "an empty answer", sample, source)


def _likelihood(request: LikelihoodRequest, gold: int, logprob: float) -> Likelihood:
    scores = tuple(
        ContinuationScore(logprob if index == gold else -5.0, 1, 1, 1, False)
        for index in range(len(request.continuations))
    )
    return Likelihood(request.key, scores)


def _expect(value: float, score: Score, what: str, sample: Sample, source: YamlPage) -> None:
    if score.value == value:
        return
    cause = score.failure.message if score.failure else score.explanation
    raise DataError(
        f"{source.where(('score',))}{what} of sample {sample.id!r} scores {score.value} under {score.scorer!r}, "
        f"not {value:g}: {cause or f'it read {score.answer!r}'}"
    )


def _templates(page: TaskPage) -> list[tuple[tuple[str | int, ...], str]]:
    """Every template of a page with its key path."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    sections = {
        "data": ("id", "group"),
        "prompt.text": ("template", "target"),
        "prompt.chat": ("user", "target", "system", "prefill"),
    }
    values = page.model_dump()
    for dotted, keys in sections.items():
        section = values
        path = tuple(dotted.split("."))
        for part in path:
            section = section.get(part) or {}
        found += [((*path, key), section[key]) for key in keys if section.get(key)]
    if page.gold:
        found.append((("gold",), page.gold))
    reference = page.reference
    found += [(("reference", "answer", i), text) for i, text in enumerate(reference.answer or [])]
    if reference.choice:
        found += [(("reference", "choice", "options", i), text) for i, text in enumerate(reference.choice.options)]
        found.append((("reference", "choice", "gold"), reference.choice.gold))
    if reference.text:
        found.append((("reference", "text"), reference.text))
    if reference.tests:
        found += [
            (("reference", "tests", key), getattr(reference.tests, key) or "")
            for key in ("prelude", "tests", "entry_point")
        ]
    return found
