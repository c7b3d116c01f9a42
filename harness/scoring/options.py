"""The options of scorers and extractors: what a page's entries may hold, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints

from harness.config.checking import check_values
from harness.config.section import Section


def _compiled(source: Any) -> re.Pattern[str]:
    if not isinstance(source, str):
        raise ValueError("expected a regular expression")
    try:
        return re.compile(source)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None


def _pairs_of_marks(given: Any) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for pair in given if isinstance(given, list | tuple) else [None]:
        match pair:
            case [str(opening), str(closing)] if opening and closing and opening != closing:
                pairs.append((opening, closing))
            case _:
                raise ValueError(f"expected a list of pairs [opening, closing] of two different texts, not {given!r}")
    return tuple(pairs)


NonEmpty = Annotated[str, StringConstraints(min_length=1)]
Pattern = Annotated[re.Pattern[str], BeforeValidator(_compiled)]


class ScorerOptions(Section):
    """Keys of every `score` entry: the score's name and the extractor. Scorers add their own.

    `metric`: metrics of this score, in place of the page's; not for the first score. `weight`: template of what a
    sample weighs in the metric `weighted_mean`, such as the number of its instructions. `confidence`: extractor of the
    confidence that a completion states, such as `stated_confidence`, for the metrics of confidence.
    """

    name: NonEmpty
    extract: Any = None
    metric: list[NonEmpty] | None = Field(None, min_length=1)
    weight: NonEmpty | None = None
    confidence: Any = None


class ExtractorOptions(Section):
    """Keys of every `extract` entry. Extractors add their own.

    `strip_reasoning`: what is between the marks of reasoning that models use (`harness.reasoning` lists them), or
    before a lone closing mark, is not the answer; reasoning that never ends means that there is none.
    `reasoning_marks` adds pairs that only this page's models write: [["<plan>", "</plan>"]].
    Not guaranteed: reasoning without a known mark is part of the answer.
    """

    strip_reasoning: bool = Field(True, description="reasoning between known marks is no part of the answer")
    reasoning_marks: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs_of_marks)] = Field(
        (), description="pairs of opening and closing marks that only this page's models write"
    )


Options = TypeVar("Options", bound=Section)


def checked_options(schema: type[Options], options: Mapping[str, Any], part: str) -> Options:
    """Read the options of `part` ("extractor 'regex'"). Raises ConfigError that names the part and the key.

    A key without a value (null) is as if it were not there.
    """
    return check_values(schema, {key: value for key, value in options.items() if value is not None}, part)
