"""Check a task page: its schema, its rows, its prompts, and the scores of its gold answers.

A page passes only if, in every prompt style that it has, the gold answer scores 1 and an empty answer 0, with the same
extraction and scorers as in a run. Common phrasings of the right answer that are not extracted are reported, and, on
request, whether answers to other samples score no better than chance.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from harness.catalog import Binder, Task, page_scorers
from harness.config import pages
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader
from harness.datatypes import (
    Answer,
    Choice,
    Completion,
    GenerateRequest,
    Request,
    RollingRequest,
    Sample,
    Style,
    Tests,
)
from harness.errors import ConfigError, DataError, Faults
from harness.execution.base import Limits
from harness.scoring.golds import gold_fault
from harness.scoring.phrasings import LETTERS, phrasings
from harness.scoring.services import Services

# Rows whose answers are shuffled: enough to detect a scorer that accepts anything
SHUFFLED_ROWS = 200
SHUFFLE_SEED = 1234
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
            notes.append(f"{style}: {len(task.samples)} of {task.total} rows, {tried}")
            remarks += [f"{style}: {remark}" for remark in _unread(task)]
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
        with source.at():
            raise ConfigError("the page has no `gold`, so its scoring cannot be tried")
    if (fault := gold_fault(task.scorers, sample, request)) is not None:
        kind = ConfigError if isinstance(request, RollingRequest) else DataError
        with source.at("score"):
            raise kind(fault)


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
    """Score each sample's gold answer as the answer to another sample. Raises DataError where too many are right.

    Two samples with the same right answer count as right by chance. A scorer may accept a few more (0.5 for 1/2), but
    not many.
    """
    reference = task.page.reference
    if task.page.ask != "generate" or reference.tests is not None or reference.text is not None:
        return ["answers are not shuffled (only generated choices and answers are)"]
    if len(task.samples) < 2:
        return ["a single sample cannot be shuffled"]
    others = list(range(len(task.samples)))
    Random(SHUFFLE_SEED).shuffle(others)
    # Each sample gets the answer of another one: the next in a random order
    given = dict(zip(others, [*others[1:], others[0]], strict=True))
    first_requests = {request.sample_id: request for request in reversed(task.requests)}
    golds = [_gold_text(sample) for sample in task.samples]
    keys = [_same(sample) for sample in task.samples]
    same = sum(keys[here] == keys[there] for here, there in given.items())
    notes = []
    for scorer in task.scorers:
        hits = 0.0
        for here, there in given.items():
            sample = task.samples[here]
            request = first_requests[sample.id]
            hits += scorer.score(sample, request.prompt, Completion(request.key, golds[there], "eos")).value or 0.0
        count = len(task.samples)
        chance = sum(number * (number - 1) for number in Counter(keys).values()) / (count * (count - 1))
        spread = math.sqrt(max(same, 1) * (1 - same / count))
        if hits > same + SUSPICIOUS * spread:
            with source.at("score"):
                raise DataError(
                    f"{scorer.name!r} accepts {hits:g} of {count} answers to other samples as right, "
                    f"but only {same} have the same right answer; it judges too loosely"
                )
        notes.append(f"shuffled golds score {hits / count:.3f} under {scorer.name} (chance {chance:.3f}, n {count})")
    return notes


def _gold_text(sample: Sample) -> str:
    if sample.gold is not None:
        return sample.gold
    return LETTERS[sample.reference.gold] if isinstance(sample.reference, Choice) else ""


def _same(sample: Sample) -> object:
    """Return a key that is equal for samples with the same right answer: the letter, or the set of right texts."""
    reference = sample.reference
    assert not isinstance(reference, Tests)
    if isinstance(reference, Choice):
        return reference.gold
    return frozenset(" ".join(value.split()) for value in reference.values) if isinstance(reference, Answer) else None


def _templates(page: TaskPage) -> list[tuple[tuple[str | int, ...], str]]:
    """Return every template of a page with its key path."""
    templates: list[tuple[tuple[str | int, ...], str]] = []
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
        templates += [((*path, key), section[key]) for key in keys if section.get(key)]
    if page.gold:
        templates.append((("gold",), page.gold))
    reference = page.reference
    templates += [(("reference", "answer", i), text) for i, text in enumerate(reference.answer or [])]
    if reference.choice:
        templates += [(("reference", "choice", "options", i), text) for i, text in enumerate(reference.choice.options)]
        templates.append((("reference", "choice", "gold"), reference.choice.gold))
    if reference.text:
        templates.append((("reference", "text"), reference.text))
    if reference.tests:
        templates += [
            (("reference", "tests", key), getattr(reference.tests, key) or "")
            for key in ("prelude", "tests", "entry_point")
        ]
    return templates
