"""A score that a function of the Python file beside the page gives: `function(sample, completion)`.

`sample` is the row as `prepare` made it, `completion` what extraction took (the whole text without reasoning, unless
`extract` says otherwise). It returns a number, True or False, or a dict with `value` and, as far as it has them,
`answer` (text, a number or None), `explanation` (text) and `detail` (a dict of what JSON can hold, with texts as keys).
Anything else is a fault of the page, and leaves the sample unscored; so is what it raises, and a call of `sys.exit`. It
is called from several threads and must not block.

A page's own aggregation needs no code of its own, so that tables and comparisons come from records alone: the value is
a share of the sample's parts, the entry's `weight` a template of their number, and its `metric` is `weighted_mean`;
scores of several samples that belong together share a `data.group`. An answer that cannot be extracted scores 0 without
a call, and has its weight.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Answer, Choice, Reference, Sample, Score, Tests
from harness.scoring.base import Scorer, Tools, misused
from harness.scoring.options import ScorerOptions, checked_options

KEYS = {"value", "answer", "explanation", "detail"}


@dataclass(slots=True)
class PageCodeScorer:
    """Scores by a function of the page."""

    name: str
    function: Callable[[dict[str, Any], str], Any]
    binary: bool
    references: tuple[type[Reference], ...] = (Answer, Choice, Tests)
    extractor: str = "text"
    details: tuple[str, ...] | None = None

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Return what the function says of the answer; a number that it returns as the answer is kept as text.

        Raises what the function raises, and RuntimeError where it tries to end the program.
        """
        try:
            given = self.function(dict(sample.inputs), answer)
        except SystemExit as error:
            raise RuntimeError(f"the page's function tried to end the program (sys.exit({error.code!r}))") from None
        fields = dict(given) if isinstance(given, Mapping) else {"value": given}
        value = fields.get("value")
        if unknown := sorted(set(fields) - KEYS):
            return misused(
                self.name, f"its function returned the key {unknown[0]!r}; known are {', '.join(sorted(KEYS))}"
            )
        if not isinstance(value, int | float):
            return misused(self.name, f"its function returned {value!r:.80}, which is no number")
        shown, explanation = fields.get("answer", answer), fields.get("explanation", "")
        shown = str(shown) if isinstance(shown, int | float) else shown
        if shown is not None and not isinstance(shown, str):
            return misused(self.name, f"its function returned the `answer` {shown!r:.80}, which is no text")
        if not isinstance(explanation, str):
            return misused(self.name, f"its function returned the `explanation` {explanation!r:.80}, which is no text")
        detail = fields.get("detail", {})
        if not isinstance(detail, Mapping) or not _is_json(detail):
            return misused(
                self.name,
                f"its function returned the `detail` {detail!r:.80}, which is no dict of what JSON can hold "
                "(texts as keys; no NaN or infinity)",
            )
        return Score(self.name, float(value), shown, explanation, detail=dict(detail))


def _is_json(value: Mapping[Any, Any]) -> bool:
    """Whether JSON holds a mapping as it is, with texts as keys, so that a run that stores it can be read again."""
    try:
        json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return _keys_are_texts(value)


def _keys_are_texts(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _keys_are_texts(inner) for key, inner in value.items())
    return not isinstance(value, list | tuple) or all(map(_keys_are_texts, value))


class PageCodeOptions(ScorerOptions):
    """`function`: its name in the page's Python file; `binary`: it gives nothing but 0 and 1."""

    function: str = "score"
    binary: bool = True


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from PageCodeOptions. Raises ConfigError where the page has no such function, or may not run it."""
    chosen = checked_options(PageCodeOptions, options, "scorer 'page_code'")
    return PageCodeScorer(chosen.name, tools.page_function(chosen.function), chosen.binary)
