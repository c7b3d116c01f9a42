"""Whether two greedy texts part at a tie: where the model finds two tokens almost equally likely, sums decide."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Nats. Two engines in float32 that add in another order were seen to swap tokens as close as this
TIE = 5e-3


@functools.cache
def plain_model(folder: Path) -> tuple[Any, Any]:
    """The model in float32 and its tokenizer, as transformers loads them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(folder)


def chat_ids(folder: Path, messages: Sequence[dict[str, str]]) -> list[int]:
    """The token ids of a conversation, ready for the answer."""
    _, tokenizer = plain_model(folder)
    return list(
        tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=True, return_dict=False)
    )


def margin(folder: Path, prompt: Sequence[int], one: str, other: str) -> float:
    """By how many nats the model prefers its token where two greedy texts part; infinite if that is no close choice.

    The texts must agree with the model's own choices up to there, and go on with its first and its second choice.
    """
    import torch

    model, tokenizer = plain_model(folder)
    end = tokenizer.eos_token_id
    ids = list(prompt)
    made: list[int] = []

    def fits(tokens: list[int], text: str) -> bool:
        if tokens[-1] == end:
            return tokenizer.decode(tokens[:-1]) == text
        return text.startswith(tokenizer.decode(tokens))

    while True:
        with torch.inference_mode():
            logprobs = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], dim=-1)
        top = logprobs.topk(2)
        (best, second), (first, next_one) = top.values.tolist(), top.indices.tolist()
        following = [fits([*made, first], text) for text in (one, other)]
        if following == [True, True] and first != end:
            made.append(first)
            ids.append(first)
            continue
        parted = one if following == [False, True] else other
        close = any(following) and not all(following) and fits([*made, next_one], parted)
        return best - second if close else math.inf
