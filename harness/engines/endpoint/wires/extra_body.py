"""The user's `extra_body`: merged into every request, and refused where it contradicts what the harness sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import ConfigError

# Fields that a run sets itself, with the setting that does it (empty: none does, the harness needs its own value)
_SETTINGS = {
    "model": "model",
    "temperature": "tasks.NAME.sampling.temperature",
    "top_p": "tasks.NAME.sampling.top_p",
    "top_k": "tasks.NAME.sampling.top_k",
    "seed": "seed",
    "stop": "tasks.NAME.sampling.stop",
    "stop_sequences": "tasks.NAME.sampling.stop",
    "max_tokens": "tasks.NAME.sampling.max_tokens",
    "max_completion_tokens": "tasks.NAME.sampling.max_tokens",
    "max_new_tokens": "tasks.NAME.sampling.max_tokens",
    "min_tokens": "",
    "stream": "engine.stream",
    "stream_options": "",
    "truncate_prompt_tokens": "engine.overflow",
}
_OURS = frozenset(
    {
        "messages",
        "prompt",
        "system",
        "n",
        "best_of",
        "echo",
        "suffix",
        "logprobs",
        "top_logprobs",
        "prompt_logprobs",
        "logprob_token_ids",
        "return_token_ids",
        "return_tokens_as_token_ids",
        "continue_final_message",
        "add_generation_prompt",
    }
)


def check_extra_body(extra: Mapping[str, Any]) -> None:
    """Raise ConfigError for a field that a run sets itself."""
    for name in extra:
        if name in _SETTINGS or name in _OURS:
            setting = _SETTINGS.get(name)
            hint = f"set {setting} instead" if setting else "leave it out"
            raise ConfigError(f"engine.extra_body: the field {name!r} is set by the harness; {hint}")


def merge_extra(
    body: dict[str, Any],
    extra: Mapping[str, Any],
    template_options: Mapping[str, Any] | None = None,
    of_task: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a body with the user's fields, which win over values that only switch a sampler off.

    `template_options` are the user's variables of the chat template; they win over those of the task.
    Raises ConfigError for a field that a run sets itself.
    """
    check_extra_body(extra)
    if template_options and "chat_template_kwargs" in extra:
        raise ConfigError(
            "engine.extra_body: chat_template_kwargs contradicts engine.template_options; state it in one of them"
        )
    if of_task or template_options:
        own = extra.get("chat_template_kwargs", template_options or {})
        if not isinstance(own, Mapping):
            raise ConfigError("engine.extra_body: chat_template_kwargs must be a mapping of variables to values")
        extra = {**extra, "chat_template_kwargs": {**(of_task or {}), **own}}
    return {**body, **extra}
