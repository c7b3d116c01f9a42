"""A request as a person reads it."""

from __future__ import annotations

from harness.datatypes import LikelihoodRequest, Prompt, Request, RollingRequest, TextPrompt


def shown_prompt(request: Request) -> str:
    """The prompt before any template of a model: text as it is, messages with their roles."""
    if isinstance(request, RollingRequest):
        return request.text
    prompt = request.prompt
    lines = [_of_prompt(prompt)]
    if isinstance(request, LikelihoodRequest):
        for number, text in enumerate(request.continuations):
            if request.contexts and request.contexts[number] != prompt:
                prompt = request.contexts[number]
                lines.append(f"[after another prompt]\n{_of_prompt(prompt)}")
            lines.append(f"[continuation {number}] {text!r}")
    return "\n".join(lines)


def _of_prompt(prompt: Prompt) -> str:
    if isinstance(prompt, TextPrompt):
        return prompt.text
    lines = [f"[{message.role}]\n{message.content}" for message in prompt.messages]
    if prompt.prefill:
        lines.append(f"[assistant begins with]\n{prompt.prefill}")
    return "\n".join(lines)
