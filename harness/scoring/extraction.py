"""How a scorer comes by the answer: builds the extractor that a page asks for, and scores what has no answer.

Knows every extractor by name only (plug-ins), so that a scorer and an extractor never import each other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness import plugins
from harness.datatypes import Answer, ChatPrompt, Choice, Completion, Failure, Prompt, Score
from harness.errors import ConfigError
from harness.reasoning import opened_by
from harness.scoring.base import Extract

_WORDLESS = re.compile(r"[^\W\d_]")
NEEDS_TEXT = "it judges generated text, and the task asks for loglikelihood (`ask: generate` gives text)"


def build_extractor(entry: Any, default: str) -> Extract:
    """Build from the page's `extract`: a name, a mapping `{by: name, ...options}`, or None for `default`.

    Raises UnknownName for a name that no extractor has, ConfigError for options it does not take.
    """
    if entry is None:
        entry = {"by": default}
    elif isinstance(entry, str):
        entry = {"by": entry}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("by"), str):
        raise ConfigError(f"`extract` must be a name or a mapping with `by`, not {entry!r}")
    module = plugins.load("extractor", entry["by"])
    extract: Extract = module.build({key: value for key, value in entry.items() if key != "by"})
    return extract


def full_text(prompt: Prompt, reply: Completion) -> str:
    """Return the whole answer: the reasoning mark and the prefill that the prompt ends with, then what was written."""
    if isinstance(prompt, ChatPrompt):
        return reply.reasoning_mark + prompt.prefill + reply.text
    return opened_by(prompt.text) + reply.text


def unanswered(scorer: str, reply: Completion) -> Score:
    """Score an answer out of which nothing could be read: 0, and the failure says why it may be so."""
    message = "nothing could be extracted from the completion"
    if reply.finish == "length":
        message += "; it was cut at max_tokens"
    elif not reply.text.strip():
        message += "; it is empty"
    failure = Failure(stage="extract", kind="no_answer", message=message, ours=False)
    return Score(scorer=scorer, value=0.0, answer=None, explanation=message, failure=failure)


def no_digit(answer: str, golds: Sequence[str]) -> dict[str, bool]:
    """Return the detail that flags an answer without a digit where every right answer is a number; else nothing.

    Such an answer is a sign that the extraction rule does not fit what the model writes.
    """
    numeric = bool(golds) and all(_has_digit(gold) and _WORDLESS.search(gold) is None for gold in golds)
    return {"no_digit": True} if numeric and not _has_digit(answer) else {}


def _has_digit(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def misused(scorer: str, why: str) -> Score:
    """Leave a sample unscored because the page asks a scorer for what it cannot judge."""
    message = f"scorer {scorer!r} cannot be used here: {why}"
    return Score(scorer=scorer, value=None, failure=Failure("score", "misused", message, ours=True))


def right_answers(reference: Answer | Choice) -> tuple[str, ...]:
    """Return the texts that count as right: an answer's values, or the right option's text."""
    return (reference.options[reference.gold],) if isinstance(reference, Choice) else reference.values
