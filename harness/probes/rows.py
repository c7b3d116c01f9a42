"""The rows of a task as they were published: question and answer without the prompt around them, in their order.

A page says with `probe` what was published. By default it is what the prompt prints of a row: the expressions of its
template one below the other, then those of the target; a template with statements is filled as a whole, and what all
rows begin or end with is taken off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.catalog import Binder, Task
from harness.config.schema import RunConfig
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader
from harness.datatypes import Choice, Sample, Style, Text
from harness.errors import ConfigError, DataError
from harness.plan import suite_pages
from harness.prompts.build import render
from harness.samples import LETTERS

EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One row: `text` is question and answer, `columns` the scalar columns that may tell rows of a kind."""

    id: str
    question: str
    text: str
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProbeTask:
    """The rows of a task in their published order; `ordered`: the page's reason why the order is no random one.

    `rows`: those to be tested, the first ones under a limit; `whole`: all, which show whether the set is sorted.
    """

    name: str
    rows: tuple[ProbeRow, ...]
    whole: tuple[ProbeRow, ...]
    total: int
    ordered: str | None
    fingerprint: Mapping[str, Any]


def read_tasks(config: RunConfig, style: Style) -> tuple[ProbeTask, ...]:
    """Bind the tasks of a config without examples, and read their rows. Raises ConfigError, DataError, HubError."""
    mirror = Path(config.data.mirror).expanduser() if config.data.mirror else None
    read = []
    for page, source in suite_pages(config):
        bare = page.model_copy(update={"fewshot": None})
        fitting = style if getattr(page.prompt, style) is not None else _other(style)
        # All rows: the beginning of a sorted set may look unsorted
        binder = Binder(Loader(mirror), fitting, None, config.seed, trust_page_code=config.data.trust_page_code)
        read.append(_task(page, source, binder.bind(bare, source, ()), config.limit))
    return tuple(read)


def _other(style: Style) -> Style:
    return "chat" if style == "text" else "text"


def _task(page: TaskPage, source: YamlPage, task: Task, limit: int | None) -> ProbeTask:
    with source.at("probe"):
        pairs = _pairs(page, task.samples)
    rows = []
    for sample, (question, answer) in zip(task.samples, pairs, strict=True):
        text = "\n".join(part for part in (question, answer) if part)
        if not text:
            with source.at("probe"):
                raise DataError(f"the row {sample.id!r} has no text to probe; set probe.question")
        columns = {key: value for key, value in sample.inputs.items() if isinstance(value, str | int | float)}
        rows.append(ProbeRow(sample.id, question, text, columns))
    whole = tuple(rows)
    return ProbeTask(task.name, whole[:limit], whole, task.total, page.probe.ordered, dict(task.fingerprint))


def _pairs(page: TaskPage, samples: Sequence[Sample]) -> list[tuple[str, str]]:
    """Question and answer of each row."""
    asked, answered = page.probe.question, page.probe.answer
    shown = [_variables(sample) for sample in samples]
    if page.reference.text is not None and asked is None:
        texts = [sample.reference.text for sample in samples if isinstance(sample.reference, Text)]
        return [(text.strip(), "") for text in texts]
    section = page.prompt.text or page.prompt.chat
    if section is None:
        raise ConfigError("the page has no prompt")
    template = page.prompt.text.template if page.prompt.text else page.prompt.chat.user if page.prompt.chat else ""
    questions = _filled(template if asked is None else asked, shown, whole=asked is not None)
    # Shots of other data have columns of their own, which the target prints
    foreign = page.fewshot is not None and bool(page.fewshot.rows or page.fewshot.data)
    target = ("" if foreign else section.target) if answered is None else answered
    answers = _filled(target, shown, whole=answered is not None) if target else [one.gold or "" for one in samples]
    return [(question.strip("\n "), answer.strip("\n ")) for question, answer in zip(questions, answers, strict=True)]


def _variables(sample: Sample) -> Mapping[str, Any]:
    """What a template may use of a row, with the right option."""
    if not isinstance(sample.reference, Choice):
        return sample.inputs
    gold = sample.reference.gold
    return {**sample.inputs, "option": sample.reference.options[gold], "letter": LETTERS[gold]}


def _filled(template: str, rows: Sequence[Mapping[str, Any]], *, whole: bool) -> list[str]:
    """A template of the prompt filled for each row, without the words that are the prompt's own."""
    if whole:
        return [render(template, row) for row in rows]
    if "{%" not in template:
        template = "\n".join(EXPRESSION.findall(template))
        return [render(template, row) for row in rows]
    texts = [render(template, row) for row in rows]
    if len(texts) < 2:
        return texts
    before = _whole_words(_beginning(texts))
    texts = [text[len(before) :] for text in texts]
    after = _whole_words(_beginning([text[::-1] for text in texts]))
    return [text[: len(text) - len(after)] for text in texts]


def _beginning(texts: Sequence[str]) -> str:
    """The longest beginning that all texts share."""
    # All others lie between the first and the last in the order of characters
    first, last = min(texts), max(texts)
    length = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:length]


def _whole_words(common: str) -> str:
    """A beginning that all rows share, up to the last space in it."""
    return common[: max(common.rfind(" "), common.rfind("\n")) + 1]
