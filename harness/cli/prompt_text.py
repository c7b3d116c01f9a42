"""A request as a person reads it."""

from __future__ import annotations

from harness.datatypes import LikelihoodRequest, Request, RollingRequest, TextPrompt


def shown_prompt(request: Request) -> str:
    """The prompt before any template of a model: text as it is, messages with their roles."""
    if isinstance(request, RollingRequest):
        return request.text
    prompt = request.prompt
    if isinstance(prompt, TextPrompt):
        lines = [prompt.text]
    else:
        lines = [f"[{message.role}]\n{message.content}" for message in prompt.messages]
        if prompt.prefill:
            lines.append(f"[assistant begins with]\n{prompt.prefill}")
    if isinstance(request, LikelihoodRequest):
        lines += [f"[continuation {number}] {text!r}" for number, text in enumerate(request.continuations)]
    return "\n".join(lines)
