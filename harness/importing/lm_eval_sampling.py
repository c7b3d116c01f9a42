"""Decoding of a page of lm-evaluation-harness, with the defaults that its Hugging Face models have."""

from __future__ import annotations

from typing import Any

from harness.errors import ConfigError
from harness.importing.lm_eval_yaml import ForeignPage

MAX_TOKENS = 256
LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


def sampling_of(page: ForeignPage) -> tuple[dict[str, Any], list[str]]:
    """Return `sampling` of our page, and the stop strings. Raises ConfigError for what is not carried."""
    place = page.place("generation_kwargs")
    given = dict(page.values.get("generation_kwargs") or {})
    until = given.pop("until", [page.values.get("fewshot_delimiter", "\n\n")])
    stops = [str(stop) for stop in (until if isinstance(until, list) else [until]) if stop is not None]
    lengths = [given.pop(key) for key in LENGTHS if given.get(key) is not None]
    sampling: dict[str, Any] = {"max_tokens": int(lengths[0]) if lengths else MAX_TOKENS}
    temperature = float(given.pop("temperature", 0.0) or 0.0)
    sampled = given.pop("do_sample", None)
    if sampled and temperature == 0.0:
        raise ConfigError(
            f"{place}: do_sample without a temperature: what is drawn depends on the model's own settings"
        )
    top_p, top_k = given.pop("top_p", None), given.pop("top_k", None)
    if temperature and sampled is not False:
        sampling["temperature"] = temperature
        if top_p is not None:
            sampling["top_p"] = float(top_p)
        if top_k:
            sampling["top_k"] = int(top_k)
    for key in LENGTHS:
        given.pop(key, None)
    if given:
        raise ConfigError(f"{place}: {next(iter(given))} cannot be carried")
    return sampling, list(dict.fromkeys(stops))
