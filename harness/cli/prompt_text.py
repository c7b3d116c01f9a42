"""A request as a person reads it."""

from __future__ import annotations

from harness.datatypes import LikelihoodRequest, Request
from harness.report.record_text import prompt_text, text_of


def shown_prompt(request: Request) -> str:
    """The prompt before any template of a model, and the continuations that are scored after it."""
    lines, prompt = [prompt_text(request)], request.prompt
    if isinstance(request, LikelihoodRequest):
        for number, text in enumerate(request.continuations):
            if request.contexts and request.contexts[number] != prompt:
                prompt = request.contexts[number]
                lines.append(f"[after another prompt]\n{text_of(prompt)}")
            lines.append(f"[continuation {number}] {text!r}")
    return "\n".join(lines)
