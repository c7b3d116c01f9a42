"""A user scores by one target's likelihood, by weights, by several right options or by a page's own function."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from files import REPO, read_jsonl, write_jsonl
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = REPO / "harness" / "demo" / "models" / "demo-smaller"

# --- likelihood of one target -----------------------------------------------------------------------

TARGET_PAGE = """\
name: sentences
version: 1
about: Ends of sentences, for tests.
source: {licence: Apache-2.0}
data: {path: ./sentences.jsonl, split: test, columns: [start, word]}
reference: {answer: ["{{ word }}"]}
prompt:
  text: {template: "{{ start }}", target: " {{ word }}"}
ask: loglikelihood
score: [{by: target_likelihood}]
metric: [mean, perplexity]
"""
SENTENCES = [("Lin cycles 15 km an hour for 2", "hours"), ("def handle(data):\n    return", "data"), ("A b c", "zebra")]


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "sentences.jsonl", [{"start": start, "word": word} for start, word in SENTENCES])
    (tmp_path / "sentences.yaml").write_text(TARGET_PAGE, encoding="utf-8")
    return tmp_path / "sentences.yaml"


def targets() -> list[tuple[float, bool]]:
    """The oracle: log-probability of each target after its prompt, and whether it is greedy, by one forward pass."""
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    found = []
    for start, word in SENTENCES:
        prompt = tokenizer(start)["input_ids"]
        ids = torch.tensor([tokenizer(f"{start} {word}")["input_ids"]])
        assert ids[0, : len(prompt)].tolist() == prompt
        with torch.no_grad():
            logprobs = model(ids).logits[0, len(prompt) - 1 : -1].double().log_softmax(-1)
        own = ids[0, len(prompt) :]
        found.append(
            (float(logprobs.gather(1, own[:, None]).sum()), bool((logprobs.argmax(-1) == own).all())),
        )
    return found


def test_a_target_s_likelihood_is_a_plain_forward_pass_s(cli: Callable, sentences: Path) -> None:
    assert cli("tasks", "validate", "--shuffled", sentences).code == 0
    seen = cli("run", "--model", MODEL, "--style", "text", "--tasks", sentences, "--json")
    assert seen.code == 0, seen.err
    rows = {row["metric"]: row for row in json.loads(seen.out)["rows"]}
    expected = targets()
    assert rows["mean"]["value"] == pytest.approx(sum(greedy for _, greedy in expected) / 3)
    perplexity = math.exp(-sum(logprob for logprob, _ in expected) / 3)
    assert rows["perplexity"]["value"] == pytest.approx(perplexity, rel=1e-4)
    assert rows["perplexity"]["low"] < perplexity < rows["perplexity"]["high"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[mean, perplexity]", "[mean, bits_per_byte]", "whose scores have no `bytes`"),
        ("[mean, perplexity]", "[mean, bleu]", "whose scores have no `bleu`"),
        ("[mean, perplexity]", "[mean, weighted_mean]", "its score entry needs a `weight`"),
        ("{by: target_likelihood}", "{by: choice}", "it scores against choice"),
    ],
)
def test_what_does_not_fit_a_target_is_refused(cli: Callable, sentences: Path, old: str, new: str, said: str) -> None:
    page = TARGET_PAGE.replace(old, new)
    sentences.write_text(page if "choice" not in new else page.replace("[mean, perplexity]", "[mean]"))
    seen = cli("run", "--model", MODEL, "--style", "text", "--tasks", sentences)
    assert seen.code == 2 and said in seen.err and "sentences.yaml:" in seen.err and "Traceback" not in seen.err


# --- choices ----------------------------------------------------------------------------------------

CHOICE_PAGE = """\
name: letters
version: 1
about: Choices, for tests.
source: {}
data: {path: ./letters.jsonl, split: test, columns: [q, options, gold]}
reference:
  choice: {options: "{{ options }}", gold: "{{ gold }}", unconditional: true}
prompt:
  text: {template: "{{ q }}", target: " {{ option }}"}
