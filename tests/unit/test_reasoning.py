"""Reasoning is told from the answer in every mark that models use, closed, unclosed, or opened by the prompt."""

from __future__ import annotations

import pytest

from harness.datatypes import Answer, ChatPrompt, Completion, Message, Sample, TextPrompt
from harness.errors import ConfigError
from harness.reasoning import is_mark, opened_by, without_reasoning
from harness.scoring.base import full_text
from harness.scoring.factory import build_extractor

PAIRS = [
    ("<think>", "</think>"),
    ("<Thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("Here is my thought process:", "\nHere is my response:"),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_what_is_between_the_marks_is_no_answer(opening: str, closing: str) -> None:
    assert without_reasoning(f"{opening}11 or 12?{closing}13") == "13"
    assert without_reasoning(f"{opening}11 or 12? 13") is None
    if "channel|>" not in opening:
        assert without_reasoning(f"11 or 12?{closing}13") == "13"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>a <reasoning>b</reasoning> 11</think>13", "13"),
        ("<think>11</think>13<think>or 14", None),
        ("<think>11</reasoning>13", None),
        ("Write `<think>` first: 13", "Write `<think>` first: 13"),
        ('print("<thought>")', 'print("<thought>")'),
        ('they said "11"</think>13', "13"),
        ("an analysis of <b>13</b> and [a]", "an analysis of <b>13</b> and [a]"),
        ("<|channel|>analysis<|message|>11<|channel|>commentary<|message|>12", None),
        ("<|channel|>final<|message|>13<|return|>", "13"),
        # a decoder that dropped the special tokens
        ("analysisWe need 11.assistantfinal13", "13"),
        ("analysisWe need 11.", None),
        ("analysis of variance: 13", "analysis of variance: 13"),
        ("<|begin_of_thought|>11<|end_of_thought|><|begin_of_solution|>13<|end_of_solution|>", "13"),
    ],
)
def test_marks_that_meet_and_marks_that_are_only_mentioned(text: str, answer: str | None) -> None:
    assert without_reasoning(text) == answer


@pytest.mark.parametrize(
    ("prompt", "mark"),
    [
        ("<|im_start|>assistant\n<think>\n", "<think>"),
        ("[/INST][THINK]", "[THINK]"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|start|>assistant<|channel|>analysis<|message|>"),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", ""),
        ("<|start|>assistant<|channel|>final<|message|>", ""),
        ("Put it between <think> and </think>. Question:", ""),
        ("", ""),
    ],
)
def test_a_prompt_that_ends_with_an_opening_mark_says_so(prompt: str, mark: str) -> None:
    assert opened_by(prompt) == mark


def test_reasoning_that_the_prompt_opened_is_no_answer_until_it_is_closed() -> None:
    read = build_extractor({"by": "math"}, "math")
    chat = ChatPrompt((Message("user", "?"),))
    sample = Sample("s", {}, Answer(("13",)))

    def answer(text: str, mark: str = "<think>") -> str | None:
        return read(full_text(chat, Completion("k", text, "length", reasoning_mark=mark)), chat, sample)

    assert answer("the answer is 13") is None
    assert answer("11?</think>The answer is 13") == "13"
    assert answer("the answer is 13", mark="") == "13"
    text = TextPrompt("Q: ?\n<think>")
    assert read(full_text(text, Completion("k", "the answer is 13", "length")), text, sample) is None
    prefilled = ChatPrompt(chat.messages, prefill="<think>")
    assert read(full_text(prefilled, Completion("k", "so 13", "length")), prefilled, sample) is None


def test_a_page_adds_its_own_marks() -> None:
    read = build_extractor({"by": "math", "reasoning_marks": [["<plan>", "</plan>"]]}, "math")
    prompt, sample = TextPrompt(""), Sample("s", {}, Answer(("13",)))
    assert read("<plan>11</plan>13", prompt, sample) == "13"
    assert read("<plan>13", prompt, sample) is None
    assert read("<think>11</think>13", prompt, sample) == "13"


@pytest.mark.parametrize("marks", ["<plan>", [["<plan>"]], [["<a>", ""]], [["<a>", "<a>"]], [[1, 2]]])
def test_marks_that_are_no_pairs_are_refused(marks: object) -> None:
    with pytest.raises(ConfigError, match=r"reasoning_marks.*pairs"):
        build_extractor({"by": "text", "reasoning_marks": marks}, "text")


def test_a_decoder_keeps_the_tokens_that_are_marks() -> None:
    assert all(map(is_mark, ("[THINK]", "</think>", "<|channel|>", "<|message|>", "<|END_THINKING|>")))
    assert not any(map(is_mark, ("<|im_end|>", "</s>", "<|end|>", "[INST]", "think")))
