"""Stop strings that are special tokens end an answer; ordinary ones are not mistaken for the unknown token."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.stop_strings import StopWatch

TOKENIZERS = Path(__file__).resolve().parents[3] / "shared" / "tokenizers"


def encoder(name: str) -> PromptEncoder:
    if not TOKENIZERS.is_dir():
        pytest.skip(f"the real tokenizers are not at {TOKENIZERS}")
    return PromptEncoder(AutoTokenizer.from_pretrained(TOKENIZERS / name), {})


@pytest.mark.parametrize("name", ["gpt2", "mistral-7b", "phi-3", "minimind", "qwen2.5", "qwen3"])
def test_an_ordinary_stop_string_stops_at_no_special_token(name: str) -> None:
    coder = encoder(name)
    watch = StopWatch(coder, [[1]], ["Question:", "\n\n"])
    for special in coder.special_ids:
        assert watch.look([[special]]) == [False], coder.tokenizer.convert_ids_to_tokens(special)


@pytest.mark.parametrize(
    ("name", "stop"), [("qwen2.5", "<|im_start|>"), ("gpt2", "<|endoftext|>"), ("mistral-7b", "</s>")]
)
def test_a_special_stop_string_ends_the_row_though_it_shows_in_no_text(name: str, stop: str) -> None:
    coder = encoder(name)
    ids = coder.tokenizer(" 18", add_special_tokens=False)["input_ids"]
    marker = coder.tokenizer.convert_tokens_to_ids(stop)
    watch = StopWatch(coder, [[1]], [stop])
    assert watch.look([ids]) == [False]
    assert watch.look([[*ids, marker]]) == [True]
    assert coder.decode([], [*ids, marker]).strip() == "18"
