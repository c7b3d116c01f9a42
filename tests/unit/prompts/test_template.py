"""Templates are strict: what is not there is an error, and no newline is lost."""

from __future__ import annotations

import pytest

from harness.errors import ConfigError, DataError
from harness.prompts.build import render


def test_every_newline_stays():
    assert render("{{ a }}\n\n", {"a": "x\n"}) == "x\n\n\n"


def test_text_is_not_escaped():
    assert render("{{ a }}", {"a": "<b> & 'c'"}) == "<b> & 'c'"


def test_an_unknown_variable_names_the_known_ones():
    with pytest.raises(DataError, match=r"'quesion' is undefined.*known: answer, question"):
        render("{{ quesion }}", {"question": 1, "answer": 2})


def test_after_reads_the_last_mark():
    assert render("{{ a | after('####') }}", {"a": "#### 1 \n#### 2 "}) == "2"
    with pytest.raises(DataError, match="####"):
        render("{{ a | after('####') }}", {"a": "none"})


def test_a_page_cannot_reach_into_python():
    with pytest.raises(DataError):
        render("{{ a.__class__.__mro__[1].__subclasses__() }}", {"a": "x"})


def test_bad_syntax_is_the_pages_fault():
    with pytest.raises(ConfigError, match="does not parse"):
        render("{{ a ", {"a": 1})


def test_a_null_is_never_an_answer_called_none():
    with pytest.raises(DataError, match="null"):
        render("{{ a }}", {"a": None})
    assert render("{{ a if a is not none else '' }}", {"a": None}) == ""
