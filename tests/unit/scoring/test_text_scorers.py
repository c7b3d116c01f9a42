"""Scores of generated text are those of the libraries that the field uses, for each text and for the corpus."""

from __future__ import annotations

import importlib.util
import math
import random

import pytest

from harness.analysis.estimates import estimate_suite, estimate_task
from harness.datatypes import (
    RECORD_SCHEMA,
    Answer,
    Completion,
    Failure,
    GenerateRequest,
    Record,
    Refusal,
    Sample,
    Sampling,
    Score,
    TextPrompt,
)
from harness.errors import ConfigError
from harness.execution.base import Limits
from harness.results import Estimate
from harness.scoring.base import TaskScorer, Tools
from harness.scoring.factory import build_scorers
from harness.scoring.golds import gold_fault
from harness.stats.jackknife import jackknife_interval
from harness.store.slim import slim


def refuse() -> None:
    raise AssertionError("no tool is needed here")


TOOLS = Tools(sandbox=refuse, math=refuse, limits=Limits())  # type: ignore[arg-type]
TEXTS = [
    ("The cat sat on the mat.", ("The cat is sitting on the mat.", "A cat sat on a mat.")),
    ("It's raining cats and dogs, today", ("It is raining heavily today.",)),
    ("", ("An empty text still has a reference of nine words.",)),
    ("Übung macht den Meister", ("Übung macht den Meister!",)),
    ("ok", ("ok",)),
    ("Nothing in common here at all", ("Ganz andere Wörter stehen dort",)),
    ("one two three four five six seven", ("one two three four five six eight nine ten", "seven six five")),
]


def scorer_of(entry: dict[str, object]) -> TaskScorer:
    return build_scorers([entry], TOOLS)[0]


def record_of(scorer: TaskScorer, place: int, text: str, golds: tuple[str, ...]) -> Record:
    request = GenerateRequest(f"k{place}", "t", f"{place:03}", 0, TextPrompt("?"), Sampling(max_tokens=9))
    reply = Completion(request.key, text, "eos")
    score = scorer.score(Sample(request.sample_id, {}, Answer(golds)), request.prompt, reply)
    return slim(Record(RECORD_SCHEMA, "run", request, reply, (score,)))


def estimate(entry: dict[str, object], metric: str, texts: list[tuple[str, tuple[str, ...]]]) -> Estimate:
    records = [record_of(scorer_of(entry), place, *pair) for place, pair in enumerate(texts)]
    return estimate_task("t", records, [metric], repeats=1)[0]


def columns(texts: list[tuple[str, tuple[str, ...]]]) -> list[list[str | None]]:
    """References as sacrebleu has them: the first of each text, the second of each, ..."""
    most = max(len(golds) for _, golds in texts)
    return [[golds[place] if place < len(golds) else None for _, golds in texts] for place in range(most)]


@pytest.mark.parametrize(
    ("options", "theirs"),
    [({}, {}), ({"tokenize": "char"}, {"tokenize": "char"}), ({"ignore_case": True}, {"lowercase": True})],
)
def test_bleu_of_a_corpus_is_sacrebleu_s(options: dict[str, object], theirs: dict[str, object]) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    expected = sacrebleu.corpus_bleu([text for text, _ in TEXTS], columns(TEXTS), **theirs).score
    assert 5 < expected < 95
    found = estimate({"by": "bleu", **options}, "bleu", TEXTS)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert (found.method, found.n) == ("jackknife", len(TEXTS))
    assert 0 <= found.low < found.value < found.high <= 100  # type: ignore[operator]


@pytest.mark.parametrize(
    ("options", "theirs"),
    [({}, {}), ({"word_order": 2}, {"word_order": 2}), ({"ignore_case": True}, {"lowercase": True})],
)
def test_chrf_of_a_corpus_is_sacrebleu_s(options: dict[str, object], theirs: dict[str, object]) -> None:
    """Sacrebleu's own `corpus_chrf` has no `lowercase`, so its class is the oracle."""
    metrics = pytest.importorskip("sacrebleu.metrics")
    expected = metrics.CHRF(**theirs).corpus_score([text for text, _ in TEXTS], columns(TEXTS)).score
    assert 5 < expected < 95
    assert estimate({"by": "chrf", **options}, "chrf", TEXTS).value == pytest.approx(expected, abs=1e-9)


