"""Prompts through real tokenizers: specials once, templates once, spaces kept."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.datatypes import ChatPrompt, GenerateRequest, Message, Sampling, TextPrompt
from harness.engines.hf.end_tokens import end_token_ids, template_end_token
from harness.engines.hf.prompt_encoding import PromptEncoder, fold_system
from harness.engines.hf.stop_strings import StopWatch, cut_at_stop
from harness.errors import ConfigError, EngineError

TOKENIZERS = Path(__file__).resolve().parents[4] / "shared" / "tokenizers"
pytestmark = pytest.mark.skipif(not TOKENIZERS.is_dir(), reason="needs real tokenizers in ../shared/tokenizers")
ALL = ["gpt2", "qwen2.5", "qwen3", "phi-3", "mistral-7b", "minimind", "torchtitan-tiny"]
CHATTY = [name for name in ALL if name != "gpt2"]
USER = (Message("user", "What is 3 + 4?"),)


@cache
def encoder(name: str, **options: Any) -> PromptEncoder:
    from transformers import AutoTokenizer

    return PromptEncoder(AutoTokenizer.from_pretrained(TOKENIZERS / name), options)


@pytest.mark.parametrize("name", CHATTY)
def test_a_chat_prompt_is_the_templates_own_ids_with_one_bos_at_most(name: str) -> None:
    one = encoder(name)
    got = one.encode(ChatPrompt(USER))
    turns = [{"role": "user", "content": USER[0].content}]
    wanted = one.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    assert list(got.ids) == list(wanted)
    bos = one.tokenizer.bos_token_id
    if bos is not None and name != "minimind":  # minimind's BOS is also its turn token
        assert got.ids.count(bos) <= 1


def test_a_template_without_bos_gets_none() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TOKENIZERS / "mistral-7b")
    tokenizer.chat_template = "{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}"
    assert tokenizer("hi")["input_ids"][0] == tokenizer.bos_token_id, "the trap is there"
    assert tokenizer.bos_token_id not in PromptEncoder(tokenizer).encode(ChatPrompt(USER)).ids


def test_templated_text_given_as_text_does_not_get_a_second_bos() -> None:
    one = encoder("mistral-7b")
    text = one.render(ChatPrompt(USER))
    assert one.tokenizer(text)["input_ids"][:2] == [1, 1], "the trap is there"
    assert one.encode(TextPrompt(text)).ids[:2] != (1, 1)


@pytest.mark.parametrize("name", ALL)
def test_a_text_prompt_gets_what_the_tokenizer_is_configured_to_add(name: str) -> None:
    one = encoder(name)
    assert list(one.encode(TextPrompt("hello there")).ids) == one.tokenizer("hello there")["input_ids"]


def test_an_eos_that_the_tokenizer_would_append_is_taken_off() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TOKENIZERS / "mistral-7b", add_eos_token=True)
    assert tokenizer("hi")["input_ids"][-1] == tokenizer.eos_token_id, "the trap is there"
    one = PromptEncoder(tokenizer)
    assert one.encode(TextPrompt("hi")).ids[-1] != tokenizer.eos_token_id
    assert any("EOS" in note for note in one.notes())


@pytest.mark.parametrize("name", ["gpt2", "qwen3", "phi-3", "mistral-7b"])
def test_an_answers_first_space_and_indent_are_kept(name: str) -> None:
    one = encoder(name)
    for prompt, answer in [("Answer:", " 42 apples"), ("def f():\n", "    return 1\n"), ("a", "é 日本 😀")]:
        before = list(one.encode(TextPrompt(prompt)).ids)
        after = list(one.encode(TextPrompt(prompt + answer)).ids)
        if after[: len(before)] == before:
            assert one.decode(before, after[len(before) :]) == answer
            continue
        assert name != "gpt2", "this tokenizer splits these prompts at their end"


def test_sentencepiece_keeps_the_space_that_a_plain_decode_loses() -> None:
    one = encoder("mistral-7b")
    before = one.encode(TextPrompt("Answer:")).ids
    after = one.encode(TextPrompt("Answer: yes")).ids[len(before) :]
    assert one.tokenizer.decode(after) == "yes", "the trap is there"
    assert one.decode(before, after) == " yes"
    assert one.decode(before, [*after, one.tokenizer.eos_token_id]) == " yes"


@pytest.mark.parametrize("name", ["mistral-7b", "phi-3"])
def test_a_template_without_system_turns_folds_the_system_text_into_the_question(name: str) -> None:
    one = encoder(name)
    text = one.render(ChatPrompt((Message("system", "Be brief."), *USER)))
    assert "Be brief.\n\nWhat is 3 + 4?" in text
    assert any("no system turn" in note for note in one.notes())


def test_a_template_with_system_turns_keeps_them() -> None:
    text = encoder("qwen3").render(ChatPrompt((Message("system", "Be brief."), *USER)))
    assert text.startswith("<|im_start|>system\nBe brief.<|im_end|>")


def test_folding_without_a_user_turn_makes_one() -> None:
    assert fold_system([Message("system", "a")]) == [Message("user", "a")]
    assert fold_system(list(USER)) == list(USER)


@pytest.mark.parametrize("name", CHATTY)
@pytest.mark.parametrize("prefill", ["The answer is", "```python\n", "def f(x):\n    "])
def test_the_prompt_ends_with_the_prefill_to_the_letter(name: str, prefill: str) -> None:
    text = encoder(name).render(ChatPrompt(USER, prefill))
    assert text.endswith(prefill)
    assert text.count("What is 3 + 4?") == 1


def test_template_options_reach_the_template() -> None:
    plain, silent = encoder("qwen3"), encoder("qwen3", enable_thinking=False)
    assert silent.render(ChatPrompt(USER)) == plain.render(ChatPrompt(USER)) + "<think>\n\n</think>\n\n"


def test_options_of_a_task_reach_the_template_and_the_users_own_win() -> None:
    silent = ChatPrompt(USER, template_options=(("enable_thinking", False),))
    one = encoder("qwen3")
    thinking = one.render(ChatPrompt(USER))
    assert one.render(silent) == thinking + "<think>\n\n</think>\n\n"
    assert one.render(ChatPrompt(USER)) == thinking, "one task's options are not the next one's"
    assert encoder("qwen3", enable_thinking=True).render(silent) == thinking
    assert one.render(ChatPrompt(USER, "So", silent.template_options)).endswith("</think>\n\nSo")


def test_options_of_a_task_that_the_template_never_reads_are_noted() -> None:
    prompt = ChatPrompt(USER, template_options=(("enable_thinking", False),))
    request = GenerateRequest("k", "sums", "s", 0, prompt, Sampling(4))
    assert encoder("qwen3").chat.unread_options([request]) == ()
    (note,) = encoder("mistral-7b").chat.unread_options([request])
    assert "'enable_thinking'" in note and "'sums'" in note


def test_a_bos_that_is_promised_but_not_added_is_told() -> None:
    assert any("add_bos_token" in note for note in encoder("phi-3").notes(says_bos=True))
    assert not any("add_bos_token" in note for note in encoder("mistral-7b").notes(says_bos=True))


def test_turns_that_a_template_refuses_are_told_in_one_line() -> None:
    two = (Message("user", "a"), Message("user", "b"))
    with pytest.raises(EngineError, match=r"the chat template refuses the turns user, user: .*alternate") as caught:
        encoder("mistral-7b").encode(ChatPrompt(two))
    assert "\n" not in str(caught.value)


def test_style_is_chat_where_there_is_a_template_and_refused_where_there_is_none() -> None:
    assert encoder("qwen3").style("auto") == "chat"
    assert encoder("qwen3").style("text") == "text"
    assert encoder("gpt2").style("auto") == "text"
    with pytest.raises(ConfigError, match="no chat template"):
        encoder("gpt2").style("chat")
    with pytest.raises(EngineError, match="no chat template"):
        encoder("gpt2").encode(ChatPrompt(USER))
    with pytest.raises(ConfigError, match="'chatty' is not"):
        encoder("gpt2").style("chatty")


def test_the_token_after_an_assistant_turn_ends_an_answer() -> None:
    ends = {name: template_end_token(encoder(name)) for name in CHATTY}
    texts = {name: encoder(name).tokenizer.decode([token]) for name, token in ends.items() if token is not None}
    assert texts == {
        "qwen2.5": "<|im_end|>",
        "qwen3": "<|im_end|>",
        "phi-3": "<|end|>",
        "mistral-7b": "</s>",
        "minimind": "<|im_end|>",
        "torchtitan-tiny": "<|end_of_text|>",
    }


def test_end_tokens_are_the_union_of_the_three_places() -> None:
    one = encoder("phi-3")
    got = end_token_ids(one, config=None, generation={"eos_token_id": [32001]})
    assert set(one.tokenizer.convert_ids_to_tokens(got)) == {"<|assistant|>", "<|endoftext|>", "<|end|>"}


def test_a_pair_is_tokenised_as_one_text_with_the_contexts_spaces_moved() -> None:
    one = encoder("gpt2")
    context, rest = one.encode_pair(TextPrompt("Answer: "), "yes")
    assert one.tokenizer.decode(context.ids) == "Answer:"
    assert one.tokenizer.decode(rest) == " yes" and len(rest) == 1
    start, rest = one.encode_pair(TextPrompt(""), "yes")
    assert start.ids == (one.tokenizer.eos_token_id,) and one.tokenizer.decode(rest) == "yes"


@pytest.mark.parametrize("name", ["gpt2", "qwen3", "mistral-7b"])
def test_a_stop_string_is_seen_at_the_very_token_that_completes_it(name: str) -> None:
    one = encoder(name)
    prompt = list(one.encode(TextPrompt("Question: who? Answer:")).ids)
    answer = " Nobody 日本語 knows.\n\nQuestion: and then? \n\nAnswer: 😀 no"
    whole = list(one.encode(TextPrompt("Question: who? Answer:" + answer)).ids)
    assert whole[: len(prompt)] == prompt
    out = whole[len(prompt) :]
    for stop in ("\n\nQuestion:", "nows.\n", "語", "? \n\nA", "😀", " Nobody", "Question: who?"):
        watch = StopWatch(one, [prompt], [stop])
        seen = next((n for n in range(1, len(out) + 1) if watch.look([out[:n]])[0]), None)
        wanted = next((n for n in range(1, len(out) + 1) if stop in one.decode(prompt, out[:n])), None)
        assert seen == wanted == watch.stopped_at[0]
        assert (wanted is None) == (stop == "Question: who?"), "a stop string in the prompt stops nothing"


def test_the_earliest_stop_string_cuts() -> None:
    assert cut_at_stop("one two three", ["three", "two", ""]) == ("one ", True)
    assert cut_at_stop("one", ["two"]) == ("one", False)
    assert cut_at_stop("two", ["two"]) == ("", True)
