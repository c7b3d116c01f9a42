"""Generation defaults that a checkpoint ships: a run's settings are its own, so they are not applied, but reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Keys that change no answer: tokens that are read elsewhere (the end) or never written, lengths that the task sets,
# speed, and how the file came about
IDLE_KEYS = frozenset(
    {
        *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "max_length", "max_new_tokens"),
        *("use_cache", "cache_implementation", "cache_config", "return_legacy_cache", "disable_compile"),
        *("output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate"),
        *(
            "transformers_version",
            "_from_model_config",
            "num_return_sequences",
            "max_time",
            "chat_format",
            "is_assistant",
        ),
        *("num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold"),
        *("prompt_lookup_num_tokens", "max_matching_ngram_size", "assistant_early_exit", "assistant_lookbehind"),
        *(
            "target_lookbehind",
            "trust_remote_code",
            "max_window_size",
            "low_memory",
            "token_healing",
            "prefill_chunk_size",
        ),
    }
)
# Values of the others that change nothing
IDLE_VALUES: Mapping[str, Any] = {
    "do_sample": False,
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "typical_p": 1.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "num_beams": 1,
    "num_beam_groups": 1,
    "diversity_penalty": 0.0,
    "length_penalty": 1.0,
    "early_stopping": False,
    "min_length": 0,
    "min_new_tokens": 0,
    "renormalize_logits": False,
    "remove_invalid_values": False,
    "guidance_scale": 1.0,
}
MOST_CHARACTERS = 60


def not_applied(generation: Mapping[str, Any]) -> str | None:
    """A note on which defaults of `generation_config.json` are left out; None if they would change nothing.

    What transformers may add to its defaults one day is reported as well.
    """
    shown = [
        f"{key}={_short(value)}"
        for key, value in generation.items()
        if key not in IDLE_KEYS and value not in (None, [], {}) and value != IDLE_VALUES.get(key)
    ]
    return f"not applied from generation_config.json: {', '.join(shown)}" if shown else None


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."