ask: loglikelihood
score:
  - {by: choice, name: acc}
  - {by: choice, name: acc_norm, normalise: chars}
  - {by: choice, name: acc_mutual_info, normalise: unconditional}
  - {by: choice_mass, name: mc2}
metric: [mean]
"""


def choices(folder: Path) -> Path:
    """Three to five options, one or two of them right."""
    rows = [
        {"q": f"question {i}", "options": ["x", "yy", "zzz", "uuuu", "v"][: 3 + i % 3], "gold": [i % 3, *[0] * (i % 3)]}
        for i in range(30)
    ]
    for row in rows:
        row["gold"] = sorted(set(row["gold"]))  # type: ignore[call-overload]
    write_jsonl(folder / "letters.jsonl", rows)
    (folder / "letters.yaml").write_text(CHOICE_PAGE)
    return folder / "letters.yaml"


def test_right_options_shuffled_are_right_as_often_as_their_places_coincide(cli: Callable, tmp_path: Path) -> None:
    """By hand: 10 rows each have right places 0; 0, 1; 0, 2, and all samples' first right place is 0."""
    page = choices(tmp_path)
    seen = cli("tasks", "validate", "--shuffled", page)
    assert seen.code == 0, seen.out + seen.err
    assert seen.out.count("score 1.000 under") == 4 and "(chance 1.000, n 30)" in seen.out
    rows = [json.loads(line) for line in (tmp_path / "letters.jsonl").read_text().splitlines()]
    write_jsonl(tmp_path / "letters.jsonl", [{**row, "gold": row["gold"][-1:]} for row in rows])
    seen = cli("tasks", "validate", "--shuffled", page)
    # A third of the places each; of 29 others 9 share the own one
    assert seen.code == 0 and "(chance 0.310, n 30)" in seen.out, seen.out


def test_a_page_that_lacks_the_empty_prompt_is_refused_before_a_model_loads(cli: Callable, tmp_path: Path) -> None:
    page = choices(tmp_path)
    page.write_text(CHOICE_PAGE.replace(", unconditional: true", ""))
    seen = cli("run", "--model", MODEL, "--style", "text", "--tasks", page)
    assert seen.code == 2 and "set `unconditional: true`" in seen.err and "letters.yaml:" in seen.err


# --- weights and own functions ----------------------------------------------------------------------

RULES_PAGE = """\
name: rules
version: 1
about: Conditions on a text, for tests.
source: {}
data: {path: ./rules.jsonl, split: test, columns: [words]}
reference: {answer: ["any"]}
prompt:
  text: {template: "Use {{ words | join(' and ') }}:"}
sampling: {max_tokens: 9}
score:
  - {by: page_code, name: strict, function: all_used}
  - by: page_code
    name: instructions
    function: used
    binary: false
    weight: "{{ words | length }}"
    metric: [weighted_mean]
metric: [mean]
"""
RULES_CODE = """\
def used(sample, completion):
    return sum(word in completion for word in sample["words"]) / len(sample["words"])


def all_used(sample, completion):
    return used(sample, completion) == 1
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "rules.jsonl", [{"words": ["a"]}, {"words": ["b", "c", "d"]}, {"words": ["e", "f"]}])
    (tmp_path / "rules.py").write_text(RULES_CODE)
    (tmp_path / "rules.yaml").write_text(RULES_PAGE)
    return tmp_path / "rules.yaml"


def test_conditions_are_counted_by_prompt_and_one_by_one(cli: Callable, rules: Path, tmp_path: Path) -> None:
    """1 of 1, 2 of 3 and 0 of 2 conditions: 1 of 3 prompts, 3 of 6 conditions; the empty answer has its weight too."""
    answers = [{"task": "rules", "sample_id": str(i), "completion": text} for i, text in enumerate(["a", "b or c", ""])]
    file = write_jsonl(tmp_path / "answers.jsonl", answers)
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", rules, "--trust-page-code")
    seen = cli(*words, "--out", "r", "--json")
    assert seen.code == 0, seen.err
    rows = {(row["scorer"], row["metric"]): row for row in json.loads(seen.out)["rows"]}
    assert set(rows) == {("strict", "mean"), ("instructions", "weighted_mean")}
    assert rows["strict", "mean"]["value"] == pytest.approx(1 / 3) and rows["strict", "mean"]["primary"]
    assert rows["instructions", "weighted_mean"]["value"] == pytest.approx(3 / 6)
    assert rows["instructions", "weighted_mean"]["method"] == "weighted"
    again = cli("rescore", "r", "--set", "data.trust_page_code=true", "--json")
    assert again.code == 0 and json.loads(again.out)["rows"] == json.loads(seen.out)["rows"], again.err


def test_what_a_function_answers_can_be_read_again(cli: Callable, rules: Path, tmp_path: Path) -> None:
    rules.with_suffix(".py").write_text(
        RULES_CODE
        + """

