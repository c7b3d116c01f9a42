"""What a draft must not make of a sentence: nothing is drafted that the sentence does not assert."""

from __future__ import annotations

import pytest

from harness.claims import judge
from harness.claims.drafting.draft import draft_page, refuse_absent
from harness.claims.facts import Fact, judge_facts
from harness.claims.page import Claim
from harness.errors import UserError


def claims_of(text: str, subject: str | None = "Acme-7B") -> list[Claim]:
    return draft_page(text, "drafted", subject).page.claims


@pytest.mark.parametrize(
    ("words", "size", "word"),
    [
        ("900 billion parameters", 284e9, "refuted"),
        ("900 billion parameters", 900.4e9, "supported"),
        ("7.1B parameters", 7.16e9, "refuted"),
        ("7.1B parameters", 7.05e9, "supported"),
        ("at least 7 billion parameters", 8.2e9, "supported"),
        ("at least 7 billion parameters", 6.9e9, "refuted"),
        ("no more than 7 billion parameters", 6.9e9, "supported"),
    ],
)
def test_a_number_of_parameters_is_bounded_on_both_sides(words: str, size: float, word: str) -> None:
    (claim,) = claims_of(f"Acme-7B has {words}.")
    ruling, _ = judge_facts(claim.test, [Fact("acme-7b", "total_parameters", size, "config")])
    assert ruling.word == word


@pytest.mark.parametrize(
    ("words", "tested"),
    [
        ("at least 7 billion parameters", "at least 7000000000"),
        ("no more than 7 billion parameters", "at most 7000000000"),
        ("7.1B parameters", "at least 7050000000 and at most 7150000000"),
    ],
)
def test_a_drafted_number_of_parameters_is_shown_with_its_bounds(words: str, tested: str) -> None:
    (claim,) = claims_of(f"Acme-7B has {words}.")
    assert judge.tested_sentence(claim) == f"acme-7b: total parameters is {tested}."


def test_active_parameters_are_bounded_on_both_sides() -> None:
    claims = claims_of("Acme-7B has 20B parameters, of which 4B are active.")
    active = next(claim for claim in claims if claim.test.fact == "active_parameters")
    assert (active.test.at_least, active.test.at_most) == (3.5e9, 4.5e9)


NEWS = (
    "The startup Lumira said its new chatbot model, Lumira Nova, outperformed OpenAI's GPT-4o on mathematics, scoring "
    "88 percent on GSM8K compared with 84 percent for GPT-4o. Nova beats Claude 3.5 Sonnet and DeepSeek-V3 on MMLU."
)


def test_a_model_that_is_only_compared_with_is_never_the_subject() -> None:
    message = (
        "compares with GPT-4o, Claude 3.5 Sonnet, DeepSeek-V3 and names no model that it is clearly about: pass --sub"
    )
    with pytest.raises(UserError, match=message):
        claims_of(NEWS, None)
    table = f"{NEWS}\n\n| Benchmark | Lumira Nova | GPT-4o |\n|---|---|---|\n| MMLU | 80.1 | 88.7 |\n"
    with pytest.raises(UserError, match="--subject"):
        claims_of(table, None)


def test_a_guessed_subject_is_an_assumption_with_the_way_to_correct_it() -> None:
    text = "Acme-7B gets 81.5% on HumanEval."
    guessed, given = draft_page(text, "drafted"), draft_page(text, "drafted", "Acme-7B")
    assert guessed.page.claims[0].assumed[0] == "subject"
    assert "draft with --subject NAME if it is another" in guessed.text
    assert "subject" not in given.page.claims[0].assumed
    assert "--subject" not in given.text


def test_a_subject_that_is_not_in_the_text_is_refused_with_those_that_are() -> None:
    with pytest.raises(UserError, match="--subject Zebra: the article does not name it; it names GPT-4o, Claude"):
        refuse_absent(NEWS, "Zebra")
    refuse_absent(NEWS, "lumira-nova")
    refuse_absent(NEWS, "openai/GPT-4o")


