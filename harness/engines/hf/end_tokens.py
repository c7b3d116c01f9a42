"""The tokens that end an answer: those of generation config, tokenizer and chat template together.

Checkpoints often name one end token in one place and use another in their template; a model that is not
stopped at the one it was trained on runs to the token limit. Guarantees: every end token named in any of the
three places is in the set. Does not guess tokens that none of them names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.datatypes import Message
from harness.engines.hf.chat_template import PROBE
from harness.engines.hf.checkpoint import vocabulary_of
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.errors import EngineError, ModelError


def end_token_ids(encoder: PromptEncoder, config: Any, generation: Mapping[str, Any]) -> tuple[int, ...]:
    """Ids in rising order; `generation` is the content of generation_config.json.

    Raises ModelError for an id that no token of the model can have.
    """
    size = vocabulary_of(config)
    found = {*_ids(generation.get("eos_token_id"), "generation_config.json", size)}
    found = found or {*_ids(getattr(config, "eos_token_id", None), "config.json", size)}
    own = {encoder.tokenizer.eos_token_id, template_end_token(encoder)}
    # The tokenizer may have more tokens than the model, which never writes these
    found |= {token for token in own if token is not None and (size is None or token < size)}
    return tuple(sorted(found))


def template_end_token(encoder: PromptEncoder) -> int | None:
    """The added token that the chat template writes straight after an assistant turn, if it writes one."""
    if not encoder.template:
        return None
    turns = [Message("user", "question"), Message("assistant", PROBE)]
    try:
        text = encoder.chat.render(turns, "closed")
    except EngineError:
        return None
    after = text.rpartition(PROBE)[2].strip()
    ids = encoder.tokenizer(after, add_special_tokens=False)["input_ids"] if after else []
    added = {*encoder.tokenizer.get_added_vocab().values(), *encoder.special_ids}
    return int(ids[0]) if ids and ids[0] in added else None


def _ids(value: Any, file: str, size: int | None) -> list[int]:
    ids = value if isinstance(value, list | tuple) else [] if value is None else [value]
    for one in ids:
        if isinstance(one, bool) or not isinstance(one, int) or one < 0 or (size is not None and one >= size):
            known = f" (0 to {size - 1})" if size is not None else ""
            raise ModelError(f"{file}: eos_token_id {one!r} is no token of the model{known}; correct it there")
    return list(ids)