def all_used(sample, completion):
    if completion == "stop":
        raise SystemExit(0)
    return {"value": 1, "answer": 42 if "a" in completion else [1]}
"""
    )
    answers = [{"task": "rules", "sample_id": str(i), "completion": text} for i, text in enumerate(["a", "b", "stop"])]
    file = write_jsonl(tmp_path / "answers.jsonl", answers)
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", rules, "--trust-page-code")
    seen = cli(*words, "--out", "r", "--json")
    rows = {row["scorer"]: row["n"] for row in json.loads(seen.out)["rows"]}
    assert (seen.code, rows["strict"]) == (1, 1), "the run goes on, and two samples are unscored"
    shown = cli("show", "r")
    assert shown.code == 0 and "strict: 1\n" in shown.out and "3 of 3 samples" in shown.out, shown.err
    records = read_jsonl(tmp_path / "r/records.jsonl")
    found = {record["request"]["sample_id"]: record for record in records}
    assert found["0"]["scores"][0]["answer"] == "42"
    assert found["1"]["scores"][0]["failure"]["kind"] == "misused"
    assert "tried to end the program" in str(found["2"])


def test_another_function_scores_stored_answers_again(cli: Callable, rules: Path, tmp_path: Path) -> None:
    answers = [{"task": "rules", "sample_id": str(i), "completion": text} for i, text in enumerate(["a", "b c", "x"])]
    file = write_jsonl(tmp_path / "answers.jsonl", answers)
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", rules, "--trust-page-code", "--json")
    assert json.loads(cli(*words, "--out", "old").out)["rows"][0]["value"] == pytest.approx(1 / 3)
    assert cli(*words, "--out", "r").code == 0
    rules.with_suffix(".py").write_text(RULES_CODE.replace("== 1", "> 0"))
    resumed = cli(*words, "--out", "r")
    assert resumed.code == 2, "scores of two functions never share a journal"
    again = cli("rescore", "r", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["rows"][0]["value"] == pytest.approx(2 / 3)
    compared = cli("compare", "old", "r")
    assert compared.code == 2 and "tasks.rules.logic" in compared.err + compared.out, compared.err
    assert cli(*words, "--out", "r").code == 0, "a run that was scored again goes on with the new function"
    # What the file makes of a row is in the prompt
    rules.with_suffix(".py").write_text(
        RULES_CODE + "\ndef prepare(row):\n    return {'words': [*row['words'], 'z']}\n"
    )
    refused = cli("rescore", "r")
    assert refused.code == 2 and "3 stored answers match no request" in refused.err, refused.err


def test_an_example_of_what_a_run_sets_changes_no_request(cli: Callable, rules: Path, tmp_path: Path) -> None:
    answers = [{"task": "rules", "sample_id": "0", "completion": "a"}]
    file = write_jsonl(tmp_path / "answers.jsonl", answers)
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", rules, "--trust-page-code")
    setting = ("--set", "tasks.rules.data.where='{{ words | length == 1 }}'", "--out", "r")
    text = RULES_PAGE.replace("data: {", "data: {must_set: {where: 'True'}, ")
    rules.write_text(text)
    assert cli(*words, *setting).code == 0
    rules.write_text(text.replace("'True'", "'False'"))
    again = cli("rescore", "r")
    assert again.code == 0, again.err


def test_a_page_whose_function_judges_needs_no_gold_answer(cli: Callable, rules: Path) -> None:
    seen = cli("tasks", "validate", "--shuffled", "--trust-page-code", rules)
    assert seen.code == 0 and "empty scores 0; there is no gold answer to try" in seen.out, seen.out + seen.err
    rules.with_suffix(".py").write_text(RULES_CODE.replace("== 1", "> 2"))
    rules.write_text(RULES_PAGE + 'gold: "{{ words | join }}"\n')
    seen = cli("tasks", "validate", "--trust-page-code", rules)
    assert seen.code == 2 and "the gold answer of sample '0' scores 0.0 under 'strict'" in seen.out + seen.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('    weight: "{{ words | length }}"\n', "", "`weight`"),
        ("words | length }}", "words | length }} of 3", "must be a number, 0 or more"),
        ("words | length }}", "words | lengt }}", "does not parse"),
        ("function: all_used}", "function: all_used, metric: [mean]}", "`metric` of the first score is the page's own"),
        ("[weighted_mean]", "[weighted_men]", "did you mean 'weighted_mean'"),
        ("[weighted_mean]", "[pass@4]", "needs at least 4 repeats"),
    ],
)
def test_a_wrong_weight_or_metric_is_refused(cli: Callable, rules: Path, old: str, new: str, said: str) -> None:
    assert old in RULES_PAGE
    rules.write_text(RULES_PAGE.replace(old, new))
    seen = cli("tasks", "validate", "--trust-page-code", rules)
    assert seen.code == 2 and said in seen.out + seen.err and "rules.yaml:" in seen.out + seen.err


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("data: {", "data: {where: '{{ a ', "),
        ("answer: [", "answer: ['{{ a ', "),
        ("text: {", "text: {description: '{{ a ', "),
        ("text: {", "text: {shot: '{{ a ', "),
        ("text: {", "text: {target: '{{ a ', "),
        ('answer: ["any"]', "answer: '{{ a '"),
        ('{answer: ["any"]}', "{choice: {options: '{{ a ', gold: '{{ b }}'}}"),
        ('{answer: ["any"]}', "{choice: {options: '{{ a }}', gold: '{{ b '}}"),
        ('{answer: ["any"]}', "{tests: {language: python, tests: x, suffix: '{{ a '}}"),
        ('{answer: ["any"]}', "{tests: {language: python, cases: '{{ a '}}"),
    ],
)
def test_every_template_is_parsed_before_any_row(cli: Callable, rules: Path, where: str, what: str) -> None:
    assert where in RULES_PAGE
    rules.write_text(RULES_PAGE.replace(where, what, 1))
    (rules.parent / "rules.jsonl").unlink()
    seen = cli("tasks", "validate", "--trust-page-code", rules)
    assert seen.code == 2 and "does not parse" in seen.out + seen.err, seen.out + seen.err


def test_a_sweep_over_scores_takes_their_metrics_along(cli: Callable, rules: Path, tmp_path: Path) -> None:
    answers = [
        {"task": f"rules_{name}", "sample_id": str(i), "completion": text}
        for name in ("strict", "instructions")
        for i, text in enumerate(["a", "b or c", ""])
    ]
    file = write_jsonl(tmp_path / "answers.jsonl", answers)
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", rules, "--trust-page-code")
    seen = cli(*words, "--sweep", "extractor=strict,instructions", "--json")
    assert seen.code == 0, seen.err
    found = {row["task"]: (row["metric"], row["value"]) for row in json.loads(seen.out)["rows"]}
    assert found == {"rules_strict": ("mean", pytest.approx(1 / 3)), "rules_instructions": ("weighted_mean", 0.5)}