@pytest.mark.parametrize(
    "sentence",
    [
        "We do not claim that Acme-7B outperforms Claude 3.5 Sonnet on MMLU.",
        "Critics doubt that Acme-7B beats GPT-4o on MMLU.",
        "Nobody says that Acme-7B beats GPT-4o on MMLU.",
        "There is no evidence that Acme-7B scores 90% on MMLU.",
        "The lab denies that Acme-7B scored 90% on MMLU.",
        "Is Acme-7B better than GPT-4o on MMLU?",
        "Does Acme-7B have 7 billion parameters?",
        "Error rate of Acme-7B on GSM8K: 38.7%.",
        "Acme-7B hallucinated on 12% of GSM8K questions.",
        "Acme-7B cut errors on GSM8K by 30%.",
        "Acme-7B makes mistakes in fewer than 10% of GSM8K problems.",
        "At most 5% of the MBPP answers of Acme-7B were cut off.",
        "Acme-7B has a higher error rate than GPT-4o on GSM8K.",
        "Acme-7B fails between 20% and 25% of the MBPP problems.",
        "Acme-7B will score between 70% and 75% on MBPP.",
        "Rival Nordlicht said its own model had reached 90% on GSM8K.",
        "Acme-7B gets 0.5 on MBPP.",
        "Acme-7B improves on MMLU by 3.2%.",
    ],
)
def test_denials_doubts_questions_errors_and_plans_are_left_out(sentence: str) -> None:
    with pytest.raises(UserError, match="no sentence about Acme-7B can be checked"):
        claims_of(sentence)


def test_a_row_of_errors_is_left_out() -> None:
    with pytest.raises(UserError, match="no sentence about Acme-7B can be checked"):
        claims_of("| Benchmark | Acme-7B |\n|---|---|\n| Error rate on GSM8K | 38.7 |\n")


@pytest.mark.parametrize(
    ("sentence", "threshold", "tolerance"),
    [
        ("Acme-7B gets 0.71 on HumanEval.", 0.71, 0.005),
        ("Acme-7B gets 0.713 on HumanEval.", 0.713, 0.0005),
        ("Acme-7B gets 60% (+/- 2) on MMLU.", 0.6, 0.02),
        ("Acme-7B gets 60.4 ± 1.5 on MMLU.", 0.604, 0.015),
        ("Acme-7B gets 91.2% on MMLU.", 0.912, 0.0005),
        # A range is its middle, give or take half its width
        ("Acme-7B scores between 70% and 75% on MBPP.", 0.725, 0.025),
        ("Acme-7B scores 70-76% on MBPP.", 0.73, 0.03),
        ("Acme-7B solved 132 of the 164 problems of HumanEval.", 0.805, 0.0005),
        ("Acme-7B gets 78.4 on MMLU.", 0.784, 0.0005),
    ],
)
def test_a_score_has_its_scale_and_its_half_width_which_is_assumed(
    sentence: str, threshold: float, tolerance: float
) -> None:
    (claim,) = claims_of(sentence)
    assert (claim.relation, claim.threshold, claim.tolerance) == ("=", threshold, tolerance)
    assert "tolerance" in claim.assumed


@pytest.mark.parametrize(
    "sentence",
    [
        "Acme-7B's pass@10 on HumanEval is 92%.",
        "With majority voting Acme-7B gets 95% on MATH-500.",
        "Acme-7B gets 95.2 on MATH-500 (maj@64).",
        "Acme-7B scored 91.5% on GSM8K without chain of thought.",
        "Acme-7B beats GPT-4o on HumanEval at pass@10.",
    ],
)
def test_a_score_of_several_answers_or_of_none_with_reasoning_is_not_measured(sentence: str) -> None:
    claims = claims_of(sentence)
    assert claims and all(claim.test.not_measured for claim in claims)


def test_stated_examples_are_the_protocol_and_the_page() -> None:
    table = "| Benchmark | Acme-7B | GPT-4o |\n|---|---|---|\n| GSM8K (5-shot) | 61.3 | 90.2 |\n"
    (claim,) = claims_of(table)
    assert (claim.test.tasks, claim.protocol.shots) == (["gsm8k"], 5)
    assert "test.tasks" in claim.assumed and "protocol" in claim.assumed
    assert {row.task for row in claim.published} == {"gsm8k"}
    (better,) = claims_of("Acme-7B beats GPT-4o on MMLU (5-shot).")
    assert better.protocol.shots == 5
    (open_,) = claims_of("Acme-7B gets 71.2% on 5-shot MMLU, unlike its 0-shot result.")
    assert open_.test.not_measured


@pytest.mark.parametrize(
    ("sentence", "relation", "by", "times"),
    [
        ("Acme-7B trails GPT-4o on MMLU by just 1.5 points.", "<", None, None),
        ("Acme-7B beats GPT-4o on MMLU by less than 3 points.", ">", None, None),
        ("Acme-7B beats GPT-4o on MMLU by 3.2 points.", ">", 0.032, None),
        ("Acme-7B is 3.2 points better than GPT-4o on MMLU.", ">", 0.032, None),
        ("Acme-7B is 2 points worse than GPT-4o on MMLU.", "<", 0.02, None),
        ("Acme-7B is 2x better than GPT-4o on MMLU.", ">", None, 2.0),
    ],
)
def test_how_much_better_is_a_least_difference_only_where_the_sentence_gives_one(
    sentence: str, relation: str, by: float | None, times: float | None
) -> None:
    (claim,) = claims_of(sentence)
    assert (claim.relation, claim.by, claim.times) == (relation, by, times)
    assert by is None or "by" in claim.assumed


