"""A score by a function of the page's own Python file: what it may return, and when the file may run."""

from __future__ import annotations

import pytest
import yaml
from files import write_jsonl

from harness.config import pages
from harness.datatypes import Answer, Completion, Sample, TextPrompt
from harness.errors import ConfigError
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

CODE = """\
def score(sample, completion):
    return completion == sample["a"]

def graded(sample, completion):
    return {"value": 0.5, "answer": completion.upper(), "explanation": "half", "detail": {"weight": 3}}

def no_number(sample, completion):
    return "yes"

def misspelt(sample, completion):
    return {"vlaue": 1}

def fails(sample, completion):
    return 1 / 0
"""
SAMPLE = Sample("1", {"a": "yes"}, Answer(("yes",)))


def scores(folder, *entries, trusted=True):
    """Score "yes" with a page of these `score` entries."""
    write_jsonl(folder / "rows.jsonl", [{"a": "yes"}])
    (folder / "own.py").write_text(CODE)
    page = {
        "name": "own", "version": 1, "about": "x", "source": {},
        "data": {"path": "./rows.jsonl", "split": "test", "columns": ["a"]},
        "reference": {"answer": ["{{ a }}"]}, "prompt": {"text": {"template": "?"}}, "sampling": {"max_tokens": 4},
        "score": list(entries), "metric": ["mean"],
    }  # fmt: skip
    (folder / "own.yaml").write_text(yaml.safe_dump(page))
    scorers = page_scorers(*pages.task_page(str(folder / "own.yaml")), Services("auto", Limits()).tools(), trusted)
    return [scorer.score_or_failure(SAMPLE, TextPrompt("?"), Completion("k", "yes", "eos")) for scorer in scorers]


def test_a_function_returns_a_number_or_what_it_knows_of_the_answer(tmp_path):
    plain, graded = scores(
        tmp_path, {"by": "page_code"}, {"by": "page_code", "name": "half", "function": "graded", "binary": False}
    )
    assert (plain.value, plain.answer) == (1.0, "yes")
    assert (graded.value, graded.answer, graded.explanation, graded.detail["weight"]) == (0.5, "YES", "half", 3)


@pytest.mark.parametrize(
    ("function", "wrong"),
    [("no_number", "returned 'yes', which is no number"), ("misspelt", "the key 'vlaue'"), ("graded", "gives 0 or 1")],
)
def test_what_is_no_score_leaves_the_sample_unscored(tmp_path, function, wrong):
    (score,) = scores(tmp_path, {"by": "page_code", "function": function})
    assert score.value is None and score.failure.ours and wrong in score.failure.message


def test_a_function_that_fails_is_a_fault_of_the_page(tmp_path):
    (failure,) = scores(tmp_path, {"by": "page_code", "function": "fails"})
    assert (failure.kind, failure.ours) == ("ZeroDivisionError", True)


def test_the_file_must_be_trusted_and_have_the_function(tmp_path):
    with pytest.raises(ConfigError, match=r"own.py: the page brings Python code.*--trust-page-code"):
        scores(tmp_path, {"by": "page_code"}, trusted=False)
    with pytest.raises(ConfigError, match=r"own.yaml:\d+.*own.py: has no function `judge`"):
        scores(tmp_path, {"by": "page_code", "function": "judge"})