def test_one_text_is_scored_as_a_sentence() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    for place, (text, golds) in enumerate(TEXTS):
        found = record_of(scorer_of({"by": "chrf"}), place, text, golds).scores[0].value
        assert found == pytest.approx(sacrebleu.sentence_chrf(text, list(golds)).score / 100)
        found = record_of(scorer_of({"by": "bleu"}), place, text, golds).scores[0].value
        assert found == pytest.approx(sacrebleu.sentence_bleu(text, list(golds)).score / 100)


def test_rouge_is_google_s() -> None:
    """By hand for ROUGE-1 and ROUGE-L: 4 of 6 and 4 of 7 words in common, in order."""
    pytest.importorskip("rouge_score")
    text, gold = "the cat sat on the mat", "the cat is sitting on a mat"
    expected = 2 * (4 / 6) * (4 / 7) / (4 / 6 + 4 / 7)
    for kind, value in (
        ("rouge1", expected),
        ("rougeL", expected),
        ("rouge2", 2 * (1 / 5) * (1 / 6) / (1 / 5 + 1 / 6)),
    ):
        found = record_of(scorer_of({"by": "rouge", "kind": kind}), 0, text, ("nothing alike", gold)).scores[0].value
        assert found == pytest.approx(value), kind


@pytest.mark.parametrize(
    ("gold", "text", "f1", "exact"),
    [
        ("the Normandy coast", "in Normandy, the coast of France", 0.5714285714285715, 0.0),
        ("10,000", "about 10000 men", 0.5, 0.0),
        ("May 22, 2002", "22 May 2002", 1.0, 0.0),
        ("U.S.", "the US", 1.0, 1.0),
        ("The", "an", 1.0, 1.0),
        ("die Katze", "eine Katze", 0.5, 0.0),
        ("東京", "東京都", 0.0, 0.0),
    ],
)
def test_words_in_common_are_squad_s(gold: str, text: str, f1: float, exact: float) -> None:
    """The values are those of `squad_metrics` of transformers 4.46, which lm-evaluation-harness calls for XQuAD."""
    golds = ("something else entirely", gold)
    assert record_of(scorer_of({"by": "token_f1"}), 0, text, golds).scores[0].value == pytest.approx(f1)
    found = record_of(scorer_of({"by": "token_f1", "measure": "exact"}), 0, text, golds).scores[0]
    assert found.value == exact


ENTRIES = [{"by": "chrf"}, {"by": "bleu"}, {"by": "rouge"}, {"by": "token_f1"}, {"by": "token_f1", "measure": "exact"}]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: " ".join(map(str, entry.values())))
@pytest.mark.parametrize("gold", ["ok", "The cat sat on the mat, in 1999.", "x y"])
def test_the_gold_text_scores_1_and_an_empty_one_0(entry: dict[str, object], gold: str) -> None:
    pytest.importorskip("sacrebleu")
    pytest.importorskip("rouge_score")
    request = GenerateRequest("k", "t", "s", 0, TextPrompt("?"), Sampling(max_tokens=9))
    assert gold_fault([scorer_of(entry)], Sample("s", {}, Answer((gold, "other")), gold), request) is None


def test_a_withheld_text_counts_as_an_empty_one() -> None:
    """A corpus score without the references of what the model did not answer would rise with each refusal."""
    pytest.importorskip("sacrebleu")
    for by in ("bleu", "chrf"):
        scorer = scorer_of({"by": by})
        scorer.sums = (by,)
        sample = Sample("s", {}, Answer(("a reference of five words",)))
        empty = scorer.score(sample, TextPrompt("?"), Completion("k", "", "eos"))
        filtered = scorer.score(sample, TextPrompt("?"), Completion("k", "a reference", "filtered"))
        refused = scorer.refused(sample, Failure("engine", "policy", "no", ours=False))
        assert empty.detail[by] == filtered.detail[by] == refused.detail[by] and sum(empty.detail[by]) > 0
        assert {empty.value, filtered.value, refused.value} == {0.0}
        assert isinstance(Refusal("k", refused.failure), Refusal)  # type: ignore[arg-type]


