"""Builds the scorers of a task, each with its extractor, from the entries of its page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from harness import plugins
from harness.errors import ConfigError, Faults, error_prefix
from harness.prompts.build import check_syntax
from harness.scoring.base import AnswerScorer, Build, Extract, Extraction, TaskScorer, Tools
from harness.scoring.options import ExtractorOptions, checked_options


def build_scorers(
    entries: Sequence[Mapping[str, Any]],
    tools: Tools,
    place: Callable[[int], AbstractContextManager[None]] = lambda number: nullcontext(),
) -> tuple[TaskScorer, ...]:
    """Build the scorer of each `score` entry: `by` names it, `name` (default: `by`) its score, `extract` its extractor.

    `place` puts the place of an entry (from 0) in front of messages about it. Raises UnknownName for a scorer or
    extractor that does not exist, and ConfigError for a missing `by`, a wrong option, or two scores of one name; the
    faults of all entries at once.
    """
    scorers: list[TaskScorer] = []
    faults = Faults()
    for number, entry in enumerate(entries):
        with faults.caught(), place(number):
            scorer = _scorer(entry, number + 1, tools)
            if scorer.name in {other.name for other in scorers}:
                raise ConfigError(f"two scores are called {scorer.name!r}; give one of them another `name`")
            scorers.append(scorer)
    faults.refuse()
    return tuple(scorers)


def _scorer(entry: Mapping[str, Any], number: int, tools: Tools) -> TaskScorer:
    by = entry.get("by")
    if not isinstance(by, str):
        raise ConfigError(f"score entry {number} needs `by`, the scorer's name")
    build: Build = plugins.load("scorer", by).build
    with error_prefix(f"score entry {number}: "):
        scorer = build({"name": by, **{key: value for key, value in entry.items() if key != "by"}}, tools)
        metrics, weight = entry.get("metric") or (), entry.get("weight")
        if metrics and number == 1:
            raise ConfigError("`metric` of the first score is the page's own; write it there")
        if weight is not None:
            check_syntax(weight)
        extract = build_extractor(
            entry.get("extract"), scorer.extractor if isinstance(scorer, AnswerScorer) else "text"
        )
        confidence = entry.get("confidence")
        stated = None if confidence is None else build_extractor(confidence, "", "confidence")
    return TaskScorer(scorer, extract, tuple(metrics), weight, stated)


def build_extractor(entry: Any, default: str, key: str = "extract") -> Extraction:
    """Build from the page's `extract` (or `key`): a name, a mapping `{by: name, ...options}`, or None for `default`.

    Raises UnknownName for an extractor that does not exist, ConfigError for a wrong option.
    """
    if entry is None:
        entry = {"by": default}
    elif isinstance(entry, str):
        entry = {"by": entry}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("by"), str):
        raise ConfigError(f"`{key}` must be a name or a mapping with `by`, not {entry!r}")
    options = {key: value for key, value in entry.items() if key != "by" and value is not None}
    read: Extract = plugins.load("extractor", entry["by"]).build(options)
    shared = {key: value for key, value in options.items() if key in ExtractorOptions.model_fields}
    return Extraction(read, checked_options(ExtractorOptions, shared, f"extractor {entry['by']!r}"))
