"""A score by a function of the page's own Python file: what it may return, and when the file may run."""

from __future__ import annotations

import sys

import pytest
import yaml
from files import write_jsonl

from harness.catalog import Binder
from harness.config import pages
from harness.data.page_code import page_code
from harness.data.rows import Loader
from harness.datatypes import Answer, Completion, Failure, Sample, TextPrompt
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

def ends(sample, completion):
    raise SystemExit(0)

def counted(sample, completion):
    return {"value": 1, "answer": 42}

def answers_a_list(sample, completion):
    return {"value": 1, "answer": ["yes"]}

def explains_a_number(sample, completion):
    return {"value": 1, "explanation": 3}

def details_of(detail):
    return lambda sample, completion: {"value": 1, "detail": detail}

no_detail, no_keys = details_of(None), details_of({1: 2})
nested_keys, not_finite = details_of({"a": [{1: 2}]}), details_of({"a": float("nan")})
an_object = details_of({"a": {1}})
"""
SAMPLE = Sample("1", {"a": "yes"}, Answer(("yes",)))


def written(folder, entries, code=CODE):
    """A page of these `score` entries, and its source."""
    write_jsonl(folder / "rows.jsonl", [{"a": "yes"}])
    (folder / "own.py").write_text(code)
    page = {
        "name": "own", "version": 1, "about": "x", "source": {},
        "data": {"path": "./rows.jsonl", "split": "test", "columns": ["a"]},
        "reference": {"answer": ["{{ a }}"]}, "prompt": {"text": {"template": "?"}}, "sampling": {"max_tokens": 4},
        "score": list(entries), "metric": ["mean"],
    }  # fmt: skip
    (folder / "own.yaml").write_text(yaml.safe_dump(page))
    return pages.task_page(str(folder / "own.yaml"))


def scores(folder, *entries, trusted=True):
    """Score "yes" with a page of these `score` entries."""
    scorers = page_scorers(*written(folder, entries), Services("auto", Limits()).tools(), trusted)
    return [scorer.score_or_failure(SAMPLE, TextPrompt("?"), Completion("k", "yes", "eos")) for scorer in scorers]


def test_a_function_returns_a_number_or_what_it_knows_of_the_answer(tmp_path):
    plain, graded = scores(
        tmp_path, {"by": "page_code"}, {"by": "page_code", "name": "half", "function": "graded", "binary": False}
    )
    assert (plain.value, plain.answer) == (1.0, "yes")
    assert (graded.value, graded.answer, graded.explanation, graded.detail["weight"]) == (0.5, "YES", "half", 3)


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        ("no_number", "returned 'yes', which is no number"),
        ("misspelt", "the key 'vlaue'"),
        ("graded", "gives 0 or 1"),
        ("answers_a_list", "the `answer` ['yes'], which is no text"),
        ("explains_a_number", "the `explanation` 3, which is no text"),
        *((name, "the `detail` ") for name in ("no_detail", "no_keys", "nested_keys", "not_finite", "an_object")),
    ],
)
def test_what_is_no_score_leaves_the_sample_unscored(tmp_path, function, wrong):
    (score,) = scores(tmp_path, {"by": "page_code", "function": function})
    assert score.value is None and score.failure.ours and wrong in score.failure.message


def test_a_function_that_fails_is_a_fault_of_the_page(tmp_path):
    (failure,) = scores(tmp_path, {"by": "page_code", "function": "fails"})
    assert (failure.kind, failure.ours) == ("ZeroDivisionError", True)


def test_a_function_that_ends_the_program_leaves_the_sample_unscored(tmp_path):
    (failure,) = scores(tmp_path, {"by": "page_code", "function": "ends"})
    assert isinstance(failure, Failure) and failure.ours
    assert "tried to end the program (sys.exit(0))" in failure.message


def test_a_number_as_the_answer_is_kept_as_text(tmp_path):
    (score,) = scores(tmp_path, {"by": "page_code", "function": "counted"})
    assert (score.value, score.answer) == (1.0, "42")


def test_the_file_is_run_once_for_all_that_use_the_page(tmp_path):
    counting = "from pathlib import Path\nwith Path(__file__).with_name('loads').open('a') as f:\n    f.write('x')\n\n"
    counting += "def prepare(row):\n    return row\n\n"
    page, source = written(tmp_path, [{"by": "page_code"}, {"by": "page_code", "name": "b"}], counting + CODE)
    built = page_scorers(page, source, Services("auto", Limits()).tools(), trusted=True)
    Binder(Loader(), "text", trust_page_code=True).bind(page, source, built)
    assert (tmp_path / "loads").read_text() == "x"


def test_the_file_may_define_dataclasses(tmp_path):
    code = "from dataclasses import dataclass\n\n@dataclass\nclass Pair:\n    a: 'int'\n\n"
    for folder, value in ((tmp_path / "one", 1), (tmp_path / "two", 2)):
        folder.mkdir()
        source = written(folder, [{"by": "page_code"}], f"{code}def score(sample, completion):\n    return {value}\n")[
            1
        ]
        module = page_code(source, trusted=True).module
        assert sys.modules[module.__name__] is module and module.Pair(3) == module.Pair(3)
    assert len({name for name in sys.modules if name.startswith("harness_task_own_")}) >= 2, "one of each path"


def test_the_file_must_be_trusted_and_have_the_function(tmp_path):
    with pytest.raises(ConfigError, match=r"own.py: the page brings Python code.*--trust-page-code"):
        scores(tmp_path, {"by": "page_code"}, trusted=False)
    with pytest.raises(ConfigError, match=r"own.yaml:\d+.*own.py: has no function `judge`"):
        scores(tmp_path, {"by": "page_code", "function": "judge"})


def test_pages_may_share_a_file_and_one_that_is_missing_is_no_page_without_code(tmp_path):
    """`code` names it; a slip in the name must not leave the rows unprepared."""
    scores(tmp_path, {"by": "page_code"})
    page = yaml.safe_load((tmp_path / "own.yaml").read_text())
    for name, code in (("second", "own.py"), ("third", "onw.py")):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(page | {"name": name, "code": code}))
    tools = Services("auto", Limits()).tools()
    (scorer,) = page_scorers(*pages.task_page(str(tmp_path / "second.yaml")), tools, True)
    assert scorer.score(SAMPLE, TextPrompt("?"), Completion("k", "yes", "eos")).value == 1.0
    plain = page | {"name": "fourth", "code": "onw.py", "score": [{"by": "exact_match"}]}
    (tmp_path / "fourth.yaml").write_text(yaml.safe_dump(plain))
    loaded, source = pages.task_page(str(tmp_path / "fourth.yaml"))
    with pytest.raises(ConfigError, match=r"there is no .*onw.py, the page's Python file"):
        Binder(Loader(), "text").bind(loaded, source, page_scorers(loaded, source, tools, True))
    (tmp_path / "fourth.yaml").write_text(yaml.safe_dump(plain | {"code": "../own.py"}))
    with pytest.raises(ConfigError, match=r"fourth.yaml:\d+: code: "):
        pages.task_page(str(tmp_path / "fourth.yaml"))