def test_a_missing_package_is_one_line_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    hidden = ("sacrebleu", "rouge_score")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in hidden else found(name, *rest))
    for by in ("bleu", "chrf", "rouge"):
        with pytest.raises(ConfigError, match=r"scorer '.*' needs the package .*: pip install 'harness\[text\]'"):
            scorer_of({"by": by})


def test_texts_are_averaged_with_texts_only() -> None:
    pytest.importorskip("sacrebleu")
    from dataclasses import replace

    bleu = estimate({"by": "bleu"}, "bleu", TEXTS)
    two = estimate_suite("s", [bleu, replace(bleu, task="u")])
    assert two is not None and two.value == pytest.approx(bleu.value)
    mixed = estimate_suite("s", [bleu, replace(estimate({"by": "token_f1"}, "mean", TEXTS), task="u")])
    assert mixed is not None and mixed.value is None and "t is no share of right answers" in mixed.warnings[0]


def test_scores_without_counts_are_refused() -> None:
    pytest.importorskip("sacrebleu")
    request = GenerateRequest("k", "t", "s", 0, TextPrompt("?"), Sampling(max_tokens=9))
    record = Record(RECORD_SCHEMA, "run", request, Completion("k", "x", "eos"), (Score("own", 1.0),))
    with pytest.raises(ConfigError, match="metric bleu needs scores by bleu"):
        estimate_task("t", [record], ["bleu"], repeats=1)


# --- the interval -----------------------------------------------------------------------------------


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = [3.0, 8.0, 1.0, 4.0, 9.0]
    found = jackknife_interval([(v, 1.0) for v in values], range(5), lambda s: s[0] / s[1], (0.0, 100.0))
    mean = sum(values) / 5
    assert found.value == mean
    assert found.stderr == pytest.approx(math.sqrt(sum((v - mean) ** 2 for v in values) / 4 / 5))


def test_the_jackknife_of_bleu_is_about_its_bootstrap() -> None:
    pytest.importorskip("sacrebleu")
    from sacrebleu.metrics import BLEU

    from harness.analysis.metric import parse

    rng = random.Random(7)
    words = [f"w{number}" for number in range(40)]
    texts = []
    for _ in range(120):
        gold = [rng.choice(words) for _ in range(rng.randint(5, 25))]
        text = [word if rng.random() < 0.8 else rng.choice(words) for word in gold]
        texts.append((" ".join(text), (" ".join(gold),)))
    found = estimate({"by": "bleu"}, "bleu", texts)
    score = parse("bleu").score  # type: ignore[union-attr]
    bleu = BLEU(effective_order=True)
    counts = []
    for text, golds in texts:
        one = bleu.sentence_score(text, list(golds))
        counts.append([one.sys_len, one.ref_len, *one.counts, *one.totals])
    drawn = []
    for _ in range(400):
        picked = rng.choices(counts, k=len(counts))
        drawn.append(score([sum(column) for column in zip(*picked, strict=True)]))
    mean = sum(drawn) / len(drawn)
    spread = math.sqrt(sum((one - mean) ** 2 for one in drawn) / len(drawn))
    assert found.stderr == pytest.approx(spread, rel=0.15)


def test_samples_of_a_group_are_left_out_together() -> None:
    parts, alone = [(1.0, 1.0), (1.0, 1.0), (0.0, 1.0), (0.0, 1.0)], range(4)

    def share(sums: object) -> float:
        return sums[0] / sums[1]  # type: ignore[index]

    grouped = jackknife_interval(parts, [0, 0, 1, 1], share, (0.0, 100.0))
    assert grouped.stderr > jackknife_interval(parts, alone, share, (0.0, 100.0)).stderr  # type: ignore[operator]
    assert jackknife_interval(parts, [0] * 4, share, (0.0, 100.0)).low is None
