"""The scorers of a task page, and the checks of it that need neither data nor model.

They come before the data, which may have to be downloaded, and find all faults at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness import plugins
from harness.analysis import metric
from harness.analysis.confidence import needs_confidence
from harness.analysis.metrics.base import CorpusMetric, Metric
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.datatypes import Text
from harness.errors import ConfigError, Faults
from harness.scoring.base import TaskScorer, Tools
from harness.scoring.factory import build_scorers


def page_scorers(page: TaskPage, source: YamlPage, tools: Tools, trusted: bool = False) -> tuple[TaskScorer, ...]:
    """Build a page's scorers, and check all that needs neither data nor model: metrics, options, the language.

    `trusted`: the Python file beside the page may run although the page does not ship with the harness. Raises
    ConfigError or UnknownName with the page's file and line, and all faults at once.
    """
    faults = Faults()
    for place, name in enumerate(page.metric):
        with faults.caught(), source.at("metric", place):
            metric.bind(name, page.repeats)
    if page.reference.tests is not None:
        with faults.caught(), source.at("reference", "tests", "language"):
            language = plugins.load("language", page.reference.tests.language)
            if page.reference.tests.suffix and not getattr(language, "JOINS_SUFFIX", False):
                raise ConfigError(f"{page.reference.tests.language} programs take no `suffix`; python programs do")

    def page_function(name: str) -> Callable[..., Any]:
        from harness.data.page_code import page_code

        return page_code(source, trusted=trusted).function(name)

    scorers: tuple[TaskScorer, ...] = ()
    with faults.caught(), source.at("score"):
        tools = replace(tools, page_function=page_function)
        scorers = build_scorers(page.score, tools, lambda number: source.at("score", number))
    faults.refuse()
    for number, scorer in enumerate(scorers):
        with faults.caught(), source.at(*(("score", number, "metric") if scorer.metrics else ("metric",))):
            metrics = [metric.bind(name, page.repeats) for name in scorer.metrics or page.metric]
            for bound in metrics:
                _refuse_unfit_metric(page, scorer, bound)
            if scorer.confidence is not None and page.ask != "generate":
                raise ConfigError(f"`confidence` is read from completions: it does not go with `ask: {page.ask}`")
            scorer.sums = tuple(dict.fromkeys(key for bound in metrics for key in getattr(bound, "sums", ())))
    faults.refuse()
    return scorers


def _refuse_unfit_metric(page: TaskPage, task_scorer: TaskScorer, bound: Metric | CorpusMetric) -> None:
    """Raise ConfigError for a metric that a scorer's scores do not have, such as a mean of bits for each byte."""
    scorer = task_scorer.scorer
    of_texts = page.reference.text is not None
    if (Text in scorer.references) != of_texts:
        # The scorer does not accept the page's reference at all, which the check of a gold answer says
        return
    given = getattr(scorer, "details", ())
    if page.ask == "loglikelihood" and given is not None:
        given = (*given, *getattr(scorer, "likelihood_details", ()))
    missing = [key for key in getattr(bound, "sums", ()) if given is not None and key not in given]
    if "weight" in missing and task_scorer.weight is not None:
        missing.remove("weight")
    if "confidence" in missing and task_scorer.confidence is not None:
        missing.remove("confidence")
    where = f"metric {bound.name} does not go with `ask: {page.ask}` and the scorer of {task_scorer.name!r}"
    fits = "bits_per_byte" if of_texts else "mean"
    if missing == ["weight"]:
        raise ConfigError(f"{where}: its score entry needs a `weight`, the template of what a sample weighs")
    if missing == ["confidence"] and page.ask == "generate":
        raise ConfigError(f"{where}: its score entry needs `confidence`, such as `confidence: stated_confidence`")
    if needs_confidence(bound) and not scorer.binary:
        raise ConfigError(f"{where}, whose answers are not right or wrong; name another, such as {fits}")
    if missing:
        raise ConfigError(f"{where}, whose scores have no `{missing[0]}`; name another, such as {fits}")
    if not hasattr(bound, "of_corpus") and not getattr(scorer, "averages", True):
        # A mean of bits would pass for an accuracy
        raise ConfigError(f"{where}, whose values have no mean; name another, such as {fits}")
