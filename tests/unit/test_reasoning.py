"""Reasoning is separated from the answer at every mark that models use, closed, unclosed, or opened by the prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.datatypes import Answer, ChatPrompt, Completion, Message, Sample, TextPrompt
from harness.errors import ConfigError
from harness.reasoning import closing_of_open, is_mark, opened_by, without_reasoning
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
        ("<think>```\n11\n```</think>```\n13\n```", "```\n13\n```"),
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


@pytest.mark.parametrize(
    "opening",
    [
        *("<think>", "<thinking>", "<seed:think>", "<reasoning>", "[THINK]", "◁think▷", "<|think|>"),
        *("<|begin_of_thought|>", "<|START_THINKING|>", "<|inner_prefix|>", "<unused94>thought", "<|channel>thought"),
        *("Here is my thought process:", "Here's my thought process:"),
        "<|channel|>analysis<|message|>",
    ],
)
def test_open_reasoning_is_closed_so_that_what_follows_is_the_answer(opening: str) -> None:
    text = f"{opening} 3 and 4 are"
    assert without_reasoning(text) is None
    closing = closing_of_open(text)
    closed = without_reasoning(f"{text}{closing}7")
    assert closed is not None and closed.strip() == "7"
    assert closing_of_open(text + closing) == ""


def test_nothing_is_closed_where_no_reasoning_is_open() -> None:
    for text in ("7", "<think>3</think>7", "use `<think>` here", "</think>7", "<|channel|>final<|message|>7"):
        assert closing_of_open(text) == ""


def test_reasoning_in_the_text_that_used_all_tokens_is_counted_as_such() -> None:
    from harness.analysis.estimates import estimate_task
    from harness.datatypes import RECORD_SCHEMA, GenerateRequest, Record, Sampling
    from harness.execution.base import Limits
    from harness.scoring.factory import build_scorers
    from harness.scoring.services import Services

    tools = Services("auto", Limits()).tools()
    (scorer,) = build_scorers([{"by": "exact_match", "extract": {"by": "number", "pick": "last"}}], tools)
    sample, prompt = Sample("s", {}, Answer(("7",))), TextPrompt("3 + 4 =")

    def record(text: str, place: int, finish: str) -> Record:
        reply = Completion(f"k{place}", text, finish)  # type: ignore[arg-type]
        request = GenerateRequest(f"k{place}", "t", f"s{place}", 0, prompt, Sampling(8))
        return Record(RECORD_SCHEMA, "r", request, reply, (scorer.score(sample, prompt, reply),))

    endless = record("<think>3 and 4", 0, "length")
    assert endless.scores[0].explanation.endswith("the reasoning used all of max_tokens")
    records = [endless, record("<think>3</think>7", 1, "eos"), record("The answer", 2, "length")]
    (estimate,) = estimate_task("t", records, ["mean"], 1)
    assert not any("budget" in line for line in estimate.warnings)
    assert any("in 1 of 3 the reasoning used all of it" in line for line in estimate.warnings)
    closed = [replace(one, reply=replace(one.reply, closed_reasoning=True)) for one in records[:2]]
    (estimate,) = estimate_task("t", [*closed, records[2]], ["mean"], 1)
    assert any("in 2 of 3 answers the reasoning was closed at its budget" in line for line in estimate.warnings)