def test_the_full_stop_behind_a_licence_is_the_sentences() -> None:
    (claim,) = claims_of("Acme-7B is here.\n\nLicense: MIT.")
    assert claim.test.equals == "MIT"


def test_a_bare_name_that_is_introduced_as_a_model_is_the_subject_and_a_maker_is_none() -> None:
    text = "Lab Inc unveiled Sorrel, a language model. Sorrel scores 71.2% on MMLU, and 70.1% is what GPT-4o has."
    assert draft_page(text, "drafted").subject == "Sorrel"
    text = "Brightwater, a maker of language models, shows Pelican-2-24B. Pelican-2-24B scores 71.2% on MMLU."
    assert draft_page(text, "drafted").subject == "Pelican-2-24B"
    text = "They released a small language model called Sorrel. It has 7 billion parameters."
    assert draft_page(text, "drafted").subject == "Sorrel"


def test_a_comparison_on_all_benchmarks_takes_none_of_another_clause() -> None:
    (mmlu, all_of_them) = claims_of("Acme-7B beats Llama-3.1-8B on every benchmark, and it scores 71.2% on MMLU.")
    assert "no benchmark" in all_of_them.test.not_measured and mmlu.test.tasks == ["mmlu_cot"]


def test_one_score_against_those_of_several_models_is_a_comparison_with_all_or_none() -> None:
    sentence = (
        "Acme-7B scores 86.3 percent on MGSM, against 81.9 percent for GPT-4o and {} percent for Claude 3.5 Haiku."
    )
    (_, better) = claims_of(sentence.format("79.5"))
    assert better.relation == ">" and [one.model for one in better.comparators] == ["gpt-4o", "claude-3.5-haiku"]
    assert len(claims_of(sentence.format("88.1"))) == 1


def test_rows_of_a_card_state_what_the_model_is_made_of() -> None:
    card = (
        "Acme-7B is here.\n\n| Property | Value |\n|---|---|\n| Parameters | 7.02B |\n| Active parameters | 1.3B |\n"
        "| Non-embedding parameters | 6.5B |\n| Context length | 32K |\n| Attention | GQA, 32 heads |\n"
        "| Layers | 28 |\n"
    )
    facts = {claim.test.fact: claim for claim in claims_of(card)}
    assert set(facts) == {"total_parameters", "active_parameters", "context_window", "attention"}
    assert facts["total_parameters"].test.at_most == 7.025e9 and facts["active_parameters"].test.at_most == 1.35e9
    assert (
        facts["context_window"].test.equals == "32000" and facts["context_window"].quote == "| Context length | 32K |"
    )


@pytest.mark.parametrize(
    ("sentence", "relation", "threshold"),
    [
        ("HumanEval rises from 61.0 to 77.4 with Acme-7B.", "=", 0.774),
        ("Acme-7B comes within two points of Qwen3-14B on MATH-500.", "within", None),
        ("Acme-7B passed 71.3 percent of HumanEval, lower than the 80.5 percent of Llama 3.3 70B.", "<", None),
        ("Compared to Mistral-Nemo, Acme-7B gains 11 points on HumanEval.", ">", None),
        ("The context window of Acme-7B doubles to 64K tokens.", "fact", None),
        ("Acme-7B 2 now speaks 19 languages.", "count>=", 19),
    ],
)
def test_usual_forms_of_sentences_are_read(sentence: str, relation: str, threshold: float | None) -> None:
    found = {claim.relation: claim for claim in claims_of(sentence)}
    assert relation in found and (threshold is None or found[relation].threshold == threshold)


def test_within_so_many_points_is_the_margin() -> None:
    (claim,) = claims_of("Acme-7B comes within two points of Qwen3-14B on MATH-500.")
    assert (claim.relation, claim.tolerance) == ("within", 0.02)


def test_a_price_below_that_of_another_is_no_worse_score() -> None:
    (claim,) = claims_of("The price of Acme-7B, $0.60 per million tokens, is 40 percent below that of GPT-4o.")[1:]
    assert "at most 60 %" in claim.reading
    (window,) = claims_of("Acme-7B takes a context of 128,000 tokens.")
    assert window.test.equals == "128000"


def test_an_article_never_makes_a_size_a_name() -> None:
    text = "# Meet Juniper 2\n\nJuniper 2 is out. The 13B model gets 79.2 on MMLU. Weights are under the MIT license."
    assert draft_page(text, "drafted").subject == "Juniper 2"
