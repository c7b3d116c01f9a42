"""A request as a person reads it."""

from __future__ import annotations

from harness.datatypes import LikelihoodRequest, Request
from harness.report.record_text import prompt_text


def shown_prompt(request: Request) -> str:
    """The prompt before any template of a model, and the continuations that are scored after it."""
    lines = [prompt_text(request)]
    if isinstance(request, LikelihoodRequest):
        lines += [f"[continuation {number}] {text!r}" for number, text in enumerate(request.continuations)]
    return "\n".join(lines)
