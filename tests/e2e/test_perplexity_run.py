"""A user asks how well a model predicts a corpus: page, run, table, against a plain forward pass."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from files import REPO, write_jsonl
from transformers import AutoModelForCausalLM, AutoTokenizer

MODEL = REPO / "harness" / "demo" / "models" / "demo-smaller"
TEXTS = [
    "Lin cycles 15 km an hour for 2 hours.",
    "def handle(data):\n    return data\n",
    "Nobody knows what a naïve model makes of this, " * 4,
]
PAGE = """\
name: prose
version: 1
about: Texts, for tests.
source: {licence: Apache-2.0}
data: {path: ./prose.jsonl, split: test, columns: [text]}
reference: {text: "{{ text }}"}
ask: rolling_loglikelihood
score:
  - by: text_likelihood
metric: [bits_per_byte, byte_perplexity, word_perplexity]
"""


@pytest.fixture
def prose(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "prose.jsonl", [{"text": text} for text in TEXTS])
    (tmp_path / "prose.yaml").write_text(PAGE, encoding="utf-8")
    return tmp_path / "prose.yaml"


def surprise() -> float:
    """The oracle: minus the log-probability of each text after the start token, by one plain forward pass."""
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32).eval(),
        AutoTokenizer.from_pretrained(MODEL),
    )
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    total = 0.0
    for text in TEXTS:
        ids = torch.tensor([[start, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            logprobs = model(ids).logits[0, :-1].double().log_softmax(-1)
        total -= float(logprobs.gather(1, ids[0, 1:, None]).sum())
    return total


@pytest.mark.parametrize("engine", ["local", "reference"])
def test_bits_per_byte_are_a_plain_forward_pass_s(cli: Callable, prose: Path, engine: str) -> None:
    seen = cli("run", "--model", MODEL, "--tasks", prose, "--engine", engine, "--json")
    assert seen.code == 0, seen.err
    rows = {row["metric"]: row for row in json.loads(seen.out)["rows"]}
    size, words = sum(len(text.encode()) for text in TEXTS), 9 + 5 + 37
    assert rows["bits_per_byte"]["value"] == pytest.approx(surprise() / math.log(2) / size, rel=1e-5)
    assert rows["byte_perplexity"]["value"] == pytest.approx(math.exp(surprise() / size), rel=1e-5)
    assert rows["word_perplexity"]["value"] == pytest.approx(math.exp(surprise() / words), rel=1e-4)


def test_short_windows_give_each_token_less_to_go_by(cli: Callable, prose: Path) -> None:
    values = []
    for window in (2048, 16):
        words = ("--set", f"engine.context_window={window}", "--out", f"w{window}")
        seen = cli("run", "--model", MODEL, "--tasks", prose, "--json", *words)
        assert seen.code == 0, seen.err
        values.append(json.loads(seen.out)["rows"][0]["value"])
    assert values[0] < values[1]


def test_the_page_is_shown_and_validated(cli: Callable, prose: Path) -> None:
    assert cli("tasks", "validate", prose).code == 0
    shown = cli("tasks", "show", prose)
    assert shown.code == 0 and TEXTS[0] in shown.out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ask: rolling_loglikelihood", "sampling: {max_tokens: 3}", "goes with `reference: {text: ...}`"),
        ("ask: rolling", "prompt: {text: {template: 'x'}}\nask: rolling", "has no prompt"),
        ("by: text_likelihood", "by: exact_match", "does not score the likelihood of a text"),
        (
            "metric: [bits_per_byte",
            "metric: [mean, bits_per_byte",
            "mean does not go with `ask: rolling_loglikelihood`",
        ),
        ("by: text_likelihood", "by: text_likelihood\n    count: '{{ text'", "does not parse"),
    ],
)
def test_a_page_that_mixes_things_up_is_refused(cli: Callable, prose: Path, old: str, new: str, said: str) -> None:
    prose.write_text(PAGE.replace(old, new), encoding="utf-8")
    seen = cli("run", "--model", MODEL, "--tasks", prose)
    assert seen.code != 0 and "Traceback" not in seen.err
    assert said in seen.err + seen.out


def test_a_gate_on_a_perplexity_is_not_read_the_wrong_way(cli: Callable, prose: Path) -> None:
    seen = cli("run", "--model", MODEL, "--tasks", prose, "--fail-under", "0.9")
    assert seen.code == 0 and "lower is better" in seen.err


def test_a_perplexity_of_answers_is_refused_before_a_model_loads(cli: Callable, sums: Path) -> None:
    sums.write_text(sums.read_text().replace("metric: [mean]", "metric: [bits_per_byte]"))
    seen = cli("run", "--model", MODEL, "--tasks", sums)
    assert seen.code == 2
    assert "sums.yaml" in seen.err and "does not go with `ask: generate`" in seen.err and "level" not in seen.err


def test_words_and_bytes_may_be_counted_in_another_text(cli: Callable, prose: Path) -> None:
    values = {}
    for count in ("", "\n    count: '{{ text }}{{ text }}'"):
        prose.write_text(PAGE.replace("by: text_likelihood", f"by: text_likelihood{count}"), encoding="utf-8")
        seen = cli("run", "--model", MODEL, "--tasks", prose, "--json", "--out", f"r{len(values)}")
        assert seen.code == 0, seen.err
        values[count] = json.loads(seen.out)["rows"][0]["value"]
    plain, doubled = values.values()
    assert doubled == pytest.approx(plain / 2)


def test_unbroken_text_has_no_word_perplexity_and_still_a_table(cli: Callable, prose: Path) -> None:
    write_jsonl(prose.parent / "prose.jsonl", [{"text": "xq" * 1500}, {"text": "zj" * 1500}])
    seen = cli("run", "--model", MODEL, "--tasks", prose, "--json")
    assert seen.code == 0, seen.err
    found = json.loads(seen.out)
    assert found["rows"][0]["value"] > 0 and found["rows"][2]["value"] is None
    assert any("word_perplexity overflows a float" in warning for warning in found["warnings"])


def test_the_shipped_page_scores_the_article_and_counts_in_the_data(cli: Callable, tmp_path: Path) -> None:
    """Made rows in the form of the data: spaces around marks, headings in = signs."""
    page = ' = Oak = \n \n The oak \'s wood , 1 @,@ 000 kg ( dry ) , is " hard " . \n'
    write_jsonl(
        tmp_path / "EleutherAI/wikitext_document_level/wikitext-2-raw-v1/test.jsonl", [{"page": page}, {"page": "A . "}]
    )
    words = ("--mirror", tmp_path, "--set", "tasks.wikitext.expected_count=2", "--out", "r")
    seen = cli("run", "--model", MODEL, "--tasks", "wikitext", *words)
    assert seen.code == 0, seen.err
    records = [json.loads(line) for line in (tmp_path / "r/records.jsonl").read_text().splitlines()]
    first = next(record for record in records if record["request"]["sample_id"] == "0")
    assert first["request"]["text"] == ' = Oak =\n\nThe oak\'s wood, 1,000 kg (dry), is "hard".\n'
    detail = first["scores"][0]["detail"]
    assert (detail["bytes"], detail["words"]) == (len(page.encode()), len(page.split()) + 2)
