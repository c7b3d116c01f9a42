"""Whose a number is, and of which benchmark: a draft with a wrong claim is worse than one that misses it."""

from __future__ import annotations

import pytest

from harness.claims.drafting.draft import draft_page
from harness.errors import UserError

INTRODUCED = "Acme-7B is a language model by the French firm Acme.\n\n"


def read(sentence: str) -> list[tuple[str, str, str | None]]:
    """The relation and the value of each claim, or none."""
    try:
        claims = draft_page(INTRODUCED + sentence, "drafted", "Acme-7B").page.claims
    except UserError:
        return []
    return [
        (claim.id.removeprefix("acme-7b-"), claim.relation, claim.test.equals or f"{claim.threshold}")
        for claim in claims
        if claim.id.startswith(("acme-7b-score", "acme-7b-price", "acme-7b-context"))
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Acme-7B is not as good as GPT-4o, they admit: the American model gets 90.2% on HumanEval.",
        "Acme-7B is nowhere near: the American model costs $2.50 per million input tokens.",
        "Acme-7B is far behind: OpenAI's model gets 90.2% on HumanEval and 88.7% on MMLU.",
        "Acme-7B is close to Llama 3.1 8B, but its larger rival costs $2.50 per million input tokens.",
        "Compared to Mistral 7B, which scores 30.5% on HumanEval and 52.2% on GSM8K, Acme-7B is far ahead.",
        "Compared with Mistral 7B (30.5% on HumanEval, 52.2% on GSM8K), Acme-7B is far ahead.",
        "Acme-7B is far behind GPT-4o, which scores 88.7% on MMLU and costs $2.50 per million input tokens.",
        "Acme-7B is cheap, while GPT-4o scores 88.7% on MMLU and 90.2% on HumanEval.",
        "Qwen2.5-7B scores 79.7% on MMLU. Its maker charges $0.20 per million input tokens. It gets 90% on HumanEval.",
        "The American giants ask $2.50 per million input tokens.",
        "Unlike Qwen2.5-7B, which has a 128K context window, Acme-7B is small.",
    ],
)
def test_what_is_said_of_another_model_is_not_the_subjects(sentence: str) -> None:
    assert read(sentence) == []


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("The French model gets 90.2% on HumanEval.", [("score-humaneval", "=", "0.902")]),
        ("The new model gets 90.2% on HumanEval.", [("score-humaneval", "=", "0.902")]),
        (
            "GPT-4o scores 90.2% on HumanEval and 88.7% on MMLU, but Acme-7B scores 91% on HumanEval.",
            [("score-humaneval", "=", "0.91")],
        ),
        ("It beats the larger model on MMLU with 93.5%.", [("score-mmlu", "=", "0.935")]),
        ("It gets 61.2% on HumanEval, with 72.6% for the American model.", [("score-humaneval", "=", "0.612")]),
    ],
)
def test_the_subject_by_another_word_is_the_subject(sentence: str, claims: list[tuple[str, str, str]]) -> None:
    assert read(sentence) == claims


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        (
            "It got four out of five Python puzzles right on MBPP, and at least 75 per cent on HumanEval.",
            [("score-mbpp", "=", "0.8"), ("score-humaneval", ">=", "0.75")],
        ),
        (
            "Acme-7B answered eight in ten MMLU questions and at least 65% of ARC-Challenge questions.",
            [("score-mmlu", "=", "0.8"), ("score-arc-challenge", ">=", "0.65")],
        ),
        # The first number is none of a score: the second does not go back to its benchmark
        (
            "It answers most MMLU questions and at least 65% of ARC-Challenge questions.",
            [("score-arc-challenge", ">=", "0.65")],
        ),
        (
            "On MBPP it scored 70%, and 55% on HumanEval+.",
            [("score-mbpp", "=", "0.7"), ("score-humanevalp", "=", "0.55")],
        ),
        (
            "It scores 88.7% and 84.2% on HumanEval and MBPP.",
            [("score-humaneval", "=", "0.887"), ("score-mbpp", "=", "0.842")],
        ),
        ("It scores 88.7%, 84.2% and 80.1% on HumanEval and MBPP.", []),
        (
            "On MMLU-Pro it gets 50.5%, and on MMLU 70.2%.",
            [("score-mmlu-pro", "=", "0.505"), ("score-mmlu", "=", "0.702")],
        ),
        ("One in ten people use it for HumanEval.", []),
    ],
)
def test_a_number_pairs_with_the_benchmark_of_its_own_clause(sentence: str, claims: list[tuple[str, str, str]]) -> None:
    assert read(sentence) == claims


@pytest.mark.parametrize(
    ("benchmark", "assumed"),
    [
        ("MMLU", True),
        ("GSM8K", True),
        ("ARC-Challenge", True),
        ("HumanEval+", False),
        ("MBPP", False),
        ("AIME '25", False),
    ],
)
def test_a_variant_that_the_draft_chose_is_assumed(benchmark: str, assumed: bool) -> None:
    for sentence in (f"Acme-7B scores 61.2% on {benchmark}.", f"Acme-7B beats GPT-4o on {benchmark}."):
        (claim,) = draft_page(sentence, "drafted", "Acme-7B").page.claims
        assert ("test.tasks" in claim.assumed) == assumed


def test_a_rival_is_no_word_for_as_good() -> None:
    text = "Meta's rival, Llama 3.1 8B, gets 72.6% on HumanEval; Acme-7B scores 70.1% on HumanEval."
    assert not [one.id for one in draft_page(text, "drafted", "Acme-7B").page.claims if "equal" in one.id]
